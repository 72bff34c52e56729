"""Users travel as a CSV in a user import job: free of MAU cost (F8.1) and without any message (F3.41).

One function a state of the batch; the ledger is written before every call that changes the pool,
so that after a crash the state says what to ask before trying again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import polars as pl

from connectors.cognito.import_file import ImportFileFormat, write_import_file
from connectors.cognito.import_job import job_name
from connectors.cognito.import_jobs import WAIT_SECONDS
from connectors.cognito.polling import polling
from connectors.errors import (
    AskThePoolError,
    MissingFileError,
    PoolferryError,
    RefusedJobError,
    RetryError,
    SpentJobError,
    TargetError,
)
from flows.ledger.states import BatchState
from flows.logs import working
from flows.steps.job_records import STOPPED_HERE, facts_of, next_attempt
from flows.steps.settling import ATTEMPTS, settle_job
from flows.strategies.batches import batch_lines
from flows.strategies.without_hashes import are_refused, believe, hand_on
from mappings.rules import CSV_REASON

if TYPE_CHECKING:
    from connectors.cognito.import_job import Job
    from connectors.cognito.import_jobs import Turns
    from flows.ledger.store import BatchRecord
    from flows.settings import RunFile, StrategyName
    from flows.steps.context import Context


ASKS: Final = 3
"""How often a job is made whose reply was lost, the pool asked before each time."""


class ImportJob:
    """Takes every user whom a CSV can carry."""

    name: ClassVar[StrategyName] = "import_job"

    def __init__(self, settings: RunFile) -> None:
        self._jobs = settings.jobs

    def refusal(self) -> pl.Expr:
        """What the pool's rules found against a CSV."""
        return pl.col(CSV_REASON)

    def batch_limits(self) -> tuple[int, int]:
        """At most 500,000 rows and 100,000,000 bytes (F1.23, F1.24)."""
        return self._jobs.max_rows, self._jobs.max_bytes

    def send(self, context: Context, number: int) -> None:
        """Walk from the batch's state to ``settled``."""
        try:
            self._walk(context, number)
        except KeyboardInterrupt:
            _stop(context, context.ledger.batch(number))
            raise

    def _walk(self, context: Context, number: int) -> None:
        job: Job | None = None
        batch = context.ledger.batch(number)
        while batch.state is not BatchState.SETTLED:
            with working(job_id=batch.job_id):
                batch, job = _STEPS[batch.state](context, batch, job)


def _stop(context: Context, batch: BatchRecord) -> None:
    """Ask a running job to stop; who it has created stays, and is settled by the next start (F3.16).

    A job that cannot be stopped goes on by itself, and the next start waits for it.
    """
    if batch.job_id is None:
        return
    try:
        _stop_job(context, batch, batch.job_id)
    except PoolferryError as error:
        context.progress.note(
            f"The import job of batch {batch.number} could not be stopped and may go on by itself. "
            f"{error.what}"
        )


def _stop_job(context: Context, batch: BatchRecord, job_id: str) -> None:
    job = context.jobs.describe(job_id)
    if job.was_started and not job.has_ended:
        context.ledger.advance(batch, batch.state, stopped_here=True)
        context.jobs.stop(job_id)
        context.progress.note(f"The import job of batch {batch.number} was stopped.")


def write_file(context: Context, batch: BatchRecord) -> None:
    """Write the batch's CSV unless it lies there already."""
    path = context.folder.import_file(batch.number)
    if not path.exists():
        write_import_file(
            path, ImportFileFormat(context.schema, batch.algorithm), batch_lines(context, batch)
        )


def _create(context: Context, batch: BatchRecord, _job: Job | None) -> tuple[BatchRecord, Job | None]:
    """From ``planned``: the intent is written before the job is created."""
    role = context.loaded.settings.target.log_role_arn
    if not role:
        raise TargetError(
            "Import jobs need target.log_role_arn (F3.34).", "`poolferry check --create-role` makes one."
        )
    write_file(context, batch)
    return _find_or_create(context, context.ledger.advance(batch, BatchState.CREATING), None)


def _find_or_create(context: Context, batch: BatchRecord, _job: Job | None) -> tuple[BatchRecord, Job | None]:
    """From ``creating``: the pool is asked for the job's name before each try.

    A reply may have been lost, or the run's folder may be a copy that is older than what was done.
    """
    write_file(context, batch)
    if are_refused(context, batch) and context.jobs.find(_name(context, batch)) is None:
        return _hand_on(context, batch), None
    ask = polling(lambda job: job is not None, attempts=ASKS, delay=context.loaded.settings.jobs.poll_seconds)
    try:
        job: Job | None = ask(_found_or_made, context, batch)
    except RefusedJobError as error:
        believe(context, batch, error)
        return _hand_on(context, batch), None
    if job is None:
        raise AskThePoolError(
            f"{ASKS} replies were lost while the import job of batch {batch.number} was made.",
            "Run the same command again: it asks the pool for the job first.",
        )
    return context.ledger.advance(batch, BatchState.CREATED, job_id=job.id), job


