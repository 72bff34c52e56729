"""Moments at which calls may be sent: never too many in any window, and slower when throttled."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from connectors.cognito.pace import (
    CLIMB_SECONDS,
    FLOOR,
    HORIZON_SECONDS,
    LATE_SECONDS,
    SLOWER,
    PaceTable,
    Queue,
)
from connectors.errors import ConfigurationError, RetryError
from tests.conftest import Clock

if TYPE_CHECKING:
    from pathlib import Path

RATE = 25.0
ROUNDING = 1e-5
"""Seconds since 1970 have so many digits after the point, as a database keeps them."""


class Ask(NamedTuple):
    """After a while somebody asks for leave; now and then the service throttles that call."""

    pause: float
    worker: int
    throttled: bool


asks = st.lists(
    st.builds(Ask, st.floats(0, 0.5), st.integers(0, 2), st.sampled_from([False] * 9 + [True])),
    min_size=10,
    max_size=120,
)


class Use(NamedTuple):
    """When a call had leave, and when it went out."""

    at: float
    sent: float


def uses(asked: list[Ask], *, shared: bool = True) -> list[Use]:
    """The calls of three workers; each thread sleeps by itself, so time goes on meanwhile."""
    clock = Clock()
    one = PaceTable.in_memory(clock)
    queues = [Queue(one if shared else PaceTable.in_memory(clock), "q", RATE, clock=clock) for _ in range(3)]
    found = []
    for ask in asked:
        clock.now += ask.pause
        leave = queues[ask.worker]._next()
        found.append(Use(leave.at, max(leave.at, clock.now)))
        if ask.throttled:
            queues[ask.worker].slow_down(leave)
    return sorted(found)


def is_even(used: list[Use]) -> bool:
    """One interval between moments, and none used late: never more than rate x (W + 0.1) calls in any W."""
    apart = all(later.at - earlier.at >= 1 / RATE - ROUNDING for earlier, later in pairwise(used))
    return apart and all(use.sent - use.at <= LATE_SECONDS + ROUNDING for use in used)


@settings(max_examples=30, deadline=None)
@given(asks)
def test_no_window_has_more_calls_than_the_rate_allows(asked: list[Ask]) -> None:
    assert is_even(uses(asked))


def test_workers_with_rows_of_their_own_would_be_noticed() -> None:
    crowd = [Ask(0.0, number % 3, throttled=False) for number in range(30)]
    assert not is_even(uses(crowd, shared=False))


def test_a_clock_that_saves_up_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: whoever was quiet for a second may call all at once then."""
    kept = PaceTable.reserve

    def early(table: PaceTable, queue: str, ceiling: float, moments: int) -> tuple[float, float]:
        delay, interval = kept(table, queue, ceiling, moments)
        return max(0.0, delay - 1), interval

    monkeypatch.setattr(PaceTable, "reserve", early)
    assert not is_even(uses([Ask(0.0, 0, throttled=False)] * 30))


def test_a_crowd_gets_all_of_the_rate_and_seldom_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty threads that come back as soon as they may: one call an interval, several a write."""
    writes = []
    kept = PaceTable.reserve
    monkeypatch.setattr(PaceTable, "reserve", lambda *given: writes.append(1) or kept(*given))
    clock = Clock()
    queue = Queue(PaceTable.in_memory(clock), "q", 100.0, clock=clock)
    waiting = [queue._next().at for _ in range(20)]
    for _ in range(500):
        clock.now = max(clock.now, waiting.pop(0))
        waiting.append(queue._next().at)
    assert waiting[-1] - (clock.now - 500 / 100) == pytest.approx(520 / 100, abs=0.05)
    assert len(writes) < 100


def test_a_moment_that_was_slept_through_is_given_up() -> None:
    clock = Clock()
    pauses = iter([LATE_SECONDS * 3, 0.0])

    def oversleep(seconds: float) -> None:
        clock.now += seconds + next(pauses)

    queue = Queue(PaceTable.in_memory(clock), "q", RATE, clock=clock, sleep=oversleep)
    first = queue.wait()
    second = queue.wait()
    assert second.at > first.at + LATE_SECONDS * 3
    assert clock.now - second.at <= LATE_SECONDS


def rate(table: PaceTable, *, ceiling: float = RATE) -> float:
    return 1 / table.reserve("q", ceiling, 1)[1]


def test_throttled_calls_that_were_on_their_way_together_slow_down_once(clock: Clock) -> None:
    table = PaceTable.in_memory(clock)
    queue = Queue(table, "q", RATE, clock=clock)
    leaves = [queue._next() for _ in range(5)]
    clock.now += 0.5
    assert [queue.slow_down(leave) for leave in leaves] == [True, False, False, False, False]
    assert rate(table) == pytest.approx(RATE * SLOWER)


def test_after_a_throttle_the_rate_climbs_back_and_not_beyond(clock: Clock) -> None:
    table = PaceTable.in_memory(clock)
    rate(table)
    clock.now += 1
    table.slow_down("q", RATE, 0.5)
    clock.now += CLIMB_SECONDS * (1 - SLOWER) / 2
    assert rate(table) == pytest.approx(RATE * (SLOWER + 1) / 2)
    clock.now += CLIMB_SECONDS
    assert rate(table) == pytest.approx(RATE)


def test_however_often_it_is_throttled_it_never_stands_still(clock: Clock) -> None:
    table = PaceTable.in_memory(clock)
    rate(table)
    for _ in range(50):
        clock.now += 0.1
        table.slow_down("q", RATE, 0.01)
    assert RATE * FLOOR <= rate(table) < RATE * FLOOR * 2


def test_a_throttle_in_one_process_slows_the_other_down(clock: Clock, tmp_path: Path) -> None:
    one, other = (PaceTable.in_file(tmp_path / "pace.db", clock) for _ in range(2))
    rate(one)
    clock.now += 1
    one.slow_down("q", RATE, 0.5)
    assert rate(other) == pytest.approx(RATE * SLOWER)


def test_runs_with_other_shares_add_up_to_no_more_than_the_larger(clock: Clock) -> None:
    """A call at half the rate takes twice the time, whoever made it."""
    table = PaceTable.in_memory(clock)
    for _ in range(10):
        table.reserve("q", RATE, 1)
        table.reserve("q", RATE / 2, 1)
    delay, _ = table.reserve("q", RATE, 1)
    assert delay == pytest.approx(10 / RATE + 20 / RATE, abs=1e-3)


def test_a_row_of_another_clock_holds_nobody_up(clock: Clock) -> None:
    table = PaceTable.in_memory(clock)
    table.reserve("q", RATE, 1)
    clock.now -= 2 * HORIZON_SECONDS
    assert table.reserve("q", RATE, 1)[0] == pytest.approx(0, abs=ROUNDING)


def test_a_file_that_cannot_be_written_is_told_without_a_trace_of_sql(clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "pace.db"
    table = PaceTable.in_file(path, clock)
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(
        RetryError, match=r"The pace of q cannot be kept: DatabaseError of its database\."
    ) as told:
        table.reserve("account/region/q", RATE, 1)
    assert "UPDATE" not in str(told.value)
    assert not isinstance(told.value.__cause__, OperationalError)


def test_a_folder_that_is_not_there_is_told(clock: Clock, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent/pace\.db: cannot be written"):
        PaceTable.in_file(tmp_path / "absent" / "pace.db", clock)


def test_only_its_owner_reads_the_file(clock: Clock, tmp_path: Path) -> None:
    PaceTable.in_file(tmp_path / "pace.db", clock)
    assert (tmp_path / "pace.db").stat().st_mode & 0o777 == 0o600
