"""Import jobs are made, started, stopped and found again; a lost reply never makes one twice."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber
from cognito_jobs import ASKED, JOB_ID, NAME, NOW, POOL_ID, ROLE, Jobs, client, losing_replies, told

from connectors.errors import AskThePoolError, RetryError, SpentJobError, TargetError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def stub() -> Iterator[Stubber]:
    with Stubber(client()) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_a_job_is_made_and_its_url_counts_by_our_clock(stub: Stubber) -> None:
    """The service's clock may be minutes off; the URL lives 899 seconds from the call (F3.10)."""
    asked = {"JobName": NAME, "UserPoolId": POOL_ID, "CloudWatchLogsRoleArn": ROLE}
    stub.add_response("create_user_import_job", told(), asked)
    job = Jobs().create(NAME, ROLE)
    assert (job.id, job.name, job.status, job.counted) == (JOB_ID, NAME, "Created", 0)
    assert job.url_expires == NOW + timedelta(seconds=899)
    assert not job.was_started


def test_an_algorithm_is_sent_and_told(stub: Stubber) -> None:
    asked = {"JobName": NAME, "UserPoolId": POOL_ID, "CloudWatchLogsRoleArn": ROLE}
    stub.add_response(
        "create_user_import_job",
        told(PasswordHashingAlgorithm="ARGON2ID"),
        asked | {"PasswordHashingAlgorithm": "ARGON2ID"},
    )
    assert Jobs().create(NAME, ROLE, "ARGON2ID").algorithm == "ARGON2ID"


def test_the_url_of_a_job_is_in_no_text(stub: Stubber) -> None:
    stub.add_response("describe_user_import_job", told(), ASKED)
    assert "example.com" not in repr(Jobs().describe(JOB_ID))


def test_throttled_creation_is_tried_again(stub: Stubber) -> None:
    stub.add_client_error("create_user_import_job", "TooManyRequestsException")
    stub.add_response("create_user_import_job", told())
    jobs = Jobs()
    assert jobs.create(NAME, ROLE).id == JOB_ID
    assert len(jobs.pauses) == 1


def test_a_lost_creation_is_never_made_again(stub: Stubber) -> None:
    with losing_replies("CreateUserImportJob"), pytest.raises(AskThePoolError):
        Jobs().create(NAME, ROLE)
    stub.add_client_error("create_user_import_job", "InternalErrorException", http_status_code=500)
    with pytest.raises(AskThePoolError):
        Jobs().create(NAME, ROLE)


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        ("LimitExceededException", "import jobs are used up"),
        ("InvalidParameterException", "iam:PassRole"),
        ("OperationNotEnabledException", "no password hashes"),
        ("AccessDeniedException", "Allow cognito-idp:CreateUserImportJob"),
    ],
)
def test_a_refused_creation_says_how_to_mend_it(stub: Stubber, code: str, mend: str) -> None:
    stub.add_client_error("create_user_import_job", code)
    with pytest.raises(TargetError, match=mend):
        Jobs().create(NAME, ROLE)


def test_a_pool_that_verifies_nothing_is_told_at_the_creation(stub: Stubber) -> None:
    stub.add_client_error("create_user_import_job", "PreconditionNotMetException")
    stub.add_response("describe_user_pool", {"UserPool": {"Id": POOL_ID}})
    with pytest.raises(TargetError, match="AutoVerifiedAttributes"):
        Jobs().create(NAME, ROLE)


def test_a_creation_waits_for_its_turn_and_says_so_once(stub: Stubber) -> None:
    """A job that is only made may count as active (F3.14)."""
    pool, told_of = {"Id": POOL_ID, "AutoVerifiedAttributes": ["email"]}, []
    for _ in range(2):
        stub.add_client_error("create_user_import_job", "PreconditionNotMetException")
        stub.add_response("describe_user_pool", {"UserPool": pool}, {"UserPoolId": POOL_ID})
    stub.add_response("create_user_import_job", told())
    jobs = Jobs()
    assert jobs.create(NAME, ROLE, delay=5, max_attempts=3, on_wait=lambda: told_of.append(1)).id == JOB_ID
    assert (jobs.pauses, told_of) == ([5, 5], [1])


