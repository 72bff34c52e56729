"""The night of deployments/RUNBOOK.md: each of its commands, in its order, against the local Cognito.

Commands are real processes, Ctrl-C is a real SIGINT, and what the page shows is held against what came. The
part by Prefect runs in `tests/systems/test_runbook_by_prefect.py`.
"""

from __future__ import annotations

import csv
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import bcrypt
import boto3
import pytest
import requests
from ruamel.yaml import YAML

from connectors.cognito.limits import MAX_JOBS, QUOTAS
from tests.flows.conftest import FIELDS, MAPPING, person
from tests.flows.console_pages import INTERRUPT, REGION, Step, call_aws, differences, steps_of, wrong_in_aws
from tests.flows.journeys import text_attribute
from tests.flows.test_trigger_end_to_end import FLOWS, PASSWORD, ssha
from tests.reference import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PAGE = (ROOT / "deployments" / "RUNBOOK.md").read_text(encoding="utf-8")
FAULTS = (ROOT / "deployments" / "FAULTS.md").read_text(encoding="utf-8")
BY_PREFECT = "By Prefect"
THROW_AWAY = "eu-west-1_Throwaway"
FIRST_RUN = "20261126T152234Z-d4597d"
PATIENCE = 120
"""Seconds that one command may take on a busy machine."""


def people() -> list[dict[str, str]]:
    """Of every kind: 60 with a hash and 40 without, 6 without a verified contact, 8 deferred, 6 rejected."""
    travels = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    return [
        *(person(n, pw=travels) for n in range(60)),
        *(person(n) for n in range(60, 100)),
        *(person(n, verified="false") for n in range(100, 106)),
        *(person(n, pw=ssha()) for n in range(106, 114)),
        *(person(n, email=f"user{n} at example.com") for n in range(114, 120)),
    ]


