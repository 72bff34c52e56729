"""Specimens of both kinds of Keycloak: its export files, and its API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from connectors.sources.keycloak_api import KeycloakSettings, KeycloakSource
from connectors.sources.keycloak_export import KeycloakExportSettings, KeycloakExportSource
from tests.contracts.api_suite import ApiSpecimen
from tests.contracts.source_suite import PEOPLE, Specimen
from tests.servers.keycloak import CLIENT, SECRET, TOKEN, KeycloakServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.sources.base import Delivers, Source

NAMES = ("id", "firstName", "attributes.plan[0]", "attributes.note[0]")
KEYCLOAK_PEOPLE = Path(__file__).parent / "presets" / "keycloak.json"
"""An export of a realm ``example``: 13 people and a service account."""

MORE: dict[str, Any] = {
    "groups": ["/staff"],
    "federatedIdentities": [{"identityProvider": "google", "userId": "104", "userName": "ann"}],
    "credentials": [{"type": "password", "secretData": "{}", "credentialData": "{}"}, {"type": "otp"}],
}
"""What the first person of ``source_suite`` has besides."""

DELIVERED: dict[Delivers, str] = {"groups": "groups", "mfa": "mfa", "identities": "federatedIdentities"}

_HALF = len(PEOPLE) // 2


def user_of(person: dict[str, str | None]) -> dict[str, Any]:
    lists = {name: [person[name]] for name in ("plan", "note") if person[name] is not None}
    fixed = {"username": person["id"], "groups": [], "realmRoles": []}
    more = MORE if person["id"] == PEOPLE[0]["id"] else {}
    return {"id": person["id"], "firstName": person["name"], "attributes": lists, **fixed, **more}


def _placed(start: int, file: int, people: Any) -> list[tuple[int, int, dict[str, str | None]]]:
    return [
        (number, file, dict(zip(NAMES, person.values(), strict=True)))
        for number, person in enumerate(people, start)
    ]


def _many(size: int) -> list[dict[str, Any]]:
    blank = {"name": "n", "plan": "p", "note": ""}
    return [user_of({"id": f"u{number:05d}", **blank}) for number in range(size)]


def keycloak_export_specimen(folder: Path) -> Specimen:
    """Two files of users; the first one begins with a service account, both end with what is no user."""
    service = {"id": "s", "username": "service-account-a", "serviceAccountClientId": "a"}
    for file, (group, before) in enumerate(((PEOPLE[:_HALF], [service]), (PEOPLE[_HALF:], []))):
        users = [*before, *map(user_of, group), 7]
        text = json.dumps({"realm": "example", "users": users}, indent=file or None)
        (folder / f"example-users-{file}.json").write_text(text, encoding="utf-8")

    def source(path: str = "example-users-*.json", block: int = 64) -> Source:
        return KeycloakExportSource(KeycloakExportSettings(path=path), folder, block_bytes=block)

    def grown(size: int) -> Source:
        (folder / "grown.json").write_text(json.dumps({"users": _many(size)}))
        return source("grown.json", 4096)

    whole = folder / "example-users-1.json"
    (folder / "cut.json").write_text(whole.read_text()[:-40])
    (folder / "example-realm.json").write_text('{"realm": "example", "enabled": true}')
    return Specimen(
        source,
        [*_placed(2, 0, PEOPLE[:_HALF]), *_placed(1, 1, PEOPLE[_HALF:])],
        unreadable=[(_HALF + 2, 0, "line_malformed"), (_HALF + 1, 1, "line_malformed")],
        change=lambda: whole.write_text(whole.read_text() + " "),
        failing=[
            lambda: source("nobody.json").check(),
            lambda: source("example-realm.json").check(),
            lambda: list(source("cut.json").pages(["id"])),
        ],
        grown=grown,
        schema=False,
        names=NAMES,
        delivered={**DELIVERED, "hashes": "passwordCredential"},
    )


def settings(server: KeycloakServer, **more: object) -> KeycloakSettings:
    given = {"url": server.url, "realm": server.realm, "client_id": CLIENT, "page_users": 3}
    return KeycloakSettings.model_validate({**given, "client_secret": SecretStr(SECRET), **more})


def keycloak_specimen(folder: Path) -> Specimen:
    server = KeycloakServer([*map(user_of, PEOPLE), "no user"])
    server.__enter__()

    def source(**more: object) -> Source:
        return KeycloakSource(settings(server, **more), folder, sleep=lambda _: None)

    def grown(size: int) -> Source:
        server.users = _many(size)
        return source(page_users=100)

    return Specimen(
        source,
        _placed(1, 0, PEOPLE),
        unreadable=[(len(PEOPLE) + 1, 0, "line_malformed")],
        change=lambda: server.users.append({"id": "more"}),
        failing=[
            lambda: source(client_id="wrong").check(),
            lambda: source(realm="other").check(),
            lambda: list(source(url=f"{server.url}/admin/realms/example/users/count?").pages(["id"])),
        ],
        grown=grown,
        schema=False,
        names=NAMES,
        delivered=DELIVERED,
        close=server.__exit__,
    )


def keycloak_api_specimen(folder: Path) -> ApiSpecimen:
    """Every field that costs calls of its own is asked for."""
    server = KeycloakServer(
        [each | {"email": f"{each['id']}@example.com", "groups": ["/a"]} for each in _many(8)]
    )

    def source(sleep: Callable[[float], None]) -> Source:
        return KeycloakSource(settings(server), folder, sleep=sleep)

    fields = ("id", "email", "groups", "realmRoles", "federatedIdentities")
    ids = [each["id"] for each in server.users]
    return ApiSpecimen(server, source, fields, ids, (TOKEN, SECRET, "@example.com"))
