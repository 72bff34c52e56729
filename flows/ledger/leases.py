"""What one worker has claimed, and the thread that keeps its leases from lapsing.

A lease is renewed four times before it would lapse. A worker that dies renews nothing, so that another
one takes over; a worker that slept for too long finds out at its next sign of progress and leaves the
work alone.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final

from connectors.errors import StopError, TakenOverError
from flows.ledger.elapsed import elapsed
from flows.logs import working

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.ledger.store import Ledger

RENEWALS: Final = 4
"""Renewals in the time of one lease."""

LONGEST_PAUSE: Final = 2.0
"""Seconds between two looks at what other workers have left to do."""


class Leases:
    """The claims of one worker.

    Args:
        ledger: where they are written down.
        owner: the worker's name, which no other worker has.
        seconds: how long a claim outlives its worker.
    """

    def __init__(self, ledger: Ledger, owner: str, seconds: float) -> None:
        self._ledger = ledger
        self._owner = owner
        self._seconds = seconds
        self._held: dict[int | None, float] = {}
        self._lost: set[int | None] = set()
        self._lock = Lock()
        self._closed = Event()
        self._thread: Thread | None = None

    def take(self, what: int | None) -> bool:
        """Claim a batch by its number, or the run's ``STAGE``; False where another worker has it."""
        asked = elapsed()
        if not self._ledger.claim(what, self._owner, self._seconds):
            return False
        with self._lock:
            self._held[what] = asked
            self._lost.discard(what)
        if self._thread is None:
            self._thread = Thread(target=self._renew_always, name="leases", daemon=True)
            self._thread.start()
        return True

    def give_back(self, what: int | None) -> None:
        """Let others have it; nothing happens where it is not held."""
        with self._lock:
            held = self._held.pop(what, None) is not None
            self._lost.discard(what)
        if held:
            self._ledger.release(what, self._owner)

    @contextmanager
    def held(self, what: int | None) -> Iterator[None]:
        """Give back at the end what was taken; what is logged meanwhile is about that batch."""
        try:
            with working(batch=what):
                yield
        finally:
            self.give_back(what)

    def check(self) -> None:
        """Say whether everything that was taken is still held.

        Raises:
            TakenOverError: a lease has lapsed, so that another worker may be at work by now.
        """
        now = elapsed()
        with self._lock:
            lapsed = self._lost | {what for what, since in self._held.items() if now - since > self._seconds}
        if lapsed:
            raise TakenOverError("This worker's lease has lapsed: another one may be at work by now.")

    def pause(self) -> None:
        """Wait a moment before another look at what there is to do."""
        time.sleep(min(LONGEST_PAUSE, self._seconds / RENEWALS))

    def close(self) -> None:
        """Stop renewing; what is still held lapses by itself."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def _renew_always(self) -> None:
        while not self._closed.wait(self._seconds / RENEWALS):
            for what in list(self._held):
                with suppress(StopError):  # the database is away: the next time, or ``check`` tells
                    self._renew(what)

    def _renew(self, what: int | None) -> None:
        asked = elapsed()
        renewed = self._ledger.renew(what, self._owner, self._seconds)
        with self._lock:
            if what not in self._held:
                return
            if renewed:
                self._held[what] = asked
            else:
                del self._held[what]
                self._lost.add(what)
