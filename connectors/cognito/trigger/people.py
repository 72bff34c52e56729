"""Who is left to the trigger, as the table holds them: written in batches, counted afterwards."""

from __future__ import annotations

import hashlib
import secrets as random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from connectors.cognito.trigger.clients import step
from connectors.cognito.trigger.handler import hashes
from connectors.cognito.trigger.handler.names import folded, key_of
from connectors.cognito.trigger.handler.store import ARRIVED, COUNTS, DEPLOYED, PERSON, POINTER
from connectors.errors import ThrottledError
from connectors.retry import retrying, translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

    from connectors.records import PoolSchema

Item = dict[str, Any]

BATCH: Final = 25
"""Items of one BatchWriteItem."""
WRITERS: Final = 8
NO_HASH: Final = "no_hash"
_SCRYPT: Final = (16_384, 8, 1)
_DIGEST_TAIL: Final = 12


@dataclass(frozen=True, slots=True, repr=False)
class Deferred:
    """One user who is left to the trigger.

    Attributes:
        username: as the pool would know them.
        attributes: values as the API takes them; none is empty.
        stored: the old hash, or None.
        password: the old password in the clear, or None; it is hashed before it is kept.
    """

    username: str
    attributes: Mapping[str, str]
    stored: str | None
    password: str | None


@dataclass(slots=True)
class Tally:
    """What was loaded.

    Attributes:
        people: users.
        schemes: users by the scheme of their hash.
        problems: users whom no password lets in, by why: they can only ask for a code.
        shared_names: further sign-in names that an earlier user has already.
        decoy: the commonest scheme's first hash, made unusable; for names that nobody has.
    """

    people: int = 0
    schemes: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    shared_names: int = 0
    examples: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def decoy(self) -> str:
        """A hash of the commonest scheme that fits nothing that anybody knows."""
        common = self.schemes.most_common(1)
        return spoilt(self.examples[common[0][0]]) if common else ""


def spoilt(stored: str) -> str:
    """Replace some letters of a hash's digest by others of the same alphabet, so that it is nobody's."""
    head, digest, tail = stored[: -_DIGEST_TAIL - 4], stored[-_DIGEST_TAIL - 4 : -4], stored[-4:]
    letters = [letter for letter in digest if letter.isalnum()] or ["a"]
    mixed = [random.choice(letters) if letter.isalnum() else letter for letter in digest]
    return head + "".join(mixed) + tail


