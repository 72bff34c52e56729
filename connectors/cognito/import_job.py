"""One import job: what the service tells of it, and the name by which it is found again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from connectors.cognito.limits import UPLOAD_SECONDS
from connectors.errors import ConfigurationError

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp.type_defs import UserImportJobTypeTypeDef

    from connectors.records import HashAlgorithm

JobStatus = Literal[
    "Created", "Pending", "InProgress", "Stopping", "Expired", "Stopped", "Failed", "Succeeded"
]
"""States of an import job (F3.2)."""
ENDED: Final[frozenset[JobStatus]] = frozenset({"Expired", "Stopped", "Failed", "Succeeded"})
"""States that a job never leaves. None of them settles a user: a failed job may have made some (F3.22)."""
UNSTARTED: Final[frozenset[JobStatus]] = frozenset({"Created", "Expired"})
"""States of a job that nobody has started."""

_LONGEST_NAME: Final = 128
_RUN_ID: Final = re.compile(r"[A-Za-z0-9_-]+")
_NAME: Final = re.compile(
    r"poolferry\.(?P<run>[A-Za-z0-9_-]+)\.batch-(?P<batch>\d+)\.attempt-(?P<attempt>\d+)"
)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Job:
    """An import job as the service last told it; times are UTC.

    Attributes:
        id: the service's name of the job, ``import-`` and letters.
        name: our name of it; see ``job_name``.
        status: where it stands (F3.2).
        url: where the file goes. It is a key to the pool: it is in no text and no log.
        url_expires: when the URL stops working; from then on only a new job helps (F3.10).
        imported: users that it made; whether the counters move before the end is not known (F3.24).
        skipped: users that were in the pool already.
        failed: users that it refused.
        message: ``CompletionMessage``, whatever it says (F3.20), or empty.
        algorithm: its ``PasswordHashingAlgorithm``, or None.
        created: when it was made.
        started: when it was started, or None.
        completed: when it ended, or None.
    """

    id: str
    name: str
    status: JobStatus
    url: str = field(default="", repr=False)
    url_expires: datetime = _NEVER
    imported: int = 0
    skipped: int = 0
    failed: int = 0
    message: str = ""
    algorithm: HashAlgorithm | None = None
    created: datetime = _NEVER
    started: datetime | None = None
    completed: datetime | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the job is in a state that it never leaves."""
        return self.status in ENDED

    @property
    def was_started(self) -> bool:
        """Whether somebody has started the job, so that it cannot be started again."""
        return self.status not in UNSTARTED

    @property
    def counted(self) -> int:
        """How many users the job's counters speak of."""
        return self.imported + self.skipped + self.failed


def job_of(told: UserImportJobTypeTypeDef) -> Job:
    """Read ``UserImportJobType``, the shape of a job in every reply."""
    created = _utc(told.get("CreationDate")) or _NEVER
    return Job(
        id=told["JobId"],
        name=told.get("JobName", ""),
        status=told["Status"],
        url=told.get("PreSignedUrl", ""),
        url_expires=created + timedelta(seconds=UPLOAD_SECONDS),
        imported=told.get("ImportedUsers", 0),
        skipped=told.get("SkippedUsers", 0),
        failed=told.get("FailedUsers", 0),
        message=told.get("CompletionMessage", ""),
        algorithm=told.get("PasswordHashingAlgorithm"),
        created=created,
        started=_utc(told.get("StartDate")),
        completed=_utc(told.get("CompletionDate")),
    )


def _utc(moment: datetime | None) -> datetime | None:
    """Botocore gives the machine's own zone."""
    return moment.astimezone(UTC) if moment else None


@dataclass(frozen=True, slots=True)
class JobName:
    """What a job's name says: the run, the batch in it, and which try of that batch."""

    run_id: str
    batch: int
    attempt: int


def job_name(run_id: str, batch: int, attempt: int) -> str:
    """Name a job so that it is found again, although its reply was lost (F3.3: names need not be unique).

    Args:
        run_id: letters, digits, ``_`` and ``-``.
        batch: number of the batch in the run, not negative.
        attempt: number of the try of that batch, not negative.

    Returns:
        A name of at most 128 characters that the API takes and that ``parse_job_name`` reads.

    Raises:
        ConfigurationError: the run's id cannot be part of a job's name.
    """
    name = f"poolferry.{run_id}.batch-{batch}.attempt-{attempt}"
    if not _RUN_ID.fullmatch(run_id) or len(name) > _LONGEST_NAME:
        raise ConfigurationError(
            "The run's id cannot be part of an import job's name.",
            "Use letters, digits, '_' and '-' only, and fewer than 80 of them.",
        )
    return name


def parse_job_name(name: str) -> JobName | None:
    """Read a name that ``job_name`` made, or return None where somebody else made it."""
    found = _NAME.fullmatch(name)
    return JobName(found["run"], int(found["batch"]), int(found["attempt"])) if found else None