def write_people(path: Path, people: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(people)


def change(run_file: Path, **target: str) -> None:
    """Write something into the target of a run file."""
    reader = YAML()
    settings = reader.load(run_file)
    settings["target"].update(target)
    reader.dump(settings, run_file)


class Night:
    """An operator's folder, the terminals, and what is done by hand between two commands."""

    def __init__(self, folder: Path, set_variable: Callable[[str, str], None]) -> None:
        self.folder = folder
        self._set_variable = set_variable
        strange = ("AWS_", "PREFECT_", "POOLFERRY_")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(strange)}
        self.environment["COLUMNS"] = "100"
        self.throw_away = ""
        self._terminals: dict[str, tuple[subprocess.Popen[str], Path]] = {}
        self._section = ""
        self._write_people()
        self._write_run_files()

    def _write_people(self) -> None:
        everybody = people()
        few = [0, 1, 2, 3, 60, 61, 100, 101, 106, 107, 108, 109, 114, 115]
        write_people(self.folder / "users.csv", everybody)
        write_people(self.folder / "few.csv", [everybody[n] for n in few])
        names = "".join(f"{name},{PASSWORD}\n" for name in ("u00000", "u00106"))
        (self.folder / "people.csv").write_text(f"username,password\n{names}", encoding="utf-8")

    def _write_run_files(self) -> None:
        (switches,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
        (self.folder / "night.json").write_text(switches, encoding="utf-8")
        for name, source in (("run", "users"), ("rehearsal", "few")):
            settings = {
                "name": {"run": "acme"}.get(name, name),
                "source": {"kind": "csv", "path": f"{source}.csv", "key": "id"},
                "mapping": MAPPING,
                "target": {"user_pool_id": "eu-west-1_Example01", "region": "eu-west-1"},
                "strategies": ["import_job", "admin_create_user", "migration_trigger"],
                "jobs": {"poll_seconds": 0.2, "log_patience_seconds": 5},
            }
            YAML().dump(settings, self.folder / f"{name}.yaml")

    def does(self, step: Step) -> None:
        """Do one step, hold its output against what is shown, and do what is to be done by hand."""
        if step.section != self._section:
            self._section = step.section
            self._before_section()
        said = self._said(step)
        assert not differences(step, said), differences(step, said)
        self._by_hand(step.command, said)

    def _said(self, step: Step) -> str:
        if step.command == INTERRUPT:
            return self._interrupt(step)
        command = self._with_ids(step.command)
        if command.startswith("aws "):
            wrong = wrong_in_aws(command)
            assert not wrong, wrong
            return "" if command.startswith("aws service-quotas ") else call_aws(command)
        return self._start(step) if "terminal" in step.comment else self._run(command, step.exit_status)

    def _with_ids(self, command: str) -> str:
        """A command with the ids of this night in place of the page's."""
        runs = sorted(path.name for path in (self.folder / "runs" / "rehearsal").glob("2*"))
        command = command.replace(THROW_AWAY, self.throw_away)
        return command.replace(FIRST_RUN, runs[0]) if runs else command

    def _run(self, command: str, exit_status: int) -> str:
        done = subprocess.run(
            _words(command), cwd=self.folder, env=self.environment, timeout=PATIENCE, text=True,
            check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == exit_status, (command, done.stdout)
        return done.stdout

    def _start(self, step: Step) -> str:
        """Start what stays in a terminal of its own, and wait for the last line that the page shows of it."""
        name = step.command.split()[1]
        path = self.folder / f"{name}.log"
        with path.open("w") as log:
            process = subprocess.Popen(
                _words(step.command), cwd=self.folder, env=self.environment, text=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self._terminals[name] = (process, path)
        wait_for(lambda: process.poll() is not None or step.shown[-1] in path.read_text(encoding="utf-8"))
        assert process.poll() is None, path.read_text(encoding="utf-8")
        return path.read_text(encoding="utf-8")

    def _interrupt(self, step: Step) -> str:
        process, path = self._terminals.pop("run")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == step.exit_status
        return path.read_text(encoding="utf-8")

    def _before_section(self) -> None:
        if self._section.startswith("2."):
            self.throw_away = self._pool("throw-away")
            change(self.folder / "rehearsal.yaml", user_pool_id=self.throw_away)
        if self._section.startswith("4."):
            change(self.folder / "run.yaml", user_pool_id=self._pool("people"))
        if self._section.startswith("8."):  # nobody has to wait any more
            url = f"{self.environment['AWS_ENDPOINT_URL']}/sandbox/settings"
            requests.put(url, json={"rows_per_second": None}, timeout=30).raise_for_status()

    def _by_hand(self, command: str, said: str) -> None:
        if command.startswith("poolferry sandbox"):
            for name, value in re.findall(r"export (\w+)=(\S+)", said):
                self.environment[name] = value
                self._set_variable(name, value)  # for boto3 in this process
        if "create_user_pool(" in command:
            change(self.folder / "rehearsal.yaml", user_pool_id=said.strip())
        if "--create-role" in command:
            (arn,) = re.findall(r"log_role_arn: (arn:\S+)", said)
            for name in ("run", "rehearsal"):
                change(self.folder / f"{name}.yaml", log_role_arn=arn)
        if "--write-file" in command:
            rows = self.folder / "rows.csv"
            rows.write_text(rows.read_text(encoding="utf-8").replace(" at example", "@example"))

    def _pool(self, name: str) -> str:
        """A pool with its app client, as an operator's template makes them."""
        client = boto3.client("cognito-idp", region_name=REGION)
        pool_id = client.create_user_pool(
            PoolName=name, AutoVerifiedAttributes=["email"], Schema=[text_attribute("tenant")]
        )["UserPool"]["Id"]
        client.create_user_pool_client(UserPoolId=pool_id, ClientName="app", ExplicitAuthFlows=FLOWS)
        return str(pool_id)

    def close(self) -> None:
        """End what still runs."""
        for process, _ in self._terminals.values():
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)


def _words(command: str) -> list[str]:
    """How a command is started here: by this Python, on a free port, with a trigger for this machine."""
    program, *words = shlex.split(command)
    if words[:2] == ["trigger", "deploy"]:
        words.append("--here")
    if words[0] == "sandbox":
        words += ["--port", "0"]
    return [sys.executable, *(("-m", "flows.cli") if program == "poolferry" else ()), *words]


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    made = Night(tmp_path, monkeypatch.setenv)
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_command_of_the_night_does_what_the_page_shows(night: Night) -> None:
    done = [step for step in steps_of(PAGE) if step.section != BY_PREFECT]
    for step in done:
        night.does(step)
    assert len({step.section for step in done}) == 13
    pools = boto3.client("cognito-idp", region_name=REGION).list_user_pools(MaxResults=10)["UserPools"]
    assert {pool["Name"] for pool in pools} == {"rehearsal", "people"}, "only the throw-away pool is gone"
    left = {path.name for path in (night.folder / "runs").rglob("*") if path.is_file()}
    assert "verdicts.parquet" in left
    assert not left & {"id_map.csv", "rejected.csv", "differences.csv"}, "everybody is forgotten"


def test_each_command_is_one_that_is_run() -> None:
    programs = {step.command.split()[0] for step in steps_of(PAGE)}
    assert programs == {"poolferry", "python", "aws", "prefect", INTERRUPT}
    by_prefect = {step.command.split()[0] for step in steps_of(PAGE) if step.section == BY_PREFECT}
    assert by_prefect == {"prefect"}
    assert len(list(steps_of(PAGE))) == len(re.findall(r"^(?:\$ |\^C)", PAGE, re.MULTILINE))


def test_what_is_shown_and_did_not_come_is_noticed() -> None:
    (step,) = (one for one in steps_of(PAGE) if one.command == "poolferry plan run.yaml")
    came = "\n".join(line for line in step.shown if line != "…")
    assert not differences(step, came)
    assert differences(step, came.replace("120", "119"))
    assert differences(step, "\n".join(reversed(came.splitlines()))), "the order counts"
    between = came.replace("│ existing", "another line\n│ existing")
    assert differences(step, between), "only … stands for other lines"
    other = Step("", "", shown=["run 20261126T152637Z-758735: 6 of the 6 users"])
    assert not differences(other, "run 20270101T000000Z-abcdef: 6 of the 6 users")
    assert differences(other, "run 20270101T000000Z-abcdef: 5 of the 6 users")


def test_a_wrong_command_of_the_aws_cli_is_noticed() -> None:
    ask = "aws service-quotas request-service-quota-increase --service-code cognito-idp"
    assert not wrong_in_aws(f"{ask} --quota-code L-5987B8A0 --desired-value 100")
    assert "DesiredValue" in wrong_in_aws(f"{ask} --quota-code L-5987B8A0")
    with pytest.raises(KeyError, match="--quota"):
        wrong_in_aws(f"{ask} --quota L-5987B8A0 --desired-value 100")
    with pytest.raises(KeyError, match="raise-quota"):
        wrong_in_aws("aws service-quotas raise-quota")


def test_the_quotas_are_those_that_are_planned_with() -> None:
    """Names, codes, defaults, and which can be raised; the codes stand in the fact as well."""
    facts = (ROOT / "deployments" / "FACTS.md").read_text(encoding="utf-8")
    known = {f"Rate of {quota.category} requests": quota for quota in QUOTAS}
    rows = re.findall(
        r"^\| ([\w ]+) \| `(L-\w{8})` \| ([\d,]+)(?: a second)? \| (.*) \|$", PAGE, re.MULTILINE
    )
    assert len(rows) == 7
    for name, code, default, when in rows:
        assert f"`{code}` {name}" in facts
        if quota := known.get(name):
            assert (int(default), quota.adjustable) == (quota.default_rps, not when.startswith("never"))
        else:
            assert (name, default) == ("User import jobs per user pool", f"{MAX_JOBS:,}")


def test_the_faults_are_told_as_they_are_seen() -> None:
    table = PAGE.partition("## What goes wrong")[2].partition("\n## ")[0]
    seen = re.findall(r"^\| [^|]+ \| `([^`]+)` \|", table, re.MULTILINE)
    assert len(seen) == 10
    for text in seen:
        assert f"| `{text}` |" in FAULTS
