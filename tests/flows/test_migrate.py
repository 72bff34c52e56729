"""The main job on real input: a file of users in, a pool filled, one verdict for every user out."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from connectors.cognito.import_file import write_import_file
from connectors.errors import ConfigurationError
from connectors.records import VERDICTS
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.forecast import plan
from flows.steps.running import migrate
from flows.strategies import import_job
from tests.flows.conftest import Pool, person

if TYPE_CHECKING:
    from pathlib import Path

BCRYPT = "$2b$10$" + "abcdefghijklmnopqrstuu" + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcde"


def run(path: Path, **options: Any) -> tuple[pl.DataFrame, dict[str, Any], Path]:
    folder, summary = migrate(load_run_file(path), Worker(), **options)
    return pl.read_parquet(folder.verdicts), summary, folder.path


def verdict_of(verdicts: pl.DataFrame, source_id: str) -> dict[str, Any]:
    return verdicts.row(by_predicate=pl.col("source_id") == source_id, named=True)


def test_everybody_arrives_with_every_attribute(pool: Pool) -> None:
    verdicts, summary, folder = run(pool.run_file([person(n) for n in range(50)]))
    assert summary["verdicts"]["imported"] == summary["extracted"] == 50
    assert summary["balanced"]
    assert json.loads((folder / "summary.json").read_text()) == summary
    attributes = pool.attributes("u00007")
    assert attributes["email"] == "user7@example.com"
    assert attributes["name"] == "Vera Muster 7"
    assert attributes["custom:tenant"] == "acme"
    assert attributes["sub"] == verdict_of(verdicts, "u00007")["sub"]


def test_the_summary_and_the_verdicts_have_the_promised_shape(pool: Pool) -> None:
    verdicts, summary, _ = run(pool.run_file([person(1)]))
    assert verdicts.columns == [
        "source_id",
        "username",
        "verdict",
        "reason",
        "strategy",
        "job_id",
        "file",
        "line",
        "sub",
    ]
    assert list(summary) == [
        "run_id",
        "state",
        "extracted",
        "balanced",
        "verdicts",
        "reasons",
        "left_out",
        "jobs",
        "seconds",
    ]
    assert tuple(summary["verdicts"]) == VERDICTS
    assert summary["state"] == "finished"


def test_every_kind_of_user_gets_the_right_verdict(pool: Pool) -> None:
    pool.client.admin_create_user(UserPoolId=pool.pool_id, Username="u00003", MessageAction="SUPPRESS")
    people = [
        person(1),
        person(2, pw=BCRYPT),
        person(3),
        person(1, email="other@example.com"),
        person(4, email="no-address"),
        person(5, verified="false"),
        person(6, pw="{SSHA}c29tZXRoaW5n"),
        person(7, phone="nonsense"),
        person(8, last_name="Comma, Backslash"),
    ]
    verdicts, summary, _ = run(pool.run_file(people))
    found = {(row["line"], row["verdict"], row["reason"]) for row in verdicts.iter_rows(named=True)}
    assert found == {
        (2, "imported", None),
        (3, "imported", None),
        (4, "existing", None),
        (5, "rejected", "duplicate_username"),
        (6, "rejected", "email_invalid"),
        (7, "created", None),
        (8, "deferred", None),
        (9, "imported", None),
        (10, "imported", None),
    }
    assert pool.users()["u00002"]["UserStatus"] == "CONFIRMED"
    assert pool.users()["u00001"]["UserStatus"] == "RESET_REQUIRED"
    assert pool.attributes("u00008")["name"] == "Vera Comma, Backslash"
    assert {job["algorithm"] for job in summary["jobs"]} == {None, "BCRYPT"}


def test_a_ragged_line_is_a_rejected_user_with_its_line_number(pool: Pool) -> None:
    path = pool.run_file([person(1), person(2)])
    with (path.parent / "users.csv").open("a") as file:
        file.write("only,three,fields\n")
    verdicts, summary, _ = run(path)
    row = verdicts.row(by_predicate=pl.col("verdict") == "rejected", named=True)
    assert (row["line"], row["reason"]) == (4, "line_ragged")
    assert summary["extracted"] == 3


def test_groups_are_joined_and_disabled_users_are_disabled(pool: Pool) -> None:
    run(pool.run_file([person(1, roles="admin;staff"), person(2, active="no", pw=BCRYPT)]))
    groups = pool.client.admin_list_groups_for_user(UserPoolId=pool.pool_id, Username="u00001")["Groups"]
    assert {group["GroupName"] for group in groups} == {"admin", "staff"}
    assert not pool.users()["u00002"]["Enabled"]
    assert pool.users()["u00002"]["UserStatus"] == "RESET_REQUIRED"


def test_users_are_cut_into_full_batches(pool: Pool) -> None:
    jobs = {"poll_seconds": 0.1, "max_rows": 20}
    _, summary, _ = run(pool.run_file([person(n) for n in range(50)], jobs=jobs))
    assert [job["users"] for job in summary["jobs"]] == [20, 20, 10]
    assert summary["verdicts"]["imported"] == 50


def test_the_plan_foretells_what_the_run_does_and_sends_nothing(pool: Pool) -> None:
    people = [person(1), person(2, email="x"), person(3, verified="false"), person(4, pw="$P$Bunknown")]
    path = pool.run_file(people)
    forecast = plan(load_run_file(path), Worker())
    assert not pool.users()
    _, summary, folder = run(path)
    assert forecast.ways == {"import_job": 1, "admin_create_user": 1, "migration_trigger": 1}
    assert forecast.rejected == summary["verdicts"]["rejected"] == 1
    assert [run.name for run in folder.parent.iterdir()] == [folder.name]


def test_a_file_is_deleted_once_its_job_has_taken_it(pool: Pool) -> None:
    _, _, folder = run(pool.run_file([person(1)]))
    assert not list((folder / "batches").glob("*.csv"))


def test_a_slow_clerk_leaves_no_file_behind(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next file is written meanwhile; written late, it must not come back once its job has taken it."""

    def write_late(*args: Any) -> None:
        if threading.current_thread().name.startswith("next-file"):
            time.sleep(5)
        write_import_file(*args)

    monkeypatch.setattr(import_job, "write_import_file", write_late)
    jobs = {"poll_seconds": 0.1, "max_rows": 3}
    _, summary, folder = run(pool.run_file([person(n) for n in range(6)], jobs=jobs))
    assert summary["verdicts"]["imported"] == 6
    assert not list((folder / "batches").glob("*.csv"))


