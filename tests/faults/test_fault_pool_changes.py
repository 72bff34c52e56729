"""What others do to the pool between two commands, and what the run makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from flows.cli import app
from tests.faults.balance import hold_balance, pool_users
from tests.faults.table import add_attribute, verify_nothing
from tests.flows.conftest import person
from tests.flows.journeys import QUICK, make_pool, travel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox
    from tests.flows.conftest import Pool

PEOPLE = [person(number) for number in range(5)]


@pytest.mark.usefixtures("_local")
def test_a_run_takes_the_pool_as_it_is_and_not_as_the_plan_saw_it(sandbox: Sandbox, tmp_path: Path) -> None:
    """A new attribute is in the header of every import file from then on (F6.31)."""
    pool = make_pool(sandbox, tmp_path)
    run_file = pool.run_file(PEOPLE, jobs=QUICK, strategies=["import_job"])
    assert CliRunner().invoke(app, ["plan", str(run_file), "--json"]).exit_code == 0
    add_attribute(pool)
    journey = travel(run_file)
    hold_balance(journey.folder, pool_users(pool.pool_id), source_ids=[one["id"] for one in PEOPLE])
    assert journey.counts() == {"imported": len(PEOPLE)}


def delete(pool: Pool) -> None:
    pool.client.delete_user_pool(UserPoolId=pool.pool_id)


CHANGES: dict[str, tuple[Callable[[Pool], None], int, str]] = {
    "it verifies nothing any more": (verify_nothing, 2, "verifies no attribute automatically"),
    "it is gone": (delete, 3, "ResourceNotFoundException"),
}


@pytest.mark.usefixtures("_local")
@pytest.mark.parametrize(("change", "status", "told"), CHANGES.values(), ids=CHANGES)
def test_a_run_that_cannot_begin_leaves_nothing_behind(
    sandbox: Sandbox, tmp_path: Path, change: Callable[[Pool], None], status: int, told: str
) -> None:
    pool = make_pool(sandbox, tmp_path)
    run_file = pool.run_file(PEOPLE, jobs=QUICK, strategies=["import_job"])
    change(pool)
    result = CliRunner().invoke(app, ["run", str(run_file), "--json"])
    assert result.exit_code == status, result.stderr
    assert told in result.stderr
    assert not list((tmp_path / "runs" / "acme").iterdir())
