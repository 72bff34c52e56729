"""Users whom a CSV cannot carry are created one by one: a billable month each (F8.2), no message unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import polars as pl

from connectors.records import ENABLED, PASSWORD, PASSWORD_HASH
from flows.ledger.segments import write_parquet
from flows.ledger.states import BatchState
from flows.steps.columns import (
    LACK_SCHEMA,
    NAME_IN_POOL,
    STEP,
    SUB,
    VERDICT,
    WHY,
    outcomes,
)
from flows.steps.creating import LACKS, Creator
from flows.steps.crew import Crew
from flows.steps.next_way import hand_on, has_child
from flows.steps.stretches import forget_parts, work_off
from flows.strategies.batches import batch_frames
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from flows.ledger.store import BatchRecord
    from flows.settings import StrategyName
    from flows.steps.context import Context
    from mappings.spec import MappingSpec

USERS_PER_BATCH = 500
"""Small, so that workers can share the work; what a crash has cut off is written down more often."""

ANY_BYTES: Final = 2**62
"""Bytes do not matter here."""


class AdminCreateUser:
    """Takes everybody whose password would not be lost on this way.

    A hash cannot travel here: a user whose hash is worth keeping is left to the next strategy,
    unless the run file says ``without: reset`` or ``random``.
    """

    name: ClassVar[StrategyName] = "admin_create_user"

    def __init__(self, spec: MappingSpec) -> None:
        hashes = spec.password_hash
        self._may_lose_hash = hashes is not None and hashes.without in ("reset", "random")

    def refusal(self) -> pl.Expr:
        """Null unless a hash would be lost."""
        if self._may_lose_hash:
            return pl.lit(None, dtype=pl.String)
        lost = pl.col(PASSWORD_HASH).is_not_null() & pl.col(PASSWORD).is_null() & pl.col(ENABLED)
        return pl.when(lost).then(pl.lit("hash_would_be_lost"))

    def batch_limits(self) -> tuple[int, int]:
        """Small batches."""
        return USERS_PER_BATCH, ANY_BYTES

    def send(self, context: Context, number: int) -> None:
        """Create every user of the batch whom an earlier start has not created."""
        batch = context.ledger.batch(number)
        if batch.state is BatchState.SETTLED:
            return
        if not has_child(context, batch):  # else a crash came before the last step
            begun_before = batch.state is BatchState.CREATING
            batch = context.ledger.advance(batch, BatchState.CREATING)
            _settle(context, batch, _create(context, batch, begun_before=begun_before))
        context.ledger.advance(batch, BatchState.SETTLED)
        forget_parts(context, batch)


_ROWS: Final = {
    ORDINAL: pl.UInt64(),
    VERDICT: pl.String(),
    WHY: pl.String(),
    SUB: pl.String(),
    NAME_IN_POOL: pl.String(),
    LACKS: pl.String(),
}


def _create(context: Context, batch: BatchRecord, *, begun_before: bool) -> pl.DataFrame:
    users = pl.concat(batch_frames(context, batch))
    context.progress.stage(f"Creating users of batch {batch.number}", users.height, "users")
    crew: Crew[dict[str, Any], dict[str, Any]] = Crew(context.loaded.settings.admin_create_user.threads)
    creator = Creator(context, crew.pause, begun_before=begun_before)
    return work_off(context, batch, users, creator.create, _ROWS, crew)


def _settle(context: Context, batch: BatchRecord, done: pl.DataFrame) -> None:
    """Write down what became of everybody, and hand on whom the pool has refused."""
    is_refused = pl.col(VERDICT) == "failed"
    gone_on = hand_on(context, batch, done.filter(is_refused).select(ORDINAL, WHY), None)
    settled = outcomes(done.filter(~is_refused), strategy="admin_create_user")
    lacking = done.filter(pl.col(LACKS).is_not_null()).select(
        ORDINAL, pl.lit("password").alias(STEP), pl.col(LACKS).alias(WHY)
    )
    if lacking.height:
        write_parquet(lacking.cast(dict(LACK_SCHEMA)), context.folder.refused(batch.number))  # type: ignore[arg-type]  # kinds of columns
    written = pl.concat([settled, gone_on.outcomes]).sort(ORDINAL)
    write_parquet(written, context.folder.outcomes(f"batch-{batch.number:04d}"))
    context.ledger.add_batches(gone_on.batches)
