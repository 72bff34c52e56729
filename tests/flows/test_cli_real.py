"""The command against a pool of the local Cognito: JSON, statuses, clear texts, and the README's demo."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from typer.testing import CliRunner

from connectors.cognito.app_clients import read_app_clients
from flows.cli import app
from flows.settings import load_run_file
from mappings.spec import parse_mapping
from tests.flows.conftest import MAPPING, ROLE, Pool, person
from tests.reference import DEMO, PAGES, demo_output, sections

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

README = PAGES[0].read_text(encoding="utf-8")
RUN_ID = r"\d{8}T\d{6}Z-[0-9a-f]{6}"
NOBODY = "http://127.0.0.1:9"
"""An endpoint where nothing listens."""


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def in_a_process(
    *arguments: object, code: str = "from flows.cli import main; main()"
) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def only_json(printed: str) -> dict[str, Any]:
    """The one JSON object that was printed, and nothing else."""
    found = json.loads(printed)
    assert isinstance(found, dict)
    assert printed.count("\n") == 1
    return found


def told(result: Result) -> str:
    """An error's text; errors never show a traceback and leave standard output to results."""
    assert "Traceback" not in result.output
    return result.stderr


@pytest.fixture
def role(pool: Pool) -> None:
    """The role that the run files of these tests name."""
    made = call("check", pool.run_file([person(1)]), "--create-role", "--role-name", ROLE.rpartition("/")[2])
    assert made.exit_code == 0, made.output
    assert f"target.log_role_arn: {ROLE}" in made.stderr


@pytest.mark.usefixtures("role")
def test_each_json_is_one_object_and_all_that_is_printed(pool: Pool) -> None:
    run_file = pool.run_file([person(1), person(2)])
    checked = call("check", run_file, "--json")
    planned = call("plan", run_file, "--json")
    ran = call("run", run_file, "--json")
    seen = call("status", "acme", "--state", pool.folder / "runs", "--json")
    listed = call("status", "--state", pool.folder / "runs", "--json")
    assert {each.exit_code for each in (checked, planned, ran, seen, listed)} == {0}
    assert only_json(checked.stdout)["good"] is True
    assert only_json(planned.stdout)["ways"] == {"import_job": 2}
    summary = only_json(ran.stdout)
    (folder,) = (pool.folder / "runs" / "acme").iterdir()
    assert summary == json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert only_json(seen.stdout)["summary"] == summary
    (run,) = only_json(listed.stdout)["runs"]
    assert (run["run_id"], run["state"]) == (summary["run_id"], "finished")


def test_some_who_did_not_land_make_the_exit_status_one(pool: Pool) -> None:
    ran = call("run", pool.run_file([person(1), person(2, email="nonsense")]))
    assert ran.exit_code == 1
    assert re.search(r"│ imported +│ +1 │", ran.stdout)
    assert re.search(r"│ rejected +│ email_invalid +│ +1 │", ran.stdout)
    assert "nonsense" not in ran.output


def test_the_report_is_printed_from_the_folder_alone(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = call("run", pool.run_file([person(1)]))
    (folder,) = (pool.folder / "runs" / "acme").iterdir()
    assert f"Report: {folder / 'report.md'}\n" in ran.stdout
    assert f"In a browser: {folder / 'report.html'}\n" in ran.stdout
    written = (folder / "report.html").read_text(encoding="utf-8")
    (folder / "report.html").unlink()
    shutil.move(pool.folder / "users.csv", pool.folder / "gone.csv")
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOBODY)
    assert call("report", folder).stdout.strip() == (folder / "report.md").read_text(encoding="utf-8").strip()
    assert call("report", folder, "--html").stdout == f"{folder / 'report.html'}\n"
    assert (folder / "report.html").read_text(encoding="utf-8") == written


def test_a_page_shows_values_only_where_they_are_asked_for(pool: Pool) -> None:
    call("run", pool.run_file([person(1), person(2, email="nonsense")]))
    (folder,) = (pool.folder / "runs" / "acme").iterdir()
    refused = call("report", folder, "--with-values")
    assert refused.exit_code == 2
    assert "Add --html" in told(refused)
    shown = call("report", folder, "--html", "--with-values")
    assert shown.stdout == f"{folder / 'report-with-values.html'}\n"
    pages = [(folder / f"report{end}.html").read_text(encoding="utf-8") for end in ("", "-with-values")]
    assert ["Muster 2" in page for page in pages] == [False, True]


