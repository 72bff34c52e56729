"""The import jobs of one pool: made, filled, started, watched, found again.

Every call is retried in one place only: reads and refusals that are certain to have had no effect by
``connectors.retry``. A call whose reply was lost is never simply made again: ``create`` raises
``AskThePoolError`` (ask ``find``), ``start`` and ``stop`` look at the job themselves.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, TypedDict, TypeVar, Unpack

from botocore.exceptions import ClientError, WaiterError

from connectors.cognito.error_codes import pool_call, translate
from connectors.cognito.import_job import Job, job_of
from connectors.cognito.import_upload import put_file
from connectors.cognito.limits import LIST_JOBS_LIMIT, UPLOAD_SECONDS
from connectors.cognito.polling import polling
from connectors.errors import (
    AskThePoolError,
    MissingFileError,
    PoolferryError,
    RetryError,
    SpentJobError,
    TargetError,
)
from connectors.retry import ATTEMPTS, aws_errors, error_code, retrying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import requests
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import CreateUserImportJobRequestTypeDef

    from connectors.cognito.import_upload import OnProgress
    from connectors.records import HashAlgorithm

_T = TypeVar("_T")
_CREATE: Final = "CreateUserImportJob"
_START: Final = "StartUserImportJob"
_DESCRIBE: Final = "DescribeUserImportJob"
_NO_FILE: Final = "No csv file was uploaded"
"""How the refusal begins that a start meets before the service sees the file (F3.11)."""
_LOOK_FIRST: Final = frozenset({"InvalidParameterException", "PreconditionNotMetException"})
"""Refusals of a start that a start of a moment ago can be the reason for."""
_START_ATTEMPTS: Final = 6
"""Tries of a start that does not see its file yet; AWS's own importer makes 4 (F3.13)."""
_WAIT_RESTARTS: Final = 50
"""Broken connections that one wait survives; throttling and server faults are not even counted."""
WAIT_SECONDS: Final = 30.0
"""Pause between two tries to start while another job is active."""
WAIT_ATTEMPTS: Final = 240
"""Tries to start while another job is active: two hours."""


class Turns(TypedDict, total=False):
    """How to wait while another job of the account is active (F3.14).

    Attributes:
        delay: seconds between two tries; default: ``WAIT_SECONDS``.
        max_attempts: tries in total; default: ``WAIT_ATTEMPTS``.
        on_wait: called once, before the first pause.
    """

    delay: float
    max_attempts: int
    on_wait: Callable[[], None]


