"""The life of the local Cognito's import jobs: states, refusals, what they forbid (F3.1-F3.18)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from connectors.cognito.sandbox import Sandbox, SandboxSettings, start
from tests.unit.sandbox_jobs import ROLE, Pool, make_pool, person, put, refused, switched

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with start() as running:
        yield running


@pytest.fixture
def pool(sandbox: Sandbox) -> Iterator[Pool]:
    """A pool whose running jobs are stopped at the end, since only one may be active at a time."""
    made = make_pool(sandbox)
    yield made
    for job in made.call("list_user_import_jobs", MaxResults=50)["UserImportJobs"]:
        if job["Status"] in {"Pending", "InProgress"}:
            made.stop(job)


def ready(pool: Pool, count: int = 1) -> dict[str, Any]:
    """A job with its file."""
    job = pool.job()
    put(job, pool.file(*(person(f"user{number}") for number in range(count))))
    return job


def test_a_new_job_is_created_with_counters_and_a_url(pool: Pool) -> None:
    job = pool.job("first", PasswordHashingAlgorithm="BCRYPT")
    assert re.fullmatch("import-[0-9a-zA-Z]{10}", job["JobId"])
    assert set(job) == {
        "JobName", "JobId", "UserPoolId", "PreSignedUrl", "CreationDate", "Status", "CloudWatchLogsRoleArn",
        "ImportedUsers", "SkippedUsers", "FailedUsers", "PasswordHashingAlgorithm",
    }  # fmt: skip
    assert (job["JobName"], job["Status"], job["CloudWatchLogsRoleArn"]) == ("first", "Created", ROLE)
    assert (job["ImportedUsers"], job["SkippedUsers"], job["FailedUsers"]) == (0, 0, 0)
    assert pool.described(job) == job


def test_names_need_not_differ(pool: Pool) -> None:
    assert pool.job("same")["JobId"] != pool.job("same")["JobId"]


def test_a_job_goes_from_created_to_succeeded(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, pending_seconds=0.3, rows_per_second=100):
        job = ready(pool, 20)
        started = pool.start(job)
        assert started["Status"] == "Pending"
        assert started["StartDate"] >= job["CreationDate"]
        assert "CompletionDate" not in started
        seen = [pool.described(job)["Status"]]
        seen.append(pool.wait(job, "InProgress")["Status"])
        done = pool.wait(job)
    assert seen == ["Pending", "InProgress"]
    assert done["Status"] == "Succeeded"
    assert done["CompletionMessage"] == "Import Job Completed Successfully."
    assert done["CompletionDate"] >= started["StartDate"]
    assert done["ImportedUsers"] == 20


def test_counters_move_while_it_is_in_progress(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, rows_per_second=200):
        job = ready(pool, 100)
        pool.start(job)
        counts = set()
        while (shown := pool.described(job))["Status"] != "Succeeded":
            counts.add(shown["ImportedUsers"])
    assert len(counts - {0, 100}) >= 2


def test_start_without_a_file_has_cognitos_own_text(pool: Pool) -> None:
    job = pool.job()
    with pytest.raises(pool.client.exceptions.PreconditionNotMetException) as raised:
        pool.start(job)
    assert raised.value.response["Error"]["Message"] == f"No csv file was uploaded for {job['JobId']}"
    assert pool.described(job)["Status"] == "Created"


def test_a_file_can_take_a_while_to_be_seen(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, upload_settles_seconds=100):
        job = ready(pool)
        with refused("PreconditionNotMetException", "No csv file was uploaded"):
            pool.start(job)
        sandbox.update(clock_offset_seconds=101)
        assert pool.start(job)["Status"] == "Pending"
        pool.wait(job)


def test_a_job_starts_only_once(pool: Pool) -> None:
    job = ready(pool)
    pool.start(job)
    with refused("PreconditionNotMetException", "cannot be started"):
        pool.start(job)
    pool.wait(job)
    with refused("PreconditionNotMetException", "Succeeded and cannot be started"):
        pool.start(job)


def test_a_second_active_job_of_the_account_is_refused(sandbox: Sandbox, pool: Pool) -> None:
    other = make_pool(sandbox)
    with switched(sandbox, pending_seconds=60):
        first, second = ready(pool), ready(other)
        pool.start(first)
        with refused("PreconditionNotMetException", "Another user import job is active"):
            other.start(second)
        pool.stop(first)
        assert other.start(second)["Status"] == "Pending"
        other.stop(second)


def test_another_region_has_its_own_active_job(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, pending_seconds=60):
        pool.start(ready(pool))
        there = make_pool(Sandbox(sandbox.url, SandboxSettings(region="us-east-1"), lambda: None))
        assert there.id.startswith("us-east-1_")
        second = ready(there)
        assert there.start(second)["Status"] == "Pending"
        there.stop(second)


def test_the_scope_of_active_jobs_is_a_switch(sandbox: Sandbox, pool: Pool) -> None:
    other = make_pool(sandbox)
    with switched(sandbox, pending_seconds=60, active_scope="pool"):
        pool.start(ready(pool))
        second = ready(other)
        assert other.start(second)["Status"] == "Pending"
        other.stop(second)


def test_whether_created_counts_as_active_is_a_switch(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, created_is_active=True, active_scope="pool"):
        job = ready(pool)
        with refused("PreconditionNotMetException", "Another user import job is active"):
            pool.job()
        pool.start(job)
        pool.wait(job)
        assert pool.job()["Status"] == "Created"


@pytest.mark.parametrize("call", ["create", "start"])
def test_a_pool_that_verifies_nothing_cannot_import(sandbox: Sandbox, call: str) -> None:
    with switched(sandbox, no_auto_verified_refused_at=call):
        bare = make_pool(sandbox, AutoVerifiedAttributes=[])
        if call == "create":
            with refused("PreconditionNotMetException", "no auto verified attribute"):
                bare.job()
            return
        job = ready(bare)
        with refused("PreconditionNotMetException", "no auto verified attribute"):
            bare.start(job)


def test_a_pool_that_lost_its_auto_verified_attribute_cannot_start(pool: Pool) -> None:
    """UpdateUserPool resets what it leaves out (F6.23)."""
    job = ready(pool)
    pool.call("update_user_pool")
    with refused("PreconditionNotMetException", "no auto verified attribute"):
        pool.start(job)


def test_stop_ends_a_job_for_good_and_leaves_who_is_imported(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, rows_per_second=200):
        job = ready(pool, 1_000)
        pool.start(job)
        while not pool.described(job)["ImportedUsers"]:
            pass
        stopped = pool.stop(job)
    assert stopped["Status"] == "Stopped"
    assert stopped["CompletionMessage"] == "The Import Job was stopped by the developer."
    assert "CompletionDate" in stopped
    assert 0 < stopped["ImportedUsers"] < 1_000
    assert len(pool.users()) == stopped["ImportedUsers"]
    assert pool.described(job) == stopped
    with refused("PreconditionNotMetException", "Stopped and cannot be started"):
        pool.start(job)


def test_a_pending_job_can_be_stopped(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, pending_seconds=60):
        job = ready(pool)
        pool.start(job)
        assert pool.stop(job)["Status"] == "Stopped"
    assert pool.users() == {}


def test_stopping_can_take_a_while(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, rows_per_second=50, stopping_seconds=0.5):
        job = ready(pool, 500)
        pool.start(job)
        pool.wait(job, "InProgress")
        stopping = pool.stop(job)
        assert stopping["Status"] == "Stopping"
        assert "CompletionMessage" not in stopping
        with refused("PreconditionNotMetException", "Stopping and cannot be stopped"):
            pool.stop(job)
        done = pool.wait(job)
    assert (done["Status"], done["CompletionMessage"]) == (
        "Stopped",
        "The Import Job was stopped by the developer.",
    )


@pytest.mark.parametrize("state", ["Created", "Succeeded"])
def test_only_a_started_job_can_be_stopped(pool: Pool, state: str) -> None:
    job = ready(pool)
    if state == "Succeeded":
        pool.start(job)
        pool.wait(job)
    with refused("PreconditionNotMetException", f"{state} and cannot be stopped"):
        pool.stop(job)


def test_a_job_that_is_not_started_expires_a_day_after_its_creation(sandbox: Sandbox, pool: Pool) -> None:
    job = ready(pool)
    with switched(sandbox, clock_offset_seconds=24 * 3600 - 5):
        assert pool.described(job)["Status"] == "Created"
    with switched(sandbox, clock_offset_seconds=24 * 3600 + 1):
        expired = pool.described(job)
        assert (expired["Status"], expired["CompletionMessage"]) == (
            "Expired",
            "The user import job has expired.",
        )
        assert "StartDate" not in expired
        assert (expired["CompletionDate"] - job["CreationDate"]).total_seconds() == 24 * 3600
        with refused("PreconditionNotMetException", "Expired and cannot be started"):
            pool.start(job)
    assert pool.described(job)["Status"] == "Expired"


def test_a_pool_has_a_number_of_jobs_for_its_life(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, max_jobs_per_pool=2):
        job = ready(pool)
        pool.start(job)
        pool.wait(job)
        pool.job()
        with refused("LimitExceededException"):
            pool.job()
        assert make_pool(sandbox).job()["Status"] == "Created"


@pytest.mark.parametrize("code", ["InvalidParameterException", "OperationNotEnabledException"])
def test_a_pool_may_not_take_hashes(sandbox: Sandbox, pool: Pool, code: str) -> None:
    with switched(sandbox, hashes_eligible=False, hashes_ineligible_error=code):
        with refused(code):
            pool.job(PasswordHashingAlgorithm="BCRYPT")
        assert pool.job()["Status"] == "Created"


CHANGES: dict[str, dict[str, Any]] = {
    "update_user_pool": {"AutoVerifiedAttributes": ["email"]},
    "add_custom_attributes": {"CustomAttributes": [{"Name": "x", "AttributeDataType": "String"}]},
    "delete_user_pool": {},
}


@pytest.mark.parametrize("operation", CHANGES)
def test_a_pool_cannot_be_changed_while_a_job_runs(sandbox: Sandbox, pool: Pool, operation: str) -> None:
    with switched(sandbox, pending_seconds=60):
        job = ready(pool)
        pool.start(job)
        with refused("UserImportInProgressException"):
            pool.call(operation, **CHANGES[operation])
        pool.stop(job)
    if operation != "delete_user_pool":
        pool.call(operation, **CHANGES[operation])


def test_a_pool_without_a_running_job_can_be_deleted(sandbox: Sandbox) -> None:
    pool = make_pool(sandbox)
    job = pool.job()
    pool.call("delete_user_pool")
    with refused("ResourceNotFoundException"):
        pool.described(job)


@pytest.mark.parametrize("operation", CHANGES)
def test_whether_created_blocks_changes_is_a_switch(sandbox: Sandbox, operation: str) -> None:
    pool = make_pool(sandbox)
    pool.job()
    with switched(sandbox, created_blocks_pool_changes=True), refused("UserImportInProgressException"):
        pool.call(operation, **CHANGES[operation])
    pool.call(operation, **CHANGES[operation])


def test_throttling_counts_import_jobs_too(sandbox: Sandbox, pool: Pool) -> None:
    """15 a second for all, and 5 a second for one operation on one pool (F4.1)."""
    with switched(sandbox, throttle=True), refused("TooManyRequestsException"):
        for _ in range(12):
            pool.job()
