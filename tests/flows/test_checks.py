"""``check`` finds before the night what would stop the run in it, and says how to mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest

from connectors.errors import SourceError
from flows.checks import check_run_file, create_import_role
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.forecast import plan
from flows.steps.running import migrate
from tests.flows.conftest import ROLE, Pool, person

if TYPE_CHECKING:
    from pathlib import Path


def found(pool: Pool, **changes: Any) -> dict[str, tuple[bool, str, str]]:
    findings = check_run_file(load_run_file(pool.run_file([person(1)], **changes)))
    return {item.what: (item.good, item.text, item.mend) for item in findings}


def target(pool: Pool, **changes: Any) -> dict[str, Any]:
    return {"user_pool_id": pool.pool_id, "region": "eu-west-1", "log_role_arn": ROLE} | changes


def test_a_created_role_is_all_that_a_good_run_file_lacks(pool: Pool) -> None:
    loaded = load_run_file(pool.run_file([person(1)]))
    arn = create_import_role(loaded, f"poolferry-{pool.pool_id[-6:]}")
    everything = found(pool, target=target(pool, log_role_arn=arn))
    assert [what for what, (good, _, _) in everything.items() if not good] == []
    assert "0 of the pool's 1,000 jobs" in everything["import jobs"][1]


def test_the_request_rates_are_told_with_where_they_are_from(pool: Pool) -> None:
    told = found(pool, strategies=["admin_create_user"], quotas={"limits": {"UserList": 10}})
    good, text, _ = told["request rates"]
    assert good
    assert "UserCreation 25 of 50 a second (provisioned)" in text
    assert "UserList 5 of 10 a second (run file)" in text


def test_creating_the_role_twice_changes_nothing(pool: Pool) -> None:
    loaded = load_run_file(pool.run_file([person(1)]))
    name = f"twice-{pool.pool_id[-6:]}"
    assert create_import_role(loaded, name) == create_import_role(loaded, name)
    assert boto3.client("iam").get_role(RoleName=name)["Role"]["RoleName"] == name


def test_a_role_that_does_not_exist_is_told(pool: Pool) -> None:
    absent = "arn:aws:iam::123456789012:role/nobody-made-this-one"
    good, text, _ = found(pool, target=target(pool, log_role_arn=absent))["import role"]
    assert not good
    assert "role" in text.lower()


def test_every_look_is_made_whatever_the_others_found(pool: Pool) -> None:
    everything = found(pool, source={"kind": "csv", "path": "absent.csv"})
    assert not everything["source"][0]
    assert "absent.csv" in everything["source"][1]
    assert everything["pool"][0]
    assert everything["auto-verified attribute"][0]


@pytest.fixture
def uneven(pool: Pool) -> Path:
    """The run file of a source whose second file lacks a field that the mapping reads."""
    run_file = pool.run_file([person(1)], source={"kind": "csv", "path": "users*.csv"})
    text = (pool.folder / "users.csv").read_text()
    (pool.folder / "users-2.csv").write_text(text)
    (pool.folder / "users-3.csv").write_text(text.replace("phone", "telephone"))
    return run_file


def test_a_later_file_without_a_mapped_field_is_told(uneven: Path) -> None:
    looked = {item.what: item for item in check_run_file(load_run_file(uneven))}
    assert looked["source"].good
    assert not looked["mapping"].good
    assert "users-3.csv: unknown field 'phone'" in looked["mapping"].text


def test_no_run_begins_that_such_a_file_would_stop(uneven: Path, pool: Pool) -> None:
    with pytest.raises(SourceError, match=r"users-3\.csv: unknown field 'phone'"):
        migrate(load_run_file(uneven), Worker())
    assert pool.users() == {}
    with pytest.raises(SourceError, match=r"users-3\.csv: unknown field 'phone'"):
        plan(load_run_file(uneven), Worker())


def test_a_pool_that_does_not_exist_ends_the_looks_that_need_it(pool: Pool) -> None:
    everything = found(pool, target=target(pool, user_pool_id="eu-west-1_Absent"))
    assert not everything["pool"][0]
    assert "mapping" not in everything
