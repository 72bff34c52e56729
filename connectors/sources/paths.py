"""Paths into nested records: ``app_metadata.plan``, ``emails[0].value``.

A key that is spelled exactly like the path, or like a longer part of it, wins over a shorter one:
in ``{"a.b": 1, "a": {"b": 2}}`` the path ``a.b`` means 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

Getter = Callable[[object], object]
"""Takes a record and gives the value at a path, or ``MISSING``."""

MISSING: Final = object()
"""What a getter gives where the record has nothing at the path; a JSON null is ``None``."""

_INDEX = re.compile(r"\[(\d+)\](?:\.(?=.)|(?=\[)|$)")
_FIRST = "[0]"


def splits(path: str) -> Iterator[tuple[str, str]]:
    """Yield every way to take a key off the front of a path, the longest key first.

    The rest is empty, a path of its own, or begins with an index in brackets.
    """
    yield path, ""
    for cut in range(len(path) - 1, 0, -1):
        if path[cut] == "." and cut + 1 < len(path):
            yield path[:cut], path[cut + 1 :]
        elif path[cut] == "[":
            yield path[:cut], path[cut:]


def take_index(path: str) -> tuple[int, str] | None:
    """Take an index off the front of a path: ``[0].value`` gives ``(0, "value")``."""
    found = _INDEX.match(path)
    return (int(found[1]), path[found.end() :]) if found else None


def getter(path: str) -> Getter:
    """Compile a path; the getter never raises, whatever the record holds."""
    keys = [(key, _rest(rest)) for key, rest in splits(path)] if path else []
    index = take_index(path)
    if len(keys) == 1 and index is None:
        return lambda record: record.get(path, MISSING) if type(record) is dict else MISSING
    at = (index[0], _rest(index[1])) if index else None

    def get(record: object) -> object:
        if isinstance(record, dict):
            return _from_object(record, keys)
        return _from_list(record, at) if isinstance(record, list) and at else MISSING

    return get


def _rest(path: str) -> Getter:
    return getter(path) if path else lambda value: value


def _from_object(record: dict[str, object], keys: list[tuple[str, Getter]]) -> object:
    for key, rest in keys:
        if key in record and (value := rest(record[key])) is not MISSING:
            return value
    return MISSING


def _from_list(record: list[object], at: tuple[int, Getter]) -> object:
    index, rest = at
    return rest(record[index]) if index < len(record) else MISSING


def paths_in(value: object, path: str = "") -> Iterator[str]:
    """Yield the paths that a record has: nested objects by dots, of a list itself and its first element."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from paths_in(inner, f"{path}.{key}" if path else key)
    elif path:
        yield path
        if isinstance(value, list) and value:
            yield from paths_in(value[0], path + _FIRST)
