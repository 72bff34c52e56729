"""The table's people: every one is written once, whatever the table has room for, under all their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from connectors.cognito.trigger.handler import hashes
from connectors.cognito.trigger.handler.store import GRACE_SECONDS, Store
from connectors.cognito.trigger.people import Deferred, People, read_progress, scrypt_hash, spoilt
from connectors.records import PoolSchema
from connectors.retry import retrying

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Clock

TABLE = "people"
PASSWORD = "Old-word-1"  # noqa: S105 - an invented one
SCHEMA = PoolSchema("pool", "people", {}, (), alias_attributes=("email",), case_sensitive=False)
LATER = 2_000_000_000


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName=TABLE, BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        )  # fmt: skip
        yield client


class Crowded:
    """A table without room for the second half of a batch, the first time."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_write_item(self, RequestItems: dict[str, list[Any]]) -> Any:  # noqa: N803 - boto3's own name
        self.calls += 1
        (table, items), *_ = RequestItems.items()
        half = len(items) // 2 if self.calls == 1 else len(items)
        self._client.batch_write_item(RequestItems={table: items[:half]})
        return {"UnprocessedItems": {table: items[half:]} if items[half:] else {}}


def people_in(client: Any) -> People:
    return People(client, TABLE, SCHEMA, b"key", {}, LATER)


def vera(**attributes: str) -> Deferred:
    return Deferred("Vera", attributes, scrypt_hash(PASSWORD), None)


def keys(client: Any) -> list[str]:
    return sorted(item["k"]["S"][:2] for item in client.scan(TableName=TABLE)["Items"])


def test_what_the_table_has_no_room_for_is_written_again(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "connectors.cognito.trigger.people.retrying", lambda what: retrying(what, sleep=lambda _: None)
    )
    crowded = Crowded(dynamodb)
    people = people_in(crowded)
    people.begin()
    people.load("run/p1", [Deferred(f"u{number}", {}, None, PASSWORD) for number in range(3)])
    assert crowded.calls == 2
    assert keys(dynamodb) == ["#d", "u#", "u#", "u#"]
    assert read_progress(dynamodb, TABLE).deferred == 3


def test_a_person_is_found_by_each_name_that_signs_in(dynamodb: Any, clock: Clock) -> None:
    people = people_in(dynamodb)
    people.begin()
    verified = {"email": "Vera@example.com", "email_verified": "true"}
    unverified = {"email": "u2@example.com", "email_verified": "false"}
    people.load("run/p1", [vera(**verified), Deferred("u2", unverified, None, None)])
    assert keys(dynamodb) == ["#d", "p#", "u#", "u#"]
    assert dict(people.tally.problems) == {"no_hash": 1}
    store = Store(TABLE, clock)
    found = [
        store.find(people._hashed(name)) for name in ("vera", "VERA", "vera@EXAMPLE.com", "u2@example.com")
    ]
    assert [person.username if person else None for person in found] == ["Vera", "Vera", "Vera", None]
    assert found[0] is not None
    assert hashes.fits(PASSWORD, found[0].stored, {})


def test_a_name_of_two_people_is_the_first_ones(dynamodb: Any) -> None:
    people = people_in(dynamodb)
    people.begin()
    shared = {"email": "both@example.com", "email_verified": "true"}
    people.load("run/p1", [vera(**shared), Deferred("u2", shared, None, PASSWORD)])
    assert people.tally.shared_names == 1
    found = Store(TABLE, lambda: 0.0).find(people._hashed("both@example.com"))
    assert found is not None
    assert found.username == "Vera"


def test_who_has_arrived_is_answered_for_a_while_and_then_gone(dynamodb: Any, clock: Clock) -> None:
    """F6.14: Cognito may ask again; later nobody is brought back, and nobody is counted twice."""
    people = people_in(dynamodb)
    people.begin()
    people.load("run/p1", [vera()])
    store, key = Store(TABLE, clock), people._hashed("vera")
    for _ in range(3):
        person = store.find(key)
        assert person is not None
        store.arrive(person, "password")
        clock.now += 100
    clock.now += 600
    assert store.find(key) is None
    progress = read_progress(dynamodb, TABLE)
    assert (progress.deferred, progress.arrived, progress.to_come) == (1, 1, 0)
    again = people_in(dynamodb)
    assert again.begin() == {"run/p1": 1}
    again.load("run/p2", [vera()])
    assert store.find(key) is None


def test_a_try_that_lambda_ended_is_finished_by_the_next(
    dynamodb: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or somebody who is deleted from the pool later would be brought back (F6.14)."""
    people = people_in(dynamodb)
    people.begin()
    people.load("run/p1", [vera()])
    store, key = Store(TABLE, clock), people._hashed("vera")
    person = store.find(key)
    assert person is not None
    with monkeypatch.context() as patch:
        patch.setitem(store.__dict__, "client", Ended(dynamodb, writes=1))
        with pytest.raises(TimeoutError):
            store.arrive(person, "password")
    store.arrive(person, "password")
    clock.now += GRACE_SECONDS
    assert store.find(key) is None


class Ended:
    """A table that some writes reach before Lambda ends the function."""

    def __init__(self, client: Any, writes: int) -> None:
        self._client = client
        self._left = writes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_item(self, **request: Any) -> Any:
        if not self._left:
            raise TimeoutError
        self._left -= 1
        return self._client.update_item(**request)


@pytest.mark.usefixtures("dynamodb")
def test_a_name_has_so_many_tries_in_a_window(clock: Clock) -> None:
    store = Store(TABLE, clock)
    assert [store.admit("one", 2, 300) for _ in range(3)] == [True, True, False]
    assert store.admit("other", 2, 300)
    clock.now += 300
    assert store.admit("one", 2, 300)


def test_who_has_not_come_by_the_expiry_is_forgotten(dynamodb: Any, clock: Clock) -> None:
    people = people_in(dynamodb)
    people.begin()
    people.load("run/p1", [vera()])
    clock.now = LATER
    assert Store(TABLE, clock).find(people._hashed("vera")) is None


def test_the_decoy_costs_the_same_and_is_nobodys() -> None:
    stored = scrypt_hash(PASSWORD)
    decoy = spoilt(stored)
    known, made = hashes.recognised(stored), hashes.recognised(decoy)
    assert known is not None
    assert made is not None
    assert (made.scheme, made.match["n"]) == (known.scheme, known.match["n"])
    assert decoy != stored
    assert not hashes.fits(PASSWORD, decoy, {})
