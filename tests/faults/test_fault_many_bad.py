"""Jobs that fail as a whole cost no good user, and do not use up the pool's jobs (F3.15, F3.21)."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from connectors.cognito.import_job import Job
from connectors.cognito.import_log import LogOutcomes, parse, settle
from connectors.cognito.limits import MAX_JOBS
from flows.ledger.states import BatchState
from flows.ledger.store import BatchRecord
from flows.steps.handing_on import SUSPECT, parts_of
from flows.steps.log_base import _agreed, suspects
from mappings.duplicates import ORDINAL
from tests.faults.balance import hold_balance, pool_users
from tests.faults.table import alias_taken
from tests.flows.conftest import person
from tests.flows.journeys import QUICK, At, make_pool, switched, travel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox

TOO_MANY = "Too many users have failed or been skipped during the import."

# whole runs -------------------------------------------------------------------------------------

SHAPES: dict[str, tuple[Callable[[int], bool], int]] = {
    "bad rows stand together at the head": (lambda n: n < 30, 12),
    "bad rows stand together in the middle": (lambda n: 8 <= n < 48, 15),
    "two of three rows are bad, everywhere": (lambda n: n % 3 != 0, 25),
}
"""Which of 120 users the pool refuses, and how many jobs they may cost at most."""


@pytest.mark.usefixtures("_local")
@pytest.mark.parametrize(("is_bad", "most_jobs"), SHAPES.values(), ids=SHAPES)
def test_every_good_user_arrives(
    sandbox: Sandbox, tmp_path: Path, is_bad: Callable[[int], bool], most_jobs: int
) -> None:
    """Jobs fail once ten rows were seen and most of them were bad; the log is of no certain base."""
    people = [person(n) for n in range(120)]
    bad = [n for n in range(len(people)) if is_bad(n)]
    pool = make_pool(sandbox, tmp_path, AliasAttributes=["email"])
    run_file = pool.run_file(people, jobs=QUICK, strategies=["import_job"])
    with switched(sandbox, too_many_early_after_rows=10):
        journey = travel(run_file, At("Uploading", lambda: alias_taken(*bad)(pool)))
    users = pool_users(pool.pool_id)
    hold_balance(journey.folder, users, before=[u for u in users if u["Username"].startswith("stranger")])
    assert journey.counts() == {"imported": len(people) - len(bad), "failed": len(bad)}
    assert set(journey.reasons().values()) == {"pool_refused"}
    assert len(journey.summary["jobs"]) <= most_jobs, json.dumps(journey.summary["jobs"])


# who travels on, and how many jobs that may take ---------------------------------------------------


def batch(number: int = 1, **facts: Any) -> BatchRecord:
    return BatchRecord(
        number, "import_job", None, 9, BatchState.ENDED, 1, None, None, f"import-{number}", facts
    )


def rest(count: int, *suspected: int) -> pl.DataFrame:
    rows = [(n, True if n in suspected else None) for n in range(count)]
    return pl.DataFrame(rows, schema={ORDINAL: pl.UInt64, SUSPECT: pl.Boolean}, orient="row")


class Run:
    """As much of a run as decides who travels on."""

    def __init__(self, *others: BatchRecord, most: int = 100, used: int = 1) -> None:
        self.told: list[str] = []
        self.ledger = SimpleNamespace(batches=lambda: list(others))
        self.jobs = SimpleNamespace(count_jobs=lambda: used)
        self.progress = SimpleNamespace(note=self.told.append)
        self.loaded = SimpleNamespace(settings=SimpleNamespace(jobs=SimpleNamespace(max_extra_jobs=most)))

    def parts(self, ended: BatchRecord, users: pl.DataFrame) -> list[list[int]]:
        return [part[ORDINAL].to_list() for part in parts_of(self, ended, users)]  # type: ignore[arg-type]


BAD = {"status": "Failed", "message": TOO_MANY, "imported": 1, "failed": 3}


def test_the_rest_of_a_spoiled_job_is_halved_and_suspects_go_apart() -> None:
    assert Run(batch(**BAD)).parts(batch(**BAD), rest(6, 0, 3)) == [[4, 5], [1, 2], [0, 3]]


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_a_job_that_no_row_has_spoiled_is_made_again_as_it_was(status: str) -> None:
    ended = batch(status=status, imported=3, failed=0, skipped=0)
    assert Run(ended).parts(ended, rest(4)) == [[0, 1, 2, 3]]


def test_halves_end_with_single_users() -> None:
    assert Run(batch(**BAD)).parts(batch(**BAD), rest(1)) == [[0]]


def test_a_run_without_free_jobs_hands_nobody_on_and_says_so() -> None:
    run = Run(batch(**BAD), batch(2, parent=1), batch(3, parent=1), most=2)
    assert run.parts(batch(2, **BAD), rest(4)) == []
    assert "4 users of batch 2 do not travel on" in run.told[0]


def test_the_last_free_job_takes_the_whole_rest() -> None:
    run = Run(batch(**BAD), batch(2, parent=1), most=2)
    assert run.parts(batch(2, **BAD), rest(4)) == [[0, 1, 2, 3]]


def test_spent_jobs_count_and_those_that_a_person_stopped_do_not() -> None:
    ended = batch(2, parent=1, **BAD)
    stopped, spent = batch(status="Stopped", stopped_here=True), batch(3, spent=[{"job_id": "import-0"}])
    assert len(Run(stopped, ended, spent, most=3).parts(ended, rest(4))) == 2
    assert len(Run(batch(**BAD), ended, spent, most=3).parts(ended, rest(4))) == 1


def test_jobs_are_left_for_the_batches_that_were_planned() -> None:
    planned = BatchRecord(2, "import_job", None, 9, BatchState.PLANNED, 1, None, None, None, {})
    run = Run(batch(**BAD), planned, used=MAX_JOBS - 2)
    assert run.parts(batch(**BAD), rest(4)) == [[0, 1, 2, 3]]
    assert "998 import jobs" in run.told[0]
    assert Run(batch(**BAD), planned, used=MAX_JOBS - 1).parts(batch(**BAD), rest(4)) == []


# a log of no certain base (F3.30) --------------------------------------------------------------------


def log_of(lines: dict[int, str], rows: int) -> LogOutcomes:
    texts = [
        f"[{status}] Line Number {line} - {said}." for line, said in lines.items() for status in ("FAILED",)
    ]
    return settle(parse(texts), Job("import-1", "n", "Failed"), rows)


def agreed(log: LogOutcomes, rows: int) -> LogOutcomes:
    return _agreed(log, Job("import-1", "n", "Failed"), rows)


def test_what_both_ways_of_counting_say_is_certain() -> None:
    """Lines 2 to 5 are rows 1 to 4 or 2 to 5: 2, 3 and 4 were refused in any case."""
    log = agreed(log_of(dict.fromkeys(range(2, 6), "x"), 10), 10)
    assert log.outcomes["@line_in_file"].to_list() == [2, 3, 4]
    assert suspects(log, 10).to_list() == [1, 5]


def test_a_reason_is_told_only_where_it_is_certain() -> None:
    known = "The User Record does not set any of the auto verified attributes to true"
    log = agreed(log_of({2: known, 3: known, 4: "other"}, 10), 10)
    assert log.outcomes.select("@line_in_file", "code").rows() == [
        (2, "no_verified_contact"),
        (3, "pool_refused"),
    ]


def test_lines_that_fit_neither_way_settle_nobody() -> None:
    log = agreed(log_of({1: "x", 11: "x"}, 10), 10)
    assert (log.outcomes.height, suspects(log, 10).len()) == (0, 0)
