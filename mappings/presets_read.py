"""The mappings that ship with Poolferry: one YAML file each in ``presets/``.

Beside rules a preset may say what its users are recognised by, so that ``poolferry init`` takes it:

    recognised_by:
      - {kinds: [ldap], fields: [objectGUID, sAMAccountName]}

Each item is enough by itself: the source is of one of the ``kinds`` (any, where none is named) and has all of
the ``fields``. An empty list: by nothing. Without the key the fields that its rules read decide.

``source`` says how they are read from a database; ``preset_sources.py`` has its form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from itertools import takewhile
from typing import Any, Final

from connectors.errors import ConfigurationError, unknown_name
from mappings.documents import parse_yaml
from mappings.preset_sources import PresetSource, parse_source

_SUFFIX = ".yaml"
_RECOGNISED_BY: Final = "recognised_by"
_SOURCE: Final = "source"
_KEYS: Final = ("kinds", "fields")


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that users of a preset are recognised by.

    Attributes:
        kinds: kinds of source; none: any.
        fields: names of fields that the source has, all of them.
    """

    kinds: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset's file.

    Attributes:
        rules: its rules, as the file has them.
        signs: what its users are recognised by; None where the file does not say.
        words: the comment that the file begins with, line by line: what a person has to know.
        source: how its users are read from a database; None where the file does not say.
    """

    rules: Mapping[str, Any]
    signs: tuple[Sign, ...] | None
    words: tuple[str, ...] = ()
    source: PresetSource | None = None


def preset_names() -> tuple[str, ...]:
    """Names of all presets, sorted."""
    found = (entry.name for entry in (files("mappings") / "presets").iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX)))


def preset(name: object, *, where: str = "") -> Mapping[str, Any]:
    """The rules of one preset, as its file has them.

    Raises:
        ConfigurationError: there is no preset of that name; the text lists those that exist.
    """
    return read_preset(name, where=where).rules


def read_preset(name: object, *, where: str = "") -> Preset:
    """One preset's file.

    Raises:
        ConfigurationError: there is no preset of that name; the text lists those that exist.
    """
    if name not in preset_names():
        raise ConfigurationError(unknown_name("preset", str(name), preset_names(), where=where))
    text = (files("mappings") / "presets" / f"{name}{_SUFFIX}").read_text(encoding="utf-8")
    return parse_preset(text, where=f"preset {name}")


def parse_preset(text: str, *, where: str) -> Preset:
    """Read the text of a preset.

    Raises:
        ConfigurationError: it is no map of rules, or has ``recognised_by`` or ``source`` in another form.
    """
    data = parse_yaml(text, where=where)
    if not isinstance(data, Mapping):
        raise ConfigurationError(f"{where}: a preset is a map of rules.")
    rules = {key: rule for key, rule in data.items() if key not in (_RECOGNISED_BY, _SOURCE)}
    head = takewhile(lambda line: line.startswith("#"), text.splitlines())
    words = tuple(line.removeprefix("#").removeprefix(" ") for line in head)
    source = parse_source(data.get(_SOURCE), where)
    return Preset(rules, _signs(data.get(_RECOGNISED_BY), where), words, source)


def _signs(told: object, where: str) -> tuple[Sign, ...] | None:
    if told is None:
        return None
    if not isinstance(told, list):
        raise ConfigurationError(f"{where}: {_RECOGNISED_BY}: it is a list of {{kinds: […], fields: […]}}.")
    return tuple(_sign(item, where) for item in told)


def _sign(item: object, where: str) -> Sign:
    place = f"{where}: {_RECOGNISED_BY}"
    if not isinstance(item, Mapping) or not item:
        raise ConfigurationError(f"{place}: each item is a map with kinds, fields or both.")
    for key, names in item.items():
        if key not in _KEYS:
            raise ConfigurationError(unknown_name("key", str(key), _KEYS, where=place))
        if not isinstance(names, list) or not names:
            raise ConfigurationError(f"{place}.{key}: it is a list of names.")
    return Sign(*(tuple(str(name) for name in item.get(key, ())) for key in _KEYS))
