"""A way into the pool: it says whom it can take, and why not the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import polars as pl

    from flows.steps.context import Context


class Strategy(Protocol):
    """One way into the pool."""

    @property
    def name(self) -> str:
        """What run file, ledger and verdicts call it."""

    def refusal(self) -> pl.Expr:
        """String expression over judged users: null where this way can take the user, else a reason code."""

    def batch_limits(self) -> tuple[int, int]:
        """Most users and most bytes of a batch."""

    def send(self, context: Context, number: int) -> None:
        """Bring one batch to ``settled``; called again after a crash, wherever the batch stands."""
