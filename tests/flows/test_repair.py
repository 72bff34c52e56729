"""What ``reconcile`` found is repaired by one run, and the next reconciliation finds nothing of it."""

from __future__ import annotations

import csv
import json
import sqlite3
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from connectors.errors import ConfigurationError
from flows.cli import app
from flows.ledger.folder import RunFolder
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.repairing import REPAIRED, keys_of, with_repair
from flows.steps.running import migrate
from tests.flows.conftest import FIELDS, Pool, person
from tests.flows.journeys import At, add, lead_to, make_pool, mapping, travel
from tests.flows.scenes import PEOPLE, Scene, planted, wrong

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox


class Stop(Exception):  # noqa: N818 - no error of ours
    """Ends a run in its midst."""


def stop() -> None:
    raise Stop


@pytest.fixture(autouse=True)
def _quick(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_to(sandbox, monkeypatch)


def test_following_the_report_leads_to_a_clean_reconciliation(pool: Pool) -> None:
    """One run repairs what runs can repair; what is left for a hand is done by hand, as the report says."""
    scene = planted(pool)
    found = scene.held()
    journey = scene.repair(scene.files(found) / "differences.csv")
    assert journey.counts() == {"imported": 2, "updated": 2}
    delta = {name: journey.summary["delta"][name] for name in ("new", "changed", "repaired", "vanished")}
    assert delta == {"new": 1, "changed": 1, "repaired": 2, "vanished": 1}
    assert pool.attributes("u00004")["name"] == "Vera Muster 4"
    assert pool.attributes("u00007")["name"] == "Vera Maria Muster 7"
    assert {"u00001", "u00009"} < pool.users().keys()
    second = scene.held()
    assert wrong(second) == {"replaced": 1, "access": 1, "state": 2}  # by hand, the report says
    scene.call("admin_enable_user", 5)
    scene.call("admin_delete_user", 6)
    third = scene.held()
    assert wrong(third) == {"missing": 1, "state": 1}
    scene.repair(scene.files(third) / "differences.parquet")
    last = scene.held()
    assert (last.exit_status, last.expected, last.there) == (0, 10, 10)
    assert last.sentence == "all 10 users are there, unchanged"


def test_the_commands_are_those_that_the_report_names(pool: Pool) -> None:
    """Typed as they stand: exit status 1, the repair, exit status 0."""
    scene = Scene.of(pool)
    scene.call("admin_delete_user", 1)
    scene.write(4, "name", "Another Name")
    add(pool, "stranger")
    scene.source([*PEOPLE[:8], person(9)])
    held = CliRunner().invoke(app, ["reconcile", str(scene.path)], env={"COLUMNS": "200"})
    assert held.exit_code == 1, held.output
    (line,) = [line for line in held.stdout.splitlines() if line.startswith("Repair: poolferry run ")]
    arguments = line.removeprefix("Repair: poolferry ").split()
    planned = CliRunner().invoke(app, ["plan", *arguments[1:], "--json"])
    assert json.loads(planned.stdout)["ways"] == {"import_job": 2, "update_existing": 1}
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert (done.exit_code, json.loads(done.stdout)["verdicts"]["imported"]) == (0, 2)
    again = CliRunner().invoke(app, ["reconcile", str(scene.path), "--json"])
    found = json.loads(again.stdout)
    assert again.exit_code == 0, found
    assert (found["there"], set(found["differences"].values())) == (10, {0, None})  # no group was read


def test_who_is_taken_out_of_the_file_is_not_brought_back(pool: Pool) -> None:
    scene = Scene.of(pool)
    scene.call("admin_delete_user", 1)
    scene.call("admin_delete_user", 2)
    file = scene.files(scene.held()) / "differences.csv"
    kept = [line for line in file.read_text().splitlines(keepends=True) if "u00002" not in line]
    edited = pool.folder / "edited.csv"
    edited.write_text("".join(kept))
    assert scene.repair(edited).counts() == {"imported": 1}
    assert "u00002" not in pool.users()
    assert wrong(scene.held()) == {"missing": 1}


def test_what_nobody_can_mend_is_told_once(pool: Pool) -> None:
    """The source does not say that the address is verified, so nobody may write it: the repair says so."""
    people = [person(0), person(1, verified="false")]
    scene = Scene.of(pool, people, strategies=["admin_create_user"])
    scene.write(1, "email", "another@example.com")
    found = scene.held()
    assert wrong(found) == {"altered": 1}
    journey = scene.repair(scene.files(found) / "differences.parquet")
    assert (journey.counts(), journey.summary["left_out"]) == (
        {"existing": 1}, {"attributes": {"contact_not_verified": 1}},
    )  # fmt: skip
    assert scene.held().exit_status == 0
    scene.write(1, "name", "Another Name")
    assert wrong(scene.held()) == {"altered": 1}


def test_a_database_that_tells_who_has_changed_is_read_whole_for_a_repair(pool: Pool) -> None:
    with sqlite3.connect(pool.folder / "app.db") as opened:
        opened.execute(f"CREATE TABLE users ({', '.join((*FIELDS, 'moved'))})")
        marks = ", ".join("?" for _ in (*FIELDS, "moved"))
        rows = [[*one.values(), "2026-01-01 00:00:00"] for one in PEOPLE]
        opened.executemany(f"INSERT INTO users VALUES ({marks})", rows)  # noqa: S608 - question marks
    opened.close()
    sql = {"kind": "sql", "url": "sqlite:///app.db", "table": "users", "key": "id", "updated_at": "moved"}
    scene = Scene.of(pool, [], source=sql)
    scene.call("admin_delete_user", 1)
    journey = scene.repair(scene.files(scene.held()) / "differences.csv")
    assert (journey.counts(), journey.summary["delta"]["reads"]) == ({"imported": 1}, "everybody")
    assert scene.held().exit_status == 0


def test_a_repair_that_is_stopped_goes_on_as_one(pool: Pool) -> None:
    """Also where its file is gone by then; another repair, or the same of another file, is not begun."""

    scene = Scene.of(pool)
    scene.call("admin_delete_user", 1)
    scene.write(4, "name", "Another Name")
    files = scene.files(scene.held())
    loaded = load_run_file(scene.path)
    with pytest.raises(Stop):
        migrate(with_repair(loaded, files / "differences.csv"), Worker(At("Choosing ways", stop)))
    with pytest.raises(ConfigurationError, match="is not the repair that was asked for"):
        migrate(with_repair(loaded, files / "differences.parquet"), Worker())
    (files / "differences.csv").unlink()
    assert travel(scene.path).counts() == {"imported": 1, "updated": 1}
    assert scene.held().exit_status == 0


def test_a_repair_does_not_go_on_with_another_run(pool: Pool) -> None:
    scene = Scene.of(pool)
    scene.call("admin_delete_user", 1)
    file = scene.files(scene.held()) / "differences.csv"
    with pytest.raises(Stop):
        migrate(load_run_file(scene.path), Worker(At("Choosing ways", stop)))
    with pytest.raises(ConfigurationError, match="without --repair goes on with it"):
        scene.repair(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("what,source_id\nmissing,u00001\n", "there is no column run_id, row"),
        ("", "cannot be read"),
        ("what,source_id,run_id,row\nmissing,,20200101T000000Z-abcdef,3\n", "there is no run 20200101T"),
    ],
)
def test_a_file_that_is_none_of_ours_is_refused(pool: Pool, text: str, said: str) -> None:
    scene = Scene.of(pool, PEOPLE[:2])
    file = pool.folder / "other.csv"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        scene.repair(file)
    with pytest.raises(ConfigurationError, match="there is no such file"):
        scene.repair(pool.folder / "nowhere.csv")
    assert len(list(RunFolder(load_run_file(scene.path).state_folder).path.iterdir())) == 1


