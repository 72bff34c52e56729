"""Who travels on after a job that did not come to everybody, and in which new batches.

A job that met too many bad rows fails as a whole (F3.21), and what is too many nobody knows (F3.23). So
the rest is cut in two and each half gets a job of its own: bad rows stand together more often than not,
and half after half of good users arrives in one job each, until the bad ones are alone. Rows of which the
log may speak, and nobody can tell which, go apart at once. Each job settles somebody, and the number of
jobs is bounded: a pool has 1,000 in its life (F3.15).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.cognito.limits import MAX_JOBS
from flows.ledger.segments import write_parquet
from flows.ledger.states import BatchState
from flows.ledger.store import BatchRecord
from flows.steps.job_records import STOPPED_HERE, jobs_of
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from flows.steps.context import Context

SUSPECT: Final = "@suspect"
"""Boolean: true where the log may speak of this user, or of the one in the next line; else null."""

_NEARLY_ALL: Final = MAX_JOBS * 9 // 10


def parts_of(context: Context, batch: BatchRecord, rest: pl.DataFrame) -> list[pl.DataFrame]:
    """Cut the rest into the batches that it travels on in.

    Args:
        context: the run.
        batch: the batch whose job has ended.
        rest: ``ORDINAL`` and ``SUSPECT`` of those whom the job has not touched, in the order of the lines.

    Returns:
        Frames with ``ORDINAL``; none where the run may make no more jobs for users who travel on.
    """
    if not rest.height:
        return []
    members = [part for part in _cut(batch, rest) if part.height]
    free = _free_jobs(context, batch)
    if free < len(members):
        members = [rest] if free else []
    if not members:
        context.progress.note(
            f"{rest.height:,} users of batch {batch.number} do not travel on: the jobs that the run may "
            "use for users whom other jobs did not reach are used up (jobs.max_extra_jobs, F3.15)."
        )
    return [part.select(ORDINAL).sort(ORDINAL) for part in members]


def _cut(batch: BatchRecord, rest: pl.DataFrame) -> list[pl.DataFrame]:
    """Apart, where rows were refused; a job that nobody's row has spoiled is simply made again."""
    facts = batch.facts
    if facts.get("status") != "Failed" or not (facts.get("failed") or facts.get("skipped")):
        return [rest]
    suspect = pl.col(SUSPECT).fill_null(value=False)
    suspects, others = rest.filter(suspect), rest.filter(~suspect)
    half = (others.height + 1) // 2
    return [others[half:], others[:half], suspects]


def _free_jobs(context: Context, batch: BatchRecord) -> int:
    """How many more batches may be made of users who travel on; a person's own Ctrl-C counts for nothing."""
    if batch.facts.get(STOPPED_HERE):
        return 1
    batches = context.ledger.batches()
    by_number = {each.number: each for each in batches}
    extra = sum(len(each.facts.get("spent", ())) for each in batches) + sum(
        not by_number[each.facts["parent"]].facts.get(STOPPED_HERE)
        for each in batches
        if each.facts.get("parent") is not None
    )
    return max(0, min(context.loaded.settings.jobs.max_extra_jobs - extra, _left_in_pool(context, batches)))


def _left_in_pool(context: Context, batches: list[BatchRecord]) -> int:
    """Jobs of the pool that nobody of this run waits for; told as soon as they get few."""
    used = context.jobs.count_jobs()
    waiting = sum(each.strategy == "import_job" and not jobs_of(each) for each in batches)
    if used >= _NEARLY_ALL:
        context.progress.note(
            f"The pool has had {used:,} import jobs. {MAX_JOBS:,} is the most in its life, unless AWS has "
            "raised it (F3.15)."
        )
    return MAX_JOBS - used - waiting


def travel_on(
    context: Context, batch: BatchRecord, parts: list[pl.DataFrame], *, numbers_taken: int
) -> list[BatchRecord]:
    """Make a new batch of each part; the ledger does not know them yet."""
    if not parts:
        return []
    first = max(other.number for other in context.ledger.batches()) + numbers_taken + 1
    records = [_record(batch, number, part.height) for number, part in enumerate(parts, first)]
    for record, part in zip(records, parts, strict=True):
        write_parquet(part, context.folder.batch_users(record.number))
    told = " and ".join(f"{one.users:,} in batch {one.number}" for one in records)
    context.progress.note(f"Users of batch {batch.number} whom its job did not reach travel on: {told}.")
    return records


def _record(batch: BatchRecord, number: int, users: int) -> BatchRecord:
    facts = {"parent": batch.number, "bytes": 0}
    return BatchRecord(
        number, batch.strategy, batch.algorithm, users, BatchState.PLANNED, 1, None, None, None, facts
    )
