"""How long work tells that it moves: the steps speak to this, whoever listens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Progress(Protocol):
    """What the steps tell; implemented by the terminal, by Prefect's artifacts and by silence."""

    def stage(self, title: str, total: float | None, unit: str) -> None:
        """A new stretch of work begins: ``total`` units, or None where nobody knows."""

    def update(self, done: float) -> None:
        """So many units of the stage are done, counted from its beginning."""

    def note(self, text: str) -> None:
        """Something worth a line; never about a person."""


class Silence:
    """Nobody listens."""

    def stage(self, title: str, total: float | None, unit: str) -> None:
        """Nothing is shown."""

    def update(self, done: float) -> None:
        """Nothing is shown."""

    def note(self, text: str) -> None:
        """Nothing is shown."""


class Watched:
    """Hands on to whoever listens, and looks each time whether the work may go on.

    Args:
        listener: who is told.
        check: raises where the work must be left alone.
    """

    def __init__(self, listener: Progress, check: Callable[[], None]) -> None:
        self._listener = listener
        self._check = check

    def stage(self, title: str, total: float | None, unit: str) -> None:
        """Hand on."""
        self._check()
        self._listener.stage(title, total, unit)

    def update(self, done: float) -> None:
        """Hand on."""
        self._check()
        self._listener.update(done)

    def note(self, text: str) -> None:
        """Hand on."""
        self._listener.note(text)
