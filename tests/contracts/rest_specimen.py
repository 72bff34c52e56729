"""The server of a made-up API that can page in every usual way, and the specimens of ``kind: rest``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.sources.rest_source import RestSettings, RestSource
from tests.contracts.api_suite import ApiSpecimen
from tests.contracts.source_suite import PEOPLE, Specimen
from tests.servers.api_server import ApiServer, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connectors.sources.base import Source

TOKEN = "t0ken-of-a-test"  # noqa: S105 - opens nothing
SIZE = 3


class PeopleApi(ApiServer):
    """``/KIND`` pages in that way; ``/at-once`` answers with the bare list."""

    def __init__(self, people: list[Any]) -> None:
        super().__init__()
        self.people = people

    def answer(self, request: Request) -> Reply:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return Reply({"error": "unauthorized"}, 401)
        if request.path == "/at-once":
            return Reply(self.people)
        kind, size = request.path.strip("/"), int(request.query.get("limit", SIZE))
        start = self._start(kind, request.query, size)
        shown = self.people[start : start + size]
        body: dict[str, Any] = {"data": {"items": shown}, "total": len(self.people)}
        more = start + size < len(self.people)
        if more and kind == "cursor":
            body["next"] = str(start + size)
        link = {"Link": f'<{self.url}/link?cursor={start + size}>; rel="next"'} if more else {}
        return Reply(body, 200, link if kind == "link" else {})

    def _start(self, kind: str, query: dict[str, str], size: int) -> int:
        if kind == "page":
            return (int(query.get("page", 1)) - 1) * size
        if kind == "marker":
            ids = [person["id"] for person in self.people]
            return ids.index(query["after"]) + 1 if "after" in query else 0
        return int(query.get("cursor") or query.get("offset") or 0)


def settings(server: PeopleApi, kind: str, **more: object) -> RestSettings:
    paging: dict[str, object] = {"kind": kind, "size": SIZE} if kind != "none" else {}
    path, records = ("at-once", "") if kind == "none" else (kind, "data.items")
    given = {"url": f"{server.url}/{path}", "auth": {"bearer": TOKEN}, "records": records, "key": "id"}
    return RestSettings.model_validate({**given, "paging": paging, **more})


def rest_specimen(folder: Path) -> Specimen:
    """Served until the test process ends its thread: the caller closes what is in ``folder.server``."""
    server = PeopleApi([{k: v for k, v in person.items() if v is not None} for person in PEOPLE])
    server.people.append("no user")
    server.__enter__()
    people = [(number, 0, dict(person)) for number, person in enumerate(PEOPLE, 1)]

    def source(kind: str = "offset", **more: object) -> Source:
        return RestSource(settings(server, kind, **more), folder, sleep=lambda _: None)

    def grown(size: int) -> Source:
        server.people = [{"id": f"u{number:05d}", "name": "n"} for number in range(size)]
        return source()

    return Specimen(
        source,
        people,
        unreadable=[(len(PEOPLE) + 1, 0, "line_malformed")],
        change=lambda: server.people.append({"id": "more"}),
        failing=[
            lambda: source(auth={"bearer": "wrong"}).check(),
            lambda: source(records="users").check(),
            lambda: source(url=f"{server.url}/offset", paging={"kind": "page", "param": "p"}).fields(),
        ],
        grown=grown,
        schema=False,
        close=server.__exit__,
    )


def rest_api_specimen(kind: str) -> Callable[[Path], ApiSpecimen]:
    def make(folder: Path) -> ApiSpecimen:
        ids = [f"u{number:02d}" for number in range(8)]
        server = PeopleApi([{"id": one, "email": f"{one}@example.com"} for one in ids])

        def source(sleep: Callable[[float], None]) -> Source:
            return RestSource(settings(server, kind), folder, sleep=sleep)

        return ApiSpecimen(server, source, ("id", "email"), ids, (TOKEN, "@example.com"))

    return make


KINDS = ("none", "page", "offset", "cursor", "link", "marker")
