"""Many threads at one batch: real latencies do not bound the rate, and an interruption loses little.

The client's governor sets the pace; threads are only there so that a slow reply holds up nobody else.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

CHUNK_SECONDS = 3.0
"""How often what is done is handed over to be written down."""

Item = TypeVar("Item")
Done = TypeVar("Done")


class StoppedError(Exception):
    """The crew was told to stop while one of it waited for its next try."""


class Crew(Generic[Item, Done]):
    """Does one piece of work for many items in threads.

    Args:
        threads: how many work at once.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._stop = threading.Event()
        self._error: BaseException | None = None

    def pause(self, seconds: float) -> None:
        """Sleep between two tries of a call; whoever sleeps is woken up when the crew is stopped.

        Raises:
            StoppedError: the crew was stopped meanwhile.
        """
        if self._stop.wait(seconds):
            raise StoppedError

    def chunks(self, work: Callable[[Item], Done], items: Iterable[Item]) -> Iterator[list[Done]]:
        """Yield what is done, some seconds' worth at a time, in no order.

        After an error or Ctrl-C nothing more is begun; what is under way comes to its end and is handed
        over, and only then the error is raised.
        """
        waiting = iter(items)
        running: set[Future[Done]] = set()
        done: list[Done] = []
        since = time.monotonic()
        with ThreadPoolExecutor(self._threads, "crew") as pool:
            try:
                while self._fill(pool, work, waiting, running):
                    done += self._some(running)
                    if done and time.monotonic() - since >= CHUNK_SECONDS:
                        yield done
                        done, since = [], time.monotonic()
            finally:
                self._stop.set()
                pool.shutdown(cancel_futures=True)
        if done:
            yield done
        if self._error is not None:
            raise self._error

    def _fill(
        self,
        pool: ThreadPoolExecutor,
        work: Callable[[Item], Done],
        waiting: Iterator[Item],
        running: set[Future[Done]],
    ) -> bool:
        """Keep every thread busy, with no more in the queue than they need; False once all is done."""
        while self._error is None and len(running) < 2 * self._threads:
            try:
                running.add(pool.submit(work, next(waiting)))
            except StopIteration:
                break
        return bool(running)

    def _some(self, running: set[Future[Done]]) -> list[Done]:
        """Wait for some to be done and take them out; an error or interruption lets the rest end."""
        try:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
        except (KeyboardInterrupt, SystemExit) as interruption:
            self._give_up(interruption, running)
            return []
        running -= done
        found = []
        for future in (one for one in done if not one.cancelled()):
            error = future.exception()
            if error is None:
                found.append(future.result())
            else:
                self._give_up(error, running)
        return found

    def _give_up(self, error: BaseException, running: set[Future[Done]]) -> None:
        """Begin nothing more; the first error is the one that is told."""
        if not isinstance(error, StoppedError):
            self._error = self._error or error
        self._stop.set()
        for future in running:
            future.cancel()
