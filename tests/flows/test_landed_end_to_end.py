"""What happens once users have landed: groups, the proof, the numbers; and sources with hardly anybody."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import polars as pl
import pytest

from connectors.cognito.after_work import AfterWork
from connectors.errors import UserRefusedError
from flows.settings import load_run_file
from flows.steps import comparing
from flows.steps.context import Worker
from flows.steps.forecast import plan
from flows.steps.progress import Silence
from tests.flows.conftest import Pool, person
from tests.flows.journeys import (
    CREATED,
    IMPORTED,
    QUICK,
    At,
    add,
    check,
    hold,
    lead_to,
    make_pool,
    mapping,
    rejected,
    statuses,
    switched,
    travel,
)

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox

SOME = [person(n) for n in range(3)]
BCRYPT = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"


@pytest.fixture
def pool(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pool:
    lead_to(sandbox, monkeypatch)
    return make_pool(sandbox, tmp_path)


# proof ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("verify", ["full", "sample", "none"])
def test_how_much_is_read_back(pool: Pool, verify: str) -> None:
    people = [person(1, id="Ann"), person(2, verified="no"), person(3, email="")]
    expected = [IMPORTED, CREATED, rejected("email_verified_without_email")]
    journey = check(pool, people, expected, verify=verify)
    assert (journey.of("Ann")["sub"] is None) is (verify == "none")
    assert journey.of("u00002")["sub"] == pool.attributes("u00002")["sub"]
    assert journey.facts().get("read_back") == (None if verify == "none" else 2)


class Totals(Silence):
    """Notes how much each stage says that it has before it."""

    def __init__(self) -> None:
        self.of: dict[str, float | None] = {}

    def stage(self, title: str, total: float | None, unit: str) -> None:
        del unit
        self.of[title] = total


def test_the_pool_is_read_back_to_as_many_users_as_it_has(pool: Pool) -> None:
    """Those whom it had before, and who has landed; not everybody whom the source has."""
    add(pool, "u00001", email="user1@example.com")
    people = [person(1), person(2), person(3, verified="no"), person(4, email="nonsense"), person(5, pw="?")]
    heard = Totals()
    travel(pool.run_file(people, jobs=QUICK), heard)
    assert heard.of["Reading the pool back"] == len(pool.users()) == 3


@pytest.mark.parametrize("verify", ["full", "sample"])
def test_who_is_not_there_any_more_has_failed(pool: Pool, verify: str) -> None:
    run_file = pool.run_file(SOME, jobs=QUICK, verify=verify)

    def remove() -> None:
        pool.client.admin_delete_user(UserPoolId=pool.pool_id, Username="u00001")

    title = "Reading the pool back" if verify == "full" else "Reading a sample back"
    journey = travel(run_file, At(title, remove))
    assert journey.reasons() == {"u00001": "not_in_pool"}
    assert journey.counts() == {"imported": 2, "failed": 1}


@pytest.mark.parametrize("at_once", [comparing.USERS_AT_ONCE, 1])
def test_what_was_changed_on_the_way_is_told_by_attribute(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """However large the pool is: its values are compared some users at a time."""
    monkeypatch.setattr(comparing, "USERS_AT_ONCE", at_once)
    run_file = pool.run_file(SOME, jobs=QUICK)

    def change() -> None:
        for username, name in (("u00000", "email"), ("u00001", "name"), ("u00002", "name")):
            value = "other@example.com" if name == "email" else "Other"
            pool.client.admin_update_user_attributes(
                UserPoolId=pool.pool_id, Username=username, UserAttributes=[{"Name": name, "Value": value}]
            )

    journey = travel(run_file, At("Reading the pool back", change))
    assert journey.facts()["drift"] == {"email": 1, "email_verified": 1, "name": 2}
    assert "Other" not in journey.told


@pytest.mark.parametrize("verify", ["full", "sample", "none"])
def test_nobody(pool: Pool, verify: str) -> None:
    """A header alone is a source without users: a run that ends well, without a job."""
    forecast = plan(load_run_file(pool.run_file([])), Worker())
    assert (forecast.extracted, forecast.ways, forecast.batches) == (0, {}, ())
    journey = check(pool, [], [], verify=verify)
    assert journey.summary["jobs"] == []
    assert statuses(pool) == []
    assert journey.facts().get("read_back") == (None if verify == "none" else 0)


def test_one_user(pool: Pool) -> None:
    check(pool, SOME[:1], [IMPORTED])


def test_only_lines_that_are_no_rows(pool: Pool) -> None:
    run_file = pool.run_file([])
    with (run_file.parent / "users.csv").open("a") as file:
        file.write("a,b\nc\n")
    journey = travel(run_file)
    hold(journey, pool)
    assert journey.ends() == [rejected("line_ragged")] * 2
    assert journey.verdicts["line"].to_list() == [2, 3]


def test_passwords_that_the_policy_refuses_make_nobody(pool: Pool) -> None:
    """A user who has failed is not in the pool, so that a second try is possible."""
    own = mapping() | {"password": {"from": "pw"}}
    own.pop("password_hash")
    people = [
        person(1, pw="Long-enough-1"),
        person(2, pw="short"),
        person(3, pw="Long-enough-2", active="no"),
    ]
    failed = ("failed", "invalid_password")
    check(pool, people, [CREATED, failed, CREATED], mapping=own, strategies=["admin_create_user"])
    found = {name: user["UserStatus"] for name, user in pool.users().items()}
    assert found == {"u00001": "CONFIRMED", "u00003": "FORCE_CHANGE_PASSWORD"}


def test_a_sample_finds_users_however_the_pool_spells_them(pool: Pool, sandbox: Sandbox) -> None:
    """Nobody has failed because a filter of ``ListUsers`` minds letter case and the pool does not."""
    pool = make_pool(sandbox, pool.folder, UsernameAttributes=["email"])
    run_file = pool.run_file(SOME, jobs=QUICK, verify="sample", mapping=mapping(username="email"))

    def spell_otherwise() -> None:
        address = [
            {"Name": "email", "Value": "User1@Example.com"},
            {"Name": "email_verified", "Value": "true"},
        ]
        pool.client.admin_update_user_attributes(
            UserPoolId=pool.pool_id, Username="user1@example.com", UserAttributes=address
        )

    journey = travel(run_file, At("Reading a sample back", spell_otherwise))
    hold(journey, pool)
    assert journey.ends() == [IMPORTED] * 3
    assert journey.facts()["drift"] == {"email": 1}


# groups ---------------------------------------------------------------------------------------


def test_a_group_that_the_pool_refuses_keeps_nobody_from_the_others(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report says how many memberships are missing, and the pool is asked once for each group."""
    refused = []
    make_group = AfterWork._make_group

    def make_strictly(work: AfterWork, group: str) -> None:
        if group != "unloved":
            return make_group(work, group)
        refused.append(group)
        raise UserRefusedError("invalid_parameter", "CreateGroup failed.")

    monkeypatch.setattr(AfterWork, "_make_group", make_strictly)
    journey = check(pool, [person(n, roles="unloved;staff") for n in range(3)], [IMPORTED] * 3)
    members = pool.client.list_users_in_group(UserPoolId=pool.pool_id, GroupName="staff")["Users"]
    assert len(members) == 3
    assert refused == ["unloved"]
    assert "| memberships of groups | invalid_parameter | 3 |" in journey.told
    assert journey.summary["left_out"] == {"groups": {"invalid_parameter": 3}}
    lacking = pl.read_parquet(journey.folder / "left_out.parquet")
    assert lacking.select("source_id", "step", "reason").rows() == [
        (f"u0000{n}", "groups", "invalid_parameter") for n in range(3)
    ]


