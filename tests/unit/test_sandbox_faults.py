"""Planted faults: each strikes where, when and as often as its settings say, and is real on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from botocore.exceptions import ClientError, ConnectionClosedError
from pydantic import ValidationError
from sandbox_jobs import ENCRYPTED, Pool, client_for, make_pool, person, put, switched

from connectors.cognito.sandbox import Sandbox, SandboxSettings, start

if TYPE_CHECKING:
    from collections.abc import Iterator

PEOPLE = [person(f"u{number}") for number in range(10)]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with start() as started:
        yield started


@pytest.fixture
def pool(sandbox: Sandbox) -> Pool:
    return make_pool(sandbox)


def jobs(pool: Pool) -> int:
    return len(pool.call("list_user_import_jobs", MaxResults=50)["UserImportJobs"])


def fault(at: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"at": at, "kind": kind, **more}


ANSWERS = [
    ("http_500", "InternalErrorException", 500),
    ("http_503", "ServiceUnavailable", 503),
    ("http_403", "AccessDeniedException", 400),
    ("throttle", "TooManyRequestsException", 400),
    ("busy", "PreconditionNotMetException", 400),
]


@pytest.mark.parametrize(("kind", "code", "status"), ANSWERS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_error_is_answered_before_or_after_the_effect(
    pool: Pool, sandbox: Sandbox, kind: str, code: str, status: int, when: str
) -> None:
    with (
        switched(sandbox, faults=[fault("CreateUserImportJob", kind, when=when)]),
        pytest.raises(ClientError) as raised,
    ):
        pool.job()
    assert raised.value.response["Error"]["Code"] == code
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert jobs(pool) == (when == "after")


@pytest.mark.parametrize("kind", ["cut", "cut_half_way"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_is_cut_before_or_after_the_effect(
    pool: Pool, sandbox: Sandbox, kind: str, when: str
) -> None:
    cut = [fault("CreateUserImportJob", kind, when=when)]
    with switched(sandbox, faults=cut), pytest.raises(ConnectionClosedError):
        pool.job()
    assert jobs(pool) == (when == "after")


def test_a_fault_strikes_behind_its_skip_and_as_often_as_it_says(pool: Pool, sandbox: Sandbox) -> None:
    ends = []
    with switched(sandbox, faults=[fault("CreateUserImportJob", "http_500", skip=1, times=2)]):
        for _ in range(4):
            try:
                pool.job()
                ends.append("made")
            except ClientError:
                ends.append("refused")
    assert ends == ["made", "refused", "refused", "made"]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("http_403", 403, "AccessDenied"),
        ("http_500", 500, "InternalError"),
        ("http_503", 503, "ServiceUnavailable"),
        ("throttle", 503, "SlowDown"),
    ],
)
def test_the_store_refuses_in_the_words_of_s3(
    pool: Pool, sandbox: Sandbox, kind: str, status: int, code: str
) -> None:
    job = pool.job()
    with switched(sandbox, faults=[fault("Upload", kind)]):
        refused = put(job, pool.file(*PEOPLE))
        assert (refused.status_code, f"<Code>{code}</Code>" in refused.text) == (status, True)
        assert put(job, pool.file(*PEOPLE)).status_code == 200


def test_an_upload_that_is_cut_half_way_leaves_no_file(pool: Pool, sandbox: Sandbox) -> None:
    job, size = pool.job(), 1 << 20
    with switched(sandbox, faults=[fault("Upload", "cut_half_way")]):
        with pytest.raises(requests.ConnectionError):
            requests.put(job["PreSignedUrl"], data=b"x" * size, headers=ENCRYPTED, timeout=30)
        with pytest.raises(ClientError, match="No csv file was uploaded"):
            pool.start(job)


def test_the_log_service_can_be_struck_too(sandbox: Sandbox) -> None:
    logs = client_for(sandbox, "logs")
    with switched(sandbox, faults=[fault("DescribeLogGroups", "throttle")]):
        with pytest.raises(ClientError, match="ThrottlingException"):
            logs.describe_log_groups()
        assert logs.describe_log_groups()["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(
    ("planted", "status", "imported"),
    [
        ({"kind": "fail", "after_rows": 0}, "Failed", 0),
        ({"kind": "fail", "after_rows": 4, "message": "The Role is gone."}, "Failed", 4),
        ({"kind": "fail", "after_rows": None}, "Failed", 10),
        ({"kind": "fail", "after_rows": 99}, "Failed", 10),
        ({"kind": "stop", "after_rows": 3}, "Stopped", 3),
    ],
)
def test_a_job_ends_where_its_fault_says(
    pool: Pool, sandbox: Sandbox, planted: dict[str, Any], status: str, imported: int
) -> None:
    with switched(sandbox, job_faults=[planted]):
        job = pool.imported(*PEOPLE)
        assert (job["Status"], job["ImportedUsers"], len(pool.users())) == (status, imported, imported)
        assert job["CompletionMessage"] == planted.get("message", job["CompletionMessage"])
        assert len(pool.lines(job, imported)) == imported
        later = pool.imported(*PEOPLE)
    assert later["Status"] in ("Succeeded", "Failed")
    assert later["ImportedUsers"] + later["SkippedUsers"] == len(PEOPLE)


def test_a_job_expires_just_before_its_start(pool: Pool, sandbox: Sandbox) -> None:
    job = pool.job()
    put(job, pool.file(*PEOPLE))
    with switched(sandbox, job_faults=[{"kind": "expire"}]), pytest.raises(ClientError, match="Expired"):
        pool.start(job)
    assert pool.described(job)["Status"] == "Expired"


def test_a_job_without_a_log_group(pool: Pool, sandbox: Sandbox) -> None:
    with switched(sandbox, log_group_missing=True):
        assert pool.imported(*PEOPLE)["Status"] == "Succeeded"
    prefix = f"/aws/cognito/userpools/{pool.id}/"
    assert client_for(sandbox, "logs").describe_log_groups(logGroupNamePrefix=prefix)["logGroups"] == []


def test_users_are_told_by_the_clock_of_the_sandbox(pool: Pool, sandbox: Sandbox) -> None:
    """A job and its users have one clock, wherever it stands."""
    with switched(sandbox, clock_offset_seconds=-7200):
        job = pool.imported(PEOPLE[0])
    (user,) = pool.call("list_users")["Users"]
    assert job["StartDate"] <= user["UserCreateDate"] <= job["CompletionDate"]


def test_a_fault_of_an_operation_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="Did you mean 'StartUserImportJob'"):
        SandboxSettings.model_validate({"faults": [fault("StartUserImportJobs", "cut")]})
