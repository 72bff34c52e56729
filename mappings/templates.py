"""``template: "{first_name} {last_name}"`` - fields between pieces of text, and nothing cleverer."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+")


@dataclass(frozen=True, slots=True)
class Field:
    """The place of a field in a template."""

    name: str


Part = str | Field


def parts(template: str) -> tuple[Part, ...]:
    """Cut a template into texts and fields; ``{{`` and ``}}`` are braces.

    Raises:
        ValueError: a brace without its partner, braces with nothing between, or no field at all.
    """
    found = tuple(_part(match) for match in _TOKEN.finditer(template))
    if not any(isinstance(part, Field) for part in found):
        raise ValueError("a template names at least one field, as in '{first_name} {last_name}'")
    return found


def fields(template: str) -> tuple[str, ...]:
    """Names of the fields of a template, each once, in order."""
    return tuple(dict.fromkeys(part.name for part in parts(template) if isinstance(part, Field)))


def _part(match: re.Match[str]) -> Part:
    token, name = match[0], match[1]
    if token in ("{{", "}}"):
        return token[0]
    if token in ("{", "}"):
        raise ValueError(f"a template has a single {token!r}; write {token * 2!r} for the brace itself")
    if name is None:
        return token
    if not name.strip():
        raise ValueError("a template has '{}' without the name of a field")
    return Field(name.strip())
