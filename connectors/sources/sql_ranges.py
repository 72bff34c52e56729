"""Reading several stretches of the keys at the same time, with one cursor through all of them."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from connectors.sources.sql_cells import from_cursor, to_cursor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from connectors.records import Cursor

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Range:
    """Keys above ``low`` up to and with ``high``; None means no bound. ``low`` moves up as it is read."""

    low: Any
    high: Any
    read: bool = False


def ranges_of(bounds: Sequence[Any]) -> list[Range]:
    """The ranges between bounds."""
    return [Range(low, high) for low, high in zip([None, *bounds], [*bounds, None], strict=True)]


def cursor_of(ranges: Sequence[Range]) -> Cursor:
    """Write where every range is: ``low0 high0 read0 low1 …``."""
    cursor: Cursor = {"ranges": len(ranges)}
    for number, one in enumerate(ranges):
        cursor |= {
            f"{name}{number}": to_cursor(key)
            for name, key in (("low", one.low), ("high", one.high)) if key is not None
        }  # fmt: skip
        cursor[f"read{number}"] = int(one.read)
    return cursor


def from_ranges(cursor: Cursor) -> list[Range]:
    """Read what ``cursor_of`` has written."""

    def key(name: str) -> Any:  # noqa: ANN401 - a key of any type
        return from_cursor(str(cursor[name])) if name in cursor else None

    numbers = range(int(cursor["ranges"]))
    return [Range(key(f"low{n}"), key(f"high{n}"), bool(cursor[f"read{n}"])) for n in numbers]


def in_turn(
    ranges: list[Range], fetch: Callable[[Range], Rows], key_at: int
) -> Iterator[tuple[Rows, list[Range]]]:
    """Fetch from all ranges at once; yield each page with the ranges as they are behind it.

    One page a range is fetched ahead, while the caller works.
    """
    with ThreadPoolExecutor(len(ranges), "sql") as pool:
        waiting = {pool.submit(fetch, one): number for number, one in enumerate(ranges) if not one.read}
        try:
            while waiting:
                done: Future[Rows] = min(
                    wait(waiting, return_when=FIRST_COMPLETED).done, key=lambda each: waiting[each]
                )
                number, rows = waiting.pop(done), done.result()
                ranges = [*ranges]
                if rows:
                    ranges[number] = replace(ranges[number], low=rows[-1][key_at])
                    waiting[pool.submit(fetch, ranges[number])] = number
                    yield rows, ranges
                else:
                    ranges[number] = replace(ranges[number], read=True)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