def test_groups_are_joined_from_where_an_earlier_start_has_come_to(
    pool: Pool, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A million memberships take a day: what was done is not done again."""
    monkeypatch.setattr("flows.steps.after_work.USERS_PER_BATCH", 2)
    run_file = pool.run_file([person(n, roles="staff", active="no") for n in range(7)], jobs=QUICK)
    join, calls = AfterWork.join, count(1)

    def die(work: AfterWork, username: str, group: str) -> None:
        if next(calls) == 6:
            raise KeyboardInterrupt
        join(work, username, group)

    monkeypatch.setattr(AfterWork, "join", die)
    before = sandbox.counters()["operations"]
    with pytest.raises(KeyboardInterrupt):
        travel(run_file)
    hold(travel(run_file), pool)
    members = pool.client.list_users_in_group(UserPoolId=pool.pool_id, GroupName="staff")["Users"]
    assert len(members) == 7
    after = sandbox.counters()["operations"]
    for operation in ("AdminDisableUser", "AdminAddUserToGroup"):
        assert after[operation] - before.get(operation, 0) == 7


def test_a_pool_that_asks_for_a_slower_pace_stops_nothing(pool: Pool, sandbox: Sandbox) -> None:
    """Groups may be made five times a second (F4.1), and a user may be in more of them."""
    groups = [f"group-{n}" for n in range(7)]
    with switched(sandbox, throttle=True):
        check(pool, [person(1, roles=";".join(groups))], [IMPORTED])
    assert sandbox.counters()["throttled"]["UserPoolResourceUpdate"]
    found = pool.client.admin_list_groups_for_user(UserPoolId=pool.pool_id, Username="u00001")["Groups"]
    assert sorted(group["GroupName"] for group in found) == groups


def interrupt() -> None:
    raise KeyboardInterrupt


def test_a_source_that_was_read_is_not_needed_any_more(pool: Pool) -> None:
    """An export of people is best deleted early; what is sent lies in the run's folder by then."""
    people = [person(1), person(2, verified="no"), person(3, pw=BCRYPT)]
    run_file = pool.run_file(people, jobs=QUICK)
    with pytest.raises(KeyboardInterrupt):
        travel(run_file, At("Uploading batch 2", interrupt))
    (pool.folder / "users.csv").unlink()
    journey = travel(run_file)
    hold(journey, pool)
    assert journey.ends() == [IMPORTED, CREATED, IMPORTED]
    assert journey.facts()["drift"] == {}
