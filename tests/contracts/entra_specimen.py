"""The people of the contract in a Microsoft Entra tenant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.sources.entra import EntraSettings, EntraSource
from tests.contracts.api_suite import ApiSpecimen
from tests.contracts.source_suite import PEOPLE, Specimen
from tests.servers.entra import CLIENT, SECRET, TENANT, GraphServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.sources.base import Source

NAMES = ("id", "displayName", "jobTitle", "department")


def source(server: GraphServer, sleep: Callable[[float], None] = lambda _: None, **more: Any) -> EntraSource:
    given = {
        "tenant": TENANT, "client_id": CLIENT, "client_secret": SECRET, "page_users": 3,
        "graph_url": server.graph, "login_url": server.url, **more,
    }  # fmt: skip
    return EntraSource(EntraSettings.model_validate(given), Path(), sleep=sleep)


def entra_specimen(folder: Path) -> Specimen:
    del folder
    people = [dict(zip(NAMES, person.values(), strict=True)) for person in PEOPLE]
    linked = {"signInType": "federated", "issuer": "google.com", "issuerAssignedId": "104"}
    server = GraphServer([{**people[0], "identities": [linked]}, *people[1:], "no user"])
    server.add_group("staff", [str(people[0]["id"])])
    server.__enter__()

    def change() -> None:
        new = f"more{len(server.changes)}"
        server.users.append({"id": new})
        server.changes.append((new, False))

    def grown(size: int) -> Source:
        server.users = [{"id": f"u{number:05d}"} for number in range(size)]
        return source(server, page_users=50)

    return Specimen(
        lambda: source(server),
        [(number, 0, one) for number, one in enumerate(people, 1)],
        unreadable=[(len(people) + 1, 0, "line_malformed")],
        change=change,
        failing=[
            lambda: source(server, client_secret="wrong").check(),  # noqa: S106 - opens nothing
            lambda: source(server, tenant="elsewhere").check(),
            lambda: source(server, graph_url=f"{server.url}/beta").check(),
        ],
        grown=grown,
        schema=False,
        names=NAMES,
        delivered={"groups": "groups", "identities": "identities"},
        changing=lambda: source(server),
        close=server.__exit__,
    )


def entra_api_specimen(folder: Path) -> ApiSpecimen:
    del folder
    server = GraphServer(
        [{"id": f"u{number:02d}", "mail": f"u{number:02d}@example.com"} for number in range(8)]
    )
    server.add_group("staff", ["u01", "u02", "u03", "u07"])
    ids = [one["id"] for one in server.users]
    return ApiSpecimen(
        server, lambda sleep: source(server, sleep), ("id", "mail", "groups"), ids, (SECRET, "@example.com")
    )
