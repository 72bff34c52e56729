"""Arrays as PHP's ``serialize`` writes them, which WordPress keeps roles in: ``a:1:{s:6:"editor";b:1;}``."""

from __future__ import annotations

import re
from typing import Final

SERIALISED: Final = r"^a:\d+:\{.*\}$"
"""What such an array looks like."""

_ARRAY: Final = re.compile(rb"a:(\d{1,9}):\{")
_SCALAR: Final = re.compile(rb's:(?P<text>\d{1,9}):"|b:(?P<bool>[01]);|i:(?P<int>-?\d{1,20});|(?P<null>N);')
_END: Final = b'";'

Scalar = str | int | None


def names_of(serialised: str) -> list[str] | None:
    """The names in a flat array: keys that are not set to nothing, of a list its texts.

    Returns:
        None where the text is no such array, or has an array, object or broken length in it.
    """
    data = serialised.encode()
    head = _ARRAY.match(data)
    scalars = _scalars(data, head.end()) if head else None
    if head is None or scalars is None or len(scalars) != 2 * int(head[1]):
        return None
    pairs = zip(scalars[::2], scalars[1::2], strict=True)
    named = (
        key if isinstance(key, str) else value for key, value in pairs if value not in ("", "0", 0, None)
    )
    return [name for name in named if isinstance(name, str)]


def _scalars(data: bytes, at: int) -> list[Scalar] | None:
    """Keys and values in turns, up to the brace at the end."""
    found: list[Scalar] = []
    while data[at:] != b"}":
        match = _SCALAR.match(data, at)
        if match is None:
            return None
        value, at = _text(data, match) if match["text"] else (_number(match), match.end())
        if at < 0:
            return None
        found.append(value)
    return found


def _number(match: re.Match[bytes]) -> int | None:
    digits = match["bool"] or match["int"]
    return None if digits is None else int(digits)


def _text(data: bytes, match: re.Match[bytes]) -> tuple[Scalar, int]:
    """A text, whose length is told in bytes, and where it ends; -1 where it does not end there."""
    end = match.end() + int(match["text"])
    try:
        text = data[match.end() : end].decode()
    except UnicodeDecodeError:
        return None, -1
    return (text, end + len(_END)) if data[end : end + len(_END)] == _END else (None, -1)
