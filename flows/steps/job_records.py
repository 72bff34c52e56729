"""Every import job that a batch has had, also those that are spent: a pool has 1,000 in its life (F3.15)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from flows.ledger.states import BatchState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.cognito.import_job import Job
    from flows.ledger.store import BatchRecord
    from flows.steps.context import Context

JobRecord = dict[str, Any]
"""What is kept of a job: id, name and try, status and message, counters, times as seconds since 1970."""

SPENT: Final = "spent"
"""Under this name a batch's facts keep the records of its earlier jobs."""

STOPPED_HERE: Final = "stopped_here"
"""Under this name a batch's facts keep that this program has asked its job to stop."""

_TOLD: Final = ("job_name", "status", "message", "imported", "skipped", "failed", "started", "ended")
_TOLERANCE: Final = timedelta(seconds=1)
"""A job's times and those of its users may be cut to whole seconds."""


def facts_of(job: Job) -> JobRecord:
    """What a batch keeps of its job once it has ended."""
    return {
        "job_name": job.name,
        "status": job.status,
        "message": job.message,
        "imported": job.imported,
        "skipped": job.skipped,
        "failed": job.failed,
        "started": job.started.timestamp() if job.started else None,
        "ended": job.completed.timestamp() if job.completed else None,
    }


def jobs_of(batch: BatchRecord) -> list[JobRecord]:
    """All jobs of a batch, the first one first."""
    return [*batch.facts.get(SPENT, ()), *([_record(batch)] if batch.job_id else ())]


def _record(batch: BatchRecord) -> JobRecord:
    told = {name: batch.facts.get(name) for name in _TOLD}
    return {"job_id": batch.job_id, "attempt": batch.attempt, **told}


def next_attempt(context: Context, batch: BatchRecord, status: str | None = None) -> BatchRecord:
    """Write down that the batch's job is spent, and that another one is to be made.

    Args:
        context: the run.
        batch: the batch, whose job has touched nobody.
        status: the job's last state, where the batch does not know it yet.
    """
    record = _record(batch)
    spent = [*batch.facts.get(SPENT, ()), record | {"status": record["status"] or status}]
    facts: dict[str, Any] = {**dict.fromkeys((*_TOLD, STOPPED_HERE)), SPENT: spent}
    return context.ledger.advance(batch, BatchState.CREATING, attempt=batch.attempt + 1, **facts)


def ways_of(context: Context, batch: BatchRecord) -> Iterator[BatchRecord]:
    """The batch and those whose users travel on in it."""
    yield batch
    while (parent := batch.facts.get("parent")) is not None:
        batch = context.ledger.batch(parent)
        yield batch


def windows(context: Context, batch: BatchRecord) -> list[tuple[datetime, datetime]]:
    """From when to when each job ran that may have made a user of the batch, newest first (UTC).

    The service's own times, to be held against its ``UserCreateDate``.
    """
    jobs = [job for one in ways_of(context, batch) for job in reversed(jobs_of(one))]
    return [
        (_utc(job["started"]), _utc(job["ended"]) + _TOLERANCE)
        for job in jobs
        if job["started"] is not None and job["ended"] is not None
    ]


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
