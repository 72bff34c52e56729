"""What operators do in a real Prefect, and what happens to them: dead workers, alarms, limits, aftermath."""

from __future__ import annotations

import json
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from flows.prefect_limits import LEASE_SECONDS
from tests.systems.asking import artifacts, bar, ended, flow_run_of, found_in_prefect, state_of
from tests.systems.conftest import ACCOUNT, REGION, USERS, Mailbox, Migration, person, slowed
from tests.systems.prefect_house import PrefectHouse, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.cognito.sandbox import Sandbox

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(900)]

MIGRATE = ("deployment", "run", "migrate-users/one-off")


def begin(house: PrefectHouse, migration: Migration) -> dict[str, Any]:
    """Ask for a migration and wait until it runs."""
    house.command(*MIGRATE, *migration.given)
    made = flow_run_of(house, migration.run_file)
    wait_for("a running flow run", lambda: state_of(house, made) == "RUNNING", 120)
    return made


def test_the_bar_moves_while_a_job_runs_and_a_long_run_is_told(
    house: PrefectHouse, migration: Migration, sandbox: Sandbox, mailbox: Mailbox
) -> None:
    seen: set[tuple[float, str]] = set()

    def moves() -> bool:
        seen.add(bar(house, flow_run))
        return len({done for done, text in seen if text.startswith("Importing batch")}) >= 3

    with slowed(sandbox, 5):
        flow_run = begin(house, migration)
        wait_for("a bar that moves", moves, 120, pause=1)
        wait_for("word of a long run", lambda: mailbox.about("takes longer", flow_run["id"]), 120)
    assert ended(house, flow_run)["state"]["message"] == "finished: 200 of 200 landed"
    wait_for(
        "word of its end", lambda: mailbox.about("migrate-users of run is Completed", flow_run["id"]), 60
    )
    assert found_in_prefect(house, migration.secrets) == set()
    assert not [one for one in mailbox.received if any(value in str(one) for value in migration.secrets)]


def test_a_worker_that_is_killed_leaves_nothing_behind_that_a_second_one_cannot_finish(
    house: PrefectHouse, migration: Migration, sandbox: Sandbox, mailbox: Mailbox
) -> None:
    with slowed(sandbox, 5):
        flow_run = begin(house, migration)
        wait_for("a job under way", lambda: bar(house, flow_run)[1].startswith("Importing batch"), 120)
        house.kill_workers()
    assert state_of(house, flow_run) == "RUNNING", "nobody has told Prefect"
    died = ended(house, flow_run)
    assert died["state_type"] == "CRASHED"
    assert died["state"]["message"].startswith("No sign of life")
    wait_for("the alarm", lambda: mailbox.about("is Crashed", flow_run["id"]), 60)

    house.start_worker("second")
    house.command("flow-run", "retry", flow_run["id"])
    wait_for("the second worker", lambda: state_of(house, flow_run) == "RUNNING", 120)
    assert ended(house, flow_run, LEASE_SECONDS + 180)["state"]["message"] == "finished: 200 of 200 landed"
    assert len(migration.usernames()) == USERS
    (run,) = (migration.run_file.parent / "runs").glob("test-*/*/summary.json")
    told = json.loads(run.read_text())
    assert (told["balanced"], told["verdicts"]["imported"]) == (True, USERS), "the same run went on"
    assert found_in_prefect(house, migration.secrets) == set()


def test_a_failed_run_raises_the_alarm(house: PrefectHouse, migration: Migration, mailbox: Mailbox) -> None:
    migration.run_file.write_text(migration.run_file.read_text() + "unknown_key: 1\n")
    house.command(*MIGRATE, *migration.given, "--watch", good=False)
    flow_run = flow_run_of(house, migration.run_file)
    letter = wait_for(
        "the alarm", lambda: mailbox.about("migrate-users of run is Failed", flow_run["id"]), 60
    )
    assert "unknown_key" in letter["text"]


@contextmanager
def taken(house: PrefectHouse, name: str) -> Iterator[None]:
    """Hold the slot of a limit, as another flow run does."""
    if name not in limits(house):
        house.ask("POST", "v2/concurrency_limits/", {"name": name, "limit": 1})
    body = {"names": [name], "slots": 1, "lease_duration": 600}
    lease = house.ask("POST", "v2/concurrency_limits/increment-with-lease", body)["lease_id"]
    try:
        yield
    finally:
        house.ask("POST", "v2/concurrency_limits/decrement-with-lease", {"lease_id": lease})


def limits(house: PrefectHouse) -> dict[str, Any]:
    """Every global limit there is, by its name."""
    return {each["name"]: each for each in house.ask("POST", "v2/concurrency_limits/filter", {})}


