"""Settle a batch from its job's log; whoever the log does not name is looked for in the pool.

A job's status settles nothing: a failed job may have created users (F3.22). A user with a log line
has an outcome; whom the log calls FAILED goes on to the next strategy that can take them. A user without
a line is ``imported`` if the pool has them now, made while the job ran. Whom a job that did not succeed
has not touched travels on in a new batch, as long as jobs make headway.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from connectors.cognito.import_log import LINE_IN_FILE, read_outcomes
from connectors.errors import TargetError
from flows.ledger.segments import write_parquet
from flows.ledger.states import BatchState
from flows.ledger.store import BatchRecord
from flows.steps.columns import JOB_LINE, SUB, VERDICT, WHY, outcomes
from flows.steps.existing import SUB_BEFORE, Existing
from flows.steps.log_base import FACT, with_certain_base
from flows.steps.next_way import hand_on, has_child
from flows.steps.reading_pool import CREATED, began, pool_users, present
from mappings.duplicates import KEY_USERNAME, ORDINAL

if TYPE_CHECKING:
    from flows.steps.context import Context

GENERATIONS: Final = 6
"""How often users may travel on in a new batch before they count as failed."""

ATTEMPTS: Final = 5
"""Jobs that one batch may use up without touching anybody; a pool has 1,000 in its life (F3.15)."""

_WHY_UNTOUCHED: Final = {"Failed": "job_failed", "Stopped": "job_stopped"}
"""Why a job has not come to a user, by its status; else nobody knows what became of them."""

_VERDICT_OF: Final = {"SUCCEEDED": "imported", "SKIPPED": "existing", "FAILED": "failed"}


def settle_job(context: Context, batch: BatchRecord) -> BatchRecord:
    """Write the outcomes of an ended job and hand on whom it has not touched.

    Returns:
        The batch, ``settled``, or on its way to a new job where this one has touched nobody.

    Raises:
        TargetError: the job failed as a whole before it touched anybody; the same command tries a new
            job once its cause is mended.
    """
    if has_child(context, batch):  # a crash came before the last step; who travels on is decided
        return context.ledger.advance(batch, BatchState.SETTLED)
    members = pl.read_parquet(context.folder.batch_users(batch.number))
    log, base = _log_of(context, batch, members)
    named = members.with_row_index(JOB_LINE, offset=1).join(
        log, on=JOB_LINE, how="left", maintain_order="left"
    )
    silent = named.filter(pl.col(VERDICT).is_null())
    found = _look_for(context, batch, silent) if silent.height else silent
    settled = pl.concat([frame.filter(pl.col(VERDICT).is_not_null()) for frame in (named, found)])
    rest = found.filter(pl.col(VERDICT).is_null())
    if rest.height == members.height and not _counted(batch):
        return _try_again(context, batch)
    if batch.facts.get("status") == "Succeeded" or rest.height == members.height or _is_last(batch):
        settled, rest = pl.concat([settled, _failed(rest, batch)]), rest.clear()
    refused = named.filter(pl.col(VERDICT) == "failed").select(ORDINAL, WHY)
    settled = settled.join(refused, on=ORDINAL, how="anti")
    gone_on = hand_on(context, batch, refused, batch.job_id)
    shaped = outcomes(settled, strategy="import_job", job_id=batch.job_id)
    written = pl.concat([shaped, gone_on.outcomes]).sort(ORDINAL)
    write_parquet(written, context.folder.outcomes(f"batch-{batch.number:04d}"))
    context.ledger.add_batches([*gone_on.batches, *_travel_on(context, batch, rest, len(gone_on.batches))])
    facts: dict[str, Any] = {FACT: base, "unlogged": silent.height, "handed_on": rest.height}
    return context.ledger.advance(batch, BatchState.SETTLED, **facts)


def _log_of(context: Context, batch: BatchRecord, members: pl.DataFrame) -> tuple[pl.DataFrame, int | None]:
    context.progress.stage(f"Settling batch {batch.number}", batch.users, "users")
    job = context.jobs.describe(batch.job_id or "")
    patience = context.loaded.settings.jobs.log_patience_seconds
    read = read_outcomes(context.logs, context.schema, job, batch.users, patience=patience)
    read = with_certain_base(context, read, job, members)
    context.progress.update(read.outcomes.height)
    if read.doubt:
        context.progress.note(f"batch {batch.number}: {read.doubt} The pool is asked for the others.")
    named = read.outcomes.select(
        pl.col(LINE_IN_FILE).alias(JOB_LINE),
        pl.col("status").replace_strict(_VERDICT_OF, return_dtype=pl.String).alias(VERDICT),
        pl.when(pl.col("status") == "FAILED").then(pl.col("code")).alias(WHY),
    )
    return named, read.base


def _counted(batch: BatchRecord) -> int:
    return sum(int(batch.facts.get(name) or 0) for name in ("imported", "skipped", "failed"))


def _try_again(context: Context, batch: BatchRecord) -> BatchRecord:
    """The job touched nobody: it is spent, and the same users go in a new one."""
    again = context.ledger.advance(batch, BatchState.CREATING, attempt=batch.attempt + 1)
    if batch.facts.get("status") == "Failed" or batch.attempt >= ATTEMPTS:
        raise TargetError(
            f"Import job {batch.job_id} ended as {batch.facts.get('status')} before it touched a user: "
            f"{batch.facts.get('message') or 'no message'}",
            "Check the log role (`poolferry check`), then run the same command again: it tries a new job.",
        )
    return again


def _is_last(batch: BatchRecord) -> bool:
    return _generation(batch) >= GENERATIONS


def _look_for(context: Context, batch: BatchRecord, silent: pl.DataFrame) -> pl.DataFrame:
    """Ask the pool for users whom the log does not name.

    Who was made before the job began was made by somebody else.
    """
    keys = pool_users(context, silent[ORDINAL])
    before = Existing.of_run(context).keys.select(KEY_USERNAME, SUB_BEFORE).drop_nulls(KEY_USERNAME)
    asked = (
        silent.join(keys.select(ORDINAL, KEY_USERNAME), on=ORDINAL, how="left", maintain_order="left")
        .join(present(context, keys), on=KEY_USERNAME, how="left", maintain_order="left")
        .join(before.unique(KEY_USERNAME), on=KEY_USERNAME, how="left", maintain_order="left")
    )
    started = datetime.fromtimestamp(batch.facts.get("started") or 0.0, UTC)
    ours = pl.col(SUB_BEFORE).is_null() & (pl.col(CREATED) >= began(started))
    verdict = (
        pl.when(pl.col(SUB).is_not_null() & ours)
        .then(pl.lit("imported"))
        .when(pl.col(SUB).is_not_null())
        .then(pl.lit("existing"))
    )
    return asked.with_columns(verdict.alias(VERDICT)).select(silent.columns)


def _failed(rest: pl.DataFrame, batch: BatchRecord) -> pl.DataFrame:
    why = _WHY_UNTOUCHED.get(str(batch.facts.get("status")), "not_settled")
    return rest.with_columns(pl.lit("failed").alias(VERDICT), pl.lit(why).alias(WHY))


def _generation(batch: BatchRecord) -> int:
    return int(batch.facts.get("generation", 1))


def _travel_on(
    context: Context, batch: BatchRecord, rest: pl.DataFrame, numbers_taken: int
) -> list[BatchRecord]:
    """Make a new batch of the rest, unless there is none."""
    if not rest.height:
        return []
    number = max(other.number for other in context.ledger.batches()) + numbers_taken + 1
    write_parquet(rest.select(ORDINAL).sort(ORDINAL), context.folder.batch_users(number))
    facts = {"parent": batch.number, "generation": _generation(batch) + 1, "bytes": 0}
    record = BatchRecord(
        number, batch.strategy, batch.algorithm, rest.height, BatchState.PLANNED, 1, None, None, None, facts
    )
    context.progress.note(f"{rest.height:,} users of batch {batch.number} travel on in batch {number}")
    return [record]
