"""Stretches of the keys that are read side by side, and the cursor through all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors.sources.sql_cells import from_cursor, to_cursor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.records import Cursor


@dataclass(frozen=True, slots=True)
class Range:
    """Keys above ``low`` up to and with ``high``; None means no bound. ``low`` moves up as it is read."""

    low: Any
    high: Any


def ranges_of(bounds: Sequence[Any]) -> list[Range | None]:
    """The ranges between bounds."""
    return [Range(low, high) for low, high in zip([None, *bounds], [*bounds, None], strict=True)]


def cursor_of(ranges: Sequence[Range | None]) -> Cursor:
    """Write where every range is, ``low0 high0 low1 …``; one that was read to its end is ``end0``."""
    cursor: Cursor = {"ranges": len(ranges)}
    for number, one in enumerate(ranges):
        if one is None:
            cursor[f"end{number}"] = 1
            continue
        keys = {f"low{number}": one.low, f"high{number}": one.high}
        cursor |= {name: to_cursor(key) for name, key in keys.items() if key is not None}
    return cursor


def from_ranges(cursor: Cursor) -> list[Range | None]:
    """Read what ``cursor_of`` has written."""

    def key(name: str) -> Any:  # noqa: ANN401 - a key of any type
        return from_cursor(str(cursor[name])) if name in cursor else None

    numbers = range(int(cursor["ranges"]))
    return [None if f"end{n}" in cursor else Range(key(f"low{n}"), key(f"high{n}")) for n in numbers]
