"""Which presets fit a source, by its kind and the names of its fields; each says what it is known by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mappings.narrow import KnownFields, rules_of
from mappings.origins import uses
from mappings.presets_read import Sign, preset, preset_names, read_preset
from mappings.spec import parse_mapping

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

LEAST_SHARE: Final = 0.75
"""Share of its rules that a preset must find fields for, where it does not say what it is recognised by."""

LEAST_OF_ITS_OWN: Final = 3
"""Fields that it must find besides those that users have everywhere."""

_COMMON: Final = "plain"
"""The preset of the names that users have everywhere."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """A preset that fits.

    Attributes:
        preset: its name.
        why: what it was recognised by, as the end of a sentence.
    """

    preset: str
    why: str


def recognised(kind: str, fields: Sequence[str], filled: Collection[str]) -> list[Recognised]:
    """Find the presets that fit a source, the closest first.

    Args:
        kind: its kind.
        fields: names of its fields.
        filled: those that anybody of a sample has a value in.
    """
    known, full = KnownFields(fields), KnownFields(sorted(filled))
    found = []
    for name in preset_names():
        signs = read_preset(name).signs
        fitting = [sign for sign in _told_by_rules(name, known) if sign.fields] if signs is None else signs
        for sign in fitting:
            if (not sign.kinds or kind in sign.kinds) and all(known.has(field) for field in sign.fields):
                rank = (sum(full.has(field) for field in sign.fields), kind in sign.kinds, len(sign.fields))
                found.append((rank, name, sign))
    found.sort(key=lambda one: (*(-int(part) for part in one[0]), one[1]))
    best = {name: sign for _, name, sign in reversed(found)}
    return [Recognised(name, _why(kind, best[name])) for name in dict.fromkeys(name for _, name, _ in found)]


def asked_by_presets(kind: str, fields: Sequence[str]) -> list[str]:
    """The fields, and paths into them, that the presets ask for which may fit a source."""
    known = KnownFields(fields)
    specs = (parse_mapping(one.preset, where="") for one in recognised(kind, fields, ()))
    asked = (field for spec in specs for _, _, rule in rules_of(spec) for _, field in uses(rule))
    return [field for field in dict.fromkeys(asked) if known.has(field)]


def _why(kind: str, sign: Sign) -> str:
    said = [f"kind {kind}"] if kind in sign.kinds else []
    said += [f"the fields {', '.join(sign.fields)}"] if sign.fields else []
    return " and ".join(said)


def _told_by_rules(name: str, known: KnownFields) -> tuple[Sign, ...]:
    """The fields of its own that a preset finds, if it finds enough of what its rules read."""
    common = {field for _, _, rule in rules_of(parse_mapping(_COMMON, where="")) for _, field in uses(rule)}
    spec = parse_mapping(dict(preset(name)), where=f"preset {name}")
    asked = [[field for _, field in uses(rule)] for _, _, rule in rules_of(spec)]
    met = [[field for field in one if known.has(field)] for one in asked if one]
    own = dict.fromkeys(field for one in met for field in one if field not in common)
    enough = len(own) >= LEAST_OF_ITS_OWN and sum(map(bool, met)) >= LEAST_SHARE * len(met)
    is_named = any(known.has(field) for _, field in uses(spec.username))
    return (Sign(fields=tuple(own)),) if enough and is_named else ()
