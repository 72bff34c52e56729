"""A purged run knows counts and reasons, and nobody any more: no byte of it holds a value of a person."""

from __future__ import annotations

import hmac
import json
import shutil
import sqlite3
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from typer.testing import CliRunner

from connectors.errors import ConfigurationError
from flows.cli import app
from flows.ledger.families import PURGED, record_of
from flows.ledger.folder import RunFolder
from flows.settings import load_run_file
from flows.steps import purging
from flows.steps.context import Worker
from flows.steps.purging import plan_purge, purge
from flows.steps.reconciling import reconcile
from flows.steps.retrying import Choice, retry
from flows.steps.rolling_back import rollback
from tests.flows.conftest import Pool, person
from tests.flows.journeys import QUICK, At, lead_to, travel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox

PEOPLE = [
    person(number, id=f"key-{number:05d}", last_name=f"Muster-{number:05d}", phone=f"+4930{number:07d}")
    for number in range(30_001, 30_005)
] + [person(number, id=f"key-{number}", email=f"nonsense-{number}") for number in (30_005, 30_006)]
VALUES = {
    value for user in PEOPLE for name, value in user.items() if name in ("id", "email", "last_name", "phone")
} - {""}


@pytest.fixture(autouse=True)
def _quick(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_to(sandbox, monkeypatch)


@pytest.fixture
def run(pool: Pool) -> tuple[Path, RunFolder]:
    """A run with a retry, a rollback and a check behind it: every file that a folder can hold."""
    path = pool.run_file(PEOPLE, jobs=QUICK)
    parent = RunFolder(travel(path).folder)
    mended = [*PEOPLE[:4], person(30_005, id="key-30005"), PEOPLE[5]]
    path = pool.run_file(mended, jobs=QUICK)
    retry(parent, load_run_file(path), Worker(), Choice())
    reconcile(load_run_file(path), Worker())
    pool.client.admin_disable_user(UserPoolId=pool.pool_id, Username="key-30001")
    rollback(parent, Worker())
    return path, parent


def everything(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file as it lies there, and once more as it reads when it is decompressed."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path, path.read_bytes()
            if path.suffix in (".parquet", ".arrow"):
                read = pl.read_parquet if path.suffix == ".parquet" else pl.read_ipc
                yield path, str(read(path).to_dicts()).encode()


def found_in(folder: Path, values: set[str]) -> set[tuple[str, str]]:
    return {
        (path.name, value) for path, data in everything(folder) for value in values if value.encode() in data
    }


def values_of(pool: Pool) -> set[str]:
    return VALUES | {pool.attributes(name)["sub"] for name in pool.users()}


def test_no_value_of_a_person_is_left_in_any_byte(pool: Pool, run: tuple[Path, RunFolder]) -> None:
    """Nor in what a killed forecast has left beside the run."""
    _, parent = run
    values, state = values_of(pool), parent.path.parent
    shutil.copytree(parent.path, state / ".plan-killed")
    assert {value for _, value in found_in(state, values)} == values, "the search would find them"
    told = purge(parent, Worker())
    assert [one.done for one in told] == [True, True]
    assert told[0].users == 6
    assert found_in(state, values) == set()
    assert {path.name for path in parent.path.iterdir()} <= purging.KEPT


def test_numbers_stay_and_everything_that_needs_people_says_why_it_cannot(
    pool: Pool, run: tuple[Path, RunFolder]
) -> None:
    path, parent = run
    summary = json.loads(parent.summary.read_text())
    purge(parent, Worker())
    state = ("--state", str(pool.folder / "runs"))
    seen = call("status", parent.run_id, *state, "--json")
    assert json.loads(seen.stdout)["summary"] == summary
    page = parent.page.read_text()
    assert "Purged" in page
    assert "email_invalid" in page
    assert "rejected.csv" not in page
    refused = call("report", parent.run_id, *state, "--html", "--with-values")
    assert (refused.exit_code, "was purged" in refused.stderr) == (2, True)
    told = call("report", parent.run_id, *state).stdout
    assert "after retries: 5 of 6 landed, 1 still rejected or failed" in told
    assert "Purged" in told
    assert "email_invalid" in told
    assert "id_map.csv" not in told
    for arguments in (
        ("explain", parent.run_id, "key-30001", *state), ("rollback", parent.run_id, *state),
        ("retry", parent.run_id, *state), ("reconcile", str(path)),
    ):  # fmt: skip
        refused = call(*arguments)
        assert refused.exit_code == 2, arguments
        assert "was purged" in refused.stderr, arguments
    assert travel(path).folder != parent.path, "another run begins"


def call(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def test_ids_are_hashes_with_a_salt_that_is_kept_only_where_it_was_asked_for(
    run: tuple[Path, RunFolder], tmp_path: Path
) -> None:
    _, parent = run
    verdicts = pl.read_parquet(parent.verdicts).select("verdict", "reason").sort("verdict", "reason")
    salt_file = tmp_path / "salt"
    purge(parent, Worker(), salt_file=salt_file)
    left = pl.read_parquet(parent.verdicts)
    assert left.select("verdict", "reason").sort("verdict", "reason").equals(verdicts)
    assert "line" not in left.columns
    assert salt_file.stat().st_mode & 0o777 == 0o600
    digest = hmac.digest(salt_file.read_bytes(), b"key-30005", "sha256").hex()
    assert left.filter(pl.col("source_id") == digest)["reason"].to_list() == ["email_invalid"]
    assert left["source_id"].is_sorted(), "the order of the source is gone"
    assert not list(parent.path.rglob("*salt*"))


def test_a_salt_is_kept_only_where_it_stays_and_means_something(
    run: tuple[Path, RunFolder], tmp_path: Path
) -> None:
    _, parent = run
    source = tmp_path / "users.csv"
    source.write_text("id,email\n" * 20)
    for file, told in (
        (parent.path / "salt", "would be removed"),
        (tmp_path / "nowhere" / "salt", "cannot be made"),
        (tmp_path, "cannot be made"),
        (source, "a salt has 32 bytes"),
    ):
        with pytest.raises(ConfigurationError, match=told):
            purge(parent, Worker(), salt_file=file)
    assert parent.has_users(), "nothing was removed"
    purge(parent, Worker())
    with pytest.raises(ConfigurationError, match="purged already"):
        purge(parent, Worker(), salt_file=tmp_path / "salt")
    assert not (tmp_path / "salt").exists()


def test_without_yes_it_only_says_what_would_go(run: tuple[Path, RunFolder], pool: Pool) -> None:
    _, parent = run
    before = {
        path: path.read_bytes()
        for path in parent.path.parent.rglob("*")
        if path.is_file() and "ledger" not in path.name
    }
    said = call("purge", parent.run_id, "--state", str(pool.folder / "runs"))
    assert said.exit_code == 0
    assert "would be removed" in said.stdout
    assert {path: path.read_bytes() for path in before} == before
    assert plan_purge(parent)[0].run_id == parent.run_id


@pytest.mark.parametrize("broken", ["_hash_ids", "_remove", "write_texts"])
def test_a_purge_that_was_cut_off_is_completed_by_the_next(
    pool: Pool, run: tuple[Path, RunFolder], monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path, parent = run
    values = values_of(pool)

    def cut_off(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(purging, broken, cut_off)
        with pytest.raises(KeyboardInterrupt):
            purge(parent, Worker())
    with pytest.raises(ConfigurationError, match="purge"):
        retry(parent, load_run_file(path), Worker(), Choice())
    purge(parent, Worker())
    assert found_in(parent.path.parent, values) == set()
    assert PURGED in record_of(parent).facts
    assert "after retries: 5 of 6" in parent.report.read_text()


def test_an_unfinished_run_is_purged_only_by_force_and_never_gone_on_with(pool: Pool) -> None:
    path = pool.run_file(PEOPLE, jobs=QUICK)

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        travel(path, At("Choosing ways", stop))
    (folder,) = (RunFolder(each) for each in (pool.folder / "runs" / "acme").iterdir())
    with pytest.raises(ConfigurationError, match="--force"):
        purge(folder, Worker())
    purge(folder, Worker(), force=True)
    assert found_in(folder.path, VALUES) == set()
    journey = travel(path)
    assert journey.folder != folder.path
    assert journey.counts() == {"imported": 4, "rejected": 2}


def test_the_ledger_forgets_places_in_the_source(run: tuple[Path, RunFolder]) -> None:
    """A cursor may be a person's id, where a source is read on behind the last one."""
    _, parent = run
    with sqlite3.connect(parent.ledger) as database:
        database.execute("UPDATE pages SET cursor = ?", ('{"after": "key-30003"}',))
    database.close()
    purge(parent, Worker())
    assert found_in(parent.path, {"key-30003"}) == set()
