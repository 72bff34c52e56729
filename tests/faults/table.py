"""The fault table: what goes wrong, what the user sees of it, what is left to do.

``test_fault_table.py`` runs every case, and ``deployments/FAULTS.md`` is made of the same declarations.
In a true text, ``JOB``, ``REQUEST``, ``RUN``, ``FOLDER`` and ``SECONDS`` stand for what differs each time.
The file is longer than others because it is the whole table, and little else.
"""

from __future__ import annotations

import signal
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.flows.conftest import Pool

PEOPLE: Final = 12
NOTHING: Final = "Nothing to do."
AGAIN: Final = "Run the same command again."
Part = Literal["connection", "upload", "job", "log", "pool", "machine", "many"]


@dataclass(frozen=True)
class Case:
    """One fault, and how a run of twelve users comes through it.

    Attributes:
        fault: what goes wrong.
        sees: what stands on standard error, true to the letter; empty: nothing.
        left: what is left to do.
        switches: settings of the local Cognito while the fault lasts.
        at: at the beginning of this stage of the first run ``act`` happens.
        act: what somebody else does to the pool, or a signal.
        exit: status of the first command.
        jobs: states of the pool's jobs in the end, the first one first; null: not looked at.
        ends: how many users end with which verdict; default: all are imported.
        run: changes to the run file.
        pool: settings of CreateUserPool.
        small_disk: whether the run's folder is on a disk of its own, of one MB.
        goes_on: whether the same command comes to the end once the fault is gone.
    """

    fault: str
    sees: str = ""
    left: str = NOTHING
    switches: Mapping[str, Any] = field(default_factory=dict)
    at: str = "Uploading"
    act: Callable[[Pool], object] | None = None
    exit: int = 0
    jobs: tuple[str, ...] | None = ("Succeeded",)
    ends: Mapping[str, int] = field(default_factory=lambda: {"imported": PEOPLE})
    run: Mapping[str, Any] = field(default_factory=dict)
    pool: Mapping[str, Any] = field(default_factory=dict)
    small_disk: bool = False
    goes_on: bool = True


def strike(at: str, kind: str, **more: Any) -> dict[str, Any]:
    """One fault of requests as a setting of the local Cognito."""
    return {"faults": [{"at": at, "kind": kind, **more}]}


def end_job(kind: str, **more: Any) -> dict[str, Any]:
    """One fault of jobs as a setting of the local Cognito."""
    return {"job_faults": [{"kind": kind, **more}]}


ONE_BY_ONE: Final = {"strategies": ["admin_create_user"]}
CREATED: Final = {"created": PEOPLE}
BUSY: Final = "Batch 1 waits for up to 1 s: another job of the account is active."
SLOWER: Final = "{}: ThrottledError; try 2 in SECONDS s"
RETRIED: Final = "{}: RetryError; try 2 in SECONDS s"
LATE: Final = "The pool does not show everybody yet: it is asked again (F5.15)."
ASKED: Final = "The pool is asked whether the job was made."
SOME_LOST: Final = "The log settles 10 users, and the job counted 12."
LOST: Final = "The pool is asked for the others."


def alias_taken(*numbers: int) -> Callable[[Pool], None]:
    """Somebody else takes the addresses of some users who are about to travel."""

    def take(pool: Pool) -> None:
        for number in numbers:
            pool.client.admin_create_user(
                UserPoolId=pool.pool_id,
                Username=f"stranger{number}",
                MessageAction="SUPPRESS",
                UserAttributes=[
                    {"Name": "email", "Value": f"user{number}@example.com"},
                    {"Name": "email_verified", "Value": "true"},
                ],
            )

    return take


def delete_pool(pool: Pool) -> None:
    """Somebody deletes the pool."""
    pool.client.delete_user_pool(UserPoolId=pool.pool_id)


def verify_nothing(pool: Pool) -> None:
    """Somebody updates the pool and leaves the auto-verified attributes out (F6.23)."""
    pool.client.update_user_pool(UserPoolId=pool.pool_id)


def add_attribute(pool: Pool) -> None:
    """Somebody gives the pool another attribute (F6.31)."""
    attribute = {"Name": "later", "AttributeDataType": "String"}
    pool.client.add_custom_attributes(UserPoolId=pool.pool_id, CustomAttributes=[attribute])


CLOCK: Final = {"ahead": 0.0}
"""Seconds that this machine's clock is ahead; the tests hand it to the command."""


def set_clock(ahead: float) -> None:
    """Somebody sets this machine's clock."""
    CLOCK["ahead"] = ahead