def test_a_creation_gives_up_when_its_turn_never_comes(stub: Stubber) -> None:
    pool = {"Id": POOL_ID, "AutoVerifiedAttributes": ["email"]}
    stub.add_client_error("create_user_import_job", "PreconditionNotMetException")
    stub.add_response("describe_user_pool", {"UserPool": pool})
    with pytest.raises(TargetError, match="was made and never started"):
        Jobs().create(NAME, ROLE, delay=5, max_attempts=1)


def listed(*jobs: dict[str, Any], then: str = "") -> dict[str, Any]:
    found = {"UserImportJobs": [each["UserImportJob"] for each in jobs]}
    return found | ({"PaginationToken": then} if then else {})


def test_a_job_is_found_on_any_page(stub: Stubber) -> None:
    asked = {"UserPoolId": POOL_ID, "MaxResults": 50}
    stub.add_response("list_user_import_jobs", listed(told(job_id="import-z", JobName="x"), then="t1"), asked)
    stub.add_response(
        "list_user_import_jobs",
        listed(told(job_id="import-y", JobName="y"), then="t2"),
        asked | {"PaginationToken": "t1"},
    )
    stub.add_response("list_user_import_jobs", listed(told()), asked | {"PaginationToken": "t2"})
    found = Jobs().find(NAME)
    assert found is not None
    assert (found.id, found.url) == (JOB_ID, "https://example.com/put?key=1")
    assert found.url_expires == NOW + timedelta(seconds=859)


def test_of_two_jobs_of_a_name_the_started_one_is_meant(stub: Stubber) -> None:
    """A name can be used twice (F3.3), and the newer job may be the idle one."""
    newer = told(job_id="import-newer", CreationDate=NOW)
    stub.add_response("list_user_import_jobs", listed(newer, told("Failed"), told(job_id="import-old")))
    found = Jobs().find(NAME)
    assert found is not None
    assert found.id == JOB_ID


def test_a_job_that_is_not_there_is_not_found(stub: Stubber) -> None:
    stub.add_response("list_user_import_jobs", listed(told(JobName="another")))
    assert Jobs().find(NAME) is None


def test_all_jobs_are_counted_and_throttling_is_waited_out(stub: Stubber) -> None:
    stub.add_response("list_user_import_jobs", listed(*[told()] * 50, then="t1"))
    stub.add_client_error("list_user_import_jobs", "TooManyRequestsException")
    stub.add_response("list_user_import_jobs", listed(told(), told()))
    assert Jobs().count_jobs() == 52


def test_a_start_waits_for_its_file_to_be_seen(stub: Stubber) -> None:
    for _ in range(2):
        stub.add_client_error(
            "start_user_import_job", "PreconditionNotMetException", "No csv file was uploaded for import-abc"
        )
        stub.add_response("describe_user_import_job", told(), ASKED)
    stub.add_response("start_user_import_job", told("Pending", StartDate=NOW), ASKED)
    jobs = Jobs()
    job = jobs.start(JOB_ID)
    assert (job.status, job.started, job.was_started) == ("Pending", NOW, True)
    assert len(jobs.pauses) == 2


def test_a_start_without_a_file_ends(stub: Stubber) -> None:
    for _ in range(6):
        stub.add_client_error(
            "start_user_import_job", "PreconditionNotMetException", "No csv file was uploaded for import-abc"
        )
        stub.add_response("describe_user_import_job", told(), ASKED)
    with pytest.raises(RetryError, match="upload it, then start again"):
        Jobs().start(JOB_ID)


def add_busy(stub: Stubber) -> None:
    stub.add_client_error("start_user_import_job", "PreconditionNotMetException", "some text")
    stub.add_response("describe_user_import_job", told(), ASKED)
    pool = {"Id": POOL_ID, "AutoVerifiedAttributes": ["email"]}
    stub.add_response("describe_user_pool", {"UserPool": pool}, {"UserPoolId": POOL_ID})