class People:
    """The people of one table.

    Args:
        dynamodb: a client of the table's Region; it is shared between threads.
        table: the table.
        schema: the pool: which names sign in, and whether their letter case counts.
        name_key: key of the hashed names.
        parameters: what the hashes of a scheme lack, by scheme.
        expires: when everybody's item ends, seconds since 1970.
    """

    def __init__(
        self,
        dynamodb: DynamoDBClient,
        table: str,
        schema: PoolSchema,
        name_key: bytes,
        parameters: Mapping[str, Any],
        expires: int,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._schema = schema
        self._name_key = name_key
        self._parameters = parameters
        self._expires = expires
        self._names: set[str] = set()
        self._arrived: frozenset[str] = frozenset()
        self.tally = Tally()

    def begin(self) -> dict[str, int]:
        """Prepare the table; returns which pages were loaded before, and with how many users."""
        with step("UpdateItem"):
            known = self._dynamodb.update_item(
                TableName=self._table,
                Key={"k": {"S": DEPLOYED}},
                UpdateExpression="SET pages = if_not_exists(pages, :none), x = :x",
                ExpressionAttributeValues={":none": {"M": {}}, ":x": {"N": str(self._expires)}},
                ReturnValues="ALL_NEW",
            )["Attributes"]
        pages = {name: int(count["N"]) for name, count in known["pages"]["M"].items()}
        self._arrived = frozenset(self._keys(ARRIVED)) if pages else frozenset()
        return pages

    def load(self, page: str, people: Iterable[Deferred]) -> int:
        """Write the people of one page and note that it is done; returns how many they are.

        Who has arrived by an earlier deployment is left out. Once more does no harm.
        """
        before = self.tally.people
        with ThreadPoolExecutor(WRITERS, "loader") as writers:
            list(writers.map(self._write, _in_batches(self._items(people))))
        loaded = self.tally.people - before
        with step("UpdateItem"):
            self._dynamodb.update_item(
                TableName=self._table,
                Key={"k": {"S": DEPLOYED}},
                UpdateExpression="SET pages.#p = :n",
                ExpressionAttributeNames={"#p": page},
                ExpressionAttributeValues={":n": {"N": str(loaded)}},
            )
        return loaded

    def _items(self, people: Iterable[Deferred]) -> Iterator[Item]:
        for each in people:
            own, *others = self._sign_in_names(each)
            key = self._hashed(own)
            self._count(each)
            self._names.add(key)
            if key in self._arrived:
                continue
            yield self._person(key, each)
            for name in others:
                alias = self._hashed(name)
                if alias not in self._names:
                    self._names.add(alias)
                    yield {"k": {"S": POINTER + alias}, "u": {"S": key}, **self._end()}
                elif alias != key:
                    self.tally.shared_names += 1

    def _sign_in_names(self, person: Deferred) -> list[str]:
        """The names that a person signs in by, their own first (F1.45, F1.46); an alias must be verified."""
        schema, attributes = self._schema, person.attributes
        if schema.username_attributes:
            names = [attributes.get(name, "") for name in schema.username_attributes]
            return list(dict.fromkeys(filter(None, (*names, person.username))))
        aliases = [
            attributes.get(name, "")
            for name in schema.alias_attributes
            if name == "preferred_username" or attributes.get(f"{name}_verified") == "true"
        ]
        return list(dict.fromkeys((person.username, *filter(None, aliases))))

    def _hashed(self, name: str) -> str:
        return key_of(self._name_key, folded(name, case_sensitive=self._schema.case_sensitive))

    def _person(self, key: str, person: Deferred) -> Item:
        stored = person.stored or (scrypt_hash(person.password) if person.password else "")
        item: Item = {
            "k": {"S": PERSON + key},
            "n": {"S": person.username},
            "a": {"M": {name: {"S": value} for name, value in person.attributes.items()}},
            **self._end(),
        }
        return {**item, "h": {"S": stored}} if stored else item

    def _count(self, person: Deferred) -> None:
        tally = self.tally
        tally.people += 1
        if person.stored is None and person.password:
            tally.schemes["scrypt"] += 1
            tally.examples.setdefault("scrypt", scrypt_hash(random.token_hex()))
        elif person.stored is None:
            tally.problems[NO_HASH] += 1
        elif problem := hashes.problem_of(person.stored, self._parameters):
            tally.problems[problem] += 1
        elif known := hashes.recognised(person.stored):
            tally.schemes[known.scheme] += 1
            tally.examples.setdefault(known.scheme, person.stored)

    def _end(self) -> Item:
        return {"x": {"N": str(self._expires)}}

    def _write(self, items: list[Item]) -> None:
        """Write a batch; what the table had no room for is written again, more slowly."""
        waiting = [{"PutRequest": {"Item": item}} for item in items]

        def once() -> None:
            nonlocal waiting
            with translated("BatchWriteItem", reads=True):  # to put the same item again changes nothing
                answer = self._dynamodb.batch_write_item(RequestItems={self._table: waiting})  # type: ignore[dict-item]  # plain items
            waiting = answer["UnprocessedItems"].get(self._table, [])  # type: ignore[assignment]  # same
            if waiting:
                raise ThrottledError(f"BatchWriteItem left {len(waiting)} items.", "Go slower.")

        retrying("BatchWriteItem")(once)

    def _keys(self, prefix: str) -> Iterator[str]:
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            ProjectionExpression="k",
            FilterExpression="begins_with(k, :p)",
            ExpressionAttributeValues={":p": {"S": prefix}},
        )
        with step("Scan"):
            for page in pages:
                yield from (item["k"]["S"].removeprefix(prefix) for item in page["Items"])


def scrypt_hash(password: str) -> str:
    """Hash a password that the source has in the clear, in the form of Cognito's own SCRYPT."""
    n, r, p = _SCRYPT
    salt = random.token_bytes(16)
    key = hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=1 << 26, dklen=32)
    return f"{n}${r}${p}${salt.hex()}${key.hex()}"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a deployment has come.

    Attributes:
        deferred: users who were loaded.
        arrived: those of them who came.
        expires: when the others are given up, seconds since 1970; 0 where nobody was loaded.
        outcomes: answers of the function by outcome: ``arrived``, ``wrong_password``, ``unknown``,
            ``too_many_tries``, ``no_verified_contact``, ``error``.
    """

    deferred: int
    arrived: int
    expires: int
    outcomes: Mapping[str, int]

    @property
    def to_come(self) -> int:
        """Users who have not come yet."""
        return max(0, self.deferred - self.arrived)


def read_progress(dynamodb: DynamoDBClient, table: str) -> Progress:
    """Read how far it has come; two items, whatever the table's size.

    Raises:
        TargetError: there is no such table, or a right is missing.
    """
    get = partial(dynamodb.get_item, TableName=table, ConsistentRead=True)
    with step("GetItem"):
        counts = get(Key={"k": {"S": COUNTS}}).get("Item", {})
        deployed = get(Key={"k": {"S": DEPLOYED}}).get("Item", {})
    outcomes = {name: int(value["N"]) for name, value in counts.items() if name != "k"}
    pages = deployed.get("pages", {}).get("M", {})
    loaded = sum(int(page["N"]) for page in pages.values())
    expires = int(deployed.get("x", {}).get("N", "0"))
    return Progress(loaded, outcomes.get("arrived", 0), expires, dict(sorted(outcomes.items())))


def _in_batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Cut into batches of ``BATCH``."""
    source = iter(items)
    while batch := list(islice(source, BATCH)):
        yield batch
