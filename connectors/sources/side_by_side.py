"""Reading several parts of a source at the same time, each page with the places of all parts behind it."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

Place = TypeVar("Place")
Found = TypeVar("Found")


def side_by_side(
    places: Sequence[Place | None], fetch: Callable[[Place], tuple[Found, Place | None]]
) -> Generator[tuple[Found, list[Place | None]]]:
    """Fetch from all parts at once, one page of each ahead, while the caller works.

    Args:
        places: where each part goes on; None where it was read to its end.
        fetch: reads a page at a place; gives what it found, and the place behind it or None at the end.

    Yields:
        What was found, as it comes, and the places of all parts as they are behind it.
    """
    now = list(places)
    with ThreadPoolExecutor(len(now), "source") as pool:
        waiting: dict[Future[tuple[Found, Place | None]], int] = {
            pool.submit(fetch, place): number for number, place in enumerate(now) if place is not None
        }
        try:
            while waiting:
                ended = wait(waiting, return_when=FIRST_COMPLETED).done
                done = min(ended, key=lambda each: waiting[each])
                number = waiting.pop(done)
                found, behind = done.result()
                now = [*now[:number], behind, *now[number + 1 :]]
                if behind is not None:
                    waiting[pool.submit(fetch, behind)] = number
                yield found, now
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
