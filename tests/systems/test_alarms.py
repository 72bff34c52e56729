"""The automations that wait for states which only some flow runs come to: each is seen to say its word.

What says that a flow run has failed, has died or takes long is in ``test_operations``, with what it is about.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.running import migrate
from tests.systems.asking import ended, flow_run_of
from tests.systems.conftest import BCRYPT
from tests.systems.prefect_house import POOL, PrefectHouse, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.systems.conftest import Mailbox, Migration

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(600)]

WHERE_TIME_IS_SHORT = ("is Late", "takes longer", "does not start")
"""Words of alarms that a busy machine brings about on any flow run."""


def word_of(
    house: PrefectHouse, migration: Migration, mailbox: Mailbox, subject: str, number: int = 0
) -> str:
    """Wait for the word on a flow run of the migration, and for no other; return what it says."""
    flow_run = flow_run_of(house, migration.run_file, number=number)
    letter = wait_for(subject, lambda: mailbox.about(subject, flow_run["id"]), 90)
    told = {one["subject"] for one in mailbox.received if flow_run["id"] in one["text"]}
    unasked = {each for each in told if not any(word in each for word in WHERE_TIME_IS_SHORT)}
    assert unasked <= {letter["subject"]}
    assert not [value for value in migration.secrets if value in str(letter)]
    return letter["text"]


def test_differences_and_who_was_left_alone_are_told(
    house: PrefectHouse, migration: Migration, mailbox: Mailbox
) -> None:
    hashes = [BCRYPT, BCRYPT, "", ""]
    migration.write_people([{**each, "pw": pw} for each, pw in zip(migration.people, hashes, strict=False)])
    folder, _ = migrate(load_run_file(migration.run_file), Worker())
    gone = migration.people[len(hashes) - 1]["id"]
    migration.client.admin_delete_user(UserPoolId=migration.pool_id, Username=gone)
    house.command("deployment", "run", "reconcile-users/nightly", *migration.given)
    told = word_of(house, migration, mailbox, "reconcile-users of run is Differences")
    assert "3 of 4 users are there; 1 missing" in told

    named = ("--param", f"run_id={folder.run_id}", "--param", "dry_run=false")
    house.command("deployment", "run", "roll-back-migration/one-off", *migration.given, *named)
    subject = f"roll-back-migration of run {folder.run_id} is LeftAlone"
    told = word_of(house, migration, mailbox, subject, number=1)
    assert "1 of the 4 users that it created were deleted, 1 are gone already, 2 are left alone" in told


@contextmanager
def paused(house: PrefectHouse) -> Iterator[None]:
    """Let no worker take up anything."""
    house.ask("PATCH", f"work_pools/{POOL}", {"is_paused": True})
    try:
        yield
    finally:
        house.ask("PATCH", f"work_pools/{POOL}", {"is_paused": False})


def test_a_run_that_nobody_takes_up_is_told_and_is_not_lost(
    house: PrefectHouse, migration: Migration, mailbox: Mailbox
) -> None:
    with paused(house):
        house.command("deployment", "run", "plan-migration/one-off", *migration.given)
        told = word_of(house, migration, mailbox, "plan-migration/one-off is Late")
    assert f"the work pool {POOL} has taken it up" in told
    assert ended(house, flow_run_of(house, migration.run_file))["state_type"] == "COMPLETED"


def test_a_run_that_is_taken_up_and_does_not_start_is_told(
    house: PrefectHouse, migration: Migration, mailbox: Mailbox
) -> None:
    """As a worker leaves it whose container never comes up."""
    with paused(house):
        house.command("deployment", "run", "plan-migration/one-off", *migration.given)
        flow_run = flow_run_of(house, migration.run_file)
        state = f"flow_runs/{flow_run['id']}/set_state"
        house.ask("POST", state, {"state": {"type": "PENDING", "name": "Pending"}, "force": True})
        told = word_of(house, migration, mailbox, "Poolferry: a run does not start")
        house.ask("POST", state, {"state": {"type": "CANCELLED", "name": "Cancelled"}, "force": True})
    assert "nothing works on it" in told
    assert flow_run["id"] in told
