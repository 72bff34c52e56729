"""Progress as people see it in Prefect: one bar a flow run, moved in place, and a few log lines."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact

from flows.steps.progress import Silence
from flows.tasks import artifact_key, in_flow_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from flows.steps.progress import Progress

_log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
"""The least time between two moves of the bar; each is a call of Prefect's API."""

AFTER_A_FAULT_SECONDS = 60.0
"""How long the bar stands still after Prefect's API did not answer."""


def progress_of(name: str) -> Progress:
    """Make the progress of a flow run, or silence where no flow run records anything."""
    return PrefectProgress(name) if in_flow_run() else Silence()


def end_with(progress: Progress, sentence: str, users: int) -> None:
    """Leave the bar at its end, with what its flow has found as the last text."""
    progress.stage(sentence, users, "users")
    progress.update(users)


class PrefectProgress:
    """A progress artifact of the flow run that this is made in.

    Args:
        name: the run file's name.
        clock: seconds that only go forward.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._key = artifact_key(name, "progress")
        self._clock = clock
        self._title, self._total, self._unit = "Starting", None, "users"
        self._done = 0.0
        self._next = 0.0
        self._artifact: UUID | None = None
        self._show()

    _total: float | None

    def stage(self, title: str, total: float | None, unit: str) -> None:
        """Begin the bar again under another title."""
        self._title, self._total, self._unit, self._done = title, total, unit, 0.0
        get_run_logger().info("%s", title)
        _log.info("%s", title, extra={"stage": title, "total": total, "unit": unit})  # for the JSON log
        self._show()

    def update(self, done: float) -> None:
        """Move the bar, not more often than every few seconds, and once to its end."""
        self._done = done
        if self._clock() >= self._next or done == self._total:
            self._show()

    def note(self, text: str) -> None:
        """Write a line into the flow run's log."""
        get_run_logger().info("%s", text)
        _log.info("%s", text)

    def _show(self) -> None:
        """Write the bar; a picture of the work that cannot be drawn never stops the work."""
        try:
            self._write()
            self._next = self._clock() + EVERY_SECONDS
        except Exception as error:  # noqa: BLE001 - any fault of a network or of a server of whatever version
            self._next = self._clock() + AFTER_A_FAULT_SECONDS
            get_run_logger().warning("The progress bar cannot be moved: %s.", type(error).__name__)

    def _write(self) -> None:
        if self._artifact is None:
            made = create_progress_artifact(self._percent(), key=self._key, description=self._description())
            self._artifact = made  # type: ignore[assignment]  # the sync call returns the id itself
            return
        update_progress_artifact(self._artifact, self._percent(), description=self._description())

    def _percent(self) -> float:
        return min(100.0, 100.0 * self._done / self._total) if self._total else 0.0

    def _description(self) -> str:
        """The only text of an artifact that is seen without a click."""
        total = f" of {self._total:,.0f}" if self._total else ""
        return f"{self._title}: {self._done:,.0f}{total} {self._unit}"
