"""The flows in a real Prefect: deployed from the file, run by a worker, watched through the API.

It is also the smoke test of Prefect's own dependencies: a set that does not fit lets the server start and
breaks deploying, or lets schedules sleep for ever.
"""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.logs import IDS
from flows.migrate import ADD_UP, STAGES
from tests.systems.asking import artifacts, flow_run_of, found_in_prefect, task_names
from tests.systems.conftest import USERS, Migration
from tests.systems.prefect_house import PrefectHouse, wait_for

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


def first_end(house: PrefectHouse, deployment_id: str, migration: Migration) -> dict[str, Any] | None:
    """The first of a deployment's flow runs of a migration that has run to an end, good or bad."""
    mine = {"deployments": {"id": {"any_": [deployment_id]}}}
    ended = [
        run
        for run in house.ask("POST", "flow_runs/filter", mine)
        if run["state_type"] in {"COMPLETED", "FAILED", "CRASHED"}
    ]
    return next((run for run in ended if run["parameters"]["run_file"] == str(migration.run_file)), None)


def migrate_by_command(house: PrefectHouse, migration: Migration) -> dict[str, Any]:
    """Run the command, which makes a flow run of its own since it sees the server, and return the summary."""
    said = house.python("-m", "flows.cli", "run", str(migration.run_file), "--json")
    summary: dict[str, Any] = json.loads(said.splitlines()[-1])
    return summary


AS_JSON = (
    "--job-variable",
    "env.POOLFERRY_LOG_FORMAT=json",
    "--job-variable",
    "env.POOLFERRY_LOG_LEVEL=debug",
)


def records_of(house: PrefectHouse, flow_run: dict[str, Any]) -> list[dict[str, Any]]:
    """The JSON log of a flow run in what its worker's process has written."""
    lines = [line for line in house.of_workers(None).splitlines() if line.startswith("{")]
    return [told for told in map(json.loads, lines) if told["flow_run_id"] == flow_run["id"]]


def test_a_deployed_migration_carries_everybody_and_prefect_learns_nothing_of_them(
    house: PrefectHouse, migration: Migration
) -> None:
    """It also writes its log as JSON at the loudest level, where nothing of anybody stands either."""
    house.command("deployment", "run", "migrate-users/one-off", *migration.given, *AS_JSON, "--watch")
    assert len(migration.usernames()) == USERS
    flow_run = flow_run_of(house, migration.run_file)
    assert flow_run["state"]["message"] == "finished: 200 of 200 landed"

    shown = artifacts(house, flow_run)
    assert set(shown) == {"summary", "progress", "pool"}, "nobody was rejected: no table of reasons"
    assert "| imported | 200 |" in shown["summary"]["data"]
    assert shown["progress"]["data"] == 100.0
    report = migration.run_file.parent / "runs"
    assert f"This report is `{report}/" in shown["summary"]["data"]
    assert f"/user-pools/{migration.pool_id}/" in shown["pool"]["data"]
    assert all(each["description"] for each in shown.values())

    stages = {job.name for job in (*STAGES.values(), ADD_UP)}
    wait_for("recorded tasks of all stages", lambda: task_names(house, flow_run) >= stages, 60)
    wait_for(
        "a task for each of two batches", lambda: len(task_names(house, flow_run)) == len(stages) + 2, 60
    )
    batches = {name.partition(" · ")[0] for name in task_names(house, flow_run) - stages}
    assert batches == {"import batch 1 of 2", "import batch 2 of 2"}

    records = records_of(house, flow_run)
    (run_folder,) = report.glob("*/*/")
    assert all({"time", "level", "message", *IDS} <= each.keys() for each in records)
    assert {each["run_id"] for each in records} - {None} == {run_folder.name}
    starts = {(each["batch"], bool(each["job_id"])) for each in records if each.get("state") == "started"}
    assert starts == {(1, True), (2, True)}
    assert "Reading and judging users" in {each.get("stage") for each in records}
    assert {each["level"] for each in records} == {"DEBUG", "INFO"}, "calls are told too"
    said = [line for line in house.of_workers(None).splitlines() if not line.startswith("{")]
    assert [line for line in said if "' - Reading and judging users" in line], "Prefect's own"
    assert not [line for line in said if "batch 1 is started" in line], "nothing is told twice"

    assert found_in_prefect(house, migration.secrets) == set()
    assert "flow_run.parameters" in found_in_prefect(house, {str(migration.run_file)})


def test_the_nightly_check_is_there_and_sleeps_until_it_is_woken(
    house: PrefectHouse, migration: Migration
) -> None:
    """Schedules fire: a woken one makes a run of its own accord, and the pool is found as it was left."""
    assert migrate_by_command(house, migration)["verdicts"]["imported"] == USERS
    assert set(flow_run_of(house, migration.run_file)["tags"]) == {"poolferry", "changes-the-pool"}
    nightly = house.ask("GET", "deployments/name/reconcile-users/nightly")
    (schedule,) = nightly["schedules"]
    assert (schedule["schedule"]["cron"], schedule["active"]) == ("17 2 * * *", False)
    assert nightly["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"

    soon = {
        "active": True,
        "schedule": {"interval": 5, "anchor_date": datetime.now(UTC).isoformat()},
        "max_scheduled_runs": 3,
        "parameters": {"run_file": str(migration.run_file)},
    }
    (added,) = house.ask("POST", f"deployments/{nightly['id']}/schedules", [soon])
    try:
        done = wait_for("the end of a scheduled run", lambda: first_end(house, nightly["id"], migration), 180)
    finally:
        house.ask("DELETE", f"deployments/{nightly['id']}/schedules/{added['id']}")
    assert done["auto_scheduled"]
    assert done["state"]["message"] == "all 200 users are there, unchanged", house.of_workers()
    assert found_in_prefect(house, migration.secrets) == set()


def test_a_plan_sends_nothing(house: PrefectHouse, migration: Migration) -> None:
    house.command("deployment", "run", "plan-migration/one-off", *migration.given, "--watch")
    assert migration.usernames() == set()
    shown = artifacts(house, flow_run_of(house, migration.run_file))
    assert "200 of 200 users would travel" in shown["forecast"]["description"]
    assert found_in_prefect(house, migration.secrets) == set()


STUMBLING = """
import sys
from pathlib import Path
from connectors.errors import AskThePoolError
import flows.migrate as m

planted, tries = sys.argv[2], []

def stumble(context, number):
    tries.append(number)
    if len(tries) == 1:
        raise AskThePoolError("The reply was lost.")
    raise ValueError(f"cannot settle {planted}")

m.send_batch = stumble
m.SEND_BATCH = m.SEND_BATCH.with_options(retry_delay_seconds=0)
try:
    m.run_as_flow(Path(sys.argv[1]), new=False)
except Exception as error:
    print("tries:", len(tries), "error:", type(error).__name__, error)
"""


def test_a_lost_reply_is_tried_again_and_a_surprise_is_stored_without_its_text(
    house: PrefectHouse, migration: Migration
) -> None:
    """Prefect stores and shows the texts of errors, of their causes and of log lines."""
    planted = f"{secrets.token_hex(6)}@example.com"
    said = house.python("-c", STUMBLING, str(migration.run_file), planted)
    assert "tries: 2 error: StopError Unexpected ValueError" in said
    assert planted not in said
    wait_for("the stored failure", lambda: found_in_prefect(house, {"Unexpected ValueError"}), 60)
    assert found_in_prefect(house, migration.secrets | {planted}) == set()
