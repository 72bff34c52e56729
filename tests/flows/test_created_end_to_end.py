"""Users who are created one by one: whatever gets lost, and whoever is refused, each has one verdict."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from connectors.errors import ConfigurationError
from flows.settings import load_run_file
from flows.steps import stretches
from flows.steps.context import Worker
from flows.steps.forecast import Forecast, plan
from tests.flows.conftest import Pool, person
from tests.flows.journeys import (
    CREATED,
    DEFERRED,
    EXISTING,
    IMPORTED,
    QUICK,
    At,
    add,
    check,
    hold,
    make_pool,
    mapping,
    rejected,
    switched,
    text_attribute,
    travel,
)
from tests.flows.wires import Wires

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox

BY_CALL: dict[str, Any] = {"jobs": QUICK, "strategies": ["admin_create_user"]}
BCRYPT = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
SOME = [person(n) for n in range(6)]
PHONE = "+493023125001"


def forecast(run_file: Path) -> Forecast:
    return plan(load_run_file(run_file), Worker())


def messages(sandbox: Sandbox) -> dict[str, int]:
    found: dict[str, int] = sandbox.counters()["messages"]
    return found


# messages -------------------------------------------------------------------------------------


def test_only_who_needs_it_is_invited_and_only_where_it_is_asked_for(pool: Pool, sandbox: Sandbox) -> None:
    """Who brings a password keeps it, who is disabled cannot sign in, and who has no contact gets nothing."""
    people = [
        person(1),
        person(2, verified="false", phone=PHONE),
        person(3, pw="Long-enough-1"),
        person(4, active="no"),
        person(5, email="", verified="false"),
    ]
    own = mapping() | {"password": {"from": "pw"}}
    own.pop("password_hash")
    run_file = pool.run_file(people, **BY_CALL, mapping=own, admin_create_user={"invite": ["email", "sms"]})
    before = messages(sandbox)
    assert forecast(run_file).messages == 3
    assert messages(sandbox) == before
    hold(travel(run_file), pool)
    sent = {name: count - before.get(name, 0) for name, count in messages(sandbox).items()}
    assert {name: count for name, count in sent.items() if count} == {
        "invitation/EMAIL": 2, "invitation/SMS": 1
    }  # fmt: skip
    status = {name: user["UserStatus"] for name, user in pool.users().items()}
    assert status["u00001"] == "FORCE_CHANGE_PASSWORD", "the invitation's password is good"
    assert status["u00003"] == "CONFIRMED"


@pytest.mark.parametrize("settings", [None, {"invite": False}])
def test_nobody_is_invited_unasked(pool: Pool, sandbox: Sandbox, settings: dict[str, Any] | None) -> None:
    changes = {"admin_create_user": settings} if settings else {}
    before = messages(sandbox)
    assert forecast(pool.run_file(SOME, **BY_CALL, **changes)).messages == 0
    check(pool, SOME, [CREATED] * len(SOME), **BY_CALL, **changes)
    assert messages(sandbox) == before


# names ----------------------------------------------------------------------------------------


def test_a_username_that_the_pool_makes_is_kept(pool: Pool, sandbox: Sandbox) -> None:
    pool = make_pool(sandbox, pool.folder, UsernameAttributes=["email"])
    journey = check(pool, SOME, [CREATED] * 6, **BY_CALL, mapping=mapping(username="email"))
    kept = pl.read_parquet(journey.folder / "outcomes" / "batch-*.parquet")
    assert set(kept["name_in_pool"]) == set(pool.users())
    assert not list((journey.folder / "parts").iterdir())


CLASH = [person(1, email="taken@example.com"), person(2)]


def test_a_taken_alias_is_left_to_whoever_has_it(pool: Pool, sandbox: Sandbox) -> None:
    pool = make_pool(sandbox, pool.folder, AliasAttributes=["email"])
    add(pool, "there", email="taken@example.com", email_verified="true")
    assert forecast(pool.run_file(CLASH)).aliases_taken == 0
    check(pool, CLASH, [rejected("email_taken_in_pool"), IMPORTED])


def test_a_taken_alias_is_moved_where_the_run_file_says_so(pool: Pool, sandbox: Sandbox) -> None:
    """Only AdminCreateUser can do it, so the user goes by no job; the plan says how many lose a name."""
    pool = make_pool(sandbox, pool.folder, AliasAttributes=["email"])
    add(pool, "there", email="taken@example.com", email_verified="true")
    force = {"admin_create_user": {"alias_clash": "force"}}
    assert forecast(pool.run_file(CLASH, **force)).aliases_taken == 1
    check(pool, CLASH, [CREATED, IMPORTED], **force)
    found = pool.client.admin_get_user(UserPoolId=pool.pool_id, Username="taken@example.com")
    assert found["Username"] == "u00001"
    assert "there" in pool.users()


def test_a_hash_is_not_lost_for_the_sake_of_an_alias(pool: Pool, sandbox: Sandbox) -> None:
    """The trigger could not take the alias either (F6.8)."""
    pool = make_pool(sandbox, pool.folder, AliasAttributes=["email"])
    add(pool, "there", email="taken@example.com", email_verified="true")
    people = [person(1, email="taken@example.com", pw=BCRYPT)]
    check(
        pool, people, [rejected("email_taken_in_pool")], admin_create_user={"alias_clash": "force"}
    )  # fmt: skip


# replies that get lost ------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["lose_reply", "lose_call"])
@pytest.mark.parametrize("marker", [None, "custom:run"])
def test_a_lost_reply_is_settled_by_asking_the_pool(
    pool: Pool, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, fault: str, marker: str | None
) -> None:
    monkeypatch.setattr("flows.steps.creating.LOOKS", 1)
    pool = make_pool(sandbox, pool.folder, Schema=[text_attribute("tenant"), text_attribute("run")])
    wires = Wires(monkeypatch)
    getattr(wires, fault)("AdminCreateUser", 1, 3, 4)
    wires.lose_reply("AdminSetUserPassword", 2)
    journey = check(pool, SOME, [CREATED] * 6, **BY_CALL, admin_create_user={"marker": marker})
    assert wires.sent["AdminCreateUser"] == (6 if fault == "lose_reply" else 9)
    assert {user["UserStatus"] for user in pool.users().values()} == {"CONFIRMED"}
    marks = {pool.attributes(name).get("custom:run") for name in pool.users()}
    assert marks == {journey.folder.name if marker else None}


def test_somebody_else_of_the_same_name_is_not_taken_for_ours(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They came in between, and the reply got lost besides."""
    wires = Wires(monkeypatch)
    wires.lose_reply("AdminCreateUser", 1)
    run_file = pool.run_file(SOME, **BY_CALL)

    def come_in() -> None:
        add(pool, "u00002", email="other@example.com", email_verified="true")
        add(pool, "stranger", email="stranger@example.com")

    journey = travel(run_file, At("Creating users", come_in))
    assert journey.of("u00002")["verdict"] == "existing"
    assert journey.counts() == {"created": 5, "existing": 1}
    assert pool.attributes("u00002")["email"] == "other@example.com"


