"""ListUsers over HTTP: pages, tokens, filters, attributes (F5.15)."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.cognitoidp.models import cognitoidp_backends
from sandbox_users import (
    PASSWORD,
    REGION,
    Client,
    Pool,
    client_for,
    make_pool,
    refused,
    switched,
)

from connectors.cognito.sandbox import Sandbox, start
from connectors.cognito.sandbox.directory import add_user
from connectors.cognito.sandbox.list_users import UserFilter, parse_filter

if TYPE_CHECKING:
    from collections.abc import Iterator

PEOPLE = 130


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with start() as running:
        yield running


@pytest.fixture(scope="module")
def client(sandbox: Sandbox) -> Client:
    return client_for(sandbox.url)


@pytest.fixture(scope="module")
def crowd(client: Client) -> Pool:
    """130 users; every tenth shares an e-mail address, every second has a name."""
    attribute = {"Name": "tenant", "AttributeDataType": "String", "StringAttributeConstraints": {}}
    pool = make_pool(client, Schema=[attribute])
    motos = cognitoidp_backends["123456789012"][REGION].user_pools[pool.id]
    for number in range(PEOPLE):
        attributes = {"email": f"u{number if number % 10 else 0}@example.com", "custom:tenant": "acme"}
        attributes |= {"name": f"Name {number}"} if number % 2 else {}
        add_user(motos, f"u{number}", attributes, status="CONFIRMED" if number % 3 else "RESET_REQUIRED")
    return pool


def all_pages(pool: Pool, **arguments: str | int | list[str]) -> list[list[str]]:
    """Walk to the last page."""
    pages: list[list[str]] = []
    token: dict[str, str] = {}
    while True:
        answer = pool.call("list_users", **arguments, **token)
        pages.append([user["Username"] for user in answer["Users"]])
        if "PaginationToken" not in answer:
            return pages
        token = {"PaginationToken": answer["PaginationToken"]}


def test_pages_hold_everybody_once(crowd: Pool) -> None:
    pages = all_pages(crowd)
    assert [len(page) for page in pages] == [60, 60, 10]
    assert list(chain.from_iterable(pages)) == [f"u{number}" for number in range(PEOPLE)]


@pytest.mark.parametrize("limit", [1, 13, 26, 59, 60])
def test_limit_is_the_size_of_a_page(crowd: Pool, limit: int) -> None:
    pages = all_pages(crowd, Limit=limit)
    assert {len(page) for page in pages[:-1]} <= {limit}
    assert len(list(chain.from_iterable(pages))) == PEOPLE
    assert len(pages) == -(-PEOPLE // limit), "no empty page behind the last user"


def test_a_limit_above_sixty_is_refused(crowd: Pool) -> None:
    """moto takes it."""
    with refused("InvalidParameterException", "less than or equal to 60"):
        crowd.call("list_users", Limit=61)


def test_pages_can_be_short_with_more_left(crowd: Pool, sandbox: Sandbox) -> None:
    """F5.15: a page that is not full is not the last one."""
    with switched(sandbox, list_users_short_pages=True):
        pages = all_pages(crowd, Limit=60)
    assert [len(page) for page in pages] == [30, 30, 30, 30, 10]


def test_a_token_goes_on_behind_the_page_whatever_happened_meanwhile(client: Client) -> None:
    """Users who come or go between two pages neither repeat nor hide the others."""
    pool = make_pool(client)
    for number in range(6):
        pool.create(f"u{number}")
    first = pool.call("list_users", Limit=3)
    for gone in ("u0", "u2", "u3"):
        pool.call("admin_delete_user", Username=gone)
    pool.create("u6")
    assert pool.usernames(PaginationToken=first["PaginationToken"]) == ["u4", "u5", "u6"]


def test_a_token_fits_only_the_call_that_it_came_from(crowd: Pool, client: Client) -> None:
    token = crowd.call("list_users", Limit=1)["PaginationToken"]
    other = make_pool(client)
    for pool, arguments in ((other, {}), (crowd, {"Filter": 'name ^= "N"'})):
        with refused("InvalidParameterException"):
            pool.call("list_users", PaginationToken=token, **arguments)
    for garbage in ("x", "bm9uc2Vuc2U=", "W10=", "eyJhIjogMX0="):
        with refused("InvalidParameterException"):
            crowd.call("list_users", PaginationToken=garbage)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('username = "u7"', ["u7"]),
        ('username = "U7"', []),
        ('username ^= "u12"', ["u12", *[f"u{number}" for number in range(120, 130)]]),
        ('email = "u13@example.com"', ["u13"]),
        ('email="u13@example.com"', ["u13"]),
        ('email ^= "u99@"', ["u99"]),
        ('name = "Name 7"', ["u7"]),
        ('name ^= "Name 12"', ["u121", "u123", "u125", "u127", "u129"]),
        ('phone_number = "+1"', []),
        ('status = "Disabled"', []),
        ('status = "enabled"', []),
        ('username = "u7" ', ["u7"]),
    ],
)
def test_filters_match_exactly_or_at_the_beginning(crowd: Pool, text: str, expected: list[str]) -> None:
    assert crowd.usernames(Filter=text) == expected


def test_many_users_of_one_address_come_page_by_page(crowd: Pool) -> None:
    pages = all_pages(crowd, Filter='email = "u0@example.com"', Limit=5)
    tens = [range(0, 50, 10), range(50, 100, 10), range(100, 130, 10)]
    assert pages == [[f"u{number}" for number in page] for page in tens]


def test_status_filters(crowd: Pool) -> None:
    assert (
        len(list(chain.from_iterable(all_pages(crowd, Filter='cognito:user_status = "reset_required"'))))
        == 44
    )
    assert len(list(chain.from_iterable(all_pages(crowd, Filter='status = "Enabled"')))) == PEOPLE
    assert len(list(chain.from_iterable(all_pages(crowd, Filter="")))) == PEOPLE


def test_sub_finds_one_user(crowd: Pool) -> None:
    sub = crowd.get("u5")["Attributes"]["sub"]
    assert crowd.usernames(Filter=f'sub = "{sub}"') == ["u5"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('custom:tenant = "acme"', "Invalid search attribute: custom:tenant"),
        ('birthdate = "1985-01-01"', "Invalid search attribute: birthdate"),
        ("email = u1@example.com", "Error while parsing filter"),
        ('email > "a"', "Error while parsing filter"),
        ('email = "a" name = "b"', "Error while parsing filter"),
        ('email = "a', "Error while parsing filter"),
        ('name = "' + "x" * 256 + '"', "less than or equal to 256"),
    ],
)
def test_other_filters_are_refused(crowd: Pool, text: str, message: str) -> None:
    with refused("InvalidParameterException", message):
        crowd.call("list_users", Filter=text)


def test_quotation_marks_in_a_filter_are_escaped(client: Client) -> None:
    """moto finds nobody."""
    pool = make_pool(client)
    pool.create("ann", name='Ann "The" A', family_name="back\\slash")
    assert pool.usernames(Filter='name = "Ann \\"The\\" A"') == ["ann"]
    assert pool.usernames(Filter='name ^= "Ann \\""') == ["ann"]
    assert pool.usernames(Filter='family_name = "back\\\\slash"') == ["ann"]
    with refused("InvalidParameterException"):
        pool.call("list_users", Filter='name = "Ann "The" A"')


def test_a_filter_follows_every_change(client: Client) -> None:
    pool = make_pool(client)
    pool.create("ann", email="ann@example.com")
    pool.update("ann", email="new@example.com")
    assert pool.usernames(Filter='email = "ann@example.com"') == []
    assert pool.usernames(Filter='email = "new@example.com"') == ["ann"]
    pool.call("admin_set_user_password", Username="ann", Password=PASSWORD, Permanent=True)
    assert pool.usernames(Filter='cognito:user_status = "Confirmed"') == ["ann"]
    pool.call("admin_disable_user", Username="ann")
    assert pool.usernames(Filter='status = "Disabled"') == ["ann"]


def names_of(pool: Pool, **arguments: list[str] | str) -> set[str]:
    user = pool.call("list_users", **arguments)["Users"][0]
    return {each["Name"] for each in user["Attributes"]}


def test_attributes_to_get_are_all_that_comes(crowd: Pool) -> None:
    one = {"Filter": 'username = "u7"'}
    assert names_of(crowd, **one) == {"sub", "email", "name", "custom:tenant"}
    assert names_of(crowd, AttributesToGet=["custom:tenant", "email"], **one) == {"custom:tenant", "email"}
    assert names_of(crowd, AttributesToGet=["birthdate"], **one) == set()
    with refused("InvalidParameterException", "requested attributes do not exist"):
        crowd.call("list_users", AttributesToGet=["custom:nope"])


def test_a_missing_attribute_can_fail_the_page(crowd: Pool, sandbox: Sandbox) -> None:
    """The API reference says so; nobody reports it."""
    with switched(sandbox, attributes_to_get_needs_values=True):
        crowd.call("list_users", AttributesToGet=["custom:tenant"])
        with refused("InvalidParameterException"):
            crowd.call("list_users", AttributesToGet=["name"])


@settings(max_examples=200, deadline=None)
@given(value=st.text(max_size=40), prefix=st.booleans())
def test_any_value_survives_escaping(value: str, *, prefix: bool) -> None:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    parsed = parse_filter(f'name {"^=" if prefix else "="} "{escaped}"')
    assert parsed == UserFilter("name", prefix, value)