def test_the_report_is_named_as_it_lies_from_here(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pool.folder)
    ran = call("run", pool.run_file([person(1)]))
    assert re.search(rf"^Report: runs/acme/{RUN_ID}/report\.md$", ran.stdout, re.MULTILINE)


def test_explain_masks_values_unless_asked_and_knows_only_users_of_the_run(pool: Pool) -> None:
    """Brackets in a value are no mark-up: they are shown as they stand, and break nothing."""
    call("run", pool.run_file([person(1, last_name="[/bold] :tada:"), person(2, email="x")]))
    state = ("--state", pool.folder / "runs")
    masked, shown = (call("explain", "acme", "u00001", *state, *more) for more in ((), ("--with-values",)))
    assert (masked.exit_code, shown.exit_code) == (0, 0), masked.output
    assert "user1@example.com" not in masked.output
    assert "[/bold]" not in masked.output
    assert "user1@example.com" in shown.stdout
    assert "[/bold] :tada:" in shown.stdout
    assert "email_invalid" in call("explain", "acme", "u00002", *state).stdout
    nobody = call("explain", "acme", "u99999", *state)
    assert nobody.exit_code == 2
    assert "The run has no user of that id." in told(nobody)
    assert "source_id" in told(nobody)


def test_ids_in_a_plan_stand_there_as_they_are(pool: Pool) -> None:
    planned = call("plan", pool.run_file([person(1, id="[/odd]", email="x")]))
    assert planned.exit_code == 0
    assert "[/odd]" in planned.stdout


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            {"email": {"from": "email", "then": ["trimm"]}},
            ["unknown verb 'trimm'", "Did you mean 'trim'?", "e164"],
        ),
        ({"email": {"from": "emial"}}, ["'emial'", "Did you mean 'email'?", "first_name"]),
        ({"emial": {"from": "email"}}, ["'emial'", "Did you mean 'email'?", "custom:tenant"]),
        (
            {"email": {"from": "email", "as": "bool"}},
            ["unknown conversion 'bool'", "Did you mean 'boolean'?"],
        ),
        ({"email": {"form": "email"}}, ["unknown key 'form'", "Did you mean 'from'?"]),
    ],
    ids=["verb", "field", "attribute", "conversion", "key"],
)
@pytest.mark.parametrize("command", ["plan", "run"])
def test_an_unknown_name_in_the_mapping_is_told_with_the_known_ones(
    pool: Pool, command: str, change: dict[str, Any], named: list[str]
) -> None:
    mapping = {**MAPPING, "attributes": {**MAPPING["attributes"], **change}}
    run_file = pool.run_file([person(1)], mapping=mapping)
    refused = call(command, run_file)
    assert refused.exit_code == 2
    for part in [f"error: {run_file}", *named]:
        assert part in told(refused)
    assert refused.stdout == ""
    assert not list((pool.folder / "runs").rglob("*.parquet"))


def test_check_finds_a_role_that_is_not_there(pool: Pool) -> None:
    target = {"user_pool_id": pool.pool_id, "region": "eu-west-1", "log_role_arn": f"{ROLE}-absent"}
    found = only_json(call("check", pool.run_file([person(1)], target=target), "--json").stdout)
    bad = [each for each in found["checks"] if not each["good"]]
    assert not found["good"]
    assert [each["what"] for each in bad] == ["import role"]
    assert "NoSuchEntity" in bad[0]["text"]
    assert bad[0]["mend"]


def test_check_and_run_tell_a_pool_that_is_not_there(pool: Pool) -> None:
    target = {"user_pool_id": "eu-west-1_Absent001", "region": "eu-west-1", "log_role_arn": ROLE}
    run_file = pool.run_file([person(1)], target=target)
    checked = call("check", run_file)
    assert checked.exit_code == 2
    assert "no pool" in " ".join(re.sub("│", " ", checked.stdout).split())
    assert "Traceback" not in checked.output
    ran = call("run", run_file)
    assert ran.exit_code == 3
    assert "There is no pool eu-west-1_Absent001 in region eu-west-1" in told(ran)
    assert "target.user_pool_id" in told(ran)