def test_a_run_goes_on_only_with_the_same_run_file(pool: Pool) -> None:
    """A changed run file under an unfinished run would mix two mappings."""
    path = pool.run_file([person(1)], target={"user_pool_id": pool.pool_id, "region": "eu-west-1"})
    with pytest.raises(Exception, match="log_role_arn"):
        migrate(load_run_file(path), Worker())
    path.write_text(path.read_text() + "# changed\n")
    with pytest.raises(ConfigurationError, match="changed under the unfinished run"):
        migrate(load_run_file(path), Worker())
    _, summary, _ = run(pool.run_file([person(1)]), new=True)
    assert summary["verdicts"]["imported"] == 1


def test_nothing_personal_is_in_the_summary(pool: Pool) -> None:
    _, summary, folder = run(pool.run_file([person(1, pw=BCRYPT), person(2, email="broken@@example.com")]))
    told = json.dumps(summary) + (folder / "report.md").read_text()
    for value in ("user1@example.com", "broken@@", "Muster", BCRYPT):
        assert value not in told


def test_a_user_with_a_verified_contact_can_ask_for_a_code(pool: Pool) -> None:
    """Whom a CSV cannot carry must not be stranded with a temporary password that nobody knows."""
    people = [person(1, last_name='"Quoted"'), person(2, verified="false")]
    verdicts, _, _ = run(pool.run_file(people))
    assert set(verdicts["verdict"]) == {"created"}
    assert pool.users()["u00001"]["UserStatus"] == "CONFIRMED"
    assert pool.users()["u00002"]["UserStatus"] == "FORCE_CHANGE_PASSWORD"
