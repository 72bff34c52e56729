"""Many callers at once: never HTTP 500, nobody lost. Plain moto fails the same storm.

The server runs in a process of its own: with the client in the same one, the race does not show.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from sandbox_users import PASSWORD, Client, Pool, client_for, make_pool

from connectors.cognito.sandbox import launch

if TYPE_CHECKING:
    from collections.abc import Iterator

THREADS = 16
CROWD = 960
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "email": {"UsernameAttributes": ["email"]},
    "alias": {"AliasAttributes": ["email"], "UsernameConfiguration": {"CaseSensitive": False}},
}


class Storm:
    """Threads that create, change, read and delete their own users of one pool.

    Args:
        pool: the pool.
        by_address: whether its usernames are e-mail addresses.
    """

    def __init__(self, pool: Pool, *, by_address: bool) -> None:
        self.pool = pool
        self.by_address = by_address
        self.statuses: Counter[int] = Counter()

    def create(self, users: int) -> None:
        """Create users from all threads at once; every request looks for its name among them."""

        def attempt(number: int) -> None:
            name = [{"Name": "name", "Value": f"n{number}"}]
            self._call("admin_create_user", Username=self._username(f"n{number}"), UserAttributes=name)

        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(attempt, range(users)))

    def blow(self, calls: int) -> dict[str, str]:
        """Make about so many mixed calls; returns who must be there, and with which name."""
        rounds = calls // (6 * THREADS)
        with ThreadPoolExecutor(THREADS) as threads:
            left = threads.map(lambda thread: self._gust(thread, rounds), range(THREADS))
            return {username: name for part in left for username, name in part.items()}

    def _gust(self, thread: int, rounds: int) -> dict[str, str]:
        """Six calls a round; every fourth user is deleted again."""
        left = {}
        for number in range(rounds):
            local = f"t{thread}n{number}"
            username = self._username(local)
            self._call("admin_create_user", Username=username, UserAttributes=self._attributes(local))
            self._call("admin_set_user_password", Username=username, Password=PASSWORD, Permanent=True)
            self._call("admin_update_user_attributes", Username=username,
                       UserAttributes=[{"Name": "name", "Value": local}])  # fmt: skip
            self._call("admin_add_user_to_group", Username=username, GroupName="all")
            self._call("list_users", Filter='name ^= "t1"', Limit=5)
            if number % 4 == 3:
                self._call("admin_delete_user", Username=username)
            else:
                self._call("list_users_in_group", GroupName="all", Limit=5)
                left[username] = local
        return left

    def _username(self, local: str) -> str:
        return f"{local}@example.com" if self.by_address else local

    def _attributes(self, local: str) -> list[dict[str, str]]:
        address = {"email": f"{local}@example.com", "email_verified": "true"}
        return [{"Name": name, "Value": value} for name, value in address.items()]

    def _call(self, operation: str, **arguments: Any) -> None:
        try:
            self.pool.call(operation, **arguments)
            self.statuses[200] += 1
        except ClientError as error:
            self.statuses[error.response["ResponseMetadata"]["HTTPStatusCode"]] += 1


def everybody(pool: Pool, *, by_address: bool) -> dict[str, str]:
    """Read the pool back: who is there, and with which name."""
    found: dict[str, str] = {}
    token: dict[str, str] = {}
    while True:
        answer = pool.call("list_users", **token)
        for user in answer["Users"]:
            attributes = {each["Name"]: each["Value"] for each in user["Attributes"]}
            found[attributes["email"] if by_address else user["Username"]] = attributes["name"]
        if "PaginationToken" not in answer:
            return found
        token = {"PaginationToken": answer["PaginationToken"]}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with launch() as sandbox:
        yield client_for(sandbox.url)


def pool_of(client: Client, kind: str) -> Pool:
    pool = make_pool(client, **KINDS[kind])
    pool.call("create_group", GroupName="all")
    return pool


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_storm_loses_nobody_and_meets_no_internal_error(client: Client, kind: str) -> None:
    pool = pool_of(client, kind)
    storm = Storm(pool, by_address=kind == "email")
    expected = storm.blow(480)
    assert storm.statuses == {200: 480}
    assert everybody(pool, by_address=kind == "email") == expected
    assert pool.call("describe_user_pool")["UserPool"]["EstimatedNumberOfUsers"] == len(expected)


@pytest.mark.slow
def test_no_user_is_lost_where_all_are_created_at_once(client: Client) -> None:
    pool = pool_of(client, "email")
    storm = Storm(pool, by_address=True)
    storm.create(CROWD)
    assert storm.statuses == {200: CROWD}
    assert everybody(pool, by_address=True) == {f"n{each}@example.com": f"n{each}" for each in range(CROWD)}


def test_one_of_many_callers_gets_a_username(client: Client) -> None:
    pool = pool_of(client, "email")
    storm = Storm(pool, by_address=True)

    def attempt(number: int) -> None:
        name = [{"Name": "name", "Value": f"{number}"}]
        storm._call("admin_create_user", Username="ann@example.com", UserAttributes=name)

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(attempt, range(48)))
    assert storm.statuses == {200: 1, 400: 47}
    assert len(pool.usernames()) == 1


def test_pools_may_come_and_go_while_moto_searches_them(client: Client) -> None:
    """A sign-up or sign-in names only its client, so that moto walks over all pools to find it."""
    pool = pool_of(client, "plain")
    flows = ["ALLOW_USER_PASSWORD_AUTH"]
    made = pool.call("create_user_pool_client", ClientName="app", ExplicitAuthFlows=flows)
    app = made["UserPoolClient"]["ClientId"]
    pool.create("ann")
    pool.call("admin_set_user_password", Username="ann", Password=PASSWORD, Permanent=True)
    signing_in = {"AuthFlow": flows[0].removeprefix("ALLOW_"), "ClientId": app}
    statuses: Counter[int] = Counter()

    def attempt(number: int) -> None:
        try:
            if number % 3 == 0:
                make_pool(client).call("delete_user_pool")
            elif number % 3 == 1:
                client.sign_up(ClientId=app, Username=f"u{number}", Password=PASSWORD)
            else:
                client.initiate_auth(AuthParameters={"USERNAME": "ann", "PASSWORD": PASSWORD}, **signing_in)
            statuses[200] += 1
        except ClientError as error:
            statuses[error.response["ResponseMetadata"]["HTTPStatusCode"]] += 1

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(attempt, range(96)))
    assert statuses == {200: 96}
    assert len(pool.usernames()) == 33