IMPATIENT = """
import sys
from pathlib import Path
import flows.prefect_limits as limits
from flows.migrate import run_as_flow
limits.POOL_SECONDS = 5.0
try:
    run_as_flow(Path(sys.argv[1]), new=False)
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_pool_is_changed_by_one_flow_run_alone(house: PrefectHouse, migration: Migration) -> None:
    with taken(house, f"poolferry-pool-{migration.pool_id}"):
        said = house.python("-c", IMPATIENT, str(migration.run_file))
    assert "StopError Another flow run changes the pool; nothing was done." in said
    assert flow_run_of(house, migration.run_file)["state_type"] == "CANCELLED"
    assert not (migration.run_file.parent / "runs").exists(), "no run was begun that would be in the way"


def test_one_import_job_an_account_at_a_time(house: PrefectHouse, migration: Migration) -> None:
    """The second waits for its turn, instead of asking Cognito again and again; limits make themselves."""
    with taken(house, f"poolferry-import-job-{ACCOUNT}-{REGION}"):
        flow_run = begin(house, migration)
        waits = "Waiting for another flow run, which has the account's one import job"
        wait_for("a flow run that waits", lambda: bar(house, flow_run)[1].startswith(waits), 120)
        assert migration.usernames() == set()
    assert ended(house, flow_run)["state_type"] == "COMPLETED"
    made = limits(house)[f"poolferry-pool-{migration.pool_id}"]
    assert (made["limit"], made["active_slots"]) == (1, 0)


def test_who_was_rejected_is_retried_then_all_are_taken_out_again_and_forgotten(
    house: PrefectHouse, migration: Migration
) -> None:
    dirty = [{**each, "email": ""} if n < 3 else each for n, each in enumerate(migration.people)]
    migration.write_people([{**each, "pw": ""} for each in dirty])
    run = ("deployment", "run", "--watch", *migration.given)
    house.command(*run, "migrate-users/one-off")
    assert len(migration.usernames()) == USERS - 3
    first = flow_run_of(house, migration.run_file)
    reasons = json.loads(artifacts(house, first)["reasons"]["data"])
    assert [row["users"] for row in reasons] == [3]

    migration.write_people([{**each, "pw": ""} for each in migration.people])
    house.command(*run, "retry-users/one-off")
    assert len(migration.usernames()) == USERS

    house.command(*run, "roll-back-migration/one-off")
    looked = flow_run_of(house, migration.run_file, number=2)
    assert "197 of the 197 users that it created would be deleted" in looked["state"]["message"]
    assert len(migration.usernames()) == USERS
    run_id = looked["state"]["message"].split()[1].rstrip(":")
    named = ("--param", f"run_id={run_id}", "--param", "dry_run=false")
    house.command(*run, "roll-back-migration/one-off", *named)
    assert len(migration.usernames()) == 3

    house.command(*run, "purge-run/one-off", *named)
    assert "were removed" in flow_run_of(house, migration.run_file, number=4)["state"]["message"]
    assert found_in_prefect(house, migration.secrets) == set()


@pytest.mark.parametrize("kind", ["docker", "ecs", "kubernetes"])
def test_the_server_takes_the_templates_of_the_other_work_pools(house: PrefectHouse, kind: str) -> None:
    house.make_pool(f"poolferry-{kind}", kind)
    made = house.ask("GET", f"work_pools/poolferry-{kind}")
    assert made["type"] == kind
    shown = made["base_job_template"]["variables"]["properties"]["image"]
    assert shown["default"].startswith("poolferry:")


def test_what_is_planted_is_found_wherever_it_is(house: PrefectHouse) -> None:
    """Or the search that finds nobody would be worth nothing."""
    value = person()["email"]
    flow = house.ask("POST", "flows/", {"name": f"planted {value}"})
    run = {"flow_id": flow["id"], "name": value, "parameters": {"email": value}, "state": {"type": "PENDING"}}
    made = house.ask("POST", "flow_runs/", run)
    line = {"name": "x", "level": 20, "message": f"saw {value}", "timestamp": made["created"]}
    house.ask("POST", "logs/", [{**line, "flow_run_id": made["id"]}])
    artifact = {"key": "planted", "type": "markdown", "data": f"| {value} |", "flow_run_id": str(uuid4())}
    house.ask("POST", "artifacts/", artifact)
    (house.folder / "planted.log").write_text(value)
    assert {
        "flow.name", "flow_run.name", "flow_run.parameters", "log.message", "artifact.data", "planted.log",
    } <= found_in_prefect(house, {value})  # fmt: skip
    (house.folder / "planted.log").unlink()
    assert found_in_prefect(house, {secrets.token_hex(12)}) == set()
