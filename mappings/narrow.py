"""Fitting a mapping to a source and a pool: which fields and attributes exist, what a preset leaves out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from connectors.errors import ConfigurationError, look_like_data, unknown_field, unknown_name
from mappings.origins import uses
from mappings.spec import HashRule, ListRule, MappingSpec, Origin, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mappings.problems import Path

R = TypeVar("R", bound=Origin)

_LEADS = re.compile(r"(?:\.[^.\[]+|\[\d+\])+\Z")
"""The rest of a path that may lead on: names and indexes. Nobody has ``[*]``, ``[-1]`` or ``[?(@.x)]``."""


def rules_of(spec: MappingSpec) -> Iterator[tuple[str, Path, Rule | HashRule | ListRule]]:
    """Yield target, path and rule of everything that a mapping fills, in the order of ``REASON``."""
    yield "username", ("username",), spec.username
    for name, attribute in spec.attributes.items():
        yield name, ("attributes", name), attribute
    for target in ("password_hash", "password", "groups", "enabled", "mfa", "identities"):
        found = getattr(spec, target)
        if isinstance(found, tuple):
            yield from ((target, (target, at), rule) for at, rule in enumerate(found))
        elif found is not None:
            yield target, (target,), found


def check_attributes(spec: MappingSpec, known: Iterable[str] | None, where: str) -> None:
    """Refuse attributes that the pool does not have.

    Raises:
        ConfigurationError: it names each of them and those that the pool has.
    """
    names = None if known is None else set(known)
    unknown = [name for name in spec.attributes if names is not None and name not in names]
    _refuse(
        (
            unknown_name(
                "attribute of the pool", name, names or (), where=_place(spec, where, ("attributes", name))
            )
        )
        for name in unknown
    )


def narrowed(
    spec: MappingSpec, *, key: str | None, known_fields: Sequence[str] | None, where: str
) -> MappingSpec:
    """Leave out what a preset would read from fields that the source does not have.

    Raises:
        ConfigurationError: a rule of the run's own, or ``key``, names a field that does not exist.
    """
    if known_fields is None:
        return spec
    known = KnownFields(known_fields)
    spec = _fitted(spec, known, where)
    problems = [
        _unknown(field, known, _place(spec, where, (*path, *below)))
        for _, path, rule in rules_of(spec)
        for below, field in uses(rule)
        if not known.has(field)
    ]
    if key is not None and not known.has(key):
        problems.append(_unknown(key, known, "key"))
    _refuse(problems)
    return spec


def unknown_fields(spec: MappingSpec, known_fields: Sequence[str], key: str | None) -> list[str]:
    """The fields that a mapping and ``key`` ask for and that are not known, each once."""
    known = KnownFields(known_fields)
    asked = [field for _, _, rule in rules_of(spec) for _, field in uses(rule)] + ([key] if key else [])
    return [field for field in dict.fromkeys(asked) if not known.has(field)]


class KnownFields:
    """The fields of a source.

    A path is known if its beginning is, since a source may have looked at a sample only, and so
    is the beginning of a known path. What follows the beginning must be a path itself.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._set = set(names) | {name[:at] for name in names for at, mark in enumerate(name) if mark in ".["}

    def has(self, field: str) -> bool:
        """Whether a source of these fields has a field."""
        ways = ((field[:at], field[at:]) for at, mark in enumerate(field) if mark in ".[")
        return field in self._set or any(start in self._set and _LEADS.match(rest) for start, rest in ways)


def _fitted(spec: MappingSpec, known: KnownFields, where: str) -> MappingSpec:
    """The same mapping without what a preset alone asks for in vain."""
    changes: dict[str, object] = {
        "attributes": {
            name: fit
            for name, rule in spec.attributes.items()
            if (fit := _fit(rule, known, of_preset=spec.is_preset(("attributes", name)))) is not None
        }
    }
    for target in ("password_hash", "password", "enabled", "mfa"):
        rule = getattr(spec, target)
        changes[target] = rule and _fit(rule, known, of_preset=spec.is_preset((target,)))
    for target in ("groups", "identities"):
        rules = (_fit(rule, known, of_preset=spec.is_preset((target,))) for rule in getattr(spec, target))
        changes[target] = tuple(rule for rule in rules if rule is not None)
    username = _fit(spec.username, known, of_preset=spec.is_preset(("username",)))
    if username is None:
        tried = ", ".join(field for _, field in uses(spec.username))
        text = f"{where}: " if where else ""
        raise ConfigurationError(
            f"{text}the source has none of the fields that the preset takes `username` from ({tried}).",
            f"Add a rule `username`. Fields of the source: {_shown(known)}.",
        )
    return spec.model_copy(update={**changes, "username": username})


def _fit(rule: R, known: KnownFields, *, of_preset: bool) -> R | None:
    """A preset's rule as far as its fields exist; None where they do not; any other rule as it is."""
    if not of_preset:
        return rule
    if rule.first_of is not None:
        left = tuple(field for field in rule.first_of if known.has(field))
        change = {"first_of": None, "from_": left[0]} if len(left) == 1 else {"first_of": left}
        return rule.model_copy(update=change) if left else None
    return rule if all(known.has(field) for _, field in uses(rule)) else None


def _unknown(field: str, known: KnownFields, where: str) -> str:
    return " ".join(unknown_field("field of the source", field, known.names, where=where)).strip()


def _shown(known: KnownFields) -> str:
    if look_like_data(known.names):
        return "not shown, since they look like data; a CSV file without a header line needs `columns`"
    return ", ".join(known.names)


def _place(spec: MappingSpec, where: str, path: Path) -> str:
    return spec.place(where, path).removesuffix(": ")


def _refuse(problems: Iterable[str]) -> None:
    if text := "\n".join(problems):
        raise ConfigurationError(text)