def test_a_start_waits_for_another_active_job(stub: Stubber) -> None:
    for _ in range(2):
        add_busy(stub)
    stub.add_response("start_user_import_job", told("Pending"), ASKED)
    jobs = Jobs()
    assert jobs.start(JOB_ID, delay=7).status == "Pending"
    assert jobs.pauses == [7, 7]


def test_waiting_for_another_job_has_an_end(stub: Stubber) -> None:
    for _ in range(3):
        add_busy(stub)
    with pytest.raises(TargetError, match="another job of the account"):
        Jobs().start(JOB_ID, max_attempts=3)


def test_a_pool_that_verifies_nothing_is_told_at_once(stub: Stubber) -> None:
    stub.add_client_error("start_user_import_job", "PreconditionNotMetException", "some text")
    stub.add_response("describe_user_import_job", told(), ASKED)
    stub.add_response("describe_user_pool", {"UserPool": {"Id": POOL_ID}})
    with pytest.raises(TargetError, match="verifies no attribute on its own"):
        Jobs().start(JOB_ID)


@pytest.mark.parametrize("status", ["Pending", "InProgress", "Succeeded", "Failed"])
def test_a_lost_start_that_took_effect_is_not_made_again(stub: Stubber, status: str) -> None:
    stub.add_response("describe_user_import_job", told(status), ASKED)
    with losing_replies("StartUserImportJob"):
        assert Jobs().start(JOB_ID).status == status


def test_a_lost_start_that_took_no_effect_is_made_again(stub: Stubber) -> None:
    stub.add_response("describe_user_import_job", told(), ASKED)
    stub.add_response("start_user_import_job", told("Pending"), ASKED)
    with losing_replies("StartUserImportJob"):
        assert Jobs().start(JOB_ID).status == "Pending"


def test_a_start_refused_since_it_has_started_is_a_start(stub: Stubber) -> None:
    stub.add_client_error("start_user_import_job", "InvalidParameterException", "some text")
    stub.add_response("describe_user_import_job", told("InProgress"), ASKED)
    assert Jobs().start(JOB_ID).status == "InProgress"


def test_an_expired_job_is_spent(stub: Stubber) -> None:
    stub.add_client_error("start_user_import_job", "PreconditionNotMetException", "some text")
    stub.add_response("describe_user_import_job", told("Expired"), ASKED)
    with pytest.raises(SpentJobError, match="has expired"):
        Jobs().start(JOB_ID)


@pytest.mark.parametrize("code", ["InvalidParameterException", "ResourceNotFoundException"])
def test_a_start_that_cannot_be_mended_by_waiting_ends_at_once(stub: Stubber, code: str) -> None:
    stub.add_client_error("start_user_import_job", code)
    if code == "InvalidParameterException":
        stub.add_response("describe_user_import_job", told(), ASKED)
    jobs = Jobs()
    with pytest.raises(TargetError, match=code):
        jobs.start(JOB_ID)
    assert jobs.pauses == []


def test_a_running_job_is_stopped(stub: Stubber) -> None:
    stub.add_response("stop_user_import_job", told("Stopped", CompletionDate=NOW), ASKED)
    assert Jobs().stop(JOB_ID).has_ended


@pytest.mark.parametrize("status", ["Stopping", "Stopped", "Succeeded"])
def test_a_stop_that_comes_late_or_is_lost_is_looked_up(stub: Stubber, status: str) -> None:
    stub.add_client_error("stop_user_import_job", "PreconditionNotMetException")
    stub.add_response("describe_user_import_job", told(status), ASKED)
    assert Jobs().stop(JOB_ID).status == status
    stub.add_response("describe_user_import_job", told(status), ASKED)
    with losing_replies("StopUserImportJob"):
        assert Jobs().stop(JOB_ID).status == status


def test_a_stop_that_had_no_effect_says_so(stub: Stubber) -> None:
    stub.add_client_error("stop_user_import_job", "PreconditionNotMetException")
    stub.add_response("describe_user_import_job", told("InProgress"), ASKED)
    with pytest.raises(TargetError):
        Jobs().stop(JOB_ID)
    stub.add_response("describe_user_import_job", told("InProgress"), ASKED)
    with losing_replies("StopUserImportJob"), pytest.raises(AskThePoolError):
        Jobs().stop(JOB_ID)
