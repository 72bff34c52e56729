"""The commands round the trigger, in the order in which they are used."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.settings import load_run_file
from flows.steps.sign_in_proof import FORGOTTEN_WAY
from tests.flows.conftest import Pool, person
from tests.flows.journeys import lead_to, make_pool, travel
from tests.flows.test_trigger_end_to_end import FLOWS, PASSWORD, WRONG, ssha

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

    from connectors.cognito.sandbox import Sandbox


@pytest.fixture
def run_file(sandbox: Sandbox, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> Path:
    lead_to(sandbox, monkeypatch)
    people = [person(1, pw=ssha()), person(2, pw=ssha()), person(3, pw="$9$unknown"), person(4)]
    run_file = pool.run_file(people, name=f"cli-{pool.pool_id[-6:]}")
    travel(run_file)
    return run_file


def call(*arguments: object, status: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == status, result.output
    return result


def told(*arguments: object, status: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call(*arguments, "--json", status=status).stdout)
    return found


def run_file_name(run_file: Path) -> str:
    return load_run_file(run_file).settings.name


def test_from_the_zip_to_the_end(pool: Pool, run_file: Path, tmp_path: Path) -> None:
    built = told("trigger", "build", run_file, "--here", "--out", tmp_path / "own.zip")
    assert (tmp_path / "own.zip").stat().st_size == built["size"]
    deployed = call("trigger", "deploy", run_file, "--here").stdout
    assert "3 users are left to" in deployed
    assert "2 with ssha" in deployed
    assert "1 can only ask for a code: unknown" in deployed
    assert "F6.13" in call("trigger", "attach", run_file, status=2).stderr
    made = pool.client.create_user_pool_client(
        UserPoolId=pool.pool_id, ClientName="app", ExplicitAuthFlows=FLOWS, GenerateSecret=True
    )
    client_id = made["UserPoolClient"]["ClientId"]
    assert told("trigger", "attach", run_file)["app_clients"] == [client_id]
    sample = tmp_path / "people.csv"
    sample.write_text(f"username,password\nu00001,{PASSWORD}\nu00002,{WRONG}\nu00004,{PASSWORD}\n")
    proof = call("verify-sign-in", run_file, "--sample", sample, status=1)
    others = "1 refused, 1 password_reset_required"
    assert f"1 of 3 can sign in with their old password ({others})." in proof.stdout
    assert PASSWORD not in proof.output
    by_name = told(
        "verify-sign-in",
        run_file_name(run_file),
        "--state",
        pool.folder / "runs",
        "--sample",
        sample,
        status=1,
    )
    assert by_name["ways"]["migration trigger"] == {"asked": 2, "signed_in": 1}
    found = told("trigger", "status", run_file)
    assert (found["attached"], found["deferred"], found["arrived"], found["to_come"]) == (True, 3, 1, 2)
    shown = call("trigger", "status", run_file).stdout
    assert shown.startswith(f"Trigger {found['name']}: attached\n")
    assert re.search(r"^Who has not come by \d{4}-\d\d-\d\d is forgotten\.$", shown, re.MULTILINE)
    assert told("trigger", "detach", run_file) == {"attached": False, "was_attached": True}
    assert "2 users have not come yet" in call("trigger", "remove", run_file, status=1).stdout
    assert len(told("trigger", "remove", run_file, "--yes")["removed"]) == 4


def test_the_way_is_known_also_of_people_whom_a_retry_did_not_take(
    sandbox: Sandbox, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_to(sandbox, monkeypatch)
    travel(pool.run_file([person(1, pw=ssha()), person(2, email="nonsense")]))
    run_file = pool.run_file([person(1, pw=ssha()), person(2)])
    call("retry", "acme", "--state", pool.folder / "runs")
    pool.client.create_user_pool_client(UserPoolId=pool.pool_id, ClientName="app", ExplicitAuthFlows=FLOWS)
    sample = tmp_path / "people.csv"
    sample.write_text(f"username,password\nu00001,{PASSWORD}\nu00002,{PASSWORD}\nu00003,{PASSWORD}\n")
    ways = told("verify-sign-in", run_file, "--sample", sample, status=1)["ways"]
    assert {way: found["asked"] for way, found in ways.items()} == {
        "migration trigger": 1, "import job": 1, "in no finished run": 1
    }  # fmt: skip
    call("purge", "acme", "--yes", "--state", pool.folder / "runs")
    ways = told("verify-sign-in", run_file, "--sample", sample, status=1)["ways"]
    assert {way: found["asked"] for way, found in ways.items()} == {FORGOTTEN_WAY: 3}


def test_the_way_into_another_pool_says_nothing_of_this_one(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rehearsal on a throw-away pool goes before the run of the same name."""
    lead_to(sandbox, monkeypatch)
    this = make_pool(sandbox, tmp_path)
    travel(this.run_file([person(1)]))
    other = make_pool(sandbox, tmp_path)
    travel(other.run_file([person(1, pw=ssha())]))
    run_file = this.run_file([person(1)])
    this.client.create_user_pool_client(UserPoolId=this.pool_id, ClientName="app", ExplicitAuthFlows=FLOWS)
    sample = tmp_path / "people.csv"
    sample.write_text(f"username,password\nu00001,{PASSWORD}\n")
    assert list(told("verify-sign-in", run_file, "--sample", sample, status=1)["ways"]) == ["import job"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name,password\nann,x\n", "lacks the column username"),
        ("username,password\n", "names nobody"),
        (None, "read"),
    ],
)
def test_a_sample_that_is_none_is_refused(
    run_file: Path, tmp_path: Path, text: str | None, problem: str
) -> None:
    sample = tmp_path / "people.csv"
    if text is not None:
        sample.write_text(text)
    assert problem in call("verify-sign-in", run_file, "--sample", sample, status=2).stderr


def test_nothing_is_deployed_without_a_run(
    sandbox: Sandbox, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_to(sandbox, monkeypatch)
    run_file = pool.run_file([person(1)], name="never-run")
    assert "poolferry run" in call("trigger", "deploy", run_file, "--here", status=2).stderr
