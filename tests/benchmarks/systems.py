"""A real system full of invented people, kept running until standard input ends.

    python -m tests.benchmarks.systems SYSTEM USERS FOLDER

Prints one line of JSON: ``settings`` of a source that reads the system and ``environment`` that it needs, or
``missing`` with what to install. It is a process of its own, so that a server's memory is in nobody's peak.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Settings = dict[str, Any]
COLUMNS: Final = ("id", "email", "given_name", "family_name", "phone_number", "note")
FIELDS: Final = COLUMNS[:-1]
"""What is asked for; a real system holds more than anybody needs."""


def person(number: int) -> dict[str, str]:
    """Somebody invented."""
    name = f"u{number:07d}"
    return {
        "id": name,
        "email": f"{name}@example.com",
        "given_name": f"Vera{number % 997}",
        "family_name": f"Muster{number % 4_999}",
        "phone_number": f"+4930{number:08d}",
        "note": f"{name} " * 20,
    }


@contextmanager
def sqlite(folder: Path, users: int) -> Iterator[Settings]:
    """A file."""
    file = folder / "app.db"
    with sqlite3.connect(file) as database:
        database.execute(_table("TEXT"))
        rows = (tuple(person(number).values()) for number in range(users))
        database.executemany(f"INSERT INTO people VALUES ({', '.join('?' * len(COLUMNS))})", rows)  # noqa: S608 - no value
    database.close()
    yield _sql(f"sqlite:///{file}")


@contextmanager
def postgresql(folder: Path, users: int) -> Iterator[Settings]:
    """A server."""
    from tests.servers.databases import postgresql as running  # noqa: PLC0415 - only what one system needs

    with running(folder) as url:
        _fill(url, "text", users)
        yield _sql(url)


@contextmanager
def mariadb(folder: Path, users: int) -> Iterator[Settings]:
    """A server."""
    from tests.servers.databases import mariadb as running  # noqa: PLC0415 - same

    with running(folder) as url:
        _fill(url, "varchar(300)", users)
        yield _sql(url)


def _table(text: str) -> str:
    columns = ", ".join(f"{name} {text}" for name in COLUMNS)
    return f"CREATE TABLE people ({columns.replace(text, f'{text} PRIMARY KEY NOT NULL', 1)})"


def _fill(url: str, text: str, users: int) -> None:
    import sqlalchemy  # noqa: PLC0415 - same

    engine = sqlalchemy.create_engine(url)
    names = ", ".join(f":{name}" for name in COLUMNS)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(_table(text)))
        for first in range(0, users, 10_000):
            people = [person(number) for number in range(first, min(users, first + 10_000))]
            connection.execute(sqlalchemy.text(f"INSERT INTO people VALUES ({names})"), people)  # noqa: S608 - no value
    engine.dispose()


def _sql(url: str) -> Settings:
    return {"kind": "sql", "url": url, "table": "people", "key": "id"}


@contextmanager
def openldap(folder: Path, users: int) -> Iterator[Settings]:
    """A server that limits nobody."""
    from tests.servers import slapd  # noqa: PLC0415 - same

    entries = (slapd.person(one["id"], _of_a_directory(one)) for one in map(person, range(users)))
    server = slapd.start_slapd(folder, entries, limits="sizelimit unlimited")
    try:
        yield {
            "kind": "ldap", "url": server.url, "base": slapd.PEOPLE_DN, "start_tls": False,
            "bind_dn": slapd.READER, "password": slapd.SECRET,
        }  # fmt: skip
    finally:
        server.stop()


def _of_a_directory(one: dict[str, str]) -> dict[str, str]:
    return {
        "mail": one["email"], "givenName": one["given_name"], "sn": one["family_name"],
        "telephoneNumber": one["phone_number"], "note": one["note"],
    }  # fmt: skip


@contextmanager
def active_directory(folder: Path, users: int) -> Iterator[Settings]:
    """A domain of Samba's with the usual limit of 1,000 entries an answer."""
    from tests.servers import samba  # noqa: PLC0415 - same

    server = samba.start_samba(folder)
    try:
        admin = server.admin()
        everybody = {
            one["id"]: {"mail": one["email"], "sn": one["family_name"]} for one in map(person, range(users))
        }
        samba.add_users(admin, everybody)
        admin.unbind()
        yield {
            "kind": "ldap", "url": "ldaps://localhost", "base": samba.USERS_DN, "bind_dn": samba.READER,
            "password": samba.SECRET, "ca_file": str(folder / "localhost.pem"),
        }  # fmt: skip
    finally:
        server.stop()


@contextmanager
def scim(folder: Path, users: int) -> Iterator[Settings]:
    """scim2-server, which gives as many as it is asked for."""
    del folder
    from tests.servers.scim import TOKEN, ScimServer  # noqa: PLC0415 - same

    with ScimServer() as server:
        server.add_users(one["id"] for one in map(person, range(users)))
        yield {"kind": "scim", "url": server.base, "token": TOKEN}


@contextmanager
def dynamodb(folder: Path, users: int) -> Iterator[Settings]:
    """A table of moto's server."""
    with _local(folder) as client:
        database = client("dynamodb")
        database.create_table(
            TableName="people", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        )  # fmt: skip
        puts = [
            {"PutRequest": {"Item": {name: {"S": value} for name, value in person(number).items()}}}
            for number in range(users)
        ]
        for first in range(0, users, 25):
            database.batch_write_item(RequestItems={"people": puts[first : first + 25]})
        yield {"kind": "dynamodb", "table": "people", "region": "eu-west-1"}


@contextmanager
def cognito(folder: Path, users: int) -> Iterator[Settings]:
    """A pool of the local Cognito."""
    with _local(folder) as client:
        pools = client("cognito-idp")
        pool = pools.create_user_pool(PoolName="old")["UserPool"]["Id"]
        for one in map(person, range(users)):
            attributes = [{"Name": name, "Value": one[name]} for name in FIELDS[1:]]
            pools.admin_create_user(
                UserPoolId=pool, Username=one["id"], UserAttributes=attributes, MessageAction="SUPPRESS"
            )
        yield {"kind": "cognito", "user_pool_id": pool, "groups": False, "second_factors": False}


@contextmanager
def _local(folder: Path) -> Iterator[Callable[[str], Any]]:
    del folder
    from connectors.aws import client  # noqa: PLC0415 - same
    from connectors.cognito.sandbox import launch  # noqa: PLC0415 - same

    with launch() as sandbox:
        os.environ.update(sandbox.environment)
        yield lambda service: client(service, region="eu-west-1")


SYSTEMS: Final = {
    "SQLite": sqlite,
    "PostgreSQL": postgresql,
    "MariaDB": mariadb,
    "OpenLDAP": openldap,
    "Active Directory (Samba)": active_directory,
    "SCIM (scim2-server)": scim,
    "DynamoDB (moto)": dynamodb,
    "Cognito (local)": cognito,
}


def main() -> None:
    """Run one until standard input ends."""
    name, users, folder = sys.argv[1:]
    before = dict(os.environ)
    try:
        with SYSTEMS[name](Path(folder), int(users)) as settings:
            needed = {key: value for key, value in os.environ.items() if before.get(key) != value}
            _tell({"settings": settings, "environment": needed})
            sys.stdin.read()
    except pytest.skip.Exception as error:
        _tell({"missing": str(error)})


def _tell(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
