"""The pool as it is held against a finished run: every difference is found and counted, nobody is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from prefect.states import StateType

from connectors.errors import ConfigurationError
from flows.ledger.folder import RunFolder, runs_of
from flows.reconcile import DIFFERENCES, reconcile_users
from flows.reports.cards import reconciliation_markdown
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.reconciling import Reconciliation, reconcile
from flows.steps.running import migrate
from tests.flows.conftest import Pool, person

if TYPE_CHECKING:
    from pathlib import Path

BCRYPT = "$2b$10$" + "abcdefghijklmnopqrstuu" + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcde"


def migrated(pool: Pool, verify: str = "full") -> Path:
    """A finished run of five users, one of whom was in the pool before; the second one has a hash."""
    pool.client.admin_create_user(UserPoolId=pool.pool_id, Username="u00000", MessageAction="SUPPRESS")
    people = [person(n, pw=BCRYPT if n == 2 else "") for n in range(5)]
    path = pool.run_file(people, verify=verify)
    migrate(load_run_file(path), Worker())
    return path


def check(path: Path) -> Reconciliation:
    return reconcile(load_run_file(path), Worker())


def run_folder(path: Path) -> RunFolder:
    return runs_of(load_run_file(path).state_folder)[-1]


def written(path: Path) -> dict[str, Any]:
    (file,) = run_folder(path).path.glob("reconcile-*.json")
    told: dict[str, Any] = json.loads(file.read_text())
    return told


def test_an_untouched_pool_has_no_differences(pool: Pool) -> None:
    found = check(migrated(pool))
    assert (found.expected, found.there, found.compared, found.unknown, found.exit_status) == (5, 5, 5, 0, 0)
    assert found.statuses == {"RESET_REQUIRED": 3, "CONFIRMED": 1, "FORCE_CHANGE_PASSWORD": 1}
    assert found.moved == {}
    assert found.sentence == "all 5 users are there, unchanged"


def test_the_finding_is_written_into_the_runs_folder_and_names_nobody(pool: Pool) -> None:
    path = migrated(pool)
    pool.client.admin_delete_user(UserPoolId=pool.pool_id, Username="u00003")
    set_attribute(pool, "u00004", "name", "Another Name")
    check(path)
    told = written(path)
    assert (told["expected"], told["there"], told["gone"]) == (5, 4, 1)
    assert told["gone_source_ids"] == ["u00003"]
    assert told["altered_source_ids"] == ["u00004"]
    for value in ("@example.com", "Vera", "Another"):
        assert value not in json.dumps(told)
    left = {item.name for item in run_folder(path).path.iterdir()}
    assert not {name for name in left if name.startswith(".")}, "nothing of the reading is left behind"


def set_attribute(pool: Pool, username: str, name: str, value: str) -> None:
    pool.client.admin_update_user_attributes(
        UserPoolId=pool.pool_id, Username=username, UserAttributes=[{"Name": name, "Value": value}]
    )


def test_changed_attributes_are_counted_by_attribute(pool: Pool) -> None:
    path = migrated(pool)
    set_attribute(pool, "u00001", "name", "Another Name")
    set_attribute(pool, "u00002", "name", "Another Name")
    set_attribute(pool, "u00002", "custom:legacy_id", "new")
    found = check(path)
    assert found.changed == {"name": 2, "custom:legacy_id": 1}
    assert (found.altered, found.there, found.exit_status) == (2, 5, 1)


def test_people_who_have_set_a_password_have_moved_on_and_are_no_difference(pool: Pool) -> None:
    path = migrated(pool)
    chosen = {"Password": "Invented-1234", "Permanent": True}
    pool.client.admin_set_user_password(UserPoolId=pool.pool_id, Username="u00001", **chosen)
    found = check(path)
    assert found.moved == {"RESET_REQUIRED → CONFIRMED": 1}
    assert found.exit_status == 0


def test_strangers_are_counted_and_those_whom_any_run_has_seen_are_none(pool: Pool) -> None:
    """Known is who was in the pool before the run, and who is in the source, landed or not."""
    pool.client.admin_create_user(UserPoolId=pool.pool_id, Username="before", MessageAction="SUPPRESS")
    path = migrated(pool)
    assert check(path).unknown == 0
    pool.client.admin_create_user(UserPoolId=pool.pool_id, Username="after", MessageAction="SUPPRESS")
    found = check(path)
    assert (found.unknown, found.there, found.exit_status) == (1, 5, 1)


def test_somebody_else_under_the_same_name_does_not_count_as_there(pool: Pool) -> None:
    path = migrated(pool)
    pool.client.admin_delete_user(UserPoolId=pool.pool_id, Username="u00003")
    pool.client.admin_create_user(UserPoolId=pool.pool_id, Username="u00003", MessageAction="SUPPRESS")
    found = check(path)
    assert (found.there, found.gone, found.replaced, found.unknown) == (4, 1, 1, 0)


def test_a_run_that_was_not_read_back_is_matched_by_name(pool: Pool) -> None:
    """Nothing is known then of what users looked like, so nothing is said of changes."""
    path = migrated(pool, verify="none")
    pool.client.admin_delete_user(UserPoolId=pool.pool_id, Username="u00003")
    found = check(path)
    assert (found.expected, found.there, found.compared, found.changed) == (5, 4, 0, {})


def test_without_a_finished_run_there_is_nothing_to_hold_the_pool_against(pool: Pool) -> None:
    with pytest.raises(ConfigurationError, match="no finished run"):
        check(pool.run_file([person(1)]))


def test_another_pool_than_the_run_has_filled_is_refused(pool: Pool) -> None:
    path = migrated(pool)
    other = pool.client.create_user_pool(PoolName="other")["UserPool"]["Id"]
    path.write_text(path.read_text().replace(pool.pool_id, other))
    with pytest.raises(ConfigurationError, match="did not fill the pool"):
        check(path)


def test_what_a_killed_check_has_left_is_removed(pool: Pool) -> None:
    path = migrated(pool)
    left = run_folder(path).path / ".reconcile-20260101T000000Z"
    left.mkdir()
    check(path)
    assert not left.exists()


def test_the_flow_ends_in_a_state_that_says_what_was_found(pool: Pool) -> None:
    path = migrated(pool)
    good = reconcile_users.fn(str(path))
    assert (good.type, good.name, good.message) == (
        StateType.COMPLETED,
        "Completed",
        "all 5 users are there, unchanged",
    )
    pool.client.admin_delete_user(UserPoolId=pool.pool_id, Username="u00003")
    other = reconcile_users.fn(str(path))
    assert (other.type, other.name) == (StateType.COMPLETED, DIFFERENCES)
    assert other.message.startswith("4 of 5 users are there; 1 gone")


def test_the_card_shows_counts_alone(pool: Pool) -> None:
    path = migrated(pool)
    set_attribute(pool, "u00001", "name", "Another Name")
    card = reconciliation_markdown("acme", check(path))
    assert "| altered | 1 |" in card
    assert "| name | 1 |" in card
    for value in ("u00001", "Another", "@example.com"):
        assert value not in card
