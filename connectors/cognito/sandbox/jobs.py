"""Import jobs: what one is, and where all of them are kept (F3.1-F3.24)."""

from __future__ import annotations

import secrets
import string
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Event, RLock
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.cognito.sandbox.settings_faults import JobFault

JobStatus = Literal[
    "Created", "Pending", "InProgress", "Stopping", "Expired", "Stopped", "Failed", "Succeeded"
]
"""The states of the model (F3.2)."""

RUNNING: Final = frozenset({"Pending", "InProgress", "Stopping"})

SUCCEEDED_TEXT: Final = "Import Job Completed Successfully."
TOO_MANY_TEXT: Final = "Too many users have failed or been skipped during the import."
STOPPED_TEXT: Final = "The Import Job was stopped by the developer."
EXPIRED_TEXT: Final = "The user import job has expired."

Scope = tuple[str, str]
"""Account and Region."""


@dataclass(slots=True)
class ImportJob:
    """One job; hold ``lock`` to change it.

    Attributes:
        scope: account and Region.
        pool_id: the pool's id.
        job_id: ``import-`` and ten letters or digits (F3.3).
        name: not unique (F3.3).
        role_arn: the log role.
        algorithm: ``PasswordHashingAlgorithm`` or None (F2.4).
        created: on the sandbox's clock.
        folder: where the job's file lies while it has one.
        number: rises with every job of the sandbox.
        stop: set when somebody asked the job to stop, and when the sandbox ends.
        ended: set once the job is over and its file gone.
        fault: what goes wrong with it on purpose; set as it is started.
    """

    scope: Scope
    pool_id: str
    job_id: str
    name: str
    role_arn: str
    algorithm: str | None
    created: datetime
    folder: Path
    number: int
    url: str = ""
    status: JobStatus = "Created"
    started: datetime | None = None
    completed: datetime | None = None
    message: str | None = None
    imported: int = 0
    skipped: int = 0
    failed: int = 0
    uploaded: datetime | None = None
    lock: RLock = field(default_factory=RLock)
    stop: Event = field(default_factory=Event)
    ended: Event = field(default_factory=Event)
    fault: JobFault | None = None

    @property
    def file(self) -> Path:
        """Where the uploaded file lies (F3.12)."""
        return self.folder / f"{self.job_id}.csv"

    @property
    def running(self) -> bool:
        """Whether it was started and is not over."""
        return self.status in RUNNING

    def finish(self, status: JobStatus, message: str, now: datetime) -> None:
        """End the job; one that is over stays as it is."""
        with self.lock:
            if self.completed is None:
                self.status, self.message, self.completed = status, message, now

    def discard_file(self) -> None:
        """Delete the file of a job that is over (F3.12)."""
        with self.lock:
            self.file.unlink(missing_ok=True)
            self.uploaded = None
            self.ended.set()

    def described(self) -> dict[str, object]:
        """The job as the API shows it (``UserImportJobType``); absent members are left out (F3.4)."""
        with self.lock:
            shown = {
                "JobName": self.name,
                "JobId": self.job_id,
                "UserPoolId": self.pool_id,
                "PreSignedUrl": self.url,
                "CreationDate": self.created.timestamp(),
                "StartDate": self.started and self.started.timestamp(),
                "CompletionDate": self.completed and self.completed.timestamp(),
                "Status": self.status,
                "CloudWatchLogsRoleArn": self.role_arn,
                "ImportedUsers": self.imported,
                "SkippedUsers": self.skipped,
                "FailedUsers": self.failed,
                "CompletionMessage": self.message,
                "PasswordHashingAlgorithm": self.algorithm,
            }
        return {name: value for name, value in shown.items() if value is not None}


class JobStore:
    """All jobs of a sandbox, oldest first.

    Whoever adds a job, or lets one start, holds the sandbox's lock.
    """

    def __init__(self) -> None:
        self._by_pool: defaultdict[tuple[Scope, str], dict[str, ImportJob]] = defaultdict(dict)
        self._count = 0

    @cached_property
    def folder(self) -> Path:
        """Where uploaded files are kept; only the sandbox's own user can read it."""
        return Path(mkdtemp(prefix="poolferry-sandbox-"))

    def close(self) -> None:
        """Ask all jobs to stop, wait for those that run, and delete every file."""
        for job in self.everywhere():
            job.stop.set()
        for job in self.everywhere():
            if job.started is not None:
                job.ended.wait(timeout=30)
        if "folder" in vars(self):
            rmtree(self.folder, ignore_errors=True)

    def add(
        self, scope: Scope, pool_id: str, name: str, role_arn: str, algorithm: str | None, now: datetime
    ) -> ImportJob:
        """Make a job with a fresh id."""
        self._count += 1
        job = ImportJob(
            scope, pool_id, _job_id(), name, role_arn, algorithm, _milliseconds(now), self.folder, self._count
        )
        self._by_pool[scope, pool_id][job.job_id] = job
        return job

    def of_pool(self, scope: Scope, pool_id: str, now: datetime, expires: timedelta) -> list[ImportJob]:
        """All jobs of a pool, newest first (F3.5); those whose time is over have expired (F3.17)."""
        jobs = list(self._by_pool.get((scope, pool_id), {}).values())
        for job in jobs:
            expire(job, now, expires)
        return jobs[::-1]

    def get(self, scope: Scope, pool_id: str, job_id: str) -> ImportJob | None:
        """One job of a pool, or None."""
        return self._by_pool.get((scope, pool_id), {}).get(job_id)

    def everywhere(self, scope: Scope | None = None) -> Iterator[ImportJob]:
        """All jobs of an account and Region, or of all of them."""
        for (each, _), jobs in list(self._by_pool.items()):
            if scope in {None, each}:
                yield from list(jobs.values())


def expire(job: ImportJob, now: datetime, expires: timedelta) -> None:
    """Let a job that was not started expire once its time is over (F3.17)."""
    due = job.created + expires
    with job.lock:
        if job.status == "Created" and now >= due:
            job.finish("Expired", EXPIRED_TEXT, due)
            job.discard_file()


def _job_id() -> str:
    alphabet = string.ascii_letters + string.digits
    return "import-" + "".join(secrets.choice(alphabet) for _ in range(10))


def _milliseconds(moment: datetime) -> datetime:
    """Cut to milliseconds, as the API shows times."""
    return datetime.fromtimestamp(int(moment.timestamp() * 1000) / 1000, UTC)
