"""Specimens of both kinds of Auth0: the files of an export, and the API whose job makes them."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from connectors.sources.auth0_api import Auth0Settings, Auth0Source
from connectors.sources.auth0_export import Auth0ExportSettings, Auth0ExportSource
from tests.contracts.api_suite import ApiSpecimen
from tests.contracts.source_suite import PEOPLE, Specimen
from tests.servers.auth0 import CLIENT, LINK, SECRET, TOKEN, Auth0Server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connectors.sources.base import Delivers, Source

NAMES = ("user_id", "name", "user_metadata.plan", "user_metadata.note", "passwordHash")
HASH = "$2b$10$hash-of-a-test"
HASHED = "007.0"
"""The id of the one person of ``source_suite`` who has a hash."""

MORE = {"app_metadata": {"roles": ["staff"]}, "multifactor": ["guardian"]}
"""What that one has besides."""

DELIVERED: dict[Delivers, str] = {
    "hashes": "passwordHash",
    "groups": "app_metadata.roles",
    "mfa": "multifactor",
    "identities": "identities",
}


def user_of(person: dict[str, str | None]) -> dict[str, Any]:
    data = {name: person[name] for name in ("plan", "note") if person[name] is not None}
    identity = {"connection": "people", "provider": "auth0", "user_id": person["id"], "isSocial": False}
    named = {"user_id": person["id"], "name": person["name"], "identities": [identity]}
    more = MORE if person["id"] == HASHED else {}
    return {**named, "id": person["id"], "user_metadata": data, **more}


def hash_of(person: dict[str, str | None]) -> str | None:
    return HASH if person["id"] == HASHED else None


def _placed() -> list[tuple[int, int, dict[str, str | None]]]:
    rows = [dict(zip(NAMES, (*one.values(), hash_of(one)), strict=True)) for one in PEOPLE]
    return [(number, 0, row) for number, row in enumerate(rows, 1)]


def _many(size: int) -> list[dict[str, Any]]:
    blank = {"name": "n", "plan": "p", "note": ""}
    return [user_of({"id": f"u{number:05d}", **blank}) for number in range(size)]


def _hashes(folder: Path) -> str:
    """The user's id is an ``alt_id``; who has the same id in another connection has another hash."""
    lines = [
        {"_id": {"$oid": "0" * 24}, "alt_id": HASHED, "connection": "people", "passwordHash": HASH},
        {"_id": {"$oid": HASHED}, "connection": "others", "passwordHash": "$2b$10$of-somebody-else"},
    ]  # fmt: skip
    (folder / "hashes.json").write_text("\n".join(map(json.dumps, lines)))
    (folder / "other.json").write_text('{"email": "Zoë Beispiel"}\n')
    return "hashes.json"


def _lines(users: list[Any]) -> bytes:
    return "".join(f"{json.dumps(user, ensure_ascii=False)}\n" for user in users).encode()


def auth0_export_specimen(folder: Path) -> Specimen:
    given = _hashes(folder)
    (folder / "users.json.gz").write_bytes(gzip.compress(_lines([*map(user_of, PEOPLE), "no user"])))

    def source(path: str = "users.json.gz", block: int = 256, hashes: str = given) -> Source:
        settings = Auth0ExportSettings(path=path, hashes=hashes)
        return Auth0ExportSource(settings, folder, block_bytes=block)

    def grown(size: int) -> Source:
        (folder / "grown.json").write_bytes(_lines(_many(size)))
        return source("grown.json", 4096)

    def change() -> None:
        (folder / given).write_text('{"_id": {"$oid": "a"}}')

    return Specimen(
        source,
        _placed(),
        unreadable=[(len(PEOPLE) + 1, 0, "line_malformed")],
        change=change,
        failing=[
            lambda: source("nobody.json").check(),
            lambda: source(hashes="nobody.json").check(),
            lambda: list(source(hashes="other.json").pages(["user_id"])),
        ],
        grown=grown,
        schema=False,
        names=NAMES,
        delivered=DELIVERED,
    )


def settings(server: Auth0Server, **more: object) -> Auth0Settings:
    given = {"url": server.url, "client_id": CLIENT, "client_secret": SECRET}
    return Auth0Settings.model_validate({**given, **more})


def auth0_specimen(folder: Path) -> Specimen:
    given = _hashes(folder)
    server = Auth0Server([*map(user_of, PEOPLE), "no user"])
    server.__enter__()

    def source(block: int = 256, **more: object) -> Source:
        chosen = settings(server, hashes=given, **more)
        return Auth0Source(chosen, folder, sleep=lambda _: None, block_bytes=block)

    def grown(size: int) -> Source:
        server.users = _many(size)
        return source(4096)

    def too_late() -> None:
        list(source().pages(["user_id"], {"job": "job_x", "offset": 0, "line": 1, "row": 0}))

    return Specimen(
        source,
        _placed(),
        unreadable=[(len(PEOPLE) + 1, 0, "line_malformed")],
        change=lambda: server.users.append({"user_id": "more"}),
        failing=[
            lambda: source(client_id="wrong").check(),
            lambda: list(_slow(server, source).pages(["user_id"])),
            lambda: list(source().pages([f"field{number}" for number in range(31)])),
            too_late,
        ],
        grown=grown,
        schema=False,
        names=NAMES,
        delivered=DELIVERED,
        close=server.__exit__,
    )


def _slow(server: Auth0Server, source: Callable[..., Source]) -> Source:
    server.slow = 1000
    return source(wait_seconds=60)


def auth0_api_specimen(folder: Path) -> ApiSpecimen:
    server = Auth0Server([each | {"email": f"{each['user_id']}@example.com"} for each in _many(8)])

    def source(sleep: Callable[[float], None]) -> Source:
        return Auth0Source(settings(server), folder, sleep=sleep, block_bytes=256)

    ids = [each["user_id"] for each in server.users]
    return ApiSpecimen(server, source, ("user_id", "email"), ids, (TOKEN, SECRET, LINK, "@example.com"))
