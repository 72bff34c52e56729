"""Lines of the import log are joined to rows of the file, or nothing is settled: never a guess."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from botocore.stub import Stubber
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import aws
from connectors.cognito.import_job import Job
from connectors.cognito.import_log import LINE_IN_FILE, PAUSE_SECONDS, parse, read_outcomes, settle, tell_base
from connectors.errors import TargetError
from connectors.records import PoolSchema

if TYPE_CHECKING:
    from collections.abc import Iterator

POOL_ID = "eu-west-1_Example01"
SCHEMA = PoolSchema(POOL_ID, "people + pets", {}, ())
GROUP = f"/aws/cognito/userpools/{POOL_ID}/people"
STREAM = "import-abc/poolferry.r1.batch-1.attempt-1"
TEST_LINE = "Cognito User Pools Import - Test Log"
TEXTS = {
    "SUCCEEDED": "The import succeeded.",
    "SKIPPED": "The user already exists.",
    "FAILED": "The User Record does not set any of the auto verified attributes to true. "
    "(Example: email_verified to true).",
}


def line(number: int, status: str = "SUCCEEDED", text: str | None = None) -> str:
    return f"[{status}] Line Number {number} - {TEXTS[status] if text is None else text}"


def job(imported: int = 0, skipped: int = 0, failed: int = 0) -> Job:
    return Job("import-abc", "n", "Succeeded", imported=imported, skipped=skipped, failed=failed)


def test_the_documented_lines_are_read() -> None:
    found = parse(
        [TEST_LINE, TEST_LINE, line(2), line(3, "SKIPPED"), line(4, "FAILED"), "[STARTED] Line Number 9"]
    )
    assert found.rows() == [
        (2, "SUCCEEDED", None),
        (3, "SKIPPED", None),
        (4, "FAILED", "no_verified_contact"),
    ]


def test_the_reported_variant_of_a_known_failure_is_known_too() -> None:
    """F3.28: a real log says "to verified" where the guide says "to true"."""
    text = "The User Record does not set any of the auto verified attributes to verified. (Example: email)."
    assert parse([line(5, "FAILED", text)])["code"].to_list() == ["no_verified_contact"]


def test_an_unknown_failure_keeps_its_status_and_not_its_text() -> None:
    found = parse([line(5, "FAILED", "vera@example.com is no good"), line(6, "FAILED", "")])
    assert found["code"].to_list() == ["pool_refused", "pool_refused"]
    assert "vera" not in str(found.rows())


def test_several_lines_in_one_event_are_several_users() -> None:
    assert parse([f"{line(2)}\n{line(3)}\n"])["line"].to_list() == [2, 3]


def test_a_log_without_any_event_has_no_lines() -> None:
    assert parse([]).rows() == parse([TEST_LINE, ""]).rows() == []


@given(st.lists(st.integers(1, 200), min_size=1, unique=True), st.sampled_from([1, 2]), st.data())
@settings(max_examples=80)
def test_a_base_that_is_told_is_the_true_one(rows_seen: list[int], base: int, data: st.DataObject) -> None:
    """Whatever part of a log is there, and whichever way it counts: right or undecided, never wrong."""
    rows = max(rows_seen) + data.draw(st.integers(0, 2))
    told, doubt = tell_base(pl.Series([row + base - 1 for row in rows_seen]), rows)
    assert told in (base, None)
    assert bool(doubt) == (told is None)
    if len(rows_seen) == rows:
        assert told == base


@pytest.mark.parametrize(
    ("lines", "rows", "base"),
    [
        ([1], 1, 1),
        ([2], 1, 2),
        ([2, 3], 2, 2),  # the real log of F3.30
        ([2, 3], 3, None),
        ([0, 1], 3, None),
        ([1, 4], 3, None),
        ([2, 5], 3, None),
        ([], 3, None),
    ],
)
def test_the_base_is_told_by_first_and_last_line(lines: list[int], rows: int, base: int | None) -> None:
    assert tell_base(pl.Series(lines, dtype=pl.Int64), rows)[0] == base


@pytest.mark.parametrize("base", [1, 2])
def test_lines_become_rows_of_the_file(base: int) -> None:
    lines = parse([line(base + 2, "FAILED"), line(base), line(base + 1, "SKIPPED"), line(base)])
    told = settle(lines, job(1, 1, 1), 3)
    assert told.outcomes.schema == {LINE_IN_FILE: pl.UInt32, "status": pl.String, "code": pl.String}
    assert told.outcomes.rows() == [
        (1, "SUCCEEDED", None),
        (2, "SKIPPED", None),
        (3, "FAILED", "no_verified_contact"),
    ]
    assert (told.base, told.complete, told.doubt) == (base, True, "")


def test_an_undecidable_base_settles_nobody_and_says_so() -> None:
    told = settle(parse([line(2), line(3)]), job(imported=2), 3)
    assert told.outcomes.is_empty()
    assert told.outcomes.schema == {LINE_IN_FILE: pl.UInt32, "status": pl.String, "code": pl.String}
    assert told.base is None
    assert not told.complete
    assert "lines 2 to 3 of 3" in told.doubt


def test_two_answers_about_one_user_settle_nothing_about_them() -> None:
    told = settle(parse([line(1), line(2), line(2, "SKIPPED"), line(3)]), job(imported=3), 3)
    assert told.outcomes[LINE_IN_FILE].to_list() == [1, 3]
    assert told.contradictory == 1
    assert not told.complete


def test_lines_that_are_missing_are_not_made_up() -> None:
    told = settle(parse([line(1)]), job(imported=2), 3)
    assert told.outcomes[LINE_IN_FILE].to_list() == [1]
    assert not told.complete
    assert "settles 1 users, and the job counted 2" in told.doubt


def test_a_status_must_be_covered_by_lines_of_its_own() -> None:
    """Two successes do not cover a success and a failure."""
    assert not settle(parse([line(1), line(2)]), job(imported=1, failed=1), 2).complete


def test_a_job_that_touched_nobody_has_a_complete_log_without_lines() -> None:
    told = settle(parse([TEST_LINE]), job(), 3)
    assert told.complete
    assert told.outcomes.is_empty()


@cache
def client() -> Any:
    """One client for all tests of the file: to make one takes longer than any test."""
    return aws.client("logs", region="eu-west-1")


@pytest.fixture
def stub() -> Iterator[Stubber]:
    with Stubber(client()) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def add_places(stub: Stubber, *streams: str, groups: tuple[str, ...] = (GROUP,)) -> None:
    prefix = {"logGroupNamePrefix": f"/aws/cognito/userpools/{POOL_ID}/"}
    stub.add_response(
        "describe_log_groups", {"logGroups": [{"logGroupName": name} for name in groups]}, prefix
    )
    if groups:
        asked = {"logGroupName": groups[0], "logStreamNamePrefix": "import-abc/"}
        found = {"logStreams": [{"logStreamName": name} for name in streams]}
        stub.add_response("describe_log_streams", found, asked)


def add_pages(stub: Stubber, *pages: list[str], stream: str = STREAM) -> None:
    """A stream ends where the token comes back that was sent."""
    asked: dict[str, Any] = {"logGroupName": GROUP, "logStreamName": stream, "startFromHead": True}
    for number, messages in enumerate([*pages, []]):
        token = f"f/{min(number, len(pages) - 1)}"
        events = [{"timestamp": 1, "message": each, "ingestionTime": 1} for each in messages]
        stub.add_response("get_log_events", {"events": events, "nextForwardToken": token}, dict(asked))
        asked["nextToken"] = token


def read(stub: Stubber, told: Job, rows: int, patience: float = 0.0) -> tuple[Any, list[float]]:
    pauses: list[float] = []
    return read_outcomes(stub.client, SCHEMA, told, rows, patience=patience, sleep=pauses.append), pauses


def test_all_pages_of_all_streams_are_read_and_empty_pages_do_not_end_them(stub: Stubber) -> None:
    add_places(stub, STREAM, f"{STREAM}-2")
    add_pages(stub, [TEST_LINE, line(2)], [], [line(3)])
    add_pages(stub, [line(4)], stream=f"{STREAM}-2")
    told, pauses = read(stub, job(imported=3), 3)
    assert told.outcomes[LINE_IN_FILE].to_list() == [1, 2, 3]
    assert told.complete
    assert pauses == []


def test_late_lines_are_awaited_from_the_head_and_no_longer_than_needed(stub: Stubber) -> None:
    """The late line sorts before the token of the first reading."""
    add_places(stub, STREAM)
    add_pages(stub, [line(3)])
    add_places(stub, STREAM)
    add_pages(stub, [line(2), line(3)])
    told, pauses = read(stub, job(imported=2), 2, patience=600)
    assert told.complete
    assert pauses == [PAUSE_SECONDS]


def test_a_log_that_is_not_there_yet_is_awaited(stub: Stubber) -> None:
    add_places(stub, groups=())
    add_places(stub)
    add_places(stub, STREAM)
    add_pages(stub, [line(1)])
    told, pauses = read(stub, job(imported=1), 1, patience=600)
    assert told.base == 1
    assert len(pauses) == 2


def test_patience_has_an_end_and_what_is_there_counts(stub: Stubber) -> None:
    for _ in range(3):
        add_places(stub, STREAM)
        add_pages(stub, [line(1)])
    told, pauses = read(stub, job(imported=2), 3, patience=2 * PAUSE_SECONDS)
    assert told.outcomes[LINE_IN_FILE].to_list() == [1]
    assert not told.complete
    assert sum(pauses) == 2 * PAUSE_SECONDS


def test_a_throttled_page_is_asked_again_and_not_the_whole_log(stub: Stubber) -> None:
    add_places(stub, STREAM)
    stub.add_client_error("get_log_events", "ThrottlingException")
    add_pages(stub, [line(1)])
    told, pauses = read(stub, job(imported=1), 1)
    assert told.complete
    assert len(pauses) == 1


def test_a_missing_right_names_the_iam_action(stub: Stubber) -> None:
    stub.add_client_error("describe_log_groups", "AccessDeniedException")
    with pytest.raises(TargetError, match="Allow logs:DescribeLogGroups"):
        read(stub, job(imported=1), 1)
