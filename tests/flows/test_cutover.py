"""The recipe of deployments/CUTOVER.md, each command of it, in its order, against the local Cognito."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from typer.testing import CliRunner

from flows.cli import app
from tests.flows.conftest import Pool, person
from tests.flows.journeys import QUICK, lead_to
from tests.flows.test_delta import SQL, database
from tests.flows.test_trigger_end_to_end import FLOWS, PASSWORD, ssha
from tests.reference import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from connectors.cognito.sandbox import Sandbox

RECIPE = (ROOT / "deployments" / "CUTOVER.md").read_text(encoding="utf-8").partition("## The recipe")[2]


def steps() -> Iterator[tuple[int, str, list[list[str]]]]:
    """Number, YAML to be put into the run file, and commands of each step."""
    for number, text in re.findall(r"\*\*(\d)\. (.*?)(?=\*\*\d\. |\Z)", RECIPE, re.DOTALL):
        yaml = "".join(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL))
        shown = re.findall(r"^\$ poolferry (.*)$", text, re.MULTILINE)
        yield int(number), yaml, [line.split() for line in shown]


def put_into(run_file: Path, lines: str) -> None:
    reader = YAML()
    settings = reader.load(run_file)
    settings.update(reader.load(lines) or {})
    reader.dump(settings, run_file)


def call(command: list[str]) -> str:
    here = ["--here"] if command[:2] == ["trigger", "deploy"] else []
    result = CliRunner().invoke(app, [*command, *here])
    assert result.exit_code == 0, (command, result.output)
    return result.stdout


def newest(folder: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads(max((folder / "runs" / "acme").glob("2*/summary.json")).read_text())
    return {name: count for name, count in summary["verdicts"].items() if count} | summary.get("delta", {})


def test_every_command_of_the_recipe_does_what_it_says(
    pool: Pool, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_to(sandbox, monkeypatch)
    monkeypatch.chdir(pool.folder)
    people = [person(n) for n in range(6)] + [person(6, pw=ssha()), person(7)]
    database(pool.folder, people, "2026-11-01 00:00:00")
    run_file = pool.run_file([], source=SQL, jobs=QUICK)
    client = pool.client.create_user_pool_client(
        UserPoolId=pool.pool_id, ClientName="app", ExplicitAuthFlows=FLOWS
    )["UserPoolClient"]["ClientId"]
    ends: dict[int, dict[str, Any]] = {}
    happens = {
        2: [person(1, first_name="Neu"), person(8)],
        3: [person(9, pw=ssha())],
        5: [person(2, last_name="Zuletzt"), person(10)],
    }
    said = ""
    for number, yaml, commands in steps():
        database(pool.folder, happens.get(number, []), f"2026-11-0{number} 00:00:00")
        put_into(run_file, yaml)
        for command in commands:
            if command[0] == "retry":  # nobody was rejected here
                assert "Nobody" in CliRunner().invoke(app, command).output
                continue
            said += call(command)
            if command[:2] == ["trigger", "attach"]:
                assert {sign_in(pool, client, name) for name in ("u00006", "u00009")} == {"CONFIRMED"}
        ends[number] = newest(pool.folder)
    assert set(ends) == set(range(1, 8))
    assert ends[1] == {"imported": 7, "deferred": 1}
    assert (ends[2]["updated"], ends[2]["imported"], ends[2]["reads"]) == (1, 1, "changed")
    assert (ends[3]["deferred"], ends[3]["new"], ends[3]["changed"]) == (1, 1, 0)
    assert (ends[5]["updated"], ends[5]["imported"]) == (1, 1)
    assert pool.attributes("u00002")["name"] == "Vera Zuletzt"
    assert len(pool.users()) == len(people) + 3
    assert "Changes since run" in said


def sign_in(pool: Pool, client: str, name: str) -> str:
    """Sign somebody in with the old password, and give the status that they have then."""
    pool.client.admin_initiate_auth(
        UserPoolId=pool.pool_id, ClientId=client, AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
    )  # fmt: skip
    return str(pool.client.admin_get_user(UserPoolId=pool.pool_id, Username=name)["UserStatus"])
