"""Two processes that share a pace take together what one may take, through either database."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from connectors.cognito.pace import LATE_SECONDS
from tests.contracts.ledger_suite import holds
from tests.contracts.pace_worker import table_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RATE, THREADS, SECONDS = 50, 12, 3
WORKER = "tests.contracts.pace_worker"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh place for the pace, of each kind."""
    if request.param == "sqlite":
        yield str(tmp_path / "pace.db")
    else:
        yield request.getfixturevalue("postgresql_url")


def taken_by_two(where: str) -> list[float]:
    """When two processes got leave, in order."""
    command = [sys.executable, "-m", WORKER, where, str(RATE), str(THREADS), str(SECONDS)]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("go\n")
        worker.stdin.flush()
    answers = [worker.communicate(timeout=60)[0] for worker in workers]
    assert all(json.loads(answer) for answer in answers), "one of them got nothing"
    return sorted(moment for answer in answers for moment in json.loads(answer))


def share_one_rate(moments: list[float]) -> None:
    """Most of the rate is used on any machine, and no second has more of it than late wake-ups explain."""
    whole = RATE * SECONDS
    busiest = max(sum(start <= moment < start + 1 for moment in moments) for start in moments)
    assert 0.9 * whole <= len(moments) <= 1.01 * whole + 1
    assert busiest <= RATE * (1 + LATE_SECONDS) + 1


def test_two_processes_share_one_rate(where: str) -> None:
    share_one_rate(taken_by_two(where))


def test_two_processes_that_do_not_share_are_noticed() -> None:
    with pytest.raises(AssertionError):
        share_one_rate(taken_by_two(""))


def test_taking_leave_keeps_nobody_waiting(where: str) -> None:
    """Whoever stops right behind it, as a machine that falls asleep does, holds no row."""
    table, held = table_of(where), list[bool]()
    event.listen(table.engine, "after_cursor_execute", lambda connection, *_: held.append(holds(connection)))
    table.reserve("q", RATE, 1)
    assert table.slow_down("q", RATE, 0.0)
    assert len(held) >= 3
    assert not any(held)
    table.engine.dispose()
