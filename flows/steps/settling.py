"""Settle a batch from its job's log; whoever the log does not name is looked for in the pool.

A job's status settles nothing: a failed job may have created users (F3.22). A user with a log line
has an outcome; whom the log calls FAILED goes on to the next strategy that can take them. A user without
a line is ``imported`` if the pool has them now as a job makes them: while one of this run ran in which they
travelled, with the status and the values that it gives. Who else is there is ``existing``.
Whom a job that did not succeed has not touched travels on in new batches.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from connectors.cognito.import_log import LINE_IN_FILE, read_outcomes
from connectors.errors import TargetError
from flows.ledger.segments import write_parquet
from flows.ledger.states import BatchState
from flows.steps.columns import JOB_LINE, SUB, VERDICT, WHY, outcomes
from flows.steps.existing import SUB_BEFORE, Existing
from flows.steps.handing_on import SUSPECT, parts_of, travel_on
from flows.steps.job_records import next_attempt, windows
from flows.steps.log_base import FACT, suspects, with_certain_base
from flows.steps.next_way import hand_on, has_child
from flows.steps.reading_pool import AS_SENT, CREATED, STATUS, awaited, pool_users, present
from mappings.duplicates import KEY_USERNAME, ORDINAL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from flows.ledger.store import BatchRecord
    from flows.steps.context import Context

ATTEMPTS: Final = 5
"""Jobs that one batch may use up without touching anybody; a pool has 1,000 in its life (F3.15)."""

_WHY_UNTOUCHED: Final = {"Failed": "job_failed", "Stopped": "job_stopped"}
"""Why a job has not come to a user, by its status; else nobody knows what became of them."""

_WITH_EARLIER_JOBS: Final = 2
"""So many jobs at least has somebody travelled in who may be skipped as our own user."""

_MADE_AS: Final = ("RESET_REQUIRED", "CONFIRMED")
"""What a job makes of users (F2.11, F7.1, F7.4); ``AdminCreateUser`` and a sign-up begin otherwise (F5.1)."""

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
    unnamed = int(batch.facts.get("imported") or 0) - named.filter(pl.col(VERDICT) == "imported").height
    found = _look_for(context, batch, silent, unnamed) if silent.height else silent
    logged = _not_ours_alone(context, batch, named.filter(pl.col(VERDICT).is_not_null()))
    settled = pl.concat([logged, found.filter(pl.col(VERDICT).is_not_null())])
    rest = found.filter(pl.col(VERDICT).is_null())
    if rest.height == members.height and not _counted(batch):
        return _try_again(context, batch)
    parts = [] if _is_done(batch) else parts_of(context, batch, rest)
    if not parts:
        settled = pl.concat([settled, _failed(rest, batch)])
    refused = named.filter(pl.col(VERDICT) == "failed").select(ORDINAL, WHY)
    settled = settled.join(refused, on=ORDINAL, how="anti")
    gone_on = hand_on(context, batch, refused, batch.job_id)
    shaped = outcomes(settled, strategy="import_job", job_id=batch.job_id)
    written = pl.concat([shaped, gone_on.outcomes]).sort(ORDINAL)
    write_parquet(written, context.folder.outcomes(f"batch-{batch.number:04d}"))
    rests = travel_on(context, batch, parts)
    context.ledger.add_batches([*gone_on.batches, *rests])
    on = sum(part.height for part in parts)
    facts: dict[str, Any] = {FACT: base, "unlogged": silent.height, "handed_on": on}
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
    told = suspects(read, members.height).to_frame(JOB_LINE).with_columns(pl.lit(value=True).alias(SUSPECT))
    return named.join(told, on=JOB_LINE, how="full", coalesce=True), read.base


def _counted(batch: BatchRecord) -> int:
    return sum(int(batch.facts.get(name) or 0) for name in ("imported", "skipped", "failed"))


def _is_done(batch: BatchRecord) -> bool:
    """Whether the job came to everybody, so that whoever is in no line and not in the pool was refused."""
    return batch.facts.get("status") == "Succeeded" or _counted(batch) >= batch.users


def _try_again(context: Context, batch: BatchRecord) -> BatchRecord:
    """The job touched nobody: it is spent, and the same users go in a new one."""
    again = next_attempt(context, batch)
    if batch.facts.get("status") == "Failed" or batch.attempt >= ATTEMPTS:
        raise TargetError(
            f"Import job {batch.job_id} ended as {batch.facts.get('status')} before it touched a user: "
            f"{batch.facts.get('message') or 'no message'}",
            "Check the log role (`poolferry check`), then run the same command again: it tries a new job.",
        )
    return again


def _look_for(context: Context, batch: BatchRecord, silent: pl.DataFrame, unnamed: int) -> pl.DataFrame:
    """Ask the pool for users whom the log does not name, ``unnamed`` of whom the job counts as made."""
    times = windows(context, batch)
    asked = awaited(
        context,
        partial(_in_pool, context, silent),
        lambda seen: seen.filter(_is_ours(times)).height >= unnamed,
    )
    verdict = (
        pl.when(_is_ours(times))
        .then(pl.lit("imported"))
        .when(pl.col(SUB).is_not_null())
        .then(pl.lit("existing"))
    )
    return asked.with_columns(verdict.alias(VERDICT)).select(silent.columns)


def _not_ours_alone(context: Context, batch: BatchRecord, logged: pl.DataFrame) -> pl.DataFrame:
    """Whom a job found in the pool is ours if an earlier job of theirs made them.

    ``ListUsers`` may not have shown them when that job was settled (F5.15), and its log may have lost
    their line: then they travelled on, and were skipped. The pool has them, so it is asked until it shows
    them; as long as it does not, they can only be our own: before the run they were not there.
    """
    skipped, times = logged.filter(pl.col(VERDICT) == "existing"), windows(context, batch)
    if not skipped.height or len(times) < _WITH_EARLIER_JOBS:
        return logged
    asked = awaited(context, partial(_in_pool, context, skipped), lambda seen: not seen[SUB].null_count())
    ours = asked.filter(pl.col(SUB).is_null() | _is_ours(times[1:]))[ORDINAL]
    mended = pl.when(pl.col(ORDINAL).is_in(ours.implode())).then(pl.lit("imported")).otherwise(VERDICT)
    return logged.with_columns(mended.alias(VERDICT))


def _in_pool(context: Context, users: pl.DataFrame) -> pl.DataFrame:
    """Add what the pool tells of users now, and ``SUB_BEFORE`` of those who were there before the run."""
    keys = pool_users(context, users[ORDINAL])
    before = Existing.of_run(context).keys.select(KEY_USERNAME, SUB_BEFORE).drop_nulls(KEY_USERNAME)
    return (
        users.join(keys.select(ORDINAL, KEY_USERNAME), on=ORDINAL, how="left", maintain_order="left")
        .join(present(context, keys), on=KEY_USERNAME, how="left", maintain_order="left")
        .join(before.unique(KEY_USERNAME), on=KEY_USERNAME, how="left", maintain_order="left")
    )


def _is_ours(times: Sequence[tuple[datetime, datetime]]) -> pl.Expr:
    """Whether a user came while one of these jobs ran, and is as a job makes them.

    Others make users at the same time, and of the same names: those have another status, or other values.
    """
    made = [pl.col(CREATED).is_between(start, end) for start, end in times]
    in_time = pl.any_horizontal(pl.lit(value=False), *made)
    is_ours = pl.col(SUB_BEFORE).is_null() & in_time & pl.col(AS_SENT) & pl.col(STATUS).is_in(_MADE_AS)
    return is_ours.fill_null(value=False)


def _failed(rest: pl.DataFrame, batch: BatchRecord) -> pl.DataFrame:
    why = _WHY_UNTOUCHED.get(str(batch.facts.get("status")), "not_settled")
    return rest.with_columns(pl.lit("failed").alias(VERDICT), pl.lit(why).alias(WHY))
