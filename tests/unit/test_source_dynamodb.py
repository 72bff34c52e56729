"""Tables of DynamoDB: every type as text, segments side by side, a pace that is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from connectors.aws import client
from connectors.sources.dynamodb_table import DynamodbSettings, DynamodbSource, record_of
from tests.contracts.dynamodb_specimen import dynamodb_specimen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contracts.source_suite import Specimen


@pytest.fixture
def specimen(tmp_path: Path) -> Iterator[Specimen]:
    made = dynamodb_specimen(tmp_path)
    yield made
    made.close()


def test_a_value_of_every_type_is_a_plain_one() -> None:
    item: dict[str, dict[str, Any]] = {
        "s": {"S": "x"}, "n": {"N": "1.10"}, "yes": {"BOOL": True}, "none": {"NULL": True},
        "b": {"B": b"\xff"}, "m": {"M": {"l": {"L": [{"N": "2"}]}}}, "ss": {"SS": ["b", "a"]},
        "ns": {"NS": ["10", "9"]}, "bs": {"BS": [b"\x01"]},
    }  # fmt: skip
    assert record_of(item) == {
        "s": "x", "n": "1.10", "yes": True, "none": None, "b": "/w==", "m": {"l": ["2"]},
        "ss": ["a", "b"], "ns": ["9", "10"], "bs": ["AQ=="],
    }  # fmt: skip


def test_segments_side_by_side_lose_nobody_wherever_they_stop(specimen: Specimen) -> None:
    one = specimen.grown(300)
    settings = DynamodbSettings(table="grown300", region="eu-west-1", segments=3, page_items=20)
    pages = list(DynamodbSource(settings, one, sleep=lambda _: None).pages(["id"]))  # type: ignore[arg-type]
    everybody = sorted(row for page in pages for row in page.rows["id"])
    assert everybody == [f"u{number:05d}" for number in range(300)]
    for stop in (1, len(pages) // 2, len(pages)):
        cursor = json.loads(json.dumps(pages[stop - 1].cursor))
        again = DynamodbSource(settings, one, sleep=lambda _: None)  # type: ignore[arg-type]
        rest = [row for page in again.pages(["id"], cursor) for row in page.rows["id"]]
        assert sorted([*(row for page in pages[:stop] for row in page.rows["id"]), *rest]) == everybody


def test_a_table_with_a_binary_key_is_read_and_gone_on_with(specimen: Specimen) -> None:
    del specimen  # its server is up
    table = client("dynamodb", region="eu-west-1")
    table.create_table(
        TableName="bytes", BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "tenant", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "tenant", "AttributeType": "S"}, {"AttributeName": "id", "AttributeType": "B"},
        ],
    )  # fmt: skip
    for number in range(5):
        item = {"tenant": {"S": "acme"}, "id": {"B": bytes([255, number])}, "n": {"S": str(number)}}
        table.put_item(TableName="bytes", Item=item)
    settings = DynamodbSettings(table="bytes", region="eu-west-1", page_items=2)
    pages = list(DynamodbSource(settings, Path()).pages(["n"]))
    assert len(pages) > 1
    cursor = json.loads(json.dumps(pages[0].cursor))
    rest = [row for page in DynamodbSource(settings, Path()).pages(["n"], cursor) for row in page.rows["n"]]
    assert sorted([*pages[0].rows["n"], *rest]) == ["0", "1", "2", "3", "4"]


def test_no_more_units_a_second_are_taken_than_allowed(specimen: Specimen) -> None:
    specimen.grown(100)
    pauses: list[float] = []
    settings = DynamodbSettings(table="grown100", region="eu-west-1", read_units=2.0, page_items=20)
    source = DynamodbSource(settings, None, sleep=pauses.append, clock=lambda: 0.0)  # type: ignore[arg-type]
    pages = list(source.pages(["id"]))
    assert sum(page.rows.height for page in pages) == 100
    assert pauses == sorted(pauses)
    assert len(pauses) >= len(pages)
    assert pauses[-1] > 0
