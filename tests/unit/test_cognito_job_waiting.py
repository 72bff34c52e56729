"""Waiting for a job: to its end, with progress, through throttling and broken connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.stub import Stubber
from cognito_jobs import ASKED, JOB_ID, POOL_ID, Jobs, client, losing_replies, told

from connectors.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.cognito.import_job import Job


@pytest.fixture
def stub() -> Iterator[Stubber]:
    with Stubber(client()) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def wait(jobs: Jobs, attempts: int = 20) -> tuple[Job, list[str]]:
    seen: list[Job] = []
    last = jobs.wait(JOB_ID, delay=0, max_attempts=attempts, on_progress=seen.append)
    return last, [job.status for job in seen]


@pytest.mark.parametrize("end", ["Succeeded", "Failed", "Stopped", "Expired"])
def test_waiting_ends_with_the_job_and_tells_every_look(stub: Stubber, end: str) -> None:
    for status in ("Pending", "InProgress", "Stopping"):
        stub.add_response("describe_user_import_job", told(status), ASKED)
    text = "Too many users have failed or been skipped during the import."
    ended = told(end, ImportedUsers=14, SkippedUsers=1, FailedUsers=32, CompletionMessage=text)
    stub.add_response("describe_user_import_job", ended, ASKED)
    job, seen = wait(Jobs())
    assert (job.imported, job.skipped, job.failed, job.counted, job.message) == (14, 1, 32, 47, text)
    assert seen == ["Pending", "InProgress", "Stopping", end]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("TooManyRequestsException", 400),
        ("ThrottlingException", 400),
        ("InternalErrorException", 500),
        ("ServiceUnavailable", 503),
        ("SomethingElse", 429),
    ],
)
def test_throttling_and_server_faults_do_not_end_the_waiting(stub: Stubber, code: str, status: int) -> None:
    for _ in range(12):
        stub.add_client_error("describe_user_import_job", code, http_status_code=status)
    stub.add_response("describe_user_import_job", told("Succeeded"), ASKED)
    jobs = Jobs()
    assert wait(jobs)[0].status == "Succeeded"
    assert jobs.pauses == []  # the waiter's own pause is all there is


def test_broken_connections_do_not_end_the_waiting(stub: Stubber) -> None:
    stub.add_response("describe_user_import_job", told("Succeeded"), ASKED)
    with losing_replies("DescribeUserImportJob", times=9):
        assert wait(Jobs())[1] == ["Succeeded"]


def test_waiting_has_an_end(stub: Stubber) -> None:
    for _ in range(2):
        stub.add_response("describe_user_import_job", told("InProgress"), ASKED)
    stub.add_client_error("describe_user_import_job", "TooManyRequestsException")
    with pytest.raises(TargetError, match="had not ended after the last look"):
        wait(Jobs(), attempts=3)


def test_a_refusal_ends_the_waiting_by_its_code(stub: Stubber) -> None:
    stub.add_client_error("describe_user_import_job", "ResourceNotFoundException", "job of vera")
    with pytest.raises(TargetError, match="ResourceNotFoundException") as refused:
        wait(Jobs())
    assert "vera" not in str(refused.value)


def test_only_the_jobs_own_replies_are_progress_and_only_while_waiting(stub: Stubber) -> None:
    """A client is shared: others ask for other jobs at the same time."""
    seen: list[str] = []
    other = {"UserPoolId": POOL_ID, "JobId": "import-other"}

    def look_at_another(job: Job) -> None:
        seen.append(job.id)
        if len(seen) == 1:
            jobs.describe("import-other")

    jobs = Jobs()
    stub.add_response("describe_user_import_job", told("InProgress"), ASKED)
    stub.add_response("describe_user_import_job", told(job_id="import-other"), other)
    stub.add_response("describe_user_import_job", told("Succeeded"), ASKED)
    assert jobs.wait(JOB_ID, delay=0, on_progress=look_at_another).id == JOB_ID
    stub.add_response("describe_user_import_job", told("Succeeded"), ASKED)
    jobs.describe(JOB_ID)
    assert seen == [JOB_ID, JOB_ID]


def test_an_interrupted_waiting_stops_listening(stub: Stubber) -> None:
    seen: list[str] = []

    def interrupt(job: Job) -> None:
        seen.append(job.status)
        raise KeyboardInterrupt

    for _ in range(2):
        stub.add_response("describe_user_import_job", told("InProgress"), ASKED)
    with pytest.raises(KeyboardInterrupt):
        Jobs().wait(JOB_ID, delay=0, on_progress=interrupt)
    Jobs().describe(JOB_ID)
    assert seen == ["InProgress"]
