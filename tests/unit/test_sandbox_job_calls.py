"""The calls on import jobs of the local Cognito: header, list, arguments, not found (F1.1-F1.6, F3.5)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from connectors.cognito.sandbox import Sandbox, start
from tests.unit.sandbox_jobs import ROLE, Pool, client_for, make_pool, refused, switched

if TYPE_CHECKING:
    from collections.abc import Iterator

STANDARD_HEADER = [
    "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username",
    "profile", "picture", "website", "email", "email_verified", "gender", "birthdate",
    "zoneinfo", "locale", "phone_number", "phone_number_verified", "address", "updated_at",
    "cognito:mfa_enabled", "cognito:username",
]  # fmt: skip


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with start() as running:
        yield running


@pytest.fixture
def pool(sandbox: Sandbox) -> Pool:
    return make_pool(sandbox)


def test_the_header_of_a_pool_without_custom_attributes(pool: Pool) -> None:
    assert pool.header == STANDARD_HEADER


def test_a_schema_of_some_attributes_takes_none_away(sandbox: Sandbox) -> None:
    schema = [{"Name": "email", "Required": True}, {"Name": "tenant", "AttributeDataType": "String"}]
    assert make_pool(sandbox, Schema=schema).header == [
        *STANDARD_HEADER[:-2],
        "custom:tenant",
        *STANDARD_HEADER[-2:],
    ]


def test_what_is_unknown_of_the_header_is_a_switch(sandbox: Sandbox, pool: Pool) -> None:
    custom = [
        {"Name": "a", "AttributeDataType": "String"},
        {"Name": "b", "AttributeDataType": "String", "DeveloperOnlyAttribute": True},
    ]
    pool.call("add_custom_attributes", CustomAttributes=custom)
    assert set(pool.call("get_csv_header")["CSVHeader"]) == {*STANDARD_HEADER, "custom:a"}
    with switched(
        sandbox,
        header_has_password_hash=True,
        header_custom_attributes="after_cognito",
        header_has_developer_attributes=True,
    ):
        tail = pool.call("get_csv_header")["CSVHeader"][-3:]
    assert tail == ["custom:a", "dev:custom:b", "password_hash"]


def test_a_list_shows_expired_jobs_as_expired(sandbox: Sandbox, pool: Pool) -> None:
    pool.job()
    with switched(sandbox, clock_offset_seconds=25 * 3600):
        (job,) = pool.call("list_user_import_jobs", MaxResults=1)["UserImportJobs"]
    assert job["Status"] == "Expired"


def test_jobs_are_listed_newest_first_page_by_page(pool: Pool) -> None:
    made = [pool.job(f"job {number}")["JobId"] for number in range(7)]
    pages: list[list[str]] = []
    more: dict[str, str] = {}
    while True:
        page = pool.call("list_user_import_jobs", MaxResults=3, **more)
        pages.append([job["JobId"] for job in page["UserImportJobs"]])
        if "PaginationToken" not in page:
            break
        more = {"PaginationToken": page["PaginationToken"]}
        assert re.fullmatch(rf"{pool.id}#import-\w{{10}}#\d{{13}}", page["PaginationToken"])
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [job_id for page in pages for job_id in page] == made[::-1]


def test_the_last_full_page_has_no_token(pool: Pool) -> None:
    pool.job()
    assert "PaginationToken" not in pool.call("list_user_import_jobs", MaxResults=1)


def test_a_job_that_comes_while_somebody_pages_moves_no_other(pool: Pool) -> None:
    made = [pool.job()["JobId"] for _ in range(3)]
    first = pool.call("list_user_import_jobs", MaxResults=2)
    pool.job()
    second = pool.call("list_user_import_jobs", MaxResults=2, PaginationToken=first["PaginationToken"])
    assert [job["JobId"] for job in second["UserImportJobs"]] == [made[0]]


@pytest.mark.parametrize("token", ["x", "other_pool#import-abc#1", "{pool}#import-unknown0#1"])
def test_a_wrong_token_is_refused(pool: Pool, token: str) -> None:
    with refused("InvalidParameterException", "Invalid pagination token"):
        pool.call("list_user_import_jobs", MaxResults=1, PaginationToken=token.format(pool=pool.id))


@pytest.mark.parametrize("count", [0, 61])
def test_max_results_is_1_to_60(pool: Pool, count: int) -> None:
    with refused("InvalidParameterException", "maxResults"):
        unchecked(pool).list_user_import_jobs(UserPoolId=pool.id, MaxResults=count)


def test_max_results_can_be_50_at_most(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, max_list_results=50), refused("InvalidParameterException", "50"):
        pool.call("list_user_import_jobs", MaxResults=51)


def unchecked(pool: Pool) -> Any:
    """A client that sends whatever it is given, so that the server has to judge it."""
    return client_for(pool.sandbox, parameter_validation=False)


@pytest.mark.parametrize(
    ("operation", "arguments", "member"),
    [
        ("create_user_import_job", {"JobName": ""}, "jobName"),
        ("create_user_import_job", {"JobName": "x" * 129}, "jobName"),
        ("create_user_import_job", {"JobName": "a/b"}, "jobName"),
        ("create_user_import_job", {"JobName": "añb"}, "jobName"),
        ("create_user_import_job", {"JobName": None}, "jobName"),
        ("create_user_import_job", {"JobName": 5}, "jobName"),
        ("create_user_import_job", {"CloudWatchLogsRoleArn": "role/x"}, "cloudWatchLogsRoleArn"),
        ("create_user_import_job", {"CloudWatchLogsRoleArn": None}, "cloudWatchLogsRoleArn"),
        ("create_user_import_job", {"PasswordHashingAlgorithm": "MD5"}, "passwordHashingAlgorithm"),
        ("describe_user_import_job", {"JobId": "job-1"}, "jobId"),
        ("start_user_import_job", {"JobId": "import-" + "x" * 60}, "jobId"),
        ("stop_user_import_job", {}, "jobId"),
        ("list_user_import_jobs", {}, "maxResults"),
        ("list_user_import_jobs", {"MaxResults": True}, "maxResults"),
        ("list_user_import_jobs", {"MaxResults": 1, "PaginationToken": "a b"}, "paginationToken"),
        ("get_csv_header", {"UserPoolId": "no pool"}, "userPoolId"),
    ],
)
def test_arguments_are_held_to_the_model(
    pool: Pool, operation: str, arguments: dict[str, Any], member: str
) -> None:
    right: dict[str, Any] = {"UserPoolId": pool.id}
    if operation == "create_user_import_job":
        right |= {"JobName": "job", "CloudWatchLogsRoleArn": ROLE}
    given = {name: value for name, value in {**right, **arguments}.items() if value is not None}
    with refused("InvalidParameterException", f"'{member}'"):
        getattr(unchecked(pool), operation)(**given)


def test_a_refused_argument_is_not_repeated_in_the_text(pool: Pool) -> None:
    with pytest.raises(pool.client.exceptions.InvalidParameterException) as raised:
        pool.job("someone's/name")
    assert "someone" not in raised.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    "operation",
    [
        "get_csv_header",
        "create_user_import_job",
        "describe_user_import_job",
        "list_user_import_jobs",
        "start_user_import_job",
        "stop_user_import_job",
    ],
)
def test_an_unknown_pool_is_not_found(pool: Pool, operation: str) -> None:
    others: dict[str, dict[str, Any]] = {
        "create_user_import_job": {"JobName": "job", "CloudWatchLogsRoleArn": ROLE},
        "list_user_import_jobs": {"MaxResults": 1},
        "get_csv_header": {},
    }
    given = others.get(operation, {"JobId": "import-0000000000"})
    with refused("ResourceNotFoundException"):
        getattr(pool.client, operation)(UserPoolId="eu-west-1_Unknown01", **given)


@pytest.mark.parametrize("operation", ["describe", "start", "stop"])
def test_an_unknown_job_or_one_of_another_pool_is_not_found(
    sandbox: Sandbox, pool: Pool, operation: str
) -> None:
    foreign = make_pool(sandbox).job()["JobId"]
    for job_id in ("import-0000000000", foreign):
        with refused("ResourceNotFoundException"):
            pool.call(f"{operation}_user_import_job", JobId=job_id)
