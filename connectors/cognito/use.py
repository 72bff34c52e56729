"""What a client has called: by operation how often, how often it was throttled, and from when to when."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class Use:
    """Calls of one operation.

    Attributes:
        calls: how many were sent, those that were throttled among them.
        throttled: how many the service has throttled.
        first: when the first was sent, seconds since 1970 in UTC.
        last: when the last was sent.
    """

    calls: int
    throttled: int
    first: float
    last: float


class Tally:
    """Counts the calls of all threads.

    Args:
        clock: seconds since 1970 in UTC.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = Lock()
        self._uses: dict[str, Use] = {}

    def sent(self, operation: str) -> None:
        """A call is about to be sent."""
        now = self._clock()
        with self._lock:
            use = self._uses.setdefault(operation, Use(0, 0, now, now))
            use.calls, use.last = use.calls + 1, now

    def throttled(self, operation: str) -> None:
        """A call that was sent was throttled; where it was taken already, the next taking tells it."""
        now = self._clock()
        with self._lock:
            self._uses.setdefault(operation, Use(0, 0, now, now)).throttled += 1

    def taken(self) -> dict[str, Use]:
        """What was called since the last taking."""
        with self._lock:
            uses, self._uses = self._uses, {}
        return uses