DISK: Final = "disk"
"""Folder of the small disk, beside the run file."""


def fill_disk(pool: Pool) -> None:
    """Something else writes the disk full, to the last byte."""
    with (pool.folder / DISK / "ballast").open("wb", buffering=0) as file:
        for size in (1 << 16, 1):
            with suppress(OSError):
                while file.write(b"x" * size):
                    pass


def interrupt(number: int) -> Callable[[Pool], None]:
    """The process gets a signal."""
    return lambda _pool: signal.raise_signal(number)


CONNECTION: Final = (
    Case(
        "Cognito throttles a call of an import job",
        SLOWER.format("CreateUserImportJob"),
        switches=strike("CreateUserImportJob", "throttle", times=2),
    ),
    Case(
        "Cognito throttles ListUsers",
        SLOWER.format("ListUsers"),
        switches=strike("ListUsers", "throttle", times=2),
    ),
    Case(
        "Cognito throttles DescribeUserImportJob while a job runs",
        SLOWER.format("DescribeUserImportJob"),
        switches=strike("DescribeUserImportJob", "throttle", times=2),
    ),
    Case(
        "Cognito throttles AdminCreateUser",
        SLOWER.format("AdminCreateUser"),
        run=ONE_BY_ONE,
        ends=CREATED,
        jobs=(),
        switches=strike("AdminCreateUser", "throttle", skip=2, times=2),
    ),
    Case(
        "More calls than a category's rate",
        SLOWER.format("AdminCreateUser"),
        run=ONE_BY_ONE,
        ends=CREATED,
        jobs=(),
        switches={"throttle": True, "throttle_rates": {"UserCreation": 20}, "throttle_burst_seconds": 0.1},
    ),
    Case(
        "Cognito answers HTTP 500 to a call that reads",
        RETRIED.format("ListUserImportJobs"),
        switches=strike("ListUserImportJobs", "http_500"),
    ),
    Case(
        "HTTP 500, and the job was not made",
        f"CreateUserImportJob failed with InternalErrorException (request REQUEST). {ASKED}",
        switches=strike("CreateUserImportJob", "http_500"),
    ),
    Case(
        "HTTP 500, and the job was made all the same",
        f"CreateUserImportJob failed with InternalErrorException (request REQUEST). {ASKED}",
        switches=strike("CreateUserImportJob", "http_500", when="after"),
    ),
    Case(
        "The connection is cut before a job is made",
        f"CreateUserImportJob failed: ConnectionClosedError. {ASKED}",
        switches=strike("CreateUserImportJob", "cut"),
    ),
    Case(
        "A job is made and the reply is lost",
        f"CreateUserImportJob failed: ConnectionClosedError. {ASKED}",
        switches=strike("CreateUserImportJob", "cut", when="after"),
    ),
    Case(
        "The connection is cut before a job starts",
        RETRIED.format("StartUserImportJob"),
        switches=strike("StartUserImportJob", "cut"),
    ),
    Case("A job starts and the reply is lost", switches=strike("StartUserImportJob", "cut", when="after")),
    Case(
        "A job starts and HTTP 500 is answered",
        switches=strike("StartUserImportJob", "http_500", when="after"),
    ),
    Case(
        "The connection is cut while a job is watched",
        RETRIED.format("DescribeUserImportJob"),
        switches=strike("DescribeUserImportJob", "cut", skip=1, times=2),
    ),
    Case(
        "The connection is cut while the pool is read",
        RETRIED.format("ListUsers"),
        switches=strike("ListUsers", "cut_half_way", times=2),
    ),
    Case(
        "AdminCreateUser creates a user and the reply is lost",
        run=ONE_BY_ONE,
        ends=CREATED,
        jobs=(),
        switches=strike("AdminCreateUser", "cut", when="after", skip=3),
    ),
    Case(
        "Cognito answers HTTP 500 to everything that makes a job",
        "error: 3 replies were lost while the import job of batch 1 was made.",
        f"{AGAIN} It asks the pool for the job first.",
        switches=strike("CreateUserImportJob", "http_500", times=None),
        exit=3,
    ),
    Case(
        "A right is missing",
        "error: StartUserImportJob failed with AccessDeniedException (request REQUEST).",
        "Allow cognito-idp:StartUserImportJob in the IAM policy of the credentials, then run the "
        "same command again.",
        switches=strike("StartUserImportJob", "http_403", times=None),
        exit=3,
    ),
)

