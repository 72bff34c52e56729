"""Reading the pool back: every page, the right columns, and one user by name."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from botocore.stub import Stubber

from connectors import aws
from connectors.cognito import users as users_module
from connectors.cognito.users import USER_COLUMNS, find_user, read_back
from connectors.errors import RetryError, TargetError
from connectors.records import PoolSchema
from connectors.retry import retrying

if TYPE_CHECKING:
    from collections.abc import Iterator

POOL_ID = "eu-west-1_Example01"
BORN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ALL = {"UserPoolId": POOL_ID, "Limit": 60}


def user(number: int, **attributes: str) -> dict[str, Any]:
    told = [{"Name": "sub", "Value": f"sub-{number}"}]
    told += [{"Name": name.replace("__", ":"), "Value": value} for name, value in attributes.items()]
    return {
        "Username": f"user{number}",
        "UserStatus": "RESET_REQUIRED",
        "Enabled": number % 2 == 0,
        "UserCreateDate": BORN,
        "UserLastModifiedDate": BORN,
        "Attributes": told,
    }


@cache
def client() -> Any:
    """One client for all tests of the file: to make one takes longer than any test."""
    return aws.client("cognito-idp", region="eu-west-1")


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """A client with answers of our own; the policy keeps its rules and does not sleep."""
    monkeypatch.setattr(users_module, "retrying", lambda what: retrying(what, sleep=lambda _: None))
    with Stubber(client()) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def add_page(stub: Stubber, users: list[dict[str, Any]], asked: str = "", then: str = "") -> None:
    reply: dict[str, Any] = {"Users": users} | ({"PaginationToken": then} if then else {})
    stub.add_response("list_users", reply, ALL | ({"PaginationToken": asked} if asked else {}))


def test_all_pages_become_frames_and_short_or_empty_pages_do_not_end_them(stub: Stubber) -> None:
    add_page(stub, [user(1, email="a@example.com")], then="t1")
    add_page(stub, [], "t1", "t2")
    add_page(stub, [user(2, custom__tenant="acme")], "t2")
    frames = list(read_back(stub.client, POOL_ID, attributes=["email", "custom:tenant"]))
    found = pl.concat(frames)
    assert found.schema == {**USER_COLUMNS, "email": pl.String, "custom:tenant": pl.String}
    assert found.rows() == [
        ("user1", "sub-1", "RESET_REQUIRED", False, BORN, BORN, "a@example.com", None),
        ("user2", "sub-2", "RESET_REQUIRED", True, BORN, BORN, None, "acme"),
    ]


def test_without_a_choice_all_attributes_are_handed_out(stub: Stubber) -> None:
    add_page(stub, [user(1, name="Vera"), user(2, email="a@example.com")])
    (found,) = read_back(stub.client, POOL_ID)
    assert found.columns == [*USER_COLUMNS, "email", "name"]
    assert found["name"].to_list() == ["Vera", None]


def test_an_empty_pool_has_one_empty_frame_with_its_columns(stub: Stubber) -> None:
    add_page(stub, [])
    (found,) = read_back(stub.client, POOL_ID, attributes=["email"])
    assert found.schema == {**USER_COLUMNS, "email": pl.String}
    assert found.is_empty()


def test_pages_are_put_together_and_a_reading_goes_on_behind_the_last_frame(
    stub: Stubber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token is told only when the caller comes back: what was not taken in is read again."""
    monkeypatch.setattr(users_module, "PAGES_OF_A_FRAME", 2)
    for number, token in enumerate(["t1", "t2", "t3", "t4"], 1):
        add_page(stub, [user(number)], f"t{number - 1}" if number > 1 else "", token)
    tokens: list[str | None] = []
    reading = read_back(stub.client, POOL_ID, on_token=tokens.append)
    assert next(reading)["username"].to_list() == ["user1", "user2"]
    assert tokens == []
    assert next(reading)["username"].to_list() == ["user3", "user4"]
    assert tokens == ["t2"]
    add_page(stub, [user(3)], "t2", "t3")
    add_page(stub, [user(4)], "t3")
    again = list(read_back(stub.client, POOL_ID, token=tokens[-1], on_token=tokens.append))
    assert [name for frame in again for name in frame["username"]] == ["user3", "user4"]
    assert tokens == ["t2", None]


def test_a_throttled_page_is_asked_again(stub: Stubber) -> None:
    stub.add_client_error("list_users", "TooManyRequestsException")
    add_page(stub, [user(1)])
    assert sum(frame.height for frame in read_back(stub.client, POOL_ID)) == 1


def test_a_service_that_stays_down_ends_the_reading(stub: Stubber) -> None:
    for _ in range(8):
        stub.add_client_error("list_users", "InternalErrorException", http_status_code=500)
    with pytest.raises(RetryError, match="gave up after 8 tries"):
        list(read_back(stub.client, POOL_ID))


def schema(*signs_in_with: str) -> PoolSchema:
    return PoolSchema(POOL_ID, "people", {}, (), username_attributes=signs_in_with)


@pytest.mark.parametrize(
    ("pool", "name", "asked"),
    [
        (schema(), "user1", 'username = "user1"'),
        (schema(), 'a"b\\c', 'username = "a\\"b\\\\c"'),
        (schema("email"), "a@example.com", 'email = "a@example.com"'),
        (schema("email", "phone_number"), "+15550100", 'phone_number = "+15550100"'),
    ],
)
def test_one_user_is_found_by_what_they_sign_in_with(
    stub: Stubber, pool: PoolSchema, name: str, asked: str
) -> None:
    request = {"UserPoolId": POOL_ID, "Filter": asked}
    stub.add_response("list_users", {"Users": [], "PaginationToken": "t"}, request)
    stub.add_response(
        "list_users", {"Users": [user(1, email="a@example.com")]}, request | {"PaginationToken": "t"}
    )
    found = find_user(stub.client, pool, name)
    assert found.select("username", "sub", "email").rows() == [("user1", "sub-1", "a@example.com")]


def test_nobody_is_an_empty_frame(stub: Stubber) -> None:
    stub.add_response("list_users", {"Users": []})
    assert find_user(stub.client, schema(), "nobody").is_empty()


def test_a_name_too_long_for_a_filter_is_not_sent_and_not_shown(stub: Stubber) -> None:
    with pytest.raises(TargetError) as refused:
        find_user(stub.client, schema(), '"' * 128)
    assert '"' not in str(refused.value)
