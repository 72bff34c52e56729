"""Names of fields as they may be shown: a document with a key for each friend names people in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_A_VALUE: Final = re.compile(r"@|^\+?[\d\s./-]{5,}$|^\$2|^\{[A-Z]")
"""What the name of a field never holds: addresses, dates, telephone numbers, hashes."""

_STEP: Final = re.compile(r"(\.|\[\d+\]\.?)")


def is_a_value(name: str) -> bool:
    """Whether a name looks like somebody's data."""
    return bool(_A_VALUE.search(name))


def without_values(names: Iterable[str]) -> list[str]:
    """Each path up to the first part that looks like somebody's data; what begins with one is left out."""
    return list(dict.fromkeys(cut for name in names if (cut := _cut(name))))


def _cut(name: str) -> str:
    if "." not in name and "[" not in name:
        return "" if is_a_value(name) else name
    kept = ""
    for at, part in enumerate(_STEP.split(name)):
        if at % 2 == 0 and part and is_a_value(part):
            return kept.rstrip(".")
        kept += part
    return kept
