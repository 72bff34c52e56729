"""What is wrong with a mapping, where it stands, and which names are known there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from connectors.errors import ConfigurationError, unknown_name

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

Path = tuple[object, ...]
"""Keys and list places from the top of a mapping to one of its parts."""


def first_problem(error: ValidationError) -> tuple[Path, str]:
    """Where the first problem stands and what it is; the text never shows a value that was given."""
    return _problem(error.errors(include_url=False)[0])


def all_problems(error: ValidationError) -> list[tuple[Path, str]]:
    """Every problem of a mapping, in the order in which its parts are checked."""
    return [_problem(one) for one in error.errors(include_url=False)]


def mapping_error(where: str, data: object, problems: Sequence[tuple[Path, str]]) -> ConfigurationError:
    """Name file, line and key of each problem; the lines come from ``data`` if ruamel.yaml read it."""
    lines = [f"{place(where, data, path)}{text}" for path, text in problems]
    return ConfigurationError("\n".join(lines))


def place(where: str, data: object, path: Path) -> str:
    """Write ``users.yaml, line 4, attributes.email.then[1]: ``."""
    steps = _existing(data, path)
    line = line_of(data, steps)
    parts = [where, f"line {line}" if line else "", dotted(steps)]
    text = ", ".join(part for part in parts if part)
    return f"{text}: " if text else ""


def dotted(path: Path) -> str:
    """Write a path the way people do: ``attributes.email.then[0]``."""
    return re.sub(
        r"\.(?=\[)", "", ".".join(f"[{step}]" if isinstance(step, int) else str(step) for step in path)
    )


def line_of(data: object, path: Path) -> int | None:
    """1-based line of the deepest part of ``path`` that ruamel.yaml knows the place of; else None."""
    line, node = None, data
    for step in path:
        inside = _inside(node, step)
        if inside is None:
            break
        marks = getattr(getattr(node, "lc", None), "data", None) or {}
        if step in marks:  # what a merge key (`<<`) brings into a map has no place in it
            line = marks[step][0] + 1
        node = inside[0]
    return line


def _problem(error: ErrorDetails) -> tuple[Path, str]:
    context = error.get("ctx", {})
    path = (*error["loc"], *context.get("below", ()))
    if error["type"] == "missing":
        return path, "this key is missing."
    if error["type"] == "literal_error" and isinstance(error["input"], str):
        return path, unknown_name("choice", error["input"], re.findall(r"'([^']*)'", context["expected"]))
    return path, f"{error['msg'].rstrip('.')}."


def _existing(data: object, path: Path) -> Path:
    """Leave out the steps that pydantic adds and the file does not have, but keep the last key."""
    if data is None:
        return path
    steps: list[object] = []
    node = data
    for at, step in enumerate(path):
        inside = _inside(node, step)
        if inside is not None:
            steps.append(step)
            node = inside[0]
        elif isinstance(node, Mapping) and at == len(path) - 1:
            steps.append(step)
    return tuple(steps)


def _inside(node: object, step: object) -> tuple[object] | None:
    if isinstance(node, Mapping):
        return (node[step],) if step in node else None
    if isinstance(node, list) and isinstance(step, int):
        return (node[step],) if step < len(node) else None
    return None
