"""Calls are counted as they are sent, added up in the ledger by every process, and told as a rate."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from connectors.cognito.use import Tally, Use
from flows.reports.page.quota_use import average, call_rows, category_rows
from flows.steps.calls import CALLS, added
from tests.page_run import made_run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Clock


def use(calls: int, first: float, last: float, **more: object) -> dict[str, object]:
    told = {"calls": calls, "throttled": 0, "first": first, "last": last}
    return told | {"category": "UserCreation", "limit": 50, "share": 0.5, "origin": "default"} | more


def test_calls_are_counted_once_and_each_taking_begins_anew(clock: Clock) -> None:
    tally, begun = Tally(clock), clock.now
    tally.sent("AdminCreateUser")
    clock.now += 5
    tally.sent("AdminCreateUser")
    tally.throttled("AdminCreateUser")
    assert tally.taken() == {"AdminCreateUser": Use(2, 1, begun, begun + 5)}
    assert tally.taken() == {}


def test_threads_lose_no_call() -> None:
    tally = Tally()
    with ThreadPoolExecutor(8) as crew:
        list(crew.map(tally.sent, ["ListUsers"] * 4_000))
    assert tally.taken()["ListUsers"].calls == 4_000


def test_what_processes_tell_adds_up_in_the_ledger(tmp_path: Path) -> None:
    one = {"AdminCreateUser": use(10, 100, 110), "ListUsers": use(1, 100, 100)}
    other = {"AdminCreateUser": use(5, 90, 95, throttled=2)}
    with made_run(tmp_path, [("u", "imported", None)]) as run:
        for told in (one, other):
            run.ledger.change_fact(CALLS, lambda known, told=told: added(known or {}, told))
        calls = run.ledger.run().facts[CALLS]
    assert calls["AdminCreateUser"] == use(15, 90, 110, throttled=2)
    assert calls["ListUsers"] == use(1, 100, 100)


@pytest.mark.parametrize(
    ("uses", "rate"),
    [
        ([use(1, 0, 0)], None),
        ([use(5, 0, 0.5)], None),
        ([use(101, 0, 10)], 10.0),
        ([use(11, 0, 10), use(10, 5, 20)], 1.0),
    ],
)
def test_an_average_is_told_only_where_there_is_one(
    uses: list[dict[str, object]], rate: float | None
) -> None:
    """Of evenly spaced calls n are n - 1 intervals: a run at its share is not told to be above it."""
    assert average(uses) == rate


def test_a_category_sums_up_its_operations_against_the_limit() -> None:
    update = {"category": "UserUpdate", "limit": 25}
    facts = {
        CALLS: {
            "AdminCreateUser": use(101, 0, 10),
            "AdminDisableUser": use(26, 0, 10, **update),
            "AdminAddUserToGroup": use(25, 10, 20, **update),
            "GetProvisionedLimit": use(1, 0, 0, category="LimitManagement", limit=1),
        }
    }
    told = [(row["category"], row["rate"], row["used"], row["share"]) for row in category_rows(facts)]
    assert told == [("UserCreation", 10, 20, 50), ("UserUpdate", 2.5, 10, 50)]
    assert call_rows(facts)[0]["operation"] == "AdminCreateUser"
    assert category_rows({}) == call_rows({}) == []