UPLOAD: Final = (
    Case(
        "The store answers HTTP 503 to the upload",
        SLOWER.format("Upload for JOB"),
        switches=strike("Upload", "http_503", times=2),
    ),
    Case(
        "The upload is cut half-way",
        RETRIED.format("Upload for JOB"),
        switches=strike("Upload", "cut_half_way", times=2),
    ),
    Case(
        "The upload arrives and the reply is lost",
        RETRIED.format("Upload for JOB"),
        switches=strike("Upload", "cut", when="after"),
    ),
    Case(
        "The store answers HTTP 403 to the upload",
        "Import job JOB is spent and never ran. The "
        "upload for job JOB was refused with HTTP 403 (AccessDenied).",
        "Nothing to do: a new job is made. One of the pool's 1,000 jobs is spent (F3.15).",
        switches=strike("Upload", "http_403"),
        jobs=("Created", "Succeeded"),
    ),
    Case(
        "The upload URL has expired, as after a jump of Cognito's clock",
        "Import job JOB is spent "
        "and never ran. The upload for job JOB was refused with HTTP 403 (AccessDenied).",
        "Nothing to do: a new job is made. One of the pool's 1,000 jobs is spent (F3.15).",
        act=lambda pool: pool.sandbox.update(clock_offset_seconds=1000),
        jobs=("Created", "Succeeded"),
    ),
    Case(
        "The store refuses every upload",
        "error: 5 import jobs for batch 1 never ran. The upload "
        "for job JOB was refused with HTTP 403 (AccessDenied).",
        f"Check this machine's clock, and what stands between it and the upload URL. {AGAIN} Five "
        f"of the pool's 1,000 jobs are spent (F3.15).",
        switches=strike("Upload", "http_403", times=None),
        exit=3,
        jobs=("Created",) * 5 + ("Succeeded",),
    ),
)

JOB: Final = (
    Case(
        "A job fails before its first user",
        "error: Import job JOB ended as Failed before it touched a user: The role is gone.",
        "Check the log role (`poolferry check`), then run the same command again: it tries a new job.",
        switches=end_job("fail", message="The role is gone."),
        exit=3,
        jobs=("Failed", "Succeeded"),
    ),
    Case(
        "A job fails in the middle",
        "Users of batch 1 whom its job did not reach travel on: 7 in batch 2.",
        switches=end_job("fail", after_rows=5),
        jobs=("Failed", "Succeeded"),
    ),
    Case(
        "A job fails when it has come to everybody",
        switches=end_job("fail", after_rows=None),
        jobs=("Failed",),
    ),
    Case(
        "A job fails in the middle, and its log is lost",
        "Users of batch 1 whom its job did not reach travel on: 7 in batch 2.",
        switches=end_job("fail", after_rows=5) | {"log_drop_every": 1},
        jobs=("Failed", "Succeeded"),
    ),
    Case(
        "A job expires before it starts",
        "Import job JOB is spent and never ran. "
        "StartUserImportJob failed with PreconditionNotMetException (request REQUEST). The job has "
        "expired (F3.17).",
        switches=end_job("expire"),
        jobs=("Expired", "Succeeded"),
    ),
    Case(
        "Somebody stops the job in the console",
        "Somebody else has stopped import job JOB. Whom "
        "it did not reach travels on in a new job; Ctrl-C stops the run itself.",
        "Nothing to do; to stop the run itself, press Ctrl-C.",
        switches=end_job("stop", after_rows=5),
        jobs=("Stopped", "Succeeded"),
    ),
    Case(
        "Somebody stops the job before its first user",
        "Somebody else has stopped import job JOB. "
        "Whom it did not reach travels on in a new job; Ctrl-C stops the run itself.",
        "Nothing to do; to stop the run itself, press Ctrl-C.",
        switches=end_job("stop"),
        jobs=("Stopped", "Succeeded"),
    ),
    Case(
        "Another job of the account is active for a while",
        BUSY,
        "Nothing to do: the run waits for up to `jobs.busy_patience_seconds` (F3.14).",
        switches=strike("StartUserImportJob", "busy", times=1),
        run={"busy": 1},
    ),
    Case(
        "Another job is active as long as it is only made",
        BUSY,
        "Nothing to do: the run waits for up to `jobs.busy_patience_seconds` (F3.14).",
        switches=strike("CreateUserImportJob", "busy", times=1),
        run={"busy": 1},
    ),
    Case(
        "Another job of the account stays active",
        "error: Job JOB could not start: another job of the account seems to be active (F3.14).",
        f"Wait for that job or stop it. {AGAIN}",
        switches=strike("StartUserImportJob", "busy", times=None),
        exit=3,
    ),
    Case(
        "The pool's import jobs are used up",
        "error: CreateUserImportJob failed with LimitExceededException (request REQUEST).",
        f"Ask AWS to raise 'import jobs per user pool' (F3.15). {AGAIN}",
        switches={"max_jobs_per_pool": 0},
        exit=3,
    ),
)

