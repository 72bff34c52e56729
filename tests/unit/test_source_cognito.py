"""Another pool as a source: tokens that are refused, groups and factors, and no call that is not needed."""

from __future__ import annotations

import json
import logging
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from connectors.errors import ConfigurationError, PoolferryError, SourceError, ThrottledError
from connectors.sources.cognito_pool import FACTORS, record_of
from mappings.convert import dates_in
from mappings.engine import compile_mapping
from mappings.spec import parse_mapping
from tests.contracts.cognito_specimen import OldPool, OldPools
from tests.contracts.preset_people import judged, rejected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.records import Cursor, Page
    from connectors.sources.cognito_pool import CognitoSource

PEOPLE = json.loads((files("tests.contracts") / "presets" / "cognito.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pools() -> Iterator[OldPools]:
    made = OldPools()
    yield made
    made.close()


@pytest.fixture
def old(pools: OldPools, monkeypatch: pytest.MonkeyPatch) -> OldPool:
    for name, value in pools.sandbox.environment.items():
        monkeypatch.setenv(name, value)
    return pools.make()


def filled(old: OldPool, users: int = 8) -> OldPool:
    for number in range(users):
        old.put(f"u{number}", {"email": f"u{number}@example.com"})
    return old


def names_of(pages: list[Page]) -> list[str]:
    return [name for page in pages for name in page.rows["Username"]]


def refused(cursor: Cursor) -> Cursor:
    """The cursor as it is once the service does not take its token any more."""
    return {**cursor, "token": "too-old"}


def asked(source: CognitoSource) -> list[tuple[str, dict[str, Any]]]:
    """What the source asks for from now on."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def note(params: dict[str, Any], model: Any, **_: object) -> None:
        calls.append((model.name, dict(params)))

    source.client.meta.events.register("provide-client-params.cognito-identity-provider", note)
    return calls


@pytest.mark.parametrize("again", [1, 3, 5, 60])
def test_a_refused_token_loses_nobody_and_repeats_nobody(
    old: OldPool, again: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the pages of the second reading hold."""
    first = next(filled(old).source(page_users=5).pages(["Username"]))
    with caplog.at_level(logging.WARNING, "connectors.sources"):
        rest = list(old.source(page_users=again).pages(["Username"], refused(first.cursor)))
    assert names_of([first, *rest]) == [f"u{number}" for number in range(8)]
    assert [line for page in rest for line in page.rows["@line"]] == [6, 7, 8]
    assert "5 users who were read already are skipped" in caplog.text
    assert "u0" not in caplog.text


@pytest.mark.parametrize("page_users", [2, 5])
def test_a_refused_token_and_other_users_stop_the_reading(old: OldPool, page_users: int) -> None:
    """Whom nobody could tell from those who were read already are never guessed."""
    first = next(filled(old).source(page_users=5).pages(["Username"]))
    old.client.admin_delete_user(UserPoolId=old.id, Username="u2")
    with pytest.raises(SourceError, match="other users now than before") as told:
        list(old.source(page_users=page_users).pages(["Username"], refused(first.cursor)))
    assert "--new" in told.value.mend


def test_a_refused_token_and_fewer_users_than_were_read_stop_the_reading(old: OldPool) -> None:
    first = next(filled(old).source(page_users=5).pages(["Username"]))
    for number in range(6):
        old.client.admin_delete_user(UserPoolId=old.id, Username=f"u{number}")
    with pytest.raises(SourceError, match="other users now than before"):
        list(old.source().pages(["Username"], refused(first.cursor)))


def test_a_token_that_is_refused_at_once_is_not_tried_for_ever(old: OldPool) -> None:
    source = filled(old).source(page_users=2)
    first = next(source.pages(["Username"]))

    def spoil(params: dict[str, Any], **_: object) -> None:
        if "PaginationToken" in params:
            params["PaginationToken"] = "spoilt"

    source.client.meta.events.register("provide-client-params.cognito-identity-provider.ListUsers", spoil)
    with pytest.raises(SourceError, match="refuses the token that it gave"):
        list(source.pages(["Username"], {**first.cursor, "read": 4}))


def test_users_in_another_order_are_the_same_users(old: OldPool) -> None:
    """The service fixes no order (F5.15): only who was read counts."""
    first = next(filled(old).source(page_users=5).pages(["Username"]))
    order = old.directory._in_order
    for place, user in enumerate(reversed(order[:5])):
        user.position, order[place] = place, user  # type: ignore[union-attr]
    rest = list(old.source(page_users=2).pages(["Username"], refused(first.cursor)))
    assert names_of(rest) == ["u5", "u6", "u7"]


def test_short_pages_are_no_end(old: OldPool, pools: OldPools) -> None:
    filled(old)
    pools.sandbox.update(list_users_short_pages=True)
    try:
        pages = list(old.source(page_users=4).pages(["Username"]))
    finally:
        pools.sandbox.update(list_users_short_pages=False)
    assert names_of(pages) == [f"u{number}" for number in range(8)]
    assert [page.rows.height for page in pages] == [2, 2, 2, 2]


@contextmanager
def struck(pools: OldPools, kind: str, times: int | None = 2) -> Iterator[None]:
    """ListUsers goes wrong behind the first page for a while."""
    pools.sandbox.update(faults=[{"at": "ListUsers", "kind": kind, "skip": 1, "times": times}])
    try:
        yield
    finally:
        pools.sandbox.update(faults=[])


@pytest.mark.parametrize("kind", ["throttle", "http_500", "http_503", "cut"])
def test_what_may_go_well_the_next_time_is_tried_again(old: OldPool, pools: OldPools, kind: str) -> None:
    with struck(pools, kind):
        pages = list(filled(old).source().pages(["Username"]))
    assert names_of(pages) == [f"u{number}" for number in range(8)]


@pytest.mark.parametrize(
    ("kind", "error", "said"),
    [
        ("http_403", SourceError, "Allow it in the IAM policy"),
        ("throttle", ThrottledError, "gave up after 8 tries"),
    ],
)
def test_what_does_not_go_away_is_told_without_a_value(
    old: OldPool, pools: OldPools, kind: str, error: type[PoolferryError], said: str
) -> None:
    pages = filled(old).source().pages(["email"])
    with struck(pools, kind, times=None), closing(pages):  # type: ignore[type-var]  # sources are generators
        next(pages)
        with pytest.raises(error) as told:
            next(pages)
    assert said in str(told.value)
    assert "ListUsers" in str(told.value)
    assert "@example.com" not in str(told.value)


def test_attributes_and_groups_are_asked_for_only_where_they_are_needed(old: OldPool) -> None:
    source = filled(old, 2).source()
    calls = asked(source)
    list(source.pages(["Username", "Enabled", "sub"]))
    assert [(name, more.get("AttributesToGet")) for name, more in calls] == [
        ("DescribeUserPool", None),
        ("ListUsers", ["sub"]),
    ]
    calls.clear()
    list(source.pages(["email"]))
    assert [(name, more.get("AttributesToGet")) for name, more in calls] == [("ListUsers", None)]


def test_groups_are_read_group_by_group(old: OldPool) -> None:
    filled(old, 4)
    for name, group in (("u0", "staff"), ("u0", "admins"), ("u3", "staff")):
        old.join(name, group)
    source = old.source(page_users=2)
    calls = asked(source)
    found = [row for page in source.pages(["Username", "Groups"]) for row in page.rows["Groups"]]
    assert found == ['["admins","staff"]', "[]", "[]", '["staff"]']
    assert [name for name, _ in calls if name.startswith("ListUsersIn")] == ["ListUsersInGroup"] * 2


def test_groups_that_must_not_be_read_are_no_field(old: OldPool) -> None:
    source = old.source(groups=False)
    calls = asked(source)
    source.check()
    assert "Groups" not in source.fields()
    assert "ListGroups" not in [name for name, _ in calls]
    with pytest.raises(SourceError, match="unknown field 'Groups'"):
        list(source.pages(["Groups"]))


def test_factors_are_asked_for_only_where_the_run_file_says_so(old: OldPool) -> None:
    for person in PEOPLE:
        old.put_person(person)
    assert set(FACTORS).isdisjoint(old.source().fields())
    rows = [
        row
        for page in old.source(second_factors=True).pages(["Username", "UserMFASettingList[0]", *FACTORS])
        for row in page.rows.rows()
        if any(row[3:])
    ]
    assert [row[2:] for row in rows] == [
        ("kim", "SOFTWARE_TOKEN_MFA", "SOFTWARE_TOKEN_MFA", '["SOFTWARE_TOKEN_MFA"]'),
        ("lou", "SMS_MFA", "SMS_MFA", '["SMS_MFA"]'),
    ]


def test_somebody_who_was_deleted_meanwhile_has_no_factor(old: OldPool) -> None:
    source = filled(old, 1).source(second_factors=True)
    assert source._factors(["u0", "nobody"]) == [{}, {}]


def test_what_list_users_tells_is_flat_and_times_are_utc() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    found = record_of(
        {
            "Username": "a",
            "Enabled": False,
            "UserCreateDate": moment,
            "Attributes": [{"Name": "custom:a.b", "Value": "007"}],
            "MFAOptions": [{"DeliveryMedium": "SMS", "AttributeName": "phone_number"}],
        }
    )
    assert found["custom:a.b"] == "007"
    assert found["UserCreateDate"] == "2026-01-02T03:04:05+00:00"
    assert found["MFAOptions"] == [{"DeliveryMedium": "SMS", "AttributeName": "phone_number"}]


def test_the_region_is_the_one_that_the_id_names() -> None:
    source = OldPool.source.__get__(type("Named", (), {"id": "ap-south-1_Old"})())()
    assert source.region == source.client.meta.region_name == "ap-south-1"


def test_an_unknown_profile_is_told(old: OldPool) -> None:
    with pytest.raises(ConfigurationError, match="profile"):
        old.source(profile="nobody").check()


def test_the_preset_maps_everybody_but_the_planted_one(old: OldPool) -> None:
    """Into a pool without second factors, so nobody brings one."""
    for person in PEOPLE:
        old.put_person({**person, "Factor": None})
    users = judged(old.source(second_factors=True), "cognito")
    assert rejected(users) == {"planted-birthdate": "birthdate_invalid"}
    assert len(users) == len(PEOPLE)
    assert [name for name, user in users.items() if not user["@enabled"]] == ["ben", "hal", "ida"]
    assert {name: user["@groups"] for name, user in users.items() if user["@groups"]} == {
        "ann": ["admins", "staff"],
        "chi": ["staff"],
    }
    assert {name: user["@identities"] for name, user in users.items() if user["@identities"]} == {
        "Google_104": ["Google/104"],
        "gil": ["Google/g-1", "corp/gil@example.com"],
    }
    assert users["ann"]["birthdate"] == users["ben"]["birthdate"] == "1990-02-03"
    by_hand = {name for name, user in users.items() if user["@csv_reason"] is not None}
    assert by_hand >= {"emil", "Google_104", "jo"}


def test_the_preset_knows_factors_by_their_names_in_cognito(old: OldPool) -> None:
    for person in PEOPLE:
        old.put_person(person)
    source = old.source(second_factors=True, page_users=60)
    mapping = compile_mapping(parse_mapping("cognito", where="run.yaml"), known_fields=source.fields())
    (page,) = source.pages(mapping.fields)
    found = mapping.apply(page.rows).filter(pl.col("@mfa").is_not_null())
    assert dict(found.select("@username", "@mfa").iter_rows()) == {"kim": "totp", "lou": "sms"}


def test_a_date_is_read_by_the_first_format_that_fits() -> None:
    """A pool that was filled by import jobs may hold both forms (F1.37)."""
    read = dates_in(("iso", "%m/%d/%Y"))
    texts = pl.Series(["1990-02-03", "02/03/1990", "31/12/1990", None])
    assert read(texts).to_list() == ["1990-02-03", "1990-02-03", None, None]
