"""The people of the contract on the published scim2-server."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.sources.scim import ScimSettings, ScimSource
from tests.contracts.api_suite import ApiSpecimen
from tests.contracts.source_suite import PEOPLE, Specimen
from tests.servers.scim import TOKEN, ScimServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.sources.base import Source

NAMES = ("externalId", "displayName", "title", "nickName")
"""Attributes that stand for ``id``, ``name``, ``plan`` and ``note``: the server makes the ids itself."""


def source(server: ScimServer, sleep: Callable[[float], None] = lambda _: None, **more: Any) -> ScimSource:
    given = {"url": server.base, "token": TOKEN, "page_users": 3, **more}
    return ScimSource(ScimSettings.model_validate(given), Path(), sleep=sleep)


def scim_specimen(folder: Path) -> Specimen:
    del folder
    server = ScimServer(cursor=True)
    server.__enter__()
    known = {}
    for number, person in enumerate(PEOPLE):
        texts = dict(zip(NAMES, person.values(), strict=True))
        told = {name: text for name, text in texts.items() if text is not None}
        known[server.add("User", userName=f"user{number}", **told)] = texts
    server.add("Group", displayName="staff", members=[{"value": server.ids()[0], "type": "User"}])
    for one in server.storage.resources:
        one.meta.last_modified = datetime(2001, 1, 1, tzinfo=UTC)

    def change() -> None:
        new = f"more{len(server.ids())}"
        server.add("User", userName=new, externalId=new)

    def grown(size: int) -> Source:
        server.empty()
        server.add_users(f"u{number:05d}" for number in range(size))
        return source(server, page_users=100)

    return Specimen(
        partial(source, server, groups_from="groups"),
        [(number, 0, known[one]) for number, one in enumerate(server.ids(), 1)],
        change=change,
        failing=[
            lambda: source(server, token="wrong").check(),  # noqa: S106 - opens nothing
            lambda: source(server, url=f"{server.url}/elsewhere").check(),
            lambda: source(server, filter="userName is").check(),
            lambda: source(server, url=f"{server.base}/ServiceProviderConfig").check(),
        ],
        grown=grown,
        schema=False,
        names=NAMES,
        delivered={"groups": "groups"},
        changing=lambda: source(server, overlap_seconds=0),
        close=server.__exit__,
    )


def scim_api_specimen(paging: str) -> Callable[[Path], ApiSpecimen]:
    def make(folder: Path) -> ApiSpecimen:
        del folder
        server = ScimServer(cursor=True)
        for number in range(8):
            name = f"u{number:02d}@example.com"
            server.add("User", userName=name, emails=[{"value": name, "primary": True}])
        return ApiSpecimen(
            server,
            lambda sleep: source(server, sleep, paging=paging),
            ("id", "emails[0].value"),
            server.ids(),
            (TOKEN, "@example.com"),
        )

    return make