MANY: Final = (
    Case(
        "Too many bad rows at the head fail the job",
        "Users of batch 1 whom its job did not reach "
        "travel on: 4 in batch 2 and 5 in batch 3 and 2 in batch 4.",
        "Read the reasons of the users who failed (`report`).",
        pool={"AliasAttributes": ["email"]},
        act=alias_taken(0, 1),
        switches={"too_many_early_after_rows": 2},
        exit=1,
        jobs=("Failed", "Succeeded", "Succeeded", "Succeeded"),
        ends={"imported": PEOPLE - 2, "failed": 2},
    ),
    Case(
        "Too many bad rows in the middle fail the job",
        "Users of batch 1 whom its job did not reach travel on: 3 in batch 2 and 3 in batch 3.",
        "Read the reasons of the users who failed (`report`).",
        pool={"AliasAttributes": ["email"]},
        act=alias_taken(5),
        switches={"too_many_share": 0, "too_many_early_after_rows": 1},
        exit=1,
        jobs=("Failed", "Succeeded", "Succeeded"),
        ends={"imported": PEOPLE - 1, "failed": 1},
    ),
    Case(
        "Too many bad rows fail the job, and its log is lost",
        "Users of batch 1 whom its job did not reach travel on: 4 in batch 2 and 4 in batch 3.",
        "Read the reasons of the users who failed (`report`).",
        pool={"AliasAttributes": ["email"]},
        act=alias_taken(4),
        switches={"too_many_share": 0, "too_many_early_after_rows": 1, "log_drop_every": 1},
        exit=1,
        jobs=None,
        ends={"imported": PEOPLE - 1, "failed": 1},
    ),
    Case(
        "Jobs fail again and again, until the run may make no more",
        "users of batch 3 do not "
        "travel on: the jobs that the run may use for users whom other jobs did not reach are used "
        "up (jobs.max_extra_jobs, F3.15).",
        "Mend what the reasons name (`report`), then retry the users who failed.",
        pool={"AliasAttributes": ["email"]},
        act=alias_taken(*range(12)),
        switches={"too_many_early_after_rows": 2},
        exit=1,
        run={"extra": 2},
        jobs=None,
        ends={"failed": PEOPLE},
    ),
)

LOG: Final = (
    Case("Lines of the log come late", switches={"log_delay_seconds": 0.5}, run={"patience": 5}),
    Case("Lines of the log are missing", f"batch 1: {SOME_LOST} {LOST}", switches={"log_drop_every": 5}),
    Case(
        "All lines of the log are missing",
        f"batch 1: The log has no line about any user. {LOST}",
        switches={"log_drop_every": 1},
    ),
    Case(
        "The log group is missing",
        f"batch 1: The log has no line about any user. {LOST}",
        "Nothing to do; without a log the reasons of refused users stay unknown: check the log role.",
        switches={"log_group_missing": True},
    ),
    Case("Lines of the log come twice", switches={"log_duplicate_every": 1}),
    Case("Lines of the log come out of order", switches={"log_shuffle": True}),
    Case("Lines of the log are counted without the header", switches={"log_first_user_line": 1}),
    Case(
        "CloudWatch Logs throttles",
        SLOWER.format("GetLogEvents"),
        switches=strike("GetLogEvents", "throttle", times=2),
    ),
    Case(
        "CloudWatch Logs cuts the connection",
        RETRIED.format("DescribeLogStreams"),
        switches=strike("DescribeLogStreams", "cut"),
    ),
)

