"""`existing: update`: what differs is written, nothing is taken away, and nobody loses a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.forecast import plan
from tests.flows.conftest import Pool, person
from tests.flows.journeys import (
    EXISTING,
    IMPORTED,
    QUICK,
    At,
    add,
    hold,
    make_pool,
    mapping,
    switched,
    text_attribute,
    travel,
)
from tests.flows.wires import Wires

if TYPE_CHECKING:
    from connectors.cognito.sandbox import Sandbox
    from tests.flows.journeys import Journey

UPDATED = ("updated", None)
UPDATE: dict[str, Any] = {"existing": "update", "jobs": QUICK}
VERIFIED = {"email_verified": "true"}


def there(pool: Pool, number: int, **changes: str) -> None:
    """Put the user of that number into the pool, as the source has them but for the changes."""
    own = {
        "email": f"user{number}@example.com", "email_verified": "true", "name": f"Vera Muster {number}",
        "birthdate": "1990-02-03", "custom:tenant": "acme",
    }  # fmt: skip
    kept = {name: value for name, value in (own | changes).items() if value}
    add(pool, f"u{number:05d}", **kept)


def update(pool: Pool, people: list[dict[str, str]], **changes: Any) -> Journey:
    """Migrate; who was there before the run and was updated is there still."""
    before = pool.users()
    journey = travel(pool.run_file(people, **{**UPDATE, **changes}))
    hold(journey, pool, before)
    return journey


def calls(sandbox: Sandbox, operation: str) -> int:
    return int(sandbox.counters()["operations"].get(operation, 0))


def test_only_what_differs_is_written(pool: Pool, sandbox: Sandbox) -> None:
    """Who is just as the source has them costs no call and no billable month."""
    there(pool, 1)
    there(pool, 2, name="Old name", nickname="kept")
    there(pool, 3, **{"custom:tenant": ""})
    add(pool, "somebody", email="else@example.com")
    people = [person(n) for n in range(1, 5)]
    told = plan(load_run_file(pool.run_file(people, **UPDATE)), Worker())
    assert (told.ways, told.existing, told.active_users) == ({"import_job": 1, "update_existing": 2}, 1, 2)
    before = calls(sandbox, "AdminUpdateUserAttributes")
    with switched(sandbox):
        journey = update(pool, people)
    assert journey.ends() == [EXISTING, UPDATED, UPDATED, IMPORTED]
    assert calls(sandbox, "AdminUpdateUserAttributes") - before == 2
    assert pool.attributes("u00002")["name"] == "Vera Muster 2"
    assert pool.attributes("u00002")["nickname"] == "kept"
    assert pool.attributes("u00003")["custom:tenant"] == "acme"
    assert [row["strategy"] for row in journey.verdicts.iter_rows(named=True)] == [
        None, "update_existing", "update_existing", "import_job"
    ]  # fmt: skip
    assert journey.of("u00002")["sub"] == pool.attributes("u00002")["sub"]


def test_by_default_nobody_is_changed(pool: Pool, sandbox: Sandbox) -> None:
    there(pool, 1, name="Old name")
    before = calls(sandbox, "AdminUpdateUserAttributes")
    assert update(pool, [person(1, roles="staff")], existing="leave").ends() == [EXISTING]
    assert calls(sandbox, "AdminUpdateUserAttributes") == before
    assert pool.attributes("u00001")["name"] == "Old name"


def test_a_contact_changes_only_with_its_verified_flag_and_without_a_message(
    pool: Pool, sandbox: Sandbox
) -> None:
    """Nothing verified becomes unverified, and no code is sent to anybody."""
    there(pool, 1, email="old1@example.com")
    there(pool, 2, email="old2@example.com")
    there(pool, 3)
    there(pool, 4, email_verified="false")
    messages = sandbox.counters()["messages"]
    people = [person(1), person(2, verified="false"), person(3, verified="false"), person(4)]
    told = plan(load_run_file(pool.run_file(people, **UPDATE)), Worker())
    assert told.left_out == {"contact_not_verified": 1}
    assert told.active_users == 2
    journey = update(pool, people)
    assert journey.ends() == [UPDATED, EXISTING, EXISTING, UPDATED]
    contacts = {name: pool.attributes(name) for name in pool.users()}
    assert [(one["email"], one["email_verified"]) for _, one in sorted(contacts.items())] == [
        ("user1@example.com", "true"),
        ("old2@example.com", "true"),
        ("user3@example.com", "true"),
        ("user4@example.com", "true"),
    ]
    assert sandbox.counters()["messages"] == messages
    assert journey.summary["left_out"] == {"attributes": {"contact_not_verified": 1}}
    assert "user2@example.com" not in journey.told


def test_a_name_that_somebody_else_has_or_wants_is_left_alone(pool: Pool, sandbox: Sandbox) -> None:
    """Some pools would move it in silence (F5.11)."""
    pool = make_pool(sandbox, pool.folder, AliasAttributes=["email"])
    add(pool, "holder", email="taken@example.com", **VERIFIED)
    for number in (1, 2, 3):
        there(pool, number, email=f"old{number}@example.com", name="Old name")
    people = [
        person(1, email="taken@example.com"),
        person(2, email="wanted@example.com"),
        person(3, email="free@example.com"),
        person(4, email="wanted@example.com"),
    ]
    journey = update(pool, people)
    assert [verdict for verdict, _ in journey.ends()][:3] == ["updated"] * 3
    assert pool.attributes("u00001")["email"] == "old1@example.com"
    assert pool.attributes("u00002")["email"] == "old2@example.com"
    assert pool.attributes("u00003")["email"] == "free@example.com"
    assert {pool.attributes(f"u0000{n}")["name"] for n in (1, 2, 3)} == {
        f"Vera Muster {n}" for n in (1, 2, 3)
    }  # fmt: skip
    assert pool.attributes("holder")["email_verified"] == "true"
    assert journey.summary["left_out"] == {"attributes": {"alias_taken": 2}}


def test_a_name_that_is_taken_at_the_last_moment_is_left_alone(pool: Pool, sandbox: Sandbox) -> None:
    pool = make_pool(sandbox, pool.folder, AliasAttributes=["email"])
    there(pool, 1, email="old@example.com", name="Old name")
    run_file = pool.run_file([person(1)], **UPDATE)

    def take() -> None:
        add(pool, "late", email="user1@example.com", **VERIFIED)

    journey = travel(run_file, At("Updating", take))
    assert journey.ends() == [UPDATED]
    assert pool.attributes("u00001")["email"] == "old@example.com"
    assert pool.attributes("u00001")["name"] == "Vera Muster 1"
    assert pool.attributes("late")["email_verified"] == "true"
    assert journey.summary["left_out"] == {"attributes": {"alias_taken": 1}}


def test_what_nobody_can_change_is_told(pool: Pool, sandbox: Sandbox) -> None:
    fixed = text_attribute("tenant", Mutable=False)
    pool = make_pool(sandbox, pool.folder, Schema=[fixed])
    there(pool, 1, **{"custom:tenant": "other"})
    there(pool, 2, **{"custom:tenant": "other"}, name="Old name")
    journey = update(pool, [person(1), person(2)])
    assert journey.ends() == [EXISTING, UPDATED]
    assert pool.attributes("u00002")["custom:tenant"] == "other"
    assert journey.summary["left_out"] == {"attributes": {"attribute_immutable": 2}}


def test_letter_case_of_a_sign_in_address_is_no_difference(pool: Pool, sandbox: Sandbox) -> None:
    """And users are found by their address where the pool makes their names."""
    pool = make_pool(sandbox, pool.folder, UsernameAttributes=["email"])
    add(pool, "User1@Example.com", **VERIFIED, name="Vera Muster 1", birthdate="1990-02-03")
    journey = update(pool, [person(1)], mapping=mapping(username="email"))
    assert journey.ends() == [UPDATED]
    (user,) = pool.users().values()
    told = {item["Name"]: item["Value"] for item in user["Attributes"]}
    assert (told["email"], told["custom:tenant"]) == ("User1@Example.com", "acme")


def test_groups_are_joined_and_never_left_and_enabled_stays(pool: Pool, sandbox: Sandbox) -> None:
    """Who is in all groups already costs no call."""
    for number in (1, 2, 3):
        there(pool, number)
    for group in ("staff", "old"):
        pool.client.create_group(UserPoolId=pool.pool_id, GroupName=group)
    for number, group in ((1, "staff"), (2, "old")):
        pool.client.admin_add_user_to_group(
            UserPoolId=pool.pool_id, Username=f"u0000{number}", GroupName=group
        )
    people = [person(1, roles="staff"), person(2, roles="staff;new"), person(3, active="no")]
    before = calls(sandbox, "AdminAddUserToGroup")
    journey = update(pool, people)
    assert journey.ends() == [EXISTING, UPDATED, EXISTING]
    assert calls(sandbox, "AdminAddUserToGroup") - before == 2
    listed = pool.client.admin_list_groups_for_user(UserPoolId=pool.pool_id, Username="u00002")["Groups"]
    assert {group["GroupName"] for group in listed} == {"staff", "new", "old"}
    assert pool.users()["u00003"]["Enabled"]


def test_a_group_that_no_pool_can_have_is_foretold_of_who_is_there_already(pool: Pool) -> None:
    for number in (1, 2):
        there(pool, number)
    people = [person(1, roles="Site Admins;staff"), person(2, roles="Site Admins")]
    told = plan(load_run_file(pool.run_file(people, **UPDATE)), Worker())
    assert told.left_out == {"group_name_invalid": 2}
    assert {call.operation: call.calls for call in told.calls}["AdminAddUserToGroup"] == 1
    journey = update(pool, people)
    assert journey.ends() == [UPDATED, EXISTING]
    assert journey.summary["left_out"] == {"groups": {"group_name_invalid": 2}}


def test_an_update_goes_on_after_lost_replies_and_a_stop(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written twice is written once; who is gone by then has failed."""
    for number in range(6):
        there(pool, number, name="Old name")
    run_file = pool.run_file([person(n) for n in range(6)], **UPDATE, admin_create_user={"threads": 1})
    wires = Wires(monkeypatch)

    def die(number: int) -> None:
        if number == 3:
            raise KeyboardInterrupt

    wires.after("AdminUpdateUserAttributes", die)
    with pytest.raises(KeyboardInterrupt):
        travel(run_file)
    pool.client.admin_delete_user(UserPoolId=pool.pool_id, Username="u00005")
    wires.lose_reply("AdminUpdateUserAttributes", 5)
    monkeypatch.setattr("connectors.retry._SlowerWhenThrottled._first", 0.01)
    journey = travel(run_file)
    assert journey.ends() == [UPDATED] * 5 + [("failed", "user_not_found")]
    assert {pool.attributes(name)["name"] for name in pool.users()} == {f"Vera Muster {n}" for n in range(5)}