def test_check_tells_at_once_that_nobody_answers(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run would ask for two minutes; who looks does not want to wait for that."""
    run_file = pool.run_file([person(1)])
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOBODY)
    begun = time.monotonic()
    found = only_json(call("check", run_file, "--json").stdout)
    assert time.monotonic() - begun < 20
    (bad,) = (each for each in found["checks"] if not each["good"])
    assert (bad["what"], bad["mend"]) == ("pool", "Check the network, the proxy and the endpoint.")


def test_a_wait_is_told_and_an_interrupt_has_its_own_status(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_file = pool.run_file([person(1)])
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOBODY)
    process = in_a_process("run", run_file, "--json")
    assert process.stderr
    assert re.match(r"DescribeUserPool: RetryError; try 2 in [\d.]+ s", process.stderr.readline())
    process.send_signal(2)
    printed, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert printed == ""
    assert "Interrupted. Run the same command again" in said


def test_a_run_without_a_prefect_api_never_imports_prefect(pool: Pool) -> None:
    """Prefect takes seconds to import, and would be asked for a server."""
    assert "PREFECT_API_URL" not in os.environ
    code = (
        "import sys, atexit; from flows.cli import main;"
        "atexit.register(lambda: print('prefect' in sys.modules, file=sys.stderr)); main()"
    )
    process = in_a_process("run", pool.run_file([person(1)]), "--json", code=code)
    printed, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert only_json(printed)["verdicts"]["imported"] == 1
    assert said.splitlines()[-1] == "False"


def test_the_way_from_a_file_of_users_to_a_finished_run(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's steps: init, the role, check, plan, run, status; nothing is sent before `run`."""
    monkeypatch.chdir(pool.folder)
    with open("users.csv", "w", newline="", encoding="utf-8") as file:  # noqa: PTH123 - in the folder we are in
        writer = csv.DictWriter(file, person(0))
        writer.writeheader()
        writer.writerows([person(number) for number in range(20)])
    made = call("init", "users.csv", "--pool", pool.pool_id, "--region", "eu-west-1", "--name", "acme")
    assert made.exit_code == 0, made.output
    assert "poolferry check run.yaml" in made.stdout
    run_file = pool.folder / "run.yaml"
    parse_mapping(load_run_file(run_file).settings.mapping, where="run.yaml")
    text = run_file.read_text(encoding="utf-8")
    assert "  # log_role_arn:" in text
    created = call("check", run_file, "--create-role")
    assert created.exit_code == 2
    assert "--create-role" not in created.output, "it was made just now"
    (arn,) = re.findall(r"target\.log_role_arn: (\S+)", created.stderr)
    run_file.write_text(re.sub(r"  # log_role_arn:.*", f"  log_role_arn: {arn}", text), encoding="utf-8")
    with run_file.open("a", encoding="utf-8") as file:
        file.write("jobs: {poll_seconds: 0.1}\n")
    assert call("check", run_file).exit_code == 0
    assert call("plan", run_file).exit_code == 0
    assert pool.users() == {}
    assert call("run", run_file).exit_code == 0
    assert len(pool.users()) == 20
    assert "is finished; 20 users read.\nverdicts: imported 20\n" in call("status", "acme").stdout


def test_the_readme_tells_what_lies_in_the_folder_of_a_run(pool: Pool) -> None:
    call("run", pool.run_file([person(1)]))
    (folder,) = (pool.folder / "runs" / "acme").iterdir()
    told_of = README.partition("## The folder of a run")[2].partition("\n## ")[0]
    for path in folder.iterdir():
        name = f"{path.name}/" if path.is_dir() else path.name
        assert path.name == "lock" or f"`{name}`" in told_of, name
    (columns,) = re.findall(r"\| one row a source user: ([^|]+) \|", told_of)
    assert re.findall(r"`(\w+)`", columns) == pl.read_parquet(folder / "verdicts.parquet").columns
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_readme_says_how_a_pool_of_the_local_cognito_is_made(pool: Pool) -> None:
    (code,) = re.findall(r"^\$ python -c '(.*)'$", README, re.MULTILINE)
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    pool_id = made.stdout.strip()
    assert pool.client.describe_user_pool(UserPoolId=pool_id)["UserPool"]["Name"] == "try"
    (app_client,) = read_app_clients(pool.client, pool_id)
    assert app_client.password_flows, "without such a client `trigger attach` refuses (F6.13)"


@pytest.mark.slow
def test_the_demo_prints_what_the_readme_shows(tmp_path: Path) -> None:
    """Where this fails, `python -m tests.reference --demo` writes down what it prints now."""
    shown = sections(README)[DEMO]
    assert re.sub(RUN_ID, "RUN", demo_output(tmp_path)) == re.sub(RUN_ID, "RUN", shown)
    assert (tmp_path / "runs" / "demo" / "run.yaml").is_file()
