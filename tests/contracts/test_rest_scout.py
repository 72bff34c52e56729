"""How a JSON API pages is found out, and what was found reads everybody; nobody is left out unsaid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from connectors.errors import SourceError
from connectors.sources.rest_scout import scout
from connectors.sources.rest_source import RestSettings, RestSource
from tests.contracts.rest_specimen import TOKEN, PeopleApi
from tests.servers.api_server import ApiServer, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.sources.scouted import Scouted

PEOPLE = [{"id": f"u{number:02d}", "email": f"u{number:02d}@example.com"} for number in range(8)]
SIZE = 3


def found_out(server: ApiServer, path: str = "/users", **more: object) -> tuple[dict[str, Any], Scouted]:
    told = {"kind": "rest", "url": f"{server.url}{path}", "auth": {"bearer": TOKEN}, **more}
    seen = scout(told, Path())
    assert "@example.com" not in " ".join(seen.notes)
    return {**told, **seen.settings}, seen


def read(settings: dict[str, Any]) -> list[str]:
    source = RestSource(RestSettings.model_validate(settings), Path(), sleep=lambda _: None)
    return [one for page in source.pages(["id"]) for one in page.rows["id"]]


@pytest.fixture
def people() -> Iterator[PeopleApi]:
    with PeopleApi(list(PEOPLE)) as server:
        yield server


PROPOSED: dict[str, dict[str, object]] = {
    "page": {"kind": "page", "param": "page"},
    "offset": {"kind": "offset", "param": "offset"},
    "cursor": {"kind": "cursor", "next": "next", "param": "cursor"},
    "link": {"kind": "link"},
    "marker": {"kind": "marker", "param": "after", "field": "id"},
}


@pytest.mark.parametrize("kind", PROPOSED)
def test_the_way_in_which_an_api_pages_is_proposed(people: PeopleApi, kind: str) -> None:
    settings, seen = found_out(people, f"/{kind}")
    assert seen.settings == {"records": "data.items", "paging": PROPOSED[kind], "total": "total"}
    assert [note.split(":")[0] for note in seen.notes] == [
        "records data.items", f"paging {kind}", "total total",
    ]  # fmt: skip
    assert read(settings) == [each["id"] for each in PEOPLE]


class Paged(ApiServer):
    """Pages by a number in a query parameter, which counts users or pages from the first.

    Attributes:
        refuses: whether it answers what it does not know with 400.
        header: what an answer has besides.
    """

    def __init__(self, param: str, first: int = 0, unit: int = 1) -> None:
        super().__init__()
        self.param, self.first, self.unit, self.refuses = param, first, unit, False
        self.header: dict[str, str] = {}

    def answer(self, request: Request) -> Reply:
        if self.refuses and set(request.query) - {self.param}:
            return Reply({"error": "unknown parameter"}, 400)
        start = (int(request.query.get(self.param, self.first)) - self.first) * self.unit
        more = str(start + SIZE) if start + SIZE < len(PEOPLE) else None
        return Reply({"users": PEOPLE[start : start + SIZE], **self.told(more)}, 200, self.header)

    def told(self, more: str | None) -> dict[str, Any]:
        """What an answer has besides; ``more`` is the place behind it, None behind the last user."""
        del more
        return {"meta": {"count": len(PEOPLE)}}


@pytest.mark.parametrize("refuses", [[], ["what it does not know"]])
@pytest.mark.parametrize(
    ("by", "paging"),
    [
        (("page", 0, SIZE), {"kind": "page", "param": "page", "first": 0}),
        (("pageNumber", 1, SIZE), {"kind": "page", "param": "pageNumber"}),
        (("skip", 0, 1), {"kind": "offset", "param": "skip"}),
    ],
)
def test_a_total_above_the_list_has_the_usual_ways_tried(
    by: tuple[str, int, int], paging: dict[str, Any], refuses: list[str]
) -> None:
    with Paged(*by) as server:
        server.refuses = bool(refuses)
        settings, _ = found_out(server)
        assert (settings["paging"], settings["total"]) == (paging, "meta.count")
        assert read(settings) == [each["id"] for each in PEOPLE]


class Token(Paged):
    def told(self, more: str | None) -> dict[str, Any]:
        return {"nextPageToken": more}


class More(Paged):
    def told(self, more: str | None) -> dict[str, Any]:
        return {"has_more": more is not None}


class Header(Paged):
    def told(self, more: str | None) -> dict[str, Any]:
        self.header = {"X-Total-Count": str(len(PEOPLE))}
        return {}


class Next(Paged):
    def told(self, more: str | None) -> dict[str, Any]:
        return {"_links": {"next": {"href": f"/users?at={more}"} if more else None}}


@pytest.mark.parametrize(
    ("kind", "param", "paging"),
    [
        (Token, "pageToken", {"kind": "cursor", "next": "nextPageToken", "param": "pageToken"}),
        (More, "offset", {"kind": "offset", "param": "offset"}),
        (Header, "offset", {"kind": "offset", "param": "offset"}),
        (Next, "at", {"kind": "link", "next": "_links.next.href"}),
    ],
)
def test_every_sign_of_more_users_is_followed(kind: type[Paged], param: str, paging: dict[str, Any]) -> None:
    with kind(param) as server:
        settings, _ = found_out(server)
        assert settings["paging"] == paging
        assert read(settings) == [each["id"] for each in PEOPLE]


@pytest.mark.parametrize("kind", [Paged, Token, More])
def test_a_way_that_is_not_found_is_an_error_that_says_how_to_name_it(kind: type[Paged]) -> None:
    with kind("unheard_of") as server, pytest.raises(SourceError, match="none of the usual") as caught:
        found_out(server)
    assert "--set paging.kind=KIND" in caught.value.mend


def test_what_is_told_stays_as_it_is(people: PeopleApi) -> None:
    assert found_out(people, "/page", paging={"kind": "none"})[1].settings == {}
    settings, seen = found_out(people, "/page", records="data.items", paging={"size": 2}, total="total")
    assert seen.settings == {"paging": {"size": 2, "kind": "page", "param": "page"}}
    assert read(settings) == [each["id"] for each in PEOPLE]


def test_a_list_that_is_whole_needs_no_paging(people: PeopleApi) -> None:
    assert found_out(people, "/at-once")[1].settings == {}
    del people.people[SIZE:]
    assert found_out(people, "/page")[1].settings == {"records": "data.items"}


def test_a_query_that_the_api_meets_with_a_fault_costs_a_try_or_two(people: PeopleApi) -> None:
    honest = people.answer

    def answer(request: Request) -> Reply:
        return Reply({}, 500) if "page" in request.query else honest(request)

    people.answer = answer  # type: ignore[method-assign]  # what a subclass would do
    assert found_out(people, "/offset")[0]["paging"]["kind"] == "offset"
    assert len(people.requests) < 20
