"""Whatever a run writes, at any moment of it, is for its owner alone; import files are gone at the end.

The umask of these tests takes nothing away: what is not made for the owner alone on purpose would be for
everybody.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

from flows.ledger.folder import RunFolder
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.forecast import plan
from flows.steps.progress import Silence
from flows.steps.purging import purge
from flows.steps.reconciling import reconcile
from flows.steps.retrying import Choice, retry
from flows.steps.rolling_back import rollback
from flows.steps.running import migrate
from tests.flows.conftest import Pool, person
from tests.flows.journeys import QUICK, add

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


def open_to_others(folder: Path) -> dict[str, str]:
    """What others than the owner may touch in any way, with its mode; links and sockets would count."""
    modes = {
        str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode)
        for path in (folder, *folder.rglob("*"))
    }
    return {name: oct(mode) for name, mode in modes.items() if mode & 0o077}


class Watching(Silence):
    """Looks into the folders of all runs whenever the run tells something."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self.open: dict[str, str] = {}
        self.seen: set[str] = set()

    def stage(self, title: str, total: float | None, unit: str) -> None:
        del title, total, unit
        self._look()

    def update(self, done: float) -> None:
        del done
        self._look()

    def _look(self) -> None:
        for run in self._state.glob("*/*"):
            self.seen |= {path.suffix for path in run.rglob("*")}
            try:
                self.open |= open_to_others(run)
            except FileNotFoundError:  # a temporary file, gone since it was listed; the next look has others
                continue


PEOPLE = [
    person(1, pw="$2b$04$9gLn4nv2KFtdB0Z38PZF/.ds/GSP6BL2lVJnUrzlicMAHiGhD8syS", roles="staff"),
    person(2, verified="no"),
    person(3, email="nonsense"),
    person(4, active="no"),
    person(5),
]


def run_file(pool: Pool, **changes: Any) -> Path:
    source = {"kind": "csv", "path": "users.csv", "key": "id"}
    return pool.run_file(PEOPLE, jobs=QUICK, source=source, existing="update", **changes)


def test_what_a_run_and_its_aftermath_write_is_for_the_owner_alone(pool: Pool) -> None:
    add(pool, "u00005", email="other@example.com")
    loaded = load_run_file(run_file(pool))
    watching = Watching(pool.folder / "runs")
    worker = Worker(watching)
    plan(loaded, worker)
    folder, summary = migrate(loaded, worker)
    assert summary["balanced"]
    assert ".csv" in watching.seen, "the import file was there while the run went on"
    reconcile(loaded, worker)
    child, _ = retry(folder, loaded, worker, Choice((), None))
    migrate(load_run_file(run_file(pool, mode="delta")), worker)
    rollback(folder, worker, confirmed_too=True)
    written = {path.name for path in folder.path.rglob("*")}
    assert {"verdicts.parquet", "report.md", "id_map.csv", "rejected.csv", "rollback.csv"} <= written
    purge(folder, worker)
    assert watching.open == {}
    assert {name: open_to_others(each.path) for name, each in (("first", folder), ("retry", child))} == {
        "first": {}, "retry": {}
    }  # fmt: skip


def test_no_import_file_is_left_once_its_job_has_taken_it(pool: Pool) -> None:
    folder, _ = migrate(load_run_file(run_file(pool)), Worker())
    assert list(folder.path.rglob("batches/*.parquet")), "batches were sent"
    assert [path for path in folder.path.rglob("*.csv*") if path.parent != folder.path] == []
    assert list(folder.path.rglob("*.lines")) == []


def test_a_file_that_is_open_to_others_would_be_noticed(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "r1").make()
    assert open_to_others(folder.path) == {}
    folder.report.write_text("made without a thought")
    assert open_to_others(folder.path) == {"report.md": "0o666"}
