"""What a CSV has no column for: linked identities, second factors, groups; and what is left out is told."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import bcrypt
import polars as pl
import pytest
from rich.console import Console

from connectors.errors import ConfigurationError
from flows.ledger.sqlite import open_sqlite
from flows.ledger.states import BatchState
from flows.ledger.store import Ledger
from flows.reports.explaining import explain_user
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.forecast import Forecast, plan
from tests.flows.conftest import Pool, person
from tests.flows.journeys import (
    CREATED,
    IMPORTED,
    QUICK,
    check,
    hold,
    make_pool,
    mapping,
    rejected,
    travel,
)
from tests.flows.passwords_measured import Door
from tests.flows.wires import Wires

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox

PHONE = "+493023125001"
PASSWORD = "Geheim-1234"  # noqa: S105 - an invented one


def with_providers(pool: Pool) -> Pool:
    """Give a pool a social provider and one of OpenID Connect."""
    details = {"client_id": "c", "client_secret": "s", "authorize_scopes": "openid"}
    more = {"oidc_issuer": "https://login.example.com", "attributes_request_method": "GET"}
    for name, kind, own in (("Google", "Google", {}), ("corp", "OIDC", more)):
        pool.client.create_identity_provider(
            UserPoolId=pool.pool_id, ProviderName=name, ProviderType=kind, ProviderDetails=details | own
        )
    return pool


def linking(**changes: Any) -> dict[str, Any]:
    """A mapping whose identities are in the field of the roles."""
    own = mapping(**changes) | {"identities": {"from": "roles", "split": ";"}}
    own.pop("groups")
    return own


def forecast(run_file: Path) -> Forecast:
    return plan(load_run_file(run_file), Worker())


def calls(told: Forecast) -> dict[str, int]:
    """How many calls of each operation a plan foresees."""
    return {call.operation: call.calls for call in told.calls}


def linked(user: dict[str, Any]) -> set[tuple[str, str]]:
    """Providers and subjects that ``ListUsers`` shows of a user."""
    shown = [item["Value"] for item in user["Attributes"] if item["Name"] == "identities"]
    return {(each["providerName"], each["userId"]) for text in shown for each in json.loads(text)}


# identities -----------------------------------------------------------------------------------


def test_identities_are_linked_before_anybody_signs_in(pool: Pool) -> None:
    with_providers(pool)
    people = [
        person(1, roles="Google/1001"),
        person(2, roles="Google/1002;corp/a/b", verified="no"),
        person(3, roles="Facebook/1"),
        person(4, roles="Google"),
        person(5, roles=";".join(f"corp/{n}" for n in range(6))),
        person(6),
    ]
    refused = ["identity_provider_unknown", "identities_invalid", "identities_too_many"]
    expected = [IMPORTED, CREATED, *map(rejected, refused), IMPORTED]
    journey = check(pool, people, expected, mapping=linking())
    users = pool.users()
    assert linked(users["u00001"]) == {("Google", "1001")}
    assert linked(users["u00002"]) == {("Google", "1002"), ("corp", "a/b")}
    assert journey.summary["left_out"] == {}


def test_identities_are_linked_to_names_that_the_pool_makes(pool: Pool, sandbox: Sandbox) -> None:
    """Also where the reply to a link gets lost: an identity that is linked is refused the second time."""
    pool = with_providers(make_pool(sandbox, pool.folder, UsernameAttributes=["email"]))
    people = [person(1, roles="Google/1"), person(2, roles="Google/2", verified="no")]
    with pytest.MonkeyPatch.context() as patch:
        wires = Wires(patch)
        wires.lose_reply("AdminLinkProviderForUser", 1, 2)
        own = linking(username="email")
        journey = check(pool, people, [IMPORTED, CREATED], mapping=own)
    assert {frozenset(linked(user)) for user in pool.users().values()} == {
        frozenset({("Google", "1")}), frozenset({("Google", "2")})
    }  # fmt: skip
    assert journey.summary["left_out"] == {}


def test_an_identity_of_somebody_else_is_left_out_and_told(pool: Pool) -> None:
    with_providers(pool)
    people = [person(1, roles="Google/1;corp/1"), person(2, roles="Google/1;corp/2")]
    journey = check(pool, people, [IMPORTED] * 2, mapping=linking(), admin_create_user={"threads": 1})
    assert linked(pool.users()["u00002"]) == {("corp", "2")}
    assert journey.summary["left_out"] == {"link": {"invalid_parameter": 1}}
    assert "| links to other providers | invalid_parameter | 1 |" in journey.told
    lacking = pl.read_parquet(journey.folder / "left_out.parquet")
    assert lacking.rows() == [("u00002", "u00002", "link", "invalid_parameter")]
    console = Console(file=io.StringIO(), width=200)
    for part in explain_user(str(journey.folder), "u00002", pool.folder, with_values=False):
        console.print(part)
    assert "lacks links to other providers" in console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO


# second factors -------------------------------------------------------------------------------

FACTORS = [
    person(1, roles="sms", phone=PHONE),
    person(2, roles="sms"),
    person(3, roles="totp"),
    person(4, roles="email"),
    person(5, roles="off"),
    person(6, roles="on", phone=PHONE[:-1] + "2", verified="no"),
    person(7, roles="on", phone=PHONE[:-1] + "3"),
    person(8, roles="on"),
]


def factors(pool: Pool, username: str) -> tuple[str | None, list[str]]:
    found = pool.client.admin_get_user(UserPoolId=pool.pool_id, Username=username)
    return found.get("PreferredMfaSetting"), found.get("UserMFASettingList", [])


def with_factors(pool: Pool) -> dict[str, Any]:
    """Let the pool leave the choice of a second factor, and give a mapping that has one."""
    pool.client.set_user_pool_mfa_config(
        UserPoolId=pool.pool_id, MfaConfiguration="OPTIONAL",
        SoftwareTokenMfaConfiguration={"Enabled": True},
    )  # fmt: skip
    own = mapping() | {"mfa": {"from": "roles"}}
    own.pop("groups")
    return own


def test_second_factors_are_switched_on_where_that_is_possible(pool: Pool) -> None:
    """Nobody can carry the secret of an authenticator app: those users are counted before and after."""
    own = with_factors(pool)
    run_file = pool.run_file(FACTORS, jobs=QUICK, mapping=own)
    lost = {"totp_not_portable": 1, "mfa_without_contact": 1}
    told = forecast(run_file)
    assert told.left_out == dict(sorted(lost.items()))
    assert calls(told)["AdminSetUserMFAPreference"] == 4
    assert told.active_unknown == 3
    journey = travel(run_file)
    hold(journey, pool)
    assert factors(pool, "u00001") == ("SMS_MFA", ["SMS_MFA"])
    assert factors(pool, "u00004") == ("EMAIL_OTP", ["EMAIL_OTP"])
    assert factors(pool, "u00006") == ("SMS_MFA", ["SMS_MFA"])
    assert factors(pool, "u00008") == ("EMAIL_OTP", ["EMAIL_OTP"])
    for name in ("u00002", "u00003", "u00005", "u00007"):
        assert factors(pool, name) == (None, [])
    assert journey.summary["left_out"] == {"mfa": dict(sorted(lost.items()))}


def test_whoever_loses_their_second_factor_can_sign_in_to_set_it_up_anew(pool: Pool) -> None:
    """MFA without a factor would lock them out (F1.35)."""
    own = with_factors(pool)
    stored = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    people = [person(number, roles=roles, pw=stored) for number, roles in enumerate(("totp", "sms", "on"))]
    check(pool, people, [IMPORTED] * 3, mapping=own)
    flows = ["ALLOW_USER_PASSWORD_AUTH"]
    app = pool.client.create_user_pool_client(
        UserPoolId=pool.pool_id, ClientName="app", ExplicitAuthFlows=flows
    )["UserPoolClient"]["ClientId"]
    door = Door(pool, app)
    assert [door.lets_in(each["id"], PASSWORD) for each in people] == [True] * 3


# groups ---------------------------------------------------------------------------------------


def test_more_groups_than_a_pool_can_have_are_refused_before_anything_is_sent(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.steps.route.MAX_GROUPS", 2)
    run_file = pool.run_file([person(1, roles="a;b;no name"), person(2, roles="b;c")], jobs=QUICK)
    with pytest.raises(ConfigurationError, match="names 3 groups, and a pool can have 2"):
        travel(run_file)
    assert pool.users() == {}


def test_a_group_that_no_pool_can_have_is_foretold_and_left_out(pool: Pool, sandbox: Sandbox) -> None:
    """The pool is never asked for it; who is in it travels, and both plan and report tell of them (F7.19)."""
    people = [
        person(1, roles="Site Admins;staff"),
        person(2, roles="All Staff;Site Admins", verified="no"),
        person(3, roles="staff"),
    ]
    told = forecast(pool.run_file(people))
    assert (told.left_out, calls(told)["AdminAddUserToGroup"]) == ({"group_name_invalid": 2}, 2)
    assert told.active_users == 3
    before = sandbox.counters()["operations"].get("CreateGroup", 0)
    journey = check(pool, people, [IMPORTED, CREATED, IMPORTED])
    assert sandbox.counters()["operations"]["CreateGroup"] == before + 1
    assert journey.summary["left_out"] == {"groups": {"group_name_invalid": 2}}
    lacking = pl.read_parquet(journey.folder / "left_out.parquet").select("source_id", "step", "reason")
    assert lacking.rows() == [(name, "groups", "group_name_invalid") for name in ("u00001", "u00002")]
    members = pool.client.list_users_in_group(UserPoolId=pool.pool_id, GroupName="staff")["Users"]
    assert sorted(user["Username"] for user in members) == ["u00001", "u00003"]


def test_whoever_is_in_more_groups_than_a_user_can_be_is_rejected(pool: Pool) -> None:
    groups = [f"g{n}" for n in range(101)]
    people = [person(1, roles=";".join(groups)), person(2, roles=";".join(groups[:3]))]
    check(pool, people, [rejected("groups_too_many"), IMPORTED])


def test_after_work_is_in_the_ledger_step_by_step(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Disabling comes first, and each stretch is a batch that a worker can claim."""
    monkeypatch.setattr("flows.steps.after_work.USERS_PER_BATCH", 2)
    people = [person(n, roles="staff", active="no" if n else "yes") for n in range(4)]
    journey = check(pool, people, [IMPORTED] * 4)
    ledger = Ledger(open_sqlite(journey.folder / "ledger.db"), journey.folder.name, lambda: 0.0)
    batches = [batch for batch in ledger.batches() if batch.strategy == "after_work"]
    ledger.close()
    assert [(batch.facts["step"], batch.users) for batch in batches] == [
        ("disable", 2), ("disable", 1), ("groups", 2), ("groups", 2)
    ]  # fmt: skip
    assert {batch.state for batch in batches} == {BatchState.SETTLED}
    assert not list((journey.folder / "parts").iterdir())


def test_a_plan_bills_nobody_twice(pool: Pool) -> None:
    """Who is created and joins a group is one active user; who is only disabled may be one (F8.5)."""
    people = [
        person(1, verified="no", roles="staff;team"),
        person(2, roles="staff"),
        person(3, active="no"),
        person(4),
    ]
    told = forecast(pool.run_file(people))
    assert (told.active_users, told.active_unknown) == (2, 1)
    assert calls(told)["AdminAddUserToGroup"] == 3