def test_who_was_made_just_alike_by_somebody_else_is_existing(pool: Pool) -> None:
    """A first call that is answered leaves no doubt: a run beside this one may have made the user."""
    values = {
        "email": "user2@example.com", "email_verified": "true", "birthdate": "1990-02-03",
        "name": "Vera Muster 2", "custom:tenant": "acme",
    }  # fmt: skip
    run_file = pool.run_file(SOME, **BY_CALL)
    journey = travel(run_file, At("Creating users", lambda: add(pool, "u00002", **values)))
    assert journey.of("u00002")["verdict"] == "existing"
    assert pool.users()["u00002"]["UserStatus"] == "FORCE_CHANGE_PASSWORD", "its password is left alone"
    assert journey.counts() == {"created": 5, "existing": 1}


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_what_was_done_before_a_stop_is_not_done_again(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException]
) -> None:
    """Users whom the stopped start has made are `created`, and each of them only once."""
    monkeypatch.setattr("flows.steps.crew.CHUNK_SECONDS", 0.0)
    people = [person(n) for n in range(40)]
    run_file = pool.run_file(people, **BY_CALL, admin_create_user={"threads": 4})
    wires = Wires(monkeypatch)

    def die(number: int) -> None:
        if number == 15:
            raise stop

    wires.after("AdminCreateUser", die)
    with pytest.raises(stop):
        travel(run_file)
    there = len(pool.users())
    assert 15 <= there < 25
    wires.after("AdminCreateUser", lambda _: None)
    journey = travel(run_file)
    hold(journey, pool)
    assert journey.counts() == {"created": 40}
    assert wires.sent["AdminCreateUser"] <= 40 + 1, "only the one whose reply was lost is asked for again"