def test_ids_that_a_spreadsheet_would_compute_come_back_as_they_were(pool: Pool) -> None:
    odd = ["=1+1", "-7", "'quoted", "+49", "@at", "007"]
    people = [person(n, id=name) for n, name in enumerate(odd)]
    scene = Scene.of(pool, people)
    for name in odd:
        pool.client.admin_delete_user(UserPoolId=pool.pool_id, Username=name)
    files = scene.files(scene.held())
    state = load_run_file(scene.path).state_folder
    with (files / "differences.csv").open(encoding="utf-8", newline="") as file:
        assert all(row["source_id"][0] in "'0" for row in csv.DictReader(file))
    for name in ("differences.csv", "differences.parquet"):
        assert sorted(keys_of(files / name, state)) == sorted(odd)
    assert scene.repair(files / "differences.csv").counts() == {"imported": len(odd)}
    assert scene.held().exit_status == 0


def test_who_goes_by_another_address_where_that_is_the_name_gets_no_second_account(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """It is for a hand: once the source knows the new address, a repair takes note of it."""
    pool = make_pool(sandbox, tmp_path / "mail", UsernameAttributes=["email"])
    source = {"kind": "csv", "path": "users.csv", "key": "id"}
    own = {"mapping": mapping(username="email"), "source": source}
    scene = Scene.of(pool, [person(1), person(2)], **own)
    (sub,) = (
        name for name, user in pool.users().items() if pool.attributes(name)["email"] == "user1@example.com"
    )
    moved = [{"Name": "email", "Value": "new@example.com"}, {"Name": "email_verified", "Value": "true"}]
    pool.client.admin_update_user_attributes(UserPoolId=pool.pool_id, Username=sub, UserAttributes=moved)
    found = scene.held()
    assert wrong(found) == {"renamed": 1}
    assert scene.repair(scene.files(found) / "differences.csv").counts() == {}
    assert (wrong(scene.held()), len(pool.users())) == ({"renamed": 1}, 2)
    scene.source([person(1, email="new@example.com"), person(2)], **own)
    found = scene.held()
    assert wrong(found) == {"renamed": 1, "changed": 1}
    assert scene.repair(scene.files(found) / "differences.csv").counts() == {"existing": 1}
    assert (wrong(scene.held()), len(pool.users())) == ({}, 2)


def test_a_repair_takes_nobody_whose_name_somebody_else_has(pool: Pool) -> None:
    """It would write into another person's account."""
    scene = planted(pool)
    found = scene.held()
    taken = keys_of(scene.files(found) / "differences.parquet", load_run_file(scene.path).state_folder)
    assert sorted(taken) == ["u00001", "u00004"]
    assert "replaced" not in REPAIRED


def test_people_without_an_id_of_their_own_are_named_by_their_row(pool: Pool) -> None:
    own = {"mapping": mapping(username="id") | {"username": {"template": "{id}"}}}
    scene = Scene.of(pool, PEOPLE[:4], **own)
    scene.call("admin_delete_user", 3)
    found = scene.held()
    (row,) = scene.rows(found).rows(named=True)
    assert (row["what"], row["source_id"], row["row"]) == ("missing", None, 3)
    assert scene.repair(scene.files(found) / "differences.csv").counts() == {"imported": 1}
    assert scene.held().exit_status == 0
