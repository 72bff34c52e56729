"""The log of the local Cognito's import jobs (F3.25-F3.32)."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from connectors.cognito.sandbox import Sandbox, SandboxSettings, start
from connectors.cognito.sandbox.import_log import group_name
from tests.unit.sandbox_jobs import Pool, client_for, make_pool, person, switched

if TYPE_CHECKING:
    from collections.abc import Iterator

TEST_LINE = "Cognito User Pools Import - Test Log"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with start() as running:
        yield running


@pytest.fixture
def pool(sandbox: Sandbox) -> Pool:
    return make_pool(sandbox)


THREE = [person("ann"), person("ann"), person("bob", email_verified="false"), person("eve"), person("zoe")]
THREE_LINES = [
    "[SUCCEEDED] Line Number 2 - The import succeeded.",
    "[SKIPPED] Line Number 3 - The user already exists.",
    (
        "[FAILED] Line Number 4 - The User Record does not set any of the auto verified attributes to true."
        " (Example: email_verified to true)."
    ),
    "[SUCCEEDED] Line Number 5 - The import succeeded.",
    "[SUCCEEDED] Line Number 6 - The import succeeded.",
]


def succeeded(first: int, last: int) -> list[str]:
    return [f"[SUCCEEDED] Line Number {number} - The import succeeded." for number in range(first, last + 1)]


def people(count: int) -> list[dict[str, str]]:
    return [person(f"user{number}") for number in range(count)]


def test_group_and_stream_are_named_by_pool_and_job(sandbox: Sandbox) -> None:
    pool = make_pool(sandbox, "my pool+1")
    job = pool.job("run 1")
    logs = client_for(sandbox, "logs")
    group = f"/aws/cognito/userpools/{pool.id}/my_pool_1"
    (found,) = logs.describe_log_groups(logGroupNamePrefix=f"/aws/cognito/userpools/{pool.id}/")["logGroups"]
    assert found["logGroupName"] == group
    assert "retentionInDays" not in found
    (stream,) = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert stream["logStreamName"] == f"{job['JobId']}/run 1"


@pytest.mark.parametrize(("replacement", "name"), [("_", "a_b_"), ("", "ab"), ("-", "a-b-")])
def test_what_a_group_may_not_hold_is_replaced(replacement: str, name: str) -> None:
    settings = SandboxSettings(log_group_replacement=replacement)
    assert group_name("p", "a b+", settings) == f"/aws/cognito/userpools/p/{name}"


def test_the_lines_are_cognitos_own(pool: Pool) -> None:
    job = pool.imported(*THREE)
    assert pool.lines(job, 5) == THREE_LINES
    assert pool.whole_log(job) == [TEST_LINE, TEST_LINE, *THREE_LINES]


def test_one_test_line_comes_with_create_and_one_with_start(sandbox: Sandbox, pool: Pool) -> None:
    assert pool.whole_log(pool.job()) == [TEST_LINE]
    with switched(sandbox, log_test_lines=1):
        job = pool.imported(person("ann"))
        pool.lines(job, 1)
        assert pool.whole_log(job).count(TEST_LINE) == 1
    with switched(sandbox, log_test_lines=0):
        job = pool.imported(person("bob"))
        pool.lines(job, 1)
        assert TEST_LINE not in pool.whole_log(job)


def test_the_base_of_line_numbers_is_a_switch(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, log_first_user_line=1):
        assert pool.lines(pool.imported(*people(3)), 3) == succeeded(1, 3)


def test_the_wording_of_the_auto_verified_line_is_a_switch(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, log_auto_verified_wording="verified"):
        job = pool.imported(*THREE)
        assert "auto verified attributes to verified. (Example" in pool.lines(job, 5)[2]


def test_a_line_number_is_the_physical_line(sandbox: Sandbox, pool: Pool) -> None:
    content = pool.file(person("ann")) + b"\n" + pool.file(person("bob")).partition(b"\n")[2]
    with switched(sandbox, blank_line="ignore"):
        job = pool.run(content)
        assert pool.lines(job, 2) == [succeeded(2, 2)[0], succeeded(4, 4)[0]]


def test_no_line_holds_anything_of_a_person(pool: Pool) -> None:
    rows = [person("someone", phone_number="someone"), person("someone2"), person("someone3")]
    lines = pool.lines(pool.imported(*rows), 3)
    assert "phone number format" in lines[0]
    assert not any("someone" in line or "@" in line for line in lines)


def test_lines_can_come_late(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, log_delay_seconds=1.0):
        job = pool.imported(*people(3))
        assert pool.log(job) == []
        time.sleep(0.1)
        assert pool.lines(job, 3) == succeeded(2, 4)


def test_lines_can_be_shuffled(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, log_shuffle=True):
        lines = pool.lines(pool.imported(*people(50)), 50)
    assert lines != succeeded(2, 51)
    assert sorted(lines) == sorted(succeeded(2, 51))


def test_lines_can_come_twice_or_never(sandbox: Sandbox, pool: Pool) -> None:
    with switched(sandbox, log_duplicate_every=4, log_drop_every=5):
        lines = pool.lines(pool.imported(*people(10)), 10)
    counted = Counter(lines)
    assert [counted[line] for line in succeeded(2, 11)] == [1, 1, 1, 2, 0, 1, 1, 2, 1, 0]


def test_a_long_log_is_read_page_by_page_without_a_gap(sandbox: Sandbox, pool: Pool) -> None:
    """A reader who follows the forward token while the job goes on sees each line once, in order."""
    logs = client_for(sandbox, "logs")
    with switched(sandbox, rows_per_second=20_000):
        job = pool.imported(*people(3_000))
        pool.lines(job, 3_000)
    seen: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = logs.get_log_events(
            logGroupName=f"/aws/cognito/userpools/{pool.id}/pool",
            logStreamName=f"{job['JobId']}/job",
            startFromHead=True,
            limit=700,
            **token,
        )
        if not page["events"]:
            break
        seen += [event["message"] for event in page["events"] if event["message"] != TEST_LINE]
        token = {"nextToken": page["nextForwardToken"]}
    assert seen == succeeded(2, 3_001)
