"""The flows in a real Prefect: deployed from the file, run by a worker, watched through the API.

It is also the smoke test of Prefect's own dependencies: a set that does not fit lets the server start and
breaks deploying, or lets schedules sleep for ever.
"""

from __future__ import annotations

import csv
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from ruamel.yaml import YAML

from connectors.cognito.sandbox import launch
from flows.migrate import ADD_UP, STAGES
from tests.systems.prefect_house import PrefectHouse, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

USERS = 200
REGION = "eu-west-1"
ROLE = "arn:aws:iam::123456789012:role/poolferry-import"
BCRYPT = "$2b$10$" + "abcdefghijklmnopqrstuu" + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcde"
MAPPING = {
    "username": {"from": "id"},
    "attributes": {
        "email": {"from": "email"},
        "email_verified": {"const": "true"},
        "given_name": {"from": "first"},
        "family_name": {"from": "last"},
    },
    "password_hash": {"from": "pw"},
}


@dataclass(frozen=True)
class Migration:
    """A pool of its own, a file of invented users for it, and a run file.

    ``secrets`` is everything in the file of users that must not be found in Prefect.
    """

    client: Any
    pool_id: str
    run_file: Path
    secrets: frozenset[str]

    def usernames(self) -> set[str]:
        pages = self.client.get_paginator("list_users").paginate(UserPoolId=self.pool_id)
        return {user["Username"] for page in pages for user in page["Users"]}


@pytest.fixture(scope="module")
def sandbox_environment() -> Iterator[dict[str, str]]:
    with launch() as local:
        yield dict(local.environment)


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, sandbox_environment: dict[str, str]
) -> Iterator[PrefectHouse]:
    """A server with a worker, and the flows deployed as the documentation says."""
    made = PrefectHouse(tmp_path_factory.mktemp("prefect"), sandbox_environment)
    try:
        made.start_server()
        made.start_worker()
        made.command("--no-prompt", "deploy", "--prefect-file", "deployments/prefect.yaml", "--all")
        yield made
    finally:
        made.close()