POOL: Final = (
    Case(
        "The pool gets another attribute while the run is away",
        "error: The pool's attributes changed under the unfinished run RUN.",
        "Start another run with `--new`: who is in the pool already is `existing`.",
        switches=end_job("fail"),
        at="again",
        act=add_attribute,
        exit=3,
        goes_on=False,
    ),
    Case(
        "The pool verifies nothing any more (F1.30)",
        "error: StartUserImportJob failed with "
        "PreconditionNotMetException (request REQUEST). The pool verifies no attribute on its own "
        "(F1.30).",
        f"Set AutoVerifiedAttributes on the pool, with every other setting carried over. {AGAIN}",
        act=verify_nothing,
        exit=3,
    ),
    Case(
        "The pool is deleted during the run",
        "error: DescribeUserImportJob failed with ResourceNotFoundException (request REQUEST).",
        "Nobody can arrive there: name another pool in the run file and start with `--new`.",
        act=delete_pool,
        exit=3,
        goes_on=False,
    ),
    Case(
        "ListUsers shows new users late (F5.15)",
        LATE,
        run={"patience": 10},
        switches={"list_users_lag_seconds": 4},
    ),
    Case(
        "ListUsers shows users late whom the log has lost",
        f"batch 1: {SOME_LOST} {LOST}",
        run={"patience": 2},
        switches={"list_users_lag_seconds": 3, "log_drop_every": 5},
    ),
    Case(
        "A job fails, and ListUsers does not show in time whom it made",
        "Users of batch 1 whom its job did not reach travel on: 5 in batch 2.",
        "Nothing to do: whom a later job finds in the pool is known to be made by an earlier one, "
        "and `imported`.",
        switches=end_job("fail", after_rows=9) | {"list_users_lag_seconds": 30, "log_drop_every": 9},
        run={"verify": "none"},
        jobs=("Failed", "Succeeded"),
    ),
    Case(
        "The pool gets another attribute while the run reads",
        "error: Import job JOB ended as Failed before it touched a user: ",
        "Start another run with `--new`: it reads the pool's attributes anew.",
        at="Reading and judging",
        act=add_attribute,
        exit=3,
        goes_on=False,
    ),
)

MACHINE: Final = (
    Case(
        "Ctrl-C (SIGINT) while a job runs",
        "The import job of batch 1 was stopped.",
        AGAIN,
        switches={"rows_per_second": 10},
        at="Importing",
        act=interrupt(signal.SIGINT),
        exit=130,
        jobs=("Stopped", "Succeeded"),
    ),
    Case(
        "SIGTERM while a job runs",
        "The import job of batch 1 was stopped.",
        AGAIN,
        switches={"rows_per_second": 10},
        at="Importing",
        act=interrupt(signal.SIGTERM),
        exit=130,
        jobs=("Stopped", "Succeeded"),
    ),
    Case(
        "Ctrl-C, and the job cannot be stopped",
        "The import job of batch 1 could not be stopped "
        "and may go on by itself. StopUserImportJob failed with AccessDeniedException (request REQUEST).",
        "Run the same command again: it waits for the job.",
        at="Importing",
        act=interrupt(signal.SIGINT),
        exit=130,
        switches={"rows_per_second": 10} | strike("StopUserImportJob", "http_403", times=None),
        jobs=("Succeeded",),
    ),
    Case(
        "SIGTERM before anything was sent",
        "Interrupted. Run the same command again: it goes on from here.",
        AGAIN,
        at="Choosing ways",
        act=interrupt(signal.SIGTERM),
        exit=130,
    ),
    Case(
        "This machine's clock jumps ahead by an hour during an upload",
        "Import job JOB is spent and never ran. The upload URL of job JOB has expired.",
        "Nothing to do: a new job is made. One of the pool's 1,000 jobs is spent (F3.15).",
        act=lambda _pool: set_clock(3600),
        jobs=("Created", "Succeeded"),
    ),
    Case("This machine's clock jumps back by an hour during an upload", act=lambda _pool: set_clock(-3600)),
    Case(
        "The disk is full before anything was sent",
        "error: The disk that holds FOLDER is full.",
        f"Make room. {AGAIN}",
        at="Choosing ways",
        act=fill_disk,
        exit=3,
        small_disk=True,
    ),
    Case(
        "The disk is full while a job is watched",
        "error: The disk that holds FOLDER is full.",
        f"Make room. {AGAIN} It waits for the job.",
        at="Importing",
        act=fill_disk,
        exit=3,
        small_disk=True,
        switches={"rows_per_second": 20},
    ),
    Case(
        "Cognito's clock jumps back by an hour while a job runs",
        at="Importing",
        act=lambda pool: pool.sandbox.update(clock_offset_seconds=-3600),
    ),
)

TABLE: Final[Mapping[Part, tuple[Case, ...]]] = {
    "connection": CONNECTION, "upload": UPLOAD, "job": JOB, "many": MANY, "log": LOG, "pool": POOL,
    "machine": MACHINE,
}  # fmt: skip
"""Part of the system → its faults."""

CASES: Final = {case.fault: case for part in TABLE.values() for case in part}
