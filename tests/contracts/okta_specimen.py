"""The people of the contract in an Okta organization."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.sources.okta import OktaSettings, OktaSource
from tests.contracts.api_suite import ApiSpecimen
from tests.contracts.source_suite import PEOPLE, Specimen
from tests.servers.okta import TOKEN, OktaServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.sources.base import Source

NAMES = ("id", "profile.displayName", "profile.title", "profile.nickName")


def source(server: OktaServer, sleep: Callable[[float], None] = lambda _: None, **more: Any) -> OktaSource:
    given = {"url": server.url, "token": TOKEN, "page_users": 3, **more}
    return OktaSource(OktaSettings.model_validate(given), Path(), sleep=sleep)


def user(key: str, **profile: str | None) -> dict[str, Any]:
    return {
        "id": key,
        "status": "ACTIVE",
        "lastUpdated": "2024-05-01T12:00:00.000Z",
        "profile": {"login": f"{key}@example.com", "email": f"{key}@example.com", **profile},
        "credentials": {"provider": {"type": "OKTA", "name": "OKTA"}},
    }


def okta_specimen(folder: Path) -> Specimen:
    del folder
    texts = [dict(zip(NAMES, person.values(), strict=True)) for person in PEOPLE]
    profiles = [{name.removeprefix("profile."): one[name] for name in NAMES[1:]} for one in texts]
    users = [user(str(one["id"]), **profile) for one, profile in zip(texts, profiles, strict=True)]
    server = OktaServer([*users, "no user"])
    server.add_group("staff", [users[0]["id"]])
    server.__enter__()

    def change() -> None:
        new = user(f"more{len(server.users)}")
        server.users.append({**new, "lastUpdated": "2999-01-01T00:00:00.000Z"})

    def grown(size: int) -> Source:
        server.users = [user(f"u{number:05d}") for number in range(size)]
        return source(server, page_users=50)

    return Specimen(
        lambda: source(server),
        [(number, 0, one) for number, one in enumerate(texts, 1)],
        unreadable=[(len(texts) + 1, 0, "line_malformed")],
        change=change,
        failing=[
            lambda: source(server, token="wrong").check(),  # noqa: S106 - opens nothing
            lambda: list(source(server).pages(["id"], {"at": f"{server.url}/api/v1/nothing", "row": 3})),
        ],
        grown=grown,
        schema=False,
        names=NAMES,
        delivered={"groups": "groups"},
        changing=lambda: source(server, overlap_seconds=0),
        close=server.__exit__,
    )


def okta_api_specimen(folder: Path) -> ApiSpecimen:
    del folder
    server = OktaServer([user(f"u{number:02d}") for number in range(8)])
    server.add_group("staff", ["u01", "u02", "u03", "u07"])
    ids = [one["id"] for one in server.users]
    return ApiSpecimen(
        server,
        lambda sleep: source(server, sleep),
        ("id", "profile.email", "groups"),
        ids,
        (TOKEN, "@example.com"),
    )
