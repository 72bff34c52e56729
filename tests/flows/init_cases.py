"""For every kind of source real people to draft a run file for: a server or files, and what is typed."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import openpyxl
import polars as pl

from tests.contracts.firebase_specimen import service_account
from tests.contracts.rest_specimen import TOKEN as REST_TOKEN
from tests.contracts.rest_specimen import PeopleApi
from tests.flows.conftest import FIELDS, person
from tests.flows.journeys import make_pool, text_attribute
from tests.servers import auth0, entra, firebase, keycloak, okta, scim, slapd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    import pytest

    from tests.flows.conftest import Pool

FIXTURES = Path(__file__).parent.parent / "contracts" / "presets"
PEOPLE = [person(number, pw="", roles="staff;editors" if number % 2 else "") for number in range(12)]
MARK = "example.com"
"""Stands in every address of the people, and in no name of a field."""


@dataclass(frozen=True)
class Case:
    """What is typed, and what shall come of it.

    Attributes:
        arguments: behind ``poolferry init``.
        preset: the preset that knows these people; None: none does.
        secrets: variables of the environment, whose values may stand nowhere.
    """

    arguments: list[str]
    preset: str | None = None
    secrets: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Scene:
    """Where a case plays: the target, and the folder that the command runs in."""

    pool: Pool
    monkeypatch: pytest.MonkeyPatch

    @property
    def folder(self) -> Path:
        return self.pool.folder


def listed(system: str) -> list[dict[str, Any]]:
    data = json.loads((FIXTURES / f"{system}.json").read_text(encoding="utf-8"))
    return list(data["users"] if isinstance(data, dict) else data)


def _file(name: str, write: Callable[[Path], object]) -> Callable[[Scene], AbstractContextManager[Case]]:
    @contextmanager
    def case(scene: Scene) -> Iterator[Case]:
        write(scene.folder / name)
        yield Case([name])

    return case


def _book(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (FIELDS, *(each.values() for each in PEOPLE)):
        sheet.append(list(row))
    book.save(path)


def _lines(path: Path) -> None:
    path.write_text("".join(f"{json.dumps(each)}\n" for each in PEOPLE))


def _below_a_key(path: Path) -> None:
    tags = [{"name": "a list that is none of users"}]
    path.write_text(json.dumps({"meta": {"tags": tags}, "result": {"users": PEOPLE}}))


def _export(name: str, preset: str) -> Callable[[Scene], AbstractContextManager[Case]]:
    """An export is recognised by its content: the name says no more than that it is JSON."""

    @contextmanager
    def case(scene: Scene) -> Iterator[Case]:
        shutil.copy(FIXTURES / name, scene.folder / "export.json")
        yield Case(["export.json"], preset)

    return case


@contextmanager
def sql(scene: Scene) -> Iterator[Case]:
    with sqlite3.connect(scene.folder / "app.sqlite3") as database:
        database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id TEXT, email TEXT)")
        columns = ", ".join(f"{name} TEXT" for name in FIELDS[1:])
        database.execute(f"CREATE TABLE members (id TEXT PRIMARY KEY NOT NULL, {columns})")
        database.executemany(
            "INSERT INTO members VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [[*each.values()] for each in PEOPLE]
        )
    database.close()
    yield Case(["app.sqlite3"])


@contextmanager
def dynamodb(scene: Scene) -> Iterator[Case]:
    del scene
    client = boto3.client("dynamodb", region_name="eu-west-1")
    client.create_table(
        TableName="people", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )  # fmt: skip
    for each in PEOPLE:
        client.put_item(TableName="people", Item={name: {"S": text} for name, text in each.items() if text})
    yield Case(["arn:aws:dynamodb:eu-west-1:123456789012:table/people"])
    client.delete_table(TableName="people")


@contextmanager
def cognito(scene: Scene) -> Iterator[Case]:
    old = make_pool(scene.pool.sandbox, scene.folder / "old", Schema=[text_attribute("tenant")])
    for number in range(12):
        told = {"email": f"u{number}@{MARK}", "email_verified": "true", "custom:tenant": "acme"}
        old.client.admin_create_user(
            UserPoolId=old.pool_id, Username=f"u{number}", MessageAction="SUPPRESS",
            UserAttributes=[{"Name": name, "Value": value} for name, value in told.items()],
        )  # fmt: skip
    yield Case([old.pool_id, "--kind", "cognito"], "cognito")


@contextmanager
def ldap(scene: Scene) -> Iterator[Case]:
    entries = [
        slapd.person(
            f"p{number}",
            {"mail": f"p{number}@{MARK}", "givenName": "Vera", "userPassword": "{SSHA}bm8gcmVhbCBoYXNo"},
        )
        for number in range(12)
    ]
    server = slapd.start_slapd(scene.folder / "slapd", entries)
    admin, members = server.admin(), [f"uid=p1,{slapd.PEOPLE_DN}"]
    admin.add(f"cn=staff,ou=groups,{slapd.SUFFIX}", ["groupOfNames"], {"cn": "staff", "member": members})
    admin.unbind()
    told = [
        "--set",
        "start_tls=false",
        "--set",
        f"bind_dn={slapd.READER}",
        "--set",
        "password=${LDAP_READER}",
    ]
    try:
        yield Case([server.url, *told], "openldap", (("LDAP_READER", slapd.SECRET),))
    finally:
        server.stop()


@contextmanager
def rest(scene: Scene) -> Iterator[Case]:
    del scene
    with PeopleApi(list(PEOPLE)) as server:
        told = ["--set", "auth.bearer=${API_TOKEN}"]
        yield Case([f"{server.url}/offset", "--kind", "rest", *told], None, (("API_TOKEN", REST_TOKEN),))


@contextmanager
def scim_people(scene: Scene) -> Iterator[Case]:
    del scene
    with scim.ScimServer(cursor=True) as server:
        for each in listed("scim"):
            server.add("User", **each)
        yield Case([f"{server.base}/Users", "--kind", "scim"], "scim", (("SCIM_TOKEN", scim.TOKEN),))


@contextmanager
def okta_people(scene: Scene) -> Iterator[Case]:
    del scene
    with okta.OktaServer(listed("okta")) as server:
        server.add_group("staff", ["00u1", "00u2"])
        yield Case([server.url, "--kind", "okta"], "okta", (("OKTA_TOKEN", okta.TOKEN),))


@contextmanager
def entra_people(scene: Scene) -> Iterator[Case]:
    del scene
    with entra.GraphServer(listed("entra")) as server:
        told = [f"client_id={entra.CLIENT}", f"graph_url={server.graph}", f"login_url={server.url}"]
        arguments = [part for one in told for part in ("--set", one)]
        yield Case([entra.TENANT, *arguments], "entra", (("ENTRA_CLIENT_SECRET", entra.SECRET),))


@contextmanager
def auth0_people(scene: Scene) -> Iterator[Case]:
    del scene
    lines = (FIXTURES / "auth0.jsonl").read_text(encoding="utf-8").splitlines()
    with auth0.Auth0Server([json.loads(line) for line in lines if line.startswith("{")]) as server:
        told = ["--set", f"client_id={auth0.CLIENT}"]
        secret = ("AUTH0_CLIENT_SECRET", auth0.SECRET)
        yield Case([server.url, "--kind", "auth0", *told], "auth0", (secret,))


@contextmanager
def keycloak_people(scene: Scene) -> Iterator[Case]:
    del scene
    with keycloak.KeycloakServer(listed("keycloak")) as server:
        told = ["--set", f"client_id={keycloak.CLIENT}"]
        secret = ("KEYCLOAK_CLIENT_SECRET", keycloak.SECRET)
        yield Case([f"{server.url}/realms/{server.realm}", *told], "keycloak", (secret,))


@contextmanager
def firebase_people(scene: Scene) -> Iterator[Case]:
    with firebase.FirebaseServer(listed("firebase-api")) as server:
        key, _ = service_account(scene.folder, f"{server.url}/token")
        told = ["--set", f"credentials={key}", "--set", f"url={server.url}"]
        yield Case([f"{server.project}.firebaseapp.com", *told], "firebase")


CASES: dict[str, Callable[[Scene], AbstractContextManager[Case]]] = {
    "auth0": auth0_people,
    "auth0_export": _export("auth0.jsonl", "auth0"),
    "cognito": cognito,
    "csv": _file("users.csv", lambda path: pl.DataFrame(PEOPLE).write_csv(path)),
    "dynamodb": dynamodb,
    "entra": entra_people,
    "firebase": firebase_people,
    "firebase_export": _export("firebase.json", "firebase"),
    "json": _file("users.json", _below_a_key),
    "jsonl": _file("users.ndjson", _lines),
    "keycloak": keycloak_people,
    "keycloak_export": _export("keycloak.json", "keycloak"),
    "ldap": ldap,
    "okta": okta_people,
    "parquet": _file("users.parquet", lambda path: pl.DataFrame(PEOPLE).write_parquet(path)),
    "rest": rest,
    "scim": scim_people,
    "sql": sql,
    "xlsx": _file("users.xlsx", _book),
}
"""A case for each registered kind; a kind without one fails ``test_init_sources.py``."""
