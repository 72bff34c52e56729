"""The people of the contract in a table of moto's server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from connectors.aws import client
from connectors.sources.dynamodb_table import DynamodbSettings, DynamodbSource
from tests.contracts.source_suite import PEOPLE, Specimen
from tests.servers.moto import MotoServer

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.sources.base import Source


def dynamodb_specimen(folder: Path) -> Specimen:
    server = MotoServer()
    server.start()
    os.environ["AWS_ENDPOINT_URL"] = server.url
    table = client("dynamodb", region="eu-west-1")

    def make(name: str) -> None:
        table.create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        )  # fmt: skip

    def put(name: str, person: dict[str, str | None]) -> None:
        item = {key: {"S": value} for key, value in person.items() if value is not None}
        table.put_item(TableName=name, Item=item)

    def source(name: str = "users", limit: int = 3, **more: object) -> Source:
        given = {"table": name, "region": "eu-west-1", "page_items": limit, **more}
        return DynamodbSource(DynamodbSettings.model_validate(given), folder, sleep=lambda _: None)

    def grown(size: int) -> Source:
        make(f"grown{size}")
        for start in range(0, size, 25):
            chunk = [{"id": {"S": f"u{number:05d}"}} for number in range(start, min(size, start + 25))]
            wanted = [{"PutRequest": {"Item": one}} for one in chunk]
            table.batch_write_item(RequestItems={f"grown{size}": wanted})
        return source(f"grown{size}", 50)

    def close() -> None:
        for name in table.list_tables()["TableNames"]:  # moto keeps them for the whole process
            table.delete_table(TableName=name)
        server.stop()
        os.environ.pop("AWS_ENDPOINT_URL", None)

    make("users")
    for person in PEOPLE:
        put("users", dict(person))
    order = [item["id"]["S"] for item in table.scan(TableName="users")["Items"]]
    known = {str(person["id"]): dict(person) for person in PEOPLE}
    return Specimen(
        source,
        [(number, 0, known[one]) for number, one in enumerate(order, 1)],
        change=lambda: put("users", {"id": "more"}),
        failing=[lambda: source("nobody").check()],
        grown=grown,
        schema=False,
        parts=lambda parts: source(limit=2, segments=parts),
        close=close,
    )
