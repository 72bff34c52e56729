"""The mappings that ship with Poolferry: one YAML file each in ``presets/``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from connectors.errors import ConfigurationError, unknown_name
from mappings.documents import parse_yaml

_SUFFIX = ".yaml"


def preset_names() -> tuple[str, ...]:
    """Names of all presets, sorted."""
    found = (entry.name for entry in (files("mappings") / "presets").iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX)))


def preset(name: object, *, where: str = "") -> Mapping[str, Any]:
    """The rules of one preset, as its file has them.

    Raises:
        ConfigurationError: there is no preset of that name; the text lists those that exist.
    """
    if name not in preset_names():
        raise ConfigurationError(unknown_name("preset", str(name), preset_names(), where=where))
    text = (files("mappings") / "presets" / f"{name}{_SUFFIX}").read_text(encoding="utf-8")
    rules = parse_yaml(text, where=f"preset {name}")
    if not isinstance(rules, Mapping):
        raise ConfigurationError(f"preset {name}: a preset is a map of rules.")
    return rules