def test_a_user_who_changed_something_meanwhile_is_known_by_the_marker(
    pool: Pool, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_pool(sandbox, pool.folder, Schema=[text_attribute("tenant"), text_attribute("run")])
    run_file = pool.run_file(SOME[:1], **BY_CALL, admin_create_user={"marker": "custom:run"})
    wires = Wires(monkeypatch)

    def change_and_die(_: int) -> None:
        pool.client.admin_update_user_attributes(
            UserPoolId=pool.pool_id, Username="u00000", UserAttributes=[{"Name": "name", "Value": "Other"}]
        )
        raise KeyboardInterrupt

    wires.after("AdminCreateUser", change_and_die)
    with pytest.raises(KeyboardInterrupt):
        travel(run_file)
    wires.after("AdminCreateUser", lambda _: None)
    assert travel(run_file).ends() == [CREATED]


@pytest.mark.parametrize(
    ("marker", "text"),
    [
        ("custom:nun", "unknown attribute 'custom:nun'. Did you mean 'custom:run'"),
        ("custom:tenant", "the mapping fills custom:tenant already"),
        ("custom:short", "does not take the 23 characters"),
        ("custom:number", "does not take the 23 characters"),
    ],
)
def test_a_marker_that_would_prove_nothing_is_refused(
    pool: Pool, sandbox: Sandbox, marker: str, text: str
) -> None:
    short = text_attribute("short", StringAttributeConstraints={"MinLength": "0", "MaxLength": "22"})
    number = {"Name": "number", "AttributeDataType": "Number", "Mutable": True}
    schema = [text_attribute("tenant"), text_attribute("run"), short, number]
    pool = make_pool(sandbox, pool.folder, Schema=schema)
    run_file = pool.run_file(SOME, **BY_CALL, admin_create_user={"marker": marker})
    with pytest.raises(ConfigurationError, match=text):
        travel(run_file)


def test_calls_wait_for_replies_side_by_side(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a reply in 0.3 s and eight threads, 16 users take much less than 16 times that."""
    wires = Wires(monkeypatch)
    wires.after("AdminCreateUser", lambda _: time.sleep(0.3))
    people = [person(n, verified="false") for n in range(16)]
    run_file = pool.run_file(people, **BY_CALL, verify="none", admin_create_user={"threads": 8})
    begun = time.monotonic()
    taken: list[float] = []
    work_off = stretches.work_off

    def timed(*arguments: Any) -> Any:
        begun = time.monotonic()
        done = work_off(*arguments)
        taken.append(time.monotonic() - begun)
        return done

    monkeypatch.setattr("flows.strategies.admin_create_user.work_off", timed)
    assert travel(run_file).counts() == {"created": 16}
    assert begun
    assert taken[0] < 16 * 0.3 / 2


# refused, and on to the next way --------------------------------------------------------------


def test_whom_a_job_refuses_is_created_by_the_next_way(pool: Pool, sandbox: Sandbox) -> None:
    """Their address was given away on the way; by force they get it all the same."""
    pool = make_pool(sandbox, pool.folder, AliasAttributes=["email"])
    run_file = pool.run_file(SOME, jobs=QUICK, admin_create_user={"alias_clash": "force"})

    def give_away() -> None:
        add(pool, "stranger", email="user3@example.com", email_verified="true")

    before = pool.users()
    journey = travel(run_file, At("Uploading", give_away))
    assert journey.summary["balanced"]
    found = journey.of("u00003")
    assert (found["verdict"], found["strategy"], found["job_id"]) == ("created", "admin_create_user", None)
    assert journey.counts() == {"imported": 5, "created": 1}
    assert set(pool.users()) - set(before) == {"stranger", *(one["id"] for one in SOME)}


def test_a_hash_that_a_job_refuses_is_left_to_the_trigger(pool: Pool, sandbox: Sandbox) -> None:
    """AdminCreateUser would lose it; the user tries each way once."""
    pool = make_pool(sandbox, pool.folder, AliasAttributes=["email"])
    people = [person(n, pw=BCRYPT) for n in range(4)]
    run_file = pool.run_file(people, jobs=QUICK)

    def give_away() -> None:
        add(pool, "stranger", email="user3@example.com", email_verified="true")

    journey = travel(run_file, At("Uploading", give_away))
    assert journey.ends() == [IMPORTED] * 3 + [DEFERRED]
    assert journey.of("u00003")["strategy"] == "migration_trigger"
    assert journey.summary["balanced"]


@pytest.mark.parametrize(
    ("strategies", "end"),
    [
        (["admin_create_user", "migration_trigger"], DEFERRED),
        (["admin_create_user", "import_job"], ("failed", "invalid_password")),
        (["admin_create_user"], ("failed", "invalid_password")),
    ],
    ids=lambda part: part[-1] if isinstance(part, list) else "",
)
def test_a_password_that_the_policy_refuses_is_left_to_the_trigger(
    pool: Pool, strategies: list[str], end: tuple[str, str | None]
) -> None:
    """The trigger's passwords are not held against the policy (F6.6); nobody is made before."""
    own = mapping() | {"password": {"from": "pw"}}
    own.pop("password_hash")
    people = [person(1, pw="Long-enough-1"), person(2, pw="short")]
    check(pool, people, [CREATED, end], mapping=own, strategies=strategies)


def test_a_name_that_somebody_has_is_handed_to_no_other_way(pool: Pool) -> None:
    """The trigger is never asked for a user of the pool (F6.16)."""
    own = mapping() | {"password": {"from": "pw"}}
    own.pop("password_hash")
    run_file = pool.run_file(
        [person(1, pw="Long-enough-1")],
        jobs=QUICK,
        mapping=own,
        strategies=["admin_create_user", "migration_trigger"],
    )
    journey = travel(run_file, At("Creating users", lambda: add(pool, "u00001", email="other@example.com")))
    assert journey.ends() == [EXISTING]


def test_whom_a_stopped_start_has_handed_on_is_not_handed_on_twice(
    pool: Pool, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch of the next way is in the ledger already when the crash comes."""
    pool = make_pool(sandbox, pool.folder, AliasAttributes=["email"])
    run_file = pool.run_file(SOME, jobs=QUICK, admin_create_user={"alias_clash": "force"})

    def give_away() -> None:
        add(pool, "stranger", email="user3@example.com", email_verified="true")

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    from flows.ledger.store import Ledger  # noqa: PLC0415 - only this test breaks it

    advance = Ledger.advance

    def stop_before_the_end(ledger: Ledger, batch: Any, state: Any, **facts: Any) -> Any:
        if "handed_on" in facts:
            die()
        return advance(ledger, batch, state, **facts)

    monkeypatch.setattr(Ledger, "advance", stop_before_the_end)
    with pytest.raises(KeyboardInterrupt):
        travel(run_file, At("Uploading", give_away))
    monkeypatch.setattr(Ledger, "advance", advance)
    with switched(sandbox):
        journey = travel(run_file)
    assert journey.summary["balanced"]
    assert journey.counts() == {"imported": 5, "created": 1}
    assert journey.of("u00003")["strategy"] == "admin_create_user"
