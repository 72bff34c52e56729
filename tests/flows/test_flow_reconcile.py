"""The flow ``reconcile-users``: what it was asked and what it found, and nobody's data in Prefect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prefect.states import StateType

from flows.reconcile import DIFFERENCES, reconcile_users
from flows.settings import load_run_file
from tests.flows.conftest import Pool, person
from tests.flows.journeys import QUICK, travel

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(pool: Pool) -> Path:
    """A finished run of five users."""
    made = pool.run_file([person(n) for n in range(5)], jobs=QUICK)
    travel(made)
    return made


def test_the_flow_ends_in_a_state_that_says_what_was_found(pool: Pool, path: Path) -> None:
    good = reconcile_users.fn(str(path))
    assert (good.type, good.name, good.message) == (
        StateType.COMPLETED,
        "Completed",
        "all 5 users are there, unchanged",
    )
    pool.client.admin_delete_user(UserPoolId=pool.pool_id, Username="u00003")
    other = reconcile_users.fn(str(path))
    assert (other.type, other.name) == (StateType.COMPLETED, DIFFERENCES)
    assert other.message == "4 of 5 users are there; 1 missing"


def test_the_flow_takes_the_options_of_the_command(
    pool: Pool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr("flows.reconcile.show_markdown", lambda *told: shown.append(str(told)))
    pool.client.admin_update_user_attributes(
        UserPoolId=pool.pool_id, Username="u00001", UserAttributes=[{"Name": "name", "Value": "Another Name"}]
    )
    (pool.folder / "users.csv").unlink()
    found = reconcile_users.fn(str(path), no_source=True, with_values=True)
    assert (found.data["with_source"], found.data["differences"]["new"]) == (False, None)
    files = load_run_file(path).state_folder / found.data["run_id"] / found.data["folder"]
    assert "Another Name" in (files / "values.csv").read_text()
    (card,) = shown
    assert "| altered | 1 |" in card
    told = card + str(found.data) + str(found.message)
    assert not [value for value in ("u00001", "Another", "@example.com") if value in told]
