"""A run's folder: private, found again, held by one process, never half-written."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

from connectors.errors import ConfigurationError
from flows.ledger.families import looked_at
from flows.ledger.folder import RunFolder, find_run, new_run_id, remove_unbegun, runs_of
from flows.ledger.segments import scan_users, write_new, write_once, write_users
from flows.ledger.states import RunState
from flows.ledger.store import RunRecord
from mappings.duplicates import KEY_EMAIL

if TYPE_CHECKING:
    from pathlib import Path


def make_run(state: Path, name: str, run_id: str) -> RunFolder:
    folder = RunFolder(state / name / run_id).make()
    folder.ledger.touch()
    folder.run_file.touch()
    return folder


def test_everything_is_for_the_owner_only(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "acme", "r1")
    write_users(pl.DataFrame({"a": [1]}), folder.users(1))
    modes = {stat.S_IMODE(p.stat().st_mode) for p in (folder.path, folder.users(1).parent, folder.users(1))}
    assert modes == {0o700, 0o600}


def test_columns_that_are_empty_on_some_pages_keep_their_kind(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "r1").make()
    kinds = {"@ordinal": pl.UInt64, "email": pl.String, KEY_EMAIL: pl.UInt64, "@groups": pl.List(pl.String)}
    pages = [
        pl.DataFrame(rows, schema=kinds, orient="row")
        for rows in ([(0, None, None, []), (1, None, None, ["a"])], [(2, "a@b.de", 7, [])], [])
    ]
    for number, page in enumerate(pages, 1):
        write_users(page, folder.users(number))
    pages[0].write_ipc(folder.users(4))  # as it was written before empty columns were spared
    read = folder.scan_users().collect()
    assert read.equals(pl.concat([*pages, pages[0]]))
    assert read.schema == kinds
    assert scan_users(folder.users(1)).select("email", KEY_EMAIL).collect().schema == {
        "email": pl.String,
        KEY_EMAIL: pl.UInt64,
    }
    assert pl.read_ipc(folder.users(1))["email"].dtype == pl.Null


@pytest.mark.parametrize(
    "days", [(1, 1, 1, 1, 1, 1, 2), (9, 2, 1, 9)], ids=["of one second", "clock set back"]
)
def test_run_ids_sort_in_the_order_in_which_runs_begin(tmp_path: Path, days: tuple[int, ...]) -> None:
    state = tmp_path / "acme"
    make_run(tmp_path, "acme", "20991301T000000Z-kept")
    make_run(tmp_path, "acme", "somebody's copy")
    moments = [datetime(2026, 1, day, tzinfo=UTC) for day in days]
    ids = [make_run(tmp_path, "acme", new_run_id(state, moment)).run_id for moment in moments]
    assert ids == sorted(set(ids))


def begun(folder: RunFolder, **facts: object) -> RunFolder:
    with looked_at(folder) as ledger:
        ledger.open_run(
            RunRecord(
                folder.run_id, "acme", RunState.READING, "", "", "eu-west-1_Example01", 0.0, None, facts
            )
        )
    return folder


def test_the_newest_run_of_a_name_is_found_and_its_retries_by_their_ids(tmp_path: Path) -> None:
    begun(make_run(tmp_path, "acme", "20260101T000000Z-aaaaaa"))
    newest = begun(make_run(tmp_path, "acme", "20260102T000000Z-aaaaaa"))
    retry = begun(make_run(tmp_path, "acme", "20260103T000000Z-aaaaaa"), retry={"parent": newest.run_id})
    assert find_run("acme", tmp_path) == newest
    assert find_run(newest.run_id, tmp_path) == newest
    assert find_run(retry.run_id, tmp_path) == retry
    assert find_run(str(newest.path), tmp_path / "elsewhere").path == newest.path


def test_an_unknown_run_lists_those_that_are_there(tmp_path: Path) -> None:
    make_run(tmp_path, "acme", "r1")
    with pytest.raises(ConfigurationError, match="acme/r1"):
        find_run("acne", tmp_path)


def test_a_forecast_is_no_run(tmp_path: Path) -> None:
    make_run(tmp_path, "acme", ".plan-r1")
    assert runs_of(tmp_path / "acme") == []


def test_a_start_that_died_before_its_run_was_written_down_is_no_run(tmp_path: Path) -> None:
    make_run(tmp_path, "acme", "r1").run_file.unlink()
    assert runs_of(tmp_path / "acme") == []


def test_two_processes_never_hold_one_run(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "acme", "r1")
    with folder.locked(), pytest.raises(ConfigurationError, match="another process"), folder.locked():
        pass
    with folder.locked():
        pass


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    """A crash in the middle must never leave half a segment under its final name."""
    path = tmp_path / "x.txt"
    path.write_text("old")

    def half(target: Path) -> None:
        target.write_text("ne")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_once(path, half)
    assert [p.name for p in tmp_path.iterdir()] == ["x.txt"]
    assert path.read_text() == "old"


def test_what_a_killed_start_or_plan_has_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    state = tmp_path / "acme"
    unbegun, plan, alive = (
        RunFolder(state / name).make()
        for name in (
            "20261123T031500Z-3f2a9c",
            ".plan-20261123T031500Z-3f2a9c",
            ".plan-20261123T031501Z-3f2a9c",
        )
    )
    begun = RunFolder(state / "20261123T031502Z-3f2a9c").make()
    begun.run_file.touch()
    (state / ".snapshot").mkdir()
    with alive.locked():
        remove_unbegun(state)
    assert not unbegun.path.exists()
    assert not plan.path.exists()
    assert {path.name for path in state.iterdir()} == {begun.run_id, alive.run_id, ".snapshot"}


def test_tidying_leaves_the_record_alone(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "r1").make()
    left = [
        folder.path / ".proof.parquet.4711",
        folder.path / "batches" / ".b0001.csv.x",
        folder.import_file(2),
    ]
    kept = [folder.summary, folder.batch_users(1), folder.outcomes("batch-0001")]
    for path in (*left, *kept):
        path.touch()
    folder.tidy()
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in kept)


def test_a_page_that_the_ledger_does_not_know_is_forgotten(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "r1").make()
    for number in (1, 2, 3):
        folder.users(number).touch()
    folder.forget_users(1)
    assert [path.name for path in (folder.path / "users").iterdir()] == ["p00001.arrow"]
    folder.forget_users(0)
    assert not folder.has_users()


def test_a_number_that_another_worker_took_is_not_taken_again(tmp_path: Path) -> None:
    users = pl.DataFrame({"@ordinal": [1, 2]}, schema={"@ordinal": pl.UInt64})
    assert write_new(users, tmp_path / "b0001.parquet")
    assert not write_new(users.head(1), tmp_path / "b0001.parquet")
    assert pl.read_parquet(tmp_path / "b0001.parquet").height == 2
    assert [path.name for path in tmp_path.iterdir()] == ["b0001.parquet"]
