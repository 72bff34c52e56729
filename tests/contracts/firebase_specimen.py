"""Specimens of both kinds of Firebase: the files of its tool, and its API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.sources.firebase_api import FirebaseSettings, FirebaseSource
from connectors.sources.firebase_export import FirebaseExportSettings, FirebaseJsonSource, firebase_export
from tests.contracts.api_suite import ApiSpecimen
from tests.contracts.source_suite import PEOPLE, Specimen
from tests.servers.firebase import TOKEN, FirebaseServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connectors.sources.base import Delivers, Source

NAMES = ("localId", "displayName", "customClaims.plan", "customClaims.note")

MORE: dict[str, Any] = {
    "passwordHash": "aGFzaC1vZi1hLXRlc3Q=",
    "salt": "c2FsdA==",
    "providerUserInfo": [{"providerId": "google.com", "rawId": "104"}],
}
"""What the first person of ``source_suite`` has besides."""

DELIVERED: dict[Delivers, str] = {
    "hashes": "scryptHash",
    "groups": "customClaims.roles",
    "identities": "providerUserInfo",
}


def user_of(person: dict[str, str | None]) -> dict[str, Any]:
    claims: dict[str, Any] = {name: person[name] for name in ("plan", "note") if person[name] is not None}
    is_first = person["id"] == PEOPLE[0]["id"]
    told = json.dumps({**claims, "roles": ["staff"]} if is_first else claims)
    named = {"localId": person["id"], "id": person["id"], "displayName": person["name"]}
    return {**named, "customAttributes": told, **(MORE if is_first else {})}


def _placed() -> list[tuple[int, int, dict[str, str | None]]]:
    return [(at, 0, dict(zip(NAMES, one.values(), strict=True))) for at, one in enumerate(PEOPLE, 1)]


def _many(size: int) -> list[dict[str, Any]]:
    blank = {"name": "n", "plan": "p", "note": ""}
    return [user_of({"id": f"u{number:05d}", **blank}) for number in range(size)]


def firebase_export_specimen(folder: Path) -> Specimen:
    def written(name: str, users: list[Any]) -> None:
        (folder / name).write_text(json.dumps({"users": users}, ensure_ascii=False), encoding="utf-8")

    def source(path: str = "users.json", block: int = 256) -> Source:
        return FirebaseJsonSource(FirebaseExportSettings(path=path), folder, block_bytes=block)

    def grown(size: int) -> Source:
        written("grown.json", _many(size))
        return source("grown.json", 4096)

    written("users.json", [*map(user_of, PEOPLE), 7])
    (folder / "cut.json").write_text((folder / "users.json").read_text()[:-60])
    return Specimen(
        source,
        _placed(),
        unreadable=[(len(PEOPLE) + 1, 0, "line_malformed")],
        change=lambda: written("users.json", _many(1)),
        failing=[
            lambda: source("nobody.json").check(),
            lambda: list(source("cut.json").pages(["localId"])),
            lambda: firebase_export(FirebaseExportSettings(path=["a.json", "b.csv.gz"]), folder),
        ],
        grown=grown,
        schema=False,
        names=NAMES,
        delivered=DELIVERED,
    )


def settings(server: FirebaseServer, **more: object) -> FirebaseSettings:
    given = {"url": server.url, "project": server.project, "page_users": 3}
    return FirebaseSettings.model_validate({**given, **more})


def firebase_specimen(folder: Path) -> Specimen:
    factor = {"mfaInfo": [{"mfaEnrollmentId": "1", "phoneInfo": "+12025550101"}]}
    first, *others = map(user_of, PEOPLE)
    server = FirebaseServer([{**first, **factor}, *others, "no user"])
    server.__enter__()
    (folder / "broken.json").write_text('{"type": "service_account"}')

    def source(**more: object) -> Source:
        return FirebaseSource(settings(server, **more), folder, sleep=lambda _: None)

    def grown(size: int) -> Source:
        server.users = _many(size)
        return source(page_users=100)

    def hidden() -> None:
        server.users, server.hides = [{"localId": "a", "passwordHash": "x"}], True
        source().fields()
        list(source().pages(["scryptHash"]))

    return Specimen(
        source,
        _placed(),
        unreadable=[(len(PEOPLE) + 1, 0, "line_malformed")],
        change=lambda: server.users.append({"localId": "more"}),
        failing=[
            lambda: source(project="other").check(),
            lambda: source(credentials="broken.json").check(),
            lambda: source(credentials="nobody.json").check(),
            hidden,
        ],
        grown=grown,
        schema=False,
        names=NAMES,
        delivered={**DELIVERED, "mfa": "mfa"},
        close=server.__exit__,
    )


def service_account(folder: Path, token_uri: str) -> tuple[str, str]:
    """Write a key as the console makes it; give the file's name and a piece of the key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    email = "poolferry@demo-example.example.com"
    told = {"type": "service_account", "client_email": email, "token_uri": token_uri, "private_key_id": "1"}
    (folder / "key.json").write_text(json.dumps({**told, "private_key": key.decode()}))
    return "key.json", key.decode().splitlines()[1]


def firebase_api_specimen(folder: Path) -> ApiSpecimen:
    server = FirebaseServer([each | {"email": f"{each['localId']}@example.com"} for each in _many(8)])
    name, piece = service_account(folder, f"{server.url}/token")

    def source(sleep: Callable[[float], None]) -> Source:
        return FirebaseSource(settings(server, credentials=name), folder, sleep=sleep)

    ids = [each["localId"] for each in server.users]
    return ApiSpecimen(server, source, ("localId", "email"), ids, (TOKEN, piece, "@example.com"))
