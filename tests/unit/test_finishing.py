"""A run is finished only when every source user has exactly one verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from connectors.errors import TargetError
from connectors.records import FILE, LINE, SOURCE_ID, USERNAME
from flows.ledger.folder import RunFolder
from flows.ledger.segments import write_parquet, write_users
from flows.ledger.sqlite import open_sqlite
from flows.ledger.states import RunState
from flows.ledger.store import Ledger, PageRecord, RunRecord
from flows.steps.columns import SUB, VERDICT, WHY, outcomes
from flows.steps.finishing import finish, is_finished
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Clock

USERS = 4


class Run:
    """A run whose users were read; tests add outcomes."""

    def __init__(self, folder: RunFolder, ledger: Ledger) -> None:
        self.folder = folder
        self.ledger = ledger

    def outcome(self, name: str, ordinals: list[int], verdict: str, reason: str | None = None) -> None:
        frame = pl.DataFrame({ORDINAL: ordinals}, schema={ORDINAL: pl.UInt64})
        write_parquet(outcomes(frame, **{VERDICT: verdict, WHY: reason}), self.folder.outcomes(name))


@pytest.fixture
def run(tmp_path: Path, clock: Clock) -> Iterator[Run]:
    """Four users were read."""
    folder = RunFolder(tmp_path / "acme" / "r1").make()
    ledger = Ledger(open_sqlite(folder.ledger), "r1", clock)
    ledger.open_run(RunRecord("r1", "acme", RunState.PROVING, "", "", "p", clock.now, None, {}))
    ledger.add_page(PageRecord(1, 0, USERS, {}, 1.0))
    users = {
        ORDINAL: range(USERS), SOURCE_ID: ["a", "b", "c", None], USERNAME: ["a", "b", "c", None],
        FILE: [0, 0, 0, 0],
        LINE: [2, 3, 4, 5],
    }  # fmt: skip
    write_users(pl.DataFrame(users).with_columns(pl.col(ORDINAL).cast(pl.UInt64)), folder.users(1))
    yield Run(folder, ledger)
    ledger.close()


def test_verdicts_that_add_up_finish_the_run(run: Run) -> None:
    run.outcome("route-1", [1, 3], "rejected", "email_invalid")
    run.outcome("batch-1", [0, 2], "imported")
    summary = finish(run.folder, run.ledger)
    assert summary["verdicts"]["imported"] == summary["verdicts"]["rejected"] == 2
    assert summary["reasons"] == {"rejected": {"email_invalid": 2}, "failed": {}}
    assert summary["state"] == "finished"
    assert is_finished(run.folder, run.ledger)


@pytest.mark.parametrize("ordinals", [[0, 2], [0, 1, 2], [0, 2, 3, 3]], ids=["one lost", "none", "doubled"])
def test_a_run_that_does_not_add_up_stays_unfinished(run: Run, ordinals: list[int]) -> None:
    """A user without a verdict, or with two, must never be called a success."""
    run.outcome("route-1", [1], "rejected", "email_invalid")
    run.outcome("batch-1", ordinals, "imported")
    if ordinals == [0, 1, 2]:
        run.outcome("batch-2", [3], "imported")  # as many verdicts as users, but one user has two
    with pytest.raises(TargetError, match="do not add up"):
        finish(run.folder, run.ledger)
    assert not run.folder.summary.exists()
    assert run.ledger.run().state is RunState.PROVING


def test_what_the_read_back_found_overrules_the_log(run: Run) -> None:
    run.outcome("batch-1", [0, 1, 2, 3], "imported")
    proof = pl.DataFrame(
        {ORDINAL: [0, 1], VERDICT: ["imported", "failed"], WHY: [None, "not_in_pool"], SUB: ["s0", None]},
        schema_overrides={ORDINAL: pl.UInt64},
    )
    write_parquet(outcomes(proof), run.folder.path / "proof.parquet")
    summary = finish(run.folder, run.ledger)
    assert summary["verdicts"]["failed"] == 1
    assert summary["reasons"]["failed"] == {"not_in_pool": 1}
    assert pl.read_parquet(run.folder.verdicts)["sub"].to_list() == ["s0", None, None, None]