@pytest.fixture
def migration(
    tmp_path: Path, sandbox_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Migration:
    for name, value in sandbox_environment.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("cognito-idp", region_name=REGION)
    pool = client.create_user_pool(PoolName="people", AutoVerifiedAttributes=["email"])["UserPool"]
    people = [person() for _ in range(USERS)]
    with (tmp_path / "users.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(people[0]))
        writer.writeheader()
        writer.writerows(people)
    settings = {
        "name": f"test-{secrets.token_hex(3)}",
        "source": {"kind": "csv", "path": "users.csv"},
        "mapping": MAPPING,
        "target": {"user_pool_id": pool["Id"], "region": REGION, "log_role_arn": ROLE},
        "jobs": {"poll_seconds": 0.2, "log_patience_seconds": 10},
    }
    with (tmp_path / "run.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(settings, file)
    values = frozenset(value for user in people for value in user.values() if value)
    return Migration(client, pool["Id"], tmp_path / "run.yaml", values)


def person() -> dict[str, str]:
    """An invented user whose values are found nowhere else; every second one has a hash."""
    mark = secrets.token_hex(6)
    return {
        "id": f"id-{mark}",
        "email": f"{mark}@example.com",
        "first": f"Vera{mark}",
        "last": f"Muster{mark}",
        "pw": BCRYPT if int(mark, 16) % 2 else "",
    }


def flow_run_of(house: PrefectHouse, migration: Migration) -> dict[str, Any]:
    """The one flow run that had the migration's run file as its parameter."""
    runs = house.ask("POST", "flow_runs/filter", {})
    (made,) = (each for each in runs if each["parameters"].get("run_file") == str(migration.run_file))
    return dict(made)


def first_end(house: PrefectHouse, deployment_id: str) -> dict[str, Any] | None:
    """The first of a deployment's flow runs that has run to an end, good or bad."""
    mine = {"deployments": {"id": {"any_": [deployment_id]}}}
    runs = house.ask("POST", "flow_runs/filter", mine)
    return next((run for run in runs if run["state_type"] in {"COMPLETED", "FAILED", "CRASHED"}), None)


def migrate_by_command(house: PrefectHouse, migration: Migration) -> dict[str, Any]:
    """Run the command, which makes a flow run of its own since it sees the server, and return the summary."""
    said = house.python("-m", "flows.cli", "run", str(migration.run_file), "--json")
    summary: dict[str, Any] = json.loads(said.splitlines()[-1])
    return summary


def artifacts(house: PrefectHouse, flow_run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A flow run's artifacts by what they show."""
    body = {"artifacts": {"flow_run_id": {"any_": [flow_run["id"]]}}}
    return {each["key"].rsplit("-", 1)[-1]: each for each in house.ask("POST", "artifacts/filter", body)}


def task_names(house: PrefectHouse, flow_run: dict[str, Any]) -> set[str]:
    body = {"task_runs": {"flow_run_id": {"any_": [flow_run["id"]]}}}
    return {each["name"] for each in house.ask("POST", "task_runs/filter", body)}


def found_in_prefect(house: PrefectHouse, values: frozenset[str]) -> set[str]:
    """Where in Prefect's database any of the values stands."""
    return {place for place, text in house.stored() for value in values if value in text}


def test_a_deployed_migration_carries_everybody_and_prefect_learns_nothing_of_them(
    house: PrefectHouse, migration: Migration
) -> None:
    given = ("--param", f"run_file={migration.run_file}")
    house.command("deployment", "run", "migrate-users/one-off", *given, "--watch")
    assert len(migration.usernames()) == USERS
    flow_run = flow_run_of(house, migration)
    assert flow_run["state"]["message"] == "finished: 200 of 200 landed"

    shown = artifacts(house, flow_run)
    assert set(shown) == {"summary", "progress", "pool"}, "nobody was rejected: no table of reasons"
    assert "| imported | 200 |" in shown["summary"]["data"]
    assert shown["progress"]["data"] == 100.0
    assert all(each["description"] for each in shown.values())

    stages = {job.name for job in (*STAGES.values(), ADD_UP)}
    wait_for("recorded tasks of all stages", lambda: task_names(house, flow_run) >= stages, 60)
    wait_for(
        "a task for each of two batches", lambda: len(task_names(house, flow_run)) == len(stages) + 2, 60
    )
    assert all(name.startswith("import batch ") for name in task_names(house, flow_run) - stages)

    assert found_in_prefect(house, migration.secrets) == set()
    assert "flow_run.parameters" in found_in_prefect(house, frozenset({str(migration.run_file)}))


def test_the_nightly_check_is_there_and_sleeps_until_it_is_woken(
    house: PrefectHouse, migration: Migration
) -> None:
    """Schedules fire: a woken one makes a run of its own accord, and the pool is found as it was left."""
    assert migrate_by_command(house, migration)["verdicts"]["imported"] == USERS
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
        done = wait_for("the end of a scheduled run", lambda: first_end(house, nightly["id"]), 180)
    finally:
        house.ask("DELETE", f"deployments/{nightly['id']}/schedules/{added['id']}")
    assert done["auto_scheduled"]
    assert done["state"]["message"] == "all 200 users are there, unchanged", house.output("worker")[-4000:]
    assert found_in_prefect(house, migration.secrets) == set()


PLANNING = "import sys; from flows.plan import plan_migration; plan_migration(sys.argv[1])"


def test_a_plan_sends_nothing(house: PrefectHouse, migration: Migration) -> None:
    house.python("-c", PLANNING, str(migration.run_file))
    assert migration.usernames() == set()
    shown = artifacts(house, flow_run_of(house, migration))
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
    wait_for("the stored failure", lambda: found_in_prefect(house, frozenset({"Unexpected ValueError"})), 60)
    assert found_in_prefect(house, migration.secrets | {planted}) == set()
