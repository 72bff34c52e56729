"""JSON values as text: numbers exactly as they are written, lists and objects as compact JSON."""

from __future__ import annotations

import json
from json.encoder import encode_basestring as quoted
from typing import Final


class Written(str):
    """A number (or NaN, Infinity) as it is written; never rounded, since nobody computes with it."""

    __slots__ = ()


DECODER: Final = json.JSONDecoder(parse_float=Written, parse_int=Written, parse_constant=Written)
"""Decodes JSON with all numbers as ``Written``."""


class KeyTwiceError(ValueError):
    """A key stands twice in an object, so that one of the two values would be lost."""


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise KeyTwiceError
    return found


STRICT_DECODER: Final = json.JSONDecoder(
    parse_float=Written, parse_int=Written, parse_constant=Written, object_pairs_hook=_once
)
"""The same, but raises ``KeyTwiceError`` where ``DECODER`` takes the last value.

To read a file with it takes a few hundredths longer at most.
"""

_WORDS = {None: "null", True: "true", False: "false"}


def text_of(value: object) -> str | None:
    """Give a decoded value as text: a string as it is, null as None, everything else as compact JSON."""
    if value is None:
        return None
    return str(value) if isinstance(value, str) else compact(value)


def compact(value: object) -> str:
    """Write a decoded value as JSON without spaces; keys keep their order, letters their form."""
    if isinstance(value, Written):
        return str(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return f"[{','.join(map(compact, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{quoted(key)}:{compact(inner)}' for key, inner in value.items())}}}"
    return _WORDS[value]  # type: ignore[index]  # a decoder makes nothing else