def _found_or_made(context: Context, batch: BatchRecord) -> Job | None:
    """Find the job or make it; None where the reply was lost, so that the pool is to be asked again."""
    name, role = _name(context, batch), context.loaded.settings.target.log_role_arn or ""
    try:
        return context.jobs.find(name) or context.jobs.create(
            name, role, batch.algorithm, **_turns(context, batch)
        )
    except AskThePoolError as error:
        context.progress.note(f"{error.what} The pool is asked whether the job was made.")
        return None


def _turns(context: Context, batch: BatchRecord) -> Turns:
    """How to wait while another job of the account is active (F3.14), and what to say of it."""
    patience = context.loaded.settings.jobs.busy_patience_seconds
    delay = min(WAIT_SECONDS, max(patience, 1.0))
    told = f"Batch {batch.number} waits for up to {patience:,.0f} s: another job of the account is active."
    return {
        "delay": delay,
        "max_attempts": 1 + int(patience / delay),
        "on_wait": lambda: context.progress.note(told),
    }


def _hand_on(context: Context, batch: BatchRecord) -> BatchRecord:
    from flows.strategies.chain import strategies_of  # noqa: PLC0415 - the chain imports this strategy

    return hand_on(context, batch, strategies_of(context.loaded.settings, context.spec))


def _upload(context: Context, batch: BatchRecord, job: Job | None) -> tuple[BatchRecord, Job | None]:
    """From ``created``: the file is put to the pre-signed URL, which lives 15 minutes (F3.10)."""
    write_file(context, batch)
    job = job or context.jobs.describe(_job_id(batch))
    if job.was_started:  # the ledger is a copy that is older than the job
        return context.ledger.advance(batch, BatchState.UPLOADED), job
    path = context.folder.import_file(batch.number)
    context.progress.stage(f"Uploading batch {batch.number}", path.stat().st_size, "bytes")
    try:
        context.jobs.upload(job, path, on_progress=lambda sent, _total: context.progress.update(sent))
    except SpentJobError as error:
        return _new_attempt(context, batch, job, error)
    return context.ledger.advance(batch, BatchState.UPLOADED), job


def _start(context: Context, batch: BatchRecord, _job: Job | None) -> tuple[BatchRecord, Job | None]:
    """From ``uploaded``: start, unless an earlier start has taken effect."""
    job = context.jobs.describe(_job_id(batch))
    if not job.was_started:
        try:
            job = _started(context, batch, job)
        except (SpentJobError, MissingFileError) as error:
            return _new_attempt(context, batch, job, error)
    return context.ledger.advance(batch, BatchState.STARTED), job


def _started(context: Context, batch: BatchRecord, job: Job) -> Job:
    """Start the job; where no try was answered the pool is asked, since the job may run all the same.

    A job that is believed never to have run, and did, would make its users somebody else's.
    """
    try:
        return context.jobs.start(job.id, **_turns(context, batch))
    except MissingFileError:
        raise
    except (RetryError, AskThePoolError):
        now = context.jobs.describe(job.id)
        if now.was_started:
            return now
        raise


def _new_attempt(
    context: Context, batch: BatchRecord, job: Job, error: PoolferryError
) -> tuple[BatchRecord, Job | None]:
    """The job never ran, so nobody travelled: the same users go in a new job, as long as that may help."""
    again = next_attempt(context, batch, job.status)
    context.progress.note(f"Import job {job.id} is spent and never ran. {error.what}")
    if batch.attempt >= ATTEMPTS:
        raise TargetError(
            f"{batch.attempt} import jobs for batch {batch.number} never ran. {error.what}",
            "Check this machine's clock, and what stands between it and the upload URL; then run the same "
            "command again: it tries a new job.",
        ) from None
    return again, None


def _wait(context: Context, batch: BatchRecord, _job: Job | None) -> tuple[BatchRecord, Job | None]:
    """From ``started``: the waiter watches until the job has reached an end."""
    settings = context.loaded.settings.jobs
    context.progress.stage(f"Importing batch {batch.number}", batch.users, "users")
    job = context.jobs.wait(
        _job_id(batch),
        delay=settings.poll_seconds,
        max_attempts=settings.max_polls,
        on_progress=lambda seen: context.progress.update(seen.counted),
    )
    if job.status == "Stopped" and not batch.facts.get(STOPPED_HERE):
        context.progress.note(
            f"Somebody else has stopped import job {job.id}. Whom it did not reach travels on in a new job; "
            "Ctrl-C stops the run itself."
        )
    context.folder.import_file(batch.number).unlink(missing_ok=True)
    return context.ledger.advance(batch, BatchState.ENDED, **facts_of(job)), job


def _settle(context: Context, batch: BatchRecord, job: Job | None) -> tuple[BatchRecord, Job | None]:
    """From ``ended``: the log gives every user an outcome; who has none travels on."""
    return settle_job(context, batch), job


def _name(context: Context, batch: BatchRecord) -> str:
    return job_name(context.ledger.run_id, batch.number, batch.attempt)


def _job_id(batch: BatchRecord) -> str:
    if batch.job_id is None:
        raise TargetError(f"The ledger knows no job of batch {batch.number}.", "Please report it.")
    return batch.job_id


_STEPS = {
    BatchState.PLANNED: _create,
    BatchState.CREATING: _find_or_create,
    BatchState.CREATED: _upload,
    BatchState.UPLOADED: _start,
    BatchState.STARTED: _wait,
    BatchState.ENDED: _settle,
}
