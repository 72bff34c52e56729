"""Who only looks at a state in S3 fetches what is small at once, and users' pages where they are read."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from botocore.client import BaseClient
from typer.testing import CliRunner

from connectors.errors import StopError
from connectors.s3_objects import Objects
from connectors.sources.csv_files import CsvSource
from flows.cli import app
from flows.ledger import folder as run_folders
from flows.ledger import s3_copy
from flows.ledger.copies import copies_kept
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.running import migrate
from tests.flows.buckets import BUCKET, STATE, empty_bucket, keys
from tests.flows.conftest import Pool, person
from tests.flows.journeys import At, lead_to

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from connectors.cognito.sandbox import Sandbox

PEOPLE = [*(person(n) for n in range(12)), person(12, verified=""), person(13, email="nonsense")]
USER = "u00011"


@pytest.fixture
def s3(pool: Pool) -> S3Client:
    """The client of an empty bucket."""
    return empty_bucket(pool)


@pytest.fixture(autouse=True)
def machine(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this machine keeps its copies; ``shutil.rmtree`` makes it another machine."""
    lead_to(sandbox, monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setitem(CsvSource.__init__.__kwdefaults__, "block_bytes", 300)  # some pages of users
    return tmp_path / "cache"


@pytest.fixture
def got(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keys of objects that were asked for, by whichever client, with their content."""
    asked: list[str] = []
    call = BaseClient._make_api_call

    def told(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "GetObject":
            asked.append(parameters["Key"])
        return call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", told)
    return asked


def of_users(asked: list[str]) -> list[str]:
    return [key for key in asked if "/users/" in key]


def cli(*arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(app, [*arguments])
    assert result.exit_code == status, f"{result.output} {result.exception!r}"
    return result.stderr if status > 1 else result.stdout


def look(*arguments: str, status: int = 0) -> str:
    return cli(*arguments, "--state", STATE, status=status)


def ran(pool: Pool) -> str:
    told = cli("run", str(pool.run_file(PEOPLE, state=STATE, strategies=["import_job"])), "--json", status=1)
    return str(json.loads(told)["run_id"])


def interrupted(pool: Pool, at: str) -> tuple[Path, str]:
    def interrupt() -> None:
        raise KeyboardInterrupt

    path = pool.run_file(PEOPLE, state=STATE)
    with pytest.raises(KeyboardInterrupt), copies_kept():
        migrate(load_run_file(path), Worker(At(at, interrupt)))
    (run,) = json.loads(look("status", "--json"))["runs"]
    return path, run["run_id"]


def looks_at_no_more_than_it_reads(pool: Pool, s3: S3Client, machine: Path, got: list[str]) -> None:
    """Commands tell another machine what they tell the one that ran, and fetch users as they are read."""
    ran(pool)
    cli("run", str(pool.run_file(PEOPLE, state=STATE)), "--new", "--json", status=1)
    mine = f"migrations/acme/{json.loads(look('status', 'acme', '--json'))['run_id']}/"
    pages = [key for key in keys(s3) if key.startswith(mine) and "/users/" in key]
    assert len(pages) > 1
    status = [["status", "--json"], ["status", "acme"], ["status", "acme", "--json"]]
    reports = [["report", "acme"], ["report", "acme", "--html"]]
    explained = [["explain", "acme", USER], ["explain", "acme", "u00013", "--with-values"], ["purge", "acme"]]
    told = [look(*command) for command in (*status, *reports, *explained)]
    shutil.rmtree(machine)
    got.clear()
    assert [look(*command) for command in (*status, *reports)] == told[: -len(explained)]
    assert f"{mine}ledger.db" in got
    assert of_users(got) == []
    got.clear()
    assert [look(*command) for command in explained] == told[-len(explained) :]
    assert sorted(of_users(got)) == pages, "each once, and none of the other run"


def test_each_command_fetches_what_it_reads(pool: Pool, s3: S3Client, machine: Path, got: list[str]) -> None:
    looks_at_no_more_than_it_reads(pool, s3, machine, got)


BROKEN: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "fetches everything at once": lambda patch: patch.setattr(s3_copy, "_is_page", lambda _: False),
    "reads what is here": lambda patch: patch.setattr(run_folders, "fetch_users", lambda _: None),
    "leaves users without a note": lambda patch: patch.setattr(s3_copy.S3Copy, "_note_left", lambda *_: None),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_the_test_bites(
    broken: str, pool: Pool, s3: S3Client, machine: Path, got: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    BROKEN[broken](monkeypatch)
    with pytest.raises(AssertionError):
        looks_at_no_more_than_it_reads(pool, s3, machine, got)


@pytest.mark.parametrize("at", ["Choosing ways", "Importing", "Reading the pool back"])
def test_a_run_that_is_under_way_is_looked_at_without_its_users_and_gone_on_with_all_of_them(
    at: str, pool: Pool, s3: S3Client, machine: Path, got: list[str]
) -> None:
    path, run_id = interrupted(pool, at)
    told = look("status", run_id, "--json")
    pages = [key for key in keys(s3) if "/users/" in key]
    shutil.rmtree(machine)
    got.clear()
    assert look("status", run_id, "--json") == told
    assert of_users(got) == []
    summary = json.loads(cli("run", str(path), "--json", status=1))
    assert summary["run_id"] == run_id
    assert summary["balanced"]
    assert summary["verdicts"]["imported"] + summary["verdicts"]["created"] == len(pool.users()) == 13
    assert sorted(of_users(got)) == pages
    assert [key for key in keys(s3) if "/users/" in key] == pages


def test_who_counts_the_rest_reads_all_of_it(pool: Pool, s3: S3Client, machine: Path) -> None:
    assert s3
    ran(pool)
    commands = (["purge", "acme", "--json"], ["retry", "acme", "--dry-run"])
    told = [look(*command) for command in commands]
    for command, there in zip(commands, told, strict=True):
        shutil.rmtree(machine)
        look("status")
        assert look(*command) == there


def test_users_who_cannot_be_fetched_are_an_error_and_not_missing(
    pool: Pool, s3: S3Client, machine: Path, got: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert s3
    run_id = ran(pool)
    there = look("explain", "acme", USER)
    shutil.rmtree(machine)
    look("status")
    fetch, fetched = Objects.fetch, []

    def breaks_off(objects: Objects, name: str, target: Any) -> str:
        fetched.append(name)
        if len(of_users(fetched)) > 2:
            raise StopError("GetObject failed.")
        return fetch(objects, name, target)

    with monkeypatch.context() as away:
        away.setattr(Objects, "fetch", breaks_off)
        assert "GetObject failed." in look("explain", "acme", USER, status=3)
    copy = machine / "poolferry" / BUCKET / "migrations" / "acme" / run_id
    assert len(list((copy / "users").glob("*.arrow"))) == 2
    assert "--state s3://" in cli("explain", str(copy), USER, status=2)
    assert look("explain", "acme", USER) == there
    got.clear()
    assert cli("explain", str(copy), USER) == there
    assert not got
