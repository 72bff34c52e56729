"""The part of deployments/RUNBOOK.md by Prefect: its commands in their order, by a real server and worker."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import pytest

from tests.flows.console_pages import Step, differences, steps_of
from tests.reference import ROOT
from tests.systems.asking import bar, ended, flow_run_of
from tests.systems.conftest import USERS, Migration
from tests.systems.prefect_house import PrefectHouse, wait_for

if TYPE_CHECKING:
    from connectors.cognito.sandbox import Sandbox

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(900)]

PAGE = (ROOT / "deployments" / "RUNBOOK.md").read_text(encoding="utf-8")
STEPS = [step for step in steps_of(PAGE) if step.section == "By Prefect"]
CANCELLED, FINISHED = 1, 2
"""Which flow run of the run file is which, in the page's order; the first one plans."""


def say(house: PrefectHouse, step: Step, run_file: str, flow_run_id: str) -> None:
    """Give one command of the page, and hold what it prints against what is shown."""
    command = step.command.replace("/srv/migration/run.yaml", run_file).replace("FLOW_RUN_ID", flow_run_id)
    said = house.command(*shlex.split(command)[1:], seconds=300)
    assert not differences(step, said), differences(step, said)


def job_statuses(migration: Migration) -> list[str]:
    """States of the pool's import jobs, the newest first."""
    jobs = migration.client.list_user_import_jobs(UserPoolId=migration.pool_id, MaxResults=10)
    return [job["Status"] for job in jobs["UserImportJobs"]]


def test_every_command_by_prefect_does_what_the_page_shows(
    house: PrefectHouse, migration: Migration, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled, a flow run leaves its import job alone, and the next one waits for it."""
    monkeypatch.setitem(house.environment, "COLUMNS", "120")  # as wide as the page's lines
    sandbox.update(rows_per_second=2)
    going: dict[str, Any] = {"id": ""}
    for step in STEPS:
        cancels = "flow-run cancel" in step.command
        if cancels:
            going = flow_run_of(house, migration.run_file, number=CANCELLED)
            wait_for("a job", lambda run=going: "Importing batch" in bar(house, run)[1], 120)  # type: ignore[misc]
        say(house, step, str(migration.run_file), going["id"])
        if cancels:
            assert ended(house, going)["state_type"] == "CANCELLED"
            assert job_statuses(migration) == ["InProgress"], "the page says that it goes on by itself"
            sandbox.update(rows_per_second=None)
    finished = flow_run_of(house, migration.run_file, number=FINISHED)
    assert finished["state"]["message"] == "finished: 200 of 200 landed"
    assert job_statuses(migration) == ["Succeeded", "Succeeded"]
    assert len(migration.usernames()) == USERS