def _busy(what: str, also: str = "") -> TargetError:
    return TargetError(
        f"{what}: another job of the account seems to be active{f', {also}' if also else ''} (F3.14).",
        "Wait for that job or stop it, then resume.",
    )


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ImportJobs:
    """The import jobs of one pool.

    Args:
        client: a client of the pool's Region; it may be shared.
        pool_id: the pool.
        session: sends the files; default: a new one of ``connectors.http``.
        clock: tells the time, UTC.
        sleep: takes seconds; tests give one that does not sleep.
    """

    def __init__(
        self,
        client: CognitoIdentityProviderClient,
        pool_id: str,
        *,
        session: requests.Session | None = None,
        clock: Callable[[], datetime] = _utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._pool_id = pool_id
        from connectors.http import session as http_session  # noqa: PLC0415 - slow to import

        self._session = session or http_session()
        self._clock = clock
        self._sleep = sleep

    def create(
        self, name: str, role_arn: str, algorithm: HashAlgorithm | None = None, **turns: Unpack[Turns]
    ) -> Job:
        """Make a job (F3.4). Where a job that is only made counts as active (F3.14), wait for its turn.

        Args:
            name: from ``job_name``, so that ``find`` finds it.
            role_arn: the role by which the service writes the job's log (F3.34).
            algorithm: the algorithm of the file's hashes (F2.4), or None where it has none.
            turns: how to wait while another job of the account is active.

        Returns:
            The new job, with the URL that its file goes to.

        Raises:
            AskThePoolError: the reply was lost: ask ``find(name)`` before another try.
            RefusedJobError: the pool takes no hashes (F2.2, F2.3), or not the log role.
            TargetError: the pool refuses for another reason; its jobs may be used up (F3.15), or another job
                stayed active for too long.
        """
        request: CreateUserImportJobRequestTypeDef = {
            "JobName": name,
            "UserPoolId": self._pool_id,
            "CloudWatchLogsRoleArn": role_arn,
        }
        if algorithm:
            request["PasswordHashingAlgorithm"] = algorithm
        made = self._in_turn(_CREATE, partial(self._create_once, request), turns)
        if made is None:
            raise _busy("No job could be made", "or was made and never started")
        return made

    def upload(self, job: Job, path: Path, *, on_progress: OnProgress | None = None) -> None:
        """Send the file to the job's URL; broken connections and busy stores are tried again.

        Args:
            job: the job, from ``create`` or ``find``.
            path: the file, from ``write_import_file``.
            on_progress: called with the bytes sent and the bytes of the file.

        Raises:
            SpentJobError: the URL has expired or is refused: only a new job helps (F3.10).
            RetryError: the network or the store is down for longer: the same upload may be made again.
            ConfigurationError: the file is larger than a job takes (F1.24).
        """

        def send() -> None:
            put_file(self._session, job, path, now=self._clock(), on_progress=on_progress)

        retrying(f"Upload for {job.id}", sleep=self._sleep)(send)

    def start(self, job_id: str, **turns: Unpack[Turns]) -> Job:
        """Start a job once its file is there, which is given some seconds to be seen (F3.11, F3.13).

        While another job of the account is active (F3.14) the start is tried again and again. A start
        whose reply was lost is looked up before it is made again.

        Args:
            job_id: the job.
            turns: how to wait while another job of the account is active.

        Raises:
            MissingFileError, SpentJobError: it sees no file, or has expired (F3.17): a new job helps.
            RetryError, AskThePoolError: no answer: whether the job runs is not known.
            TargetError: the pool verifies nothing on its own (F1.30), or another job stayed active.
        """
        started = self._in_turn(_START, partial(self._start_once, job_id), turns)
        if started is None:
            raise _busy(f"Job {job_id} could not start")
        return started

    def _in_turn(self, operation: str, once: Callable[[], Job | None], turns: Turns) -> Job | None:
        """Try until it is this job's turn; None where that never came."""
        attempts = _START_ATTEMPTS if operation == _START else ATTEMPTS
        tries = retrying(operation, attempts=attempts, sleep=self._sleep)
        policy = polling(
            lambda job: job is not None,
            attempts=turns.get("max_attempts", WAIT_ATTEMPTS),
            delay=turns.get("delay", WAIT_SECONDS),
            sleep=self._sleep,
            on_wait=turns.get("on_wait"),
        )
        found: Job | None = policy(lambda: tries(once))
        return found

    def stop(self, job_id: str) -> Job:
        """Stop a job; users that it made stay (F3.16). A job that has ended is returned as it is.

        Raises:
            TargetError: the job is not in progress, so that there is nothing to stop.
            AskThePoolError: the reply was lost and the job still runs.
        """
        try:
            reply = self._call(
                "StopUserImportJob",
                partial(self._client.stop_user_import_job, UserPoolId=self._pool_id, JobId=job_id),
            )
        except (AskThePoolError, TargetError):
            job = self.describe(job_id)
            if job.has_ended or job.status == "Stopping":
                return job
            raise
        return job_of(reply["UserImportJob"])

    def wait(
        self,
        job_id: str,
        *,
        delay: float | None = None,
        max_attempts: int | None = None,
        on_progress: Callable[[Job], None] | None = None,
    ) -> Job:
        """Wait until the job has ended, well or badly; throttling and broken connections do not end it.

        Args:
            job_id: the job.
            delay: seconds between two looks; default: that of ``waiters.json``.
            max_attempts: looks in total; default: that of ``waiters.json``.
            on_progress: called with the job at each look.

        Returns:
            The job in its last state. The state settles no user (F3.22).

        Raises:
            TargetError: the job is not known, or had not ended after the last look.
        """
        heard = _Heard(job_id, on_progress)
        bounds = {"Delay": delay, "MaxAttempts": max_attempts}
        config = {name: bound for name, bound in bounds.items() if bound is not None}
        with self._hearing(heard):
            retrying(_DESCRIBE, attempts=_WAIT_RESTARTS, sleep=self._sleep)(self._wait_once, job_id, config)
        return heard.job or self.describe(job_id)

    def describe(self, job_id: str) -> Job:
        """Ask what a job does (``DescribeUserImportJob``)."""
        return self._call(_DESCRIBE, partial(self._describe, job_id))

    def find(self, name: str) -> Job | None:
        """Find the job of a name among all jobs of the pool, or None.

        Of several jobs of one name it is one that was started, else the newest.
        """
        named = [job for job in self._jobs() if job.name == name]
        return max(named, key=lambda job: (job.was_started, job.created), default=None)

    def count_jobs(self) -> int:
        """Count the jobs that the pool has had; at 1,000 no more can be made (F3.15)."""
        return sum(1 for _ in self._jobs())

    def _jobs(self) -> Iterator[Job]:
        """All jobs of the pool, newest first (F3.5)."""
        token: str | None = ""
        while token is not None:
            page = {"PaginationToken": token} if token else {}
            reply = self._call(
                "ListUserImportJobs",
                partial(
                    self._client.list_user_import_jobs,
                    UserPoolId=self._pool_id,
                    MaxResults=LIST_JOBS_LIMIT,
                    **page,
                ),
            )
            yield from map(job_of, reply.get("UserImportJobs", ()))
            token = reply.get("PaginationToken")

    def _call(self, operation: str, call: Callable[[], _T]) -> _T:
        def once() -> _T:
            with pool_call(operation):
                return call()

        return retrying(operation, sleep=self._sleep)(once)

    def _describe(self, job_id: str) -> Job:
        reply = self._client.describe_user_import_job(UserPoolId=self._pool_id, JobId=job_id)
        return job_of(reply["UserImportJob"])

    def _create_once(self, request: CreateUserImportJobRequestTypeDef) -> Job | None:
        """Try to make a job; None where another one seems to be active."""
        asked = self._clock()
        try:
            reply = self._client.create_user_import_job(**request)
        except aws_errors() as error:
            told = translate(error, _CREATE)
            if not isinstance(error, ClientError) or error_code(error) != "PreconditionNotMetException":
                raise told from None
            self._check_verifies(told)
            return None
        # By our own clock: the service's may differ, and the URL counts from now.
        return replace(job_of(reply["UserImportJob"]), url_expires=asked + timedelta(seconds=UPLOAD_SECONDS))

    def _start_once(self, job_id: str) -> Job | None:
        """Try to start; None where another job seems to be active."""
        try:
            reply = self._client.start_user_import_job(UserPoolId=self._pool_id, JobId=job_id)
        except aws_errors() as error:
            return self._after_no_start(job_id, error)
        return job_of(reply["UserImportJob"])

    def _after_no_start(self, job_id: str, error: Exception) -> Job | None:
        told, code = translate(error, _START), error_code(error) if isinstance(error, ClientError) else ""
        if not isinstance(told, AskThePoolError) and code not in _LOOK_FIRST:
            raise told from None
        with pool_call(_DESCRIBE):
            job = self._describe(job_id)
        if job.was_started:
            return job
        if job.has_ended:
            raise SpentJobError(f"{told.what} The job has expired (F3.17).", "Make a new job.") from None
        if isinstance(told, AskThePoolError):
            raise RetryError(told.what, "The job has not started: start it again.") from None
        if code != "PreconditionNotMetException":
            raise told from None
        self._check_preconditions(told, error)
        return None

    def _check_preconditions(self, told: PoolferryError, error: Exception) -> None:
        """Raise what the job lacks; return where it lacks nothing but its turn."""
        if isinstance(error, ClientError) and error.response["Error"].get("Message", "").startswith(_NO_FILE):
            raise MissingFileError(
                told.what, "The service sees no file: upload it, then start again."
            ) from None
        self._check_verifies(told)

    def _check_verifies(self, told: PoolferryError) -> None:
        """Raise where the pool verifies nothing on its own: then waiting does not help (F1.30)."""
        with pool_call("DescribeUserPool"):
            pool = self._client.describe_user_pool(UserPoolId=self._pool_id)["UserPool"]
        if not pool.get("AutoVerifiedAttributes"):
            raise TargetError(
                f"{told.what} The pool verifies no attribute on its own (F1.30).",
                "Set AutoVerifiedAttributes on the pool, with every other setting carried over.",
            ) from None

    def _wait_once(self, job_id: str, config: dict[str, Any]) -> None:
        from botocore.waiter import WaiterModel, create_waiter_with_client  # noqa: PLC0415 - slow to import

        model = WaiterModel(json.loads(files(__package__).joinpath("waiters.json").read_text("utf-8")))
        waiter = create_waiter_with_client("UserImportJobEnded", model, self._client)
        try:
            waiter.wait(UserPoolId=self._pool_id, JobId=job_id, WaiterConfig=config)
        except WaiterError as error:
            raise _not_ended(error, job_id) from None
        except aws_errors() as error:
            raise translate(error, _DESCRIBE) from None

    @contextmanager
    def _hearing(self, heard: _Heard) -> Iterator[None]:
        """Let ``heard`` listen to the replies of the waiter's calls, and of these only while it waits."""
        events = self._client.meta.events
        service = self._client.meta.service_model.service_id.hyphenize()
        name = f"after-call.{service}.{_DESCRIBE}"
        events.register(name, heard.hear)
        try:
            yield
        finally:
            events.unregister(name, heard.hear)


@dataclass(slots=True)
class _Heard:
    """Keeps the last state of one job that the service told; a shared client tells of others too."""

    job_id: str
    on_progress: Callable[[Job], None] | None
    job: Job | None = None

    def hear(self, parsed: dict[str, Any], **_: object) -> None:
        told = parsed.get("UserImportJob", {})
        if told.get("JobId") != self.job_id:
            return
        self.job = job_of(told)
        if self.on_progress:
            self.on_progress(self.job)


def _not_ended(error: WaiterError, job_id: str) -> PoolferryError:
    """Say why the waiter gave up: a refusal ends it, and so does its bound, whatever came last."""
    if "Error" in error.last_response and "Max attempts" not in str(error):
        return translate(ClientError(error.last_response, _DESCRIBE), _DESCRIBE)
    return TargetError(
        f"Job {job_id} had not ended after the last look.", "It goes on by itself: resume to wait for it."
    )
