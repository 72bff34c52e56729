"""Settle a batch from its job's log; whoever the log does not name is looked for in the pool.

A job's status settles nothing: a failed job may have created users (F3.22). A user with a log line
has an outcome. A user without one is ``imported`` if the pool has them now and had them not before
the run. Everyone else travels on in a new batch, as long as jobs make headway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from connectors.cognito.import_log import LINE_IN_FILE, read_outcomes
from connectors.errors import TargetError
from flows.ledger.segments import write_parquet
from flows.ledger.states import BatchState
from flows.ledger.store import BatchRecord
from flows.steps.columns import JOB_LINE, SUB, VERDICT, WHY, outcomes
from flows.steps.existing import SUB_BEFORE, Existing
from flows.steps.reading_pool import pool_users, present
from mappings.duplicates import KEY_USERNAME, ORDINAL

if TYPE_CHECKING:
    from flows.steps.context import Context

GENERATIONS = 6
"""How often users may travel on in a new batch before they count as failed."""

_VERDICT_OF = {"SUCCEEDED": "imported", "SKIPPED": "existing", "FAILED": "failed"}


def settle_job(context: Context, batch: BatchRecord) -> BatchRecord:
    """Write the outcomes of an ended job and hand on who is not settled.

    Raises:
        TargetError: the job failed as a whole before it touched anybody; it can be tried again
            once its cause is mended.
    """
    members = pl.read_parquet(context.folder.batch_users(batch.number))
    lines = members.with_row_index(JOB_LINE, offset=1)
    log = _log_of(context, batch)
    named = lines.join(log, on=JOB_LINE, how="left", maintain_order="left")
    silent = named.filter(pl.col(VERDICT).is_null())
    if silent.height == members.height and batch.facts.get("status") == "Failed":
        _give_up_job(context, batch)
    found = _look_for(context, silent) if silent.height else silent
    settled = pl.concat(
        [named.filter(pl.col(VERDICT).is_not_null()), found.filter(pl.col(VERDICT).is_not_null())]
    )
    rest = found.filter(pl.col(VERDICT).is_null())
    last = rest.height and (rest.height == members.height or _generation(batch) >= GENERATIONS)
    if last:
        settled, rest = pl.concat([settled, _failed(rest)]), rest.clear()
    shaped = outcomes(settled, strategy="import_job", job_id=batch.job_id).sort(ORDINAL)
    write_parquet(shaped, context.folder.outcomes(f"batch-{batch.number:04d}"))
    _travel_on(context, batch, rest)
    return context.ledger.advance(batch, BatchState.SETTLED, unlogged=silent.height, handed_on=rest.height)


def _log_of(context: Context, batch: BatchRecord) -> pl.DataFrame:
    context.progress.stage(f"Settling batch {batch.number}", batch.users, "users")
    job = context.jobs.describe(batch.job_id or "")
    patience = context.loaded.settings.jobs.log_patience_seconds
    read = read_outcomes(context.logs, context.schema, job, batch.users, patience=patience)
    context.progress.update(read.outcomes.height)
    if read.doubt:
        context.progress.note(read.doubt)
    return read.outcomes.select(
        pl.col(LINE_IN_FILE).alias(JOB_LINE),
        pl.col("status").replace_strict(_VERDICT_OF, return_dtype=pl.String).alias(VERDICT),
        pl.when(pl.col("status") == "FAILED").then(pl.col("code")).alias(WHY),
    )


def _give_up_job(context: Context, batch: BatchRecord) -> None:
    """A job that failed and touched nobody is spent; the next start tries a new one."""
    counted = sum(int(batch.facts.get(name) or 0) for name in ("imported", "skipped", "failed"))
    if counted:
        return
    context.ledger.advance(batch, BatchState.CREATING, attempt=batch.attempt + 1)
    raise TargetError(
        f"Import job {batch.job_id} failed before it touched a user: {batch.facts.get('message') or '?'}",
        "Check the log role (`poolferry check`), then run the same command again: it goes on with a new job.",
    )


def _look_for(context: Context, silent: pl.DataFrame) -> pl.DataFrame:
    """Ask the pool for users whom the log does not name."""
    keys = pool_users(context, silent[ORDINAL])
    there = present(context, keys)
    before = Existing.of_run(context).keys.select(KEY_USERNAME, SUB_BEFORE).drop_nulls(KEY_USERNAME)
    asked = (
        silent.drop(SUB, strict=False)
        .join(keys.select(ORDINAL, KEY_USERNAME), on=ORDINAL, how="left", maintain_order="left")
        .join(there, on=KEY_USERNAME, how="left", maintain_order="left")
        .join(before, on=KEY_USERNAME, how="left", maintain_order="left")
    )
    verdict = (
        pl.when(pl.col(SUB).is_null()).then(None)
        .when(pl.col(SUB_BEFORE).is_null()).then(pl.lit("imported"))
        .otherwise(pl.lit("existing"))
    )  # fmt: skip
    return asked.with_columns(verdict.alias(VERDICT)).select(silent.columns)


def _failed(rest: pl.DataFrame) -> pl.DataFrame:
    return rest.with_columns(pl.lit("failed").alias(VERDICT), pl.lit("not_settled").alias(WHY))


def _generation(batch: BatchRecord) -> int:
    return int(batch.facts.get("generation", 1))


def _travel_on(context: Context, batch: BatchRecord, rest: pl.DataFrame) -> None:
    """Make a new batch of the rest, once, even if a crash makes this run twice."""
    batches = context.ledger.batches()
    if not rest.height or any(other.facts.get("parent") == batch.number for other in batches):
        return
    number = max(other.number for other in batches) + 1
    write_parquet(rest.select(ORDINAL).sort(ORDINAL), context.folder.batch_users(number))
    facts = {"parent": batch.number, "generation": _generation(batch) + 1}
    record = BatchRecord(
        number, batch.strategy, batch.algorithm, rest.height, BatchState.PLANNED, 1, None, None, None, facts
    )
    context.ledger.add_batch(record)
    context.progress.note(f"{rest.height:,} users of batch {batch.number} travel on in batch {number}")
