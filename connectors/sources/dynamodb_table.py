"""Users in a DynamoDB table, by ``Scan``: segments side by side, at a pace that leaves it its capacity."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from pydantic import Field

from connectors.aws import client
from connectors.errors import SourceError
from connectors.json_text import Written
from connectors.retry import retrying, translated
from connectors.sources.base import SourceSettings, SourceTraits
from connectors.sources.paths import splits
from connectors.sources.record_source import Batch, RecordSource
from connectors.sources.side_by_side import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from mypy_boto3_dynamodb import DynamoDBClient

    from connectors.records import Cursor

Key = dict[str, Any]
Segment = tuple[int, Key]
"""Number of a segment, and ``ExclusiveStartKey`` there; empty at its beginning."""


class DynamodbSettings(SourceSettings):
    """Settings of ``kind: dynamodb``."""

    kind: Literal["dynamodb"] = "dynamodb"
    table: str = Field(description="Name of the table.")
    region: str | None = Field(default=None, description="AWS Region; default: as boto3 finds it.")
    profile: str | None = Field(default=None, description="AWS profile; default: as boto3 finds it.")
    segments: int = Field(default=1, ge=1, le=64, description="Parts of the table that are read at once.")
    page_items: int = Field(default=1_000, ge=1, description="Items a call (`Limit`), at most 1 MB of them.")
    read_units: float | None = Field(
        default=None,
        gt=0,
        description="Read capacity units a second that may be taken; default: any.",
    )
    consistent: bool = Field(default=False, description="Strongly consistent reads, at twice the capacity.")


class DynamodbSource(RecordSource):
    """Reads users from a table; proven against moto's server.

    Args:
        settings: which table.
        base: not used; every kind of source takes it.
        sleep: takes seconds; tests give one that does not sleep.
        clock: seconds on a clock that only goes forward.
    """

    traits: ClassVar[SourceTraits] = SourceTraits(resumable=True, partitions=True, live=True)

    def __init__(
        self,
        settings: DynamodbSettings,
        base: Path,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        del base
        self._settings = settings
        self._sleep = sleep
        self._pace = _Pace(settings.read_units, sleep, clock)

    @cached_property
    def _client(self) -> DynamoDBClient:
        return client("dynamodb", region=self._settings.region, profile=self._settings.profile)

    def check(self) -> None:
        """Look at the table, and read one page."""
        next(iter(self._batches((), None)), None)

    def fingerprint(self) -> str:
        """Hash of Region, profile and table."""
        said = (self._settings.region, self._settings.profile, self._settings.table)
        return hashlib.sha256(repr(said).encode()).hexdigest()

    def _batches(self, fields: Sequence[str], after: Cursor | None) -> Iterator[Batch]:
        places: list[Segment | None] = [(number, {}) for number in range(self._settings.segments)]
        if after is not None:
            places = [_segment(number, str(after[f"at{number}"])) for number in range(int(after["segments"]))]
        fetch = partial(self._fetch, _projection(fields), len(places))
        for items, now in side_by_side(places, fetch):
            cursor: Cursor = {"segments": len(now)}
            cursor |= {f"at{number}": _written(at) for number, at in enumerate(now)}
            if items:
                yield Batch([record_of(item) for item in items], cursor)

    def _fetch(
        self, projection: Mapping[str, Any], segments: int, place: Segment
    ) -> tuple[list[Mapping[str, Any]], Segment | None]:
        number, start = place
        request = {
            "TableName": self._settings.table,
            "Limit": self._settings.page_items,
            "ConsistentRead": self._settings.consistent,
            "ReturnConsumedCapacity": "TOTAL",
            "Segment": number,
            "TotalSegments": segments,
            **projection,
            **({"ExclusiveStartKey": start} if start else {}),
        }
        answer = retrying("Scan", sleep=self._sleep)(partial(self._scan, request))
        self._pace.take(answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0.0))
        behind = answer.get("LastEvaluatedKey")
        return answer["Items"], (number, behind) if behind else None

    def _scan(self, request: Mapping[str, Any]) -> Any:  # noqa: ANN401 - boto3's answer
        with translated("Scan", stop=SourceError, reads=True):
            return self._client.scan(**request)


class _Pace:
    """Waits so long after each page that no more units a second are taken than allowed; for many threads."""

    def __init__(
        self, units: float | None, sleep: Callable[[float], None], clock: Callable[[], float]
    ) -> None:
        self._units, self._sleep, self._clock = units, sleep, clock
        self._free_at = 0.0
        self._lock = threading.Lock()

    def take(self, units: float) -> None:
        if self._units is None:
            return
        with self._lock:
            now = self._clock()
            self._free_at = max(self._free_at, now) + units / self._units
            pause = self._free_at - now
        self._sleep(pause)


def _written(place: Segment | None) -> str:
    """A place as JSON, which has no bytes: a binary part of a key is base64 there."""
    return json.dumps(place and place[1], default=lambda value: base64.b64encode(value).decode())


def _segment(number: int, written: str) -> Segment | None:
    start = json.loads(written)
    return None if start is None else (number, {name: _key_part(part) for name, part in start.items()})


def _key_part(typed: Mapping[str, str]) -> dict[str, str | bytes]:
    return {kind: base64.b64decode(value) if kind == "B" else value for kind, value in typed.items()}


def _projection(fields: Sequence[str]) -> dict[str, Any]:
    """Ask for the attributes that the fields' paths can begin with; for all where no field is named."""
    names = sorted({name for field in fields for name, _ in splits(field)})
    if not names:
        return {}
    places = {f"#f{number}": name for number, name in enumerate(names)}
    return {"ProjectionExpression": ", ".join(places), "ExpressionAttributeNames": places}


def record_of(item: Mapping[str, Mapping[str, Any]]) -> dict[str, object]:
    """Turn an item in DynamoDB's JSON into a plain record: numbers as written, sets as sorted lists."""
    return {name: _value(value) for name, value in item.items()}


def _value(typed: Mapping[str, Any]) -> object:
    kind, value = next(iter(typed.items()))
    return _PLAIN[kind](value)


_PLAIN: Final[Mapping[str, Callable[[Any], object]]] = {
    "S": str,
    "N": Written,
    "BOOL": bool,
    "NULL": lambda _: None,
    "B": lambda value: base64.b64encode(value).decode(),
    "M": record_of,
    "L": lambda values: [_value(value) for value in values],
    "SS": sorted,
    "NS": lambda values: sorted(map(Written, values), key=float),
    "BS": lambda values: sorted(base64.b64encode(value).decode() for value in values),
}
