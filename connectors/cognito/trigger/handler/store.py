"""The table of those who are still to come.

=============  =====================================================================================
key            item
=============  =====================================================================================
``u#`` + hash  a person: ``a`` attributes, ``h`` the hash, ``n`` the username, ``x`` the expiry
``p#`` + hash  another sign-in name of a person: ``u`` is the person's key, ``x`` the expiry
``r#`` + hash  how often a name was tried: ``w`` the window, ``c`` the tries in it, ``x`` the expiry
``a#`` + hash  a person who has arrived: ``t`` when (seconds), ``w`` the way, ``x`` the expiry
``#counts``    how the sign-ins went, one number an outcome
``#deployed``  what was loaded, and the encrypted secrets
=============  =====================================================================================

Once a person has arrived, their item is good for ``GRACE_SECONDS`` more, in which Cognito may ask again
(F6.14) and gets the same answer; then it counts as gone and DynamoDB deletes it, so that who is deleted from
the pool later is not brought back.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PERSON, POINTER, TRIES, ARRIVED = "u#", "p#", "r#", "a#"
COUNTS, DEPLOYED = "#counts", "#deployed"
GRACE_SECONDS = 600


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """Somebody who is still to come.

    Attributes:
        key: the person's key without its prefix.
        username: as the source names them.
        attributes: values as the pool takes them.
        stored: the hash, or empty.
        expires: when the item ends, seconds since 1970.
    """

    key: str
    username: str
    attributes: Mapping[str, str]
    stored: str
    expires: int


class Store:
    """DynamoDB as the function uses it: one or two reads and two or three small writes a sign-in.

    Args:
        table: its name.
        clock: seconds since 1970.
    """

    def __init__(self, table: str, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock

    @cached_property
    def client(self) -> Any:  # noqa: ANN401 - the function has no types of boto3 with it
        """The client: bounded, so that three tries fit into the five seconds."""
        import boto3  # noqa: PLC0415 - at a cold start only where it is used
        from botocore.config import Config  # noqa: PLC0415 - same

        bounds = Config(connect_timeout=1, read_timeout=1.5, retries={"total_max_attempts": 2})
        return boto3.client("dynamodb", config=bounds)

    def find(self, key: str) -> Person | None:
        """Find the person behind a hashed name; None where there is none, or no longer."""
        item = self._get(PERSON + key)
        if item is None and (pointer := self._get(POINTER + key)):
            key = pointer["u"]["S"]
            item = self._get(PERSON + key)
        if item is None:
            return None
        return Person(
            key,
            item["n"]["S"],
            {name: value["S"] for name, value in item["a"]["M"].items()},
            item.get("h", {}).get("S", ""),
            int(item["x"]["N"]),
        )

    def admit(self, key: str, tries: int, window_seconds: int) -> bool:
        """Count a try of a name; False where the window has no more."""
        now = int(self._clock())
        window = now // window_seconds
        values = {":w": window, ":one": 1, ":most": tries, ":x": (window + 2) * window_seconds}
        return self._update(
            TRIES + key, "SET x = :x ADD c :one", "w = :w AND c < :most", values
        ) or self._update(
            TRIES + key,
            "SET w = :w, c = :one, x = :x",
            "attribute_not_exists(w) OR w < :w",
            {name: value for name, value in values.items() if name != ":most"},
        )

    def arrive(self, person: Person, way: str) -> None:
        """Note that a person came; a second time it changes nothing but what an ended try has left."""
        now = int(self._clock())
        ends = now + GRACE_SECONDS
        first = self._update(
            ARRIVED + person.key, "SET t = :t, w = :way, x = :x", "attribute_not_exists(t)",
            {":t": now, ":way": way, ":x": person.expires},
        )  # fmt: skip
        if person.expires > ends:  # also at a later try: Lambda may have ended before this write (F6.14)
            self._update(PERSON + person.key, "SET x = :x", "attribute_exists(k) AND x > :x", {":x": ends})
        if first:
            self.count("arrived")

    def count(self, outcome: str) -> None:
        """Add one to the count of an outcome."""
        self.client.update_item(
            TableName=self._table,
            Key={"k": {"S": COUNTS}},
            UpdateExpression="ADD #o :one",
            ExpressionAttributeNames={"#o": outcome},
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    def _get(self, key: str) -> dict[str, Any] | None:
        item = self.client.get_item(TableName=self._table, Key={"k": {"S": key}}, ConsistentRead=True).get(
            "Item"
        )
        if item is None or int(item["x"]["N"]) <= self._clock():  # DynamoDB deletes late
            return None
        found: dict[str, Any] = item
        return found

    def _update(self, key: str, change: str, condition: str, values: Mapping[str, int | str]) -> bool:
        typed = {
            name: {"S": value} if isinstance(value, str) else {"N": str(value)}
            for name, value in values.items()
        }
        try:
            self.client.update_item(
                TableName=self._table,
                Key={"k": {"S": key}},
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeValues=typed,
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return False
        return True
