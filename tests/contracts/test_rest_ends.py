"""How lists of ``kind: rest`` end, and that none ends while the API tells of more users."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from connectors.errors import SourceError
from connectors.sources.rest_source import RestSettings, RestSource
from tests.servers.api_server import ApiServer, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

IDS = ["a", "b", "c", "d", "e"]
SIZE = 2


class Django(ApiServer):
    """Pages by number as Django REST framework does (``PageNumberPagination``): 404 behind the last page.

    Attributes:
        lost: pages that are answered with 404 as often as that.
        more: what each answer has beside the list.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ids = list(IDS)
        self.lost: dict[int, int] = {}
        self.more: dict[str, Any] = {}

    def answer(self, request: Request) -> Reply:
        page = int(request.query.get("page", 1))
        shown = self.ids[(page - 1) * SIZE : page * SIZE]
        if self.lost.get(page, 0) or (not shown and page > 1):
            self.lost[page] = self.lost.get(page, 1) - 1
            return Reply({"detail": "Invalid page."}, 404)
        return Reply({"results": [{"id": one} for one in shown], **self.more})


@pytest.fixture
def django() -> Iterator[Django]:
    with Django() as made:
        yield made


def source(server: ApiServer, paging: dict[str, Any], **more: object) -> RestSource:
    given = {"url": f"{server.url}/users", "records": "results", "key": "id", "paging": paging, **more}
    return RestSource(RestSettings.model_validate(given), Path(), sleep=lambda _: None)


def ids(pages: Any) -> list[str]:
    return [one for page in pages for one in page.rows["id"]]


def read(server: ApiServer, kind: str, after: Any = None, **more: object) -> list[str]:
    paging = {"kind": kind, **{name: more.pop(name) for name in ("next", "first", "param") if name in more}}
    return ids(source(server, paging, **more).pages(["id"], after))


def test_a_404_behind_the_last_page_ends_a_list_by_page_numbers(django: Django) -> None:
    pages = list(source(django, {"kind": "page"}).pages(["id"]))
    assert ids(pages) == IDS
    for number, page in enumerate(pages, 1):
        place = json.loads(json.dumps(page.cursor))
        assert read(django, "page", place) == ids(pages[number:])


def test_a_404_at_the_first_page_is_an_error(django: Django) -> None:
    django.lost = {1: 9}
    with pytest.raises(SourceError, match="answered 404"):
        read(django, "page")
    with pytest.raises(SourceError, match="answered 404"):
        read(django, "page", first=7)


def test_a_404_that_passes_ends_nothing(django: Django) -> None:
    django.lost = {2: 1}
    assert read(django, "page") == IDS


def test_a_404_ends_nothing_where_the_page_before_is_lost_too(django: Django) -> None:
    (first, *_) = source(django, {"kind": "page"}).pages(["id"])
    django.lost = {1: 9, 2: 9}
    with pytest.raises(SourceError, match="answered 404"):
        read(django, "page", first.cursor)


def test_a_404_ends_nothing_where_the_total_misses_people(django: Django) -> None:
    django.more = {"count": 6}
    with pytest.raises(SourceError, match="tells of 6 users and ends after 5"):
        read(django, "page", total="count")


def test_a_404_ends_nothing_where_the_last_page_names_another(django: Django) -> None:
    django.more = {"next": f"{django.url}/users?page=9"}
    with pytest.raises(SourceError, match=r"tells of a next page \(next\)"):
        read(django, "page")


@pytest.mark.parametrize("kind", ["offset", "marker"])
def test_a_404_is_an_error_where_pages_have_no_number(django: Django, kind: str) -> None:
    django.lost = {1: 9}
    with pytest.raises(SourceError, match="answered 404"):
        read(django, kind)


class Told(ApiServer):
    """Answers with what it was told to, in turn, then with an error."""

    def __init__(self, *replies: object) -> None:
        super().__init__()
        self.replies = list(replies)

    def answer(self, request: Request) -> Reply:
        told = self.replies.pop(0) if self.replies else Reply({"error": "behind the last"}, 400)
        return told if isinstance(told, Reply) else Reply(told)


def page(*shown: str, **more: object) -> dict[str, object]:
    return {"results": [{"id": one} for one in shown], **more}


@pytest.mark.parametrize("end", [False, 0, "", None, "0"])
@pytest.mark.parametrize("kind", ["cursor", "link"])
def test_what_is_no_place_ends_a_list(kind: str, end: object) -> None:
    with Told(page("a", next="/users?cursor=x"), page("b", next=end)) as server:
        assert read(server, kind, next="next") == ["a", "b"]


@pytest.mark.parametrize("kind", ["none", "cursor", "page"])
def test_a_byte_order_mark_is_no_part_of_the_json(kind: str) -> None:
    marked = b"\xef\xbb\xbf" + json.dumps(page("a", "b")).encode()
    with Told(Reply(marked), page()) as server:
        assert read(server, kind) == ["a", "b"]


NEXT: dict[str, tuple[dict[str, Any], str]] = {
    "a link": ({"next": "https://api.example.com/users?page=2"}, '{kind: "link", next: "next"}'),
    "a link of HAL": (
        {"_links": {"next": {"href": "/users?page=2"}}},
        '{kind: "link", next: "_links.next.href"}',
    ),
    "a link of OData": ({"@odata.nextLink": "https://a/"}, '{kind: "link", next: "@odata.nextLink"}'),
    "a cursor": ({"meta": {"next_cursor": "dXNlcjpV"}}, '{kind: "cursor", next: "meta.next_cursor"}'),
    "a token": ({"nextPageToken": "CiAKGjBp"}, '{kind: "cursor", next: "nextPageToken"}'),
    "a number": ({"next_page": 2}, '{kind: "cursor", next: "next_page"}'),
    "more": ({"has_more": True}, "to the API's way of paging"),
}


@pytest.mark.parametrize("told", NEXT)
def test_a_next_page_in_the_body_that_would_not_be_read_is_an_error_that_names_the_way(told: str) -> None:
    more, way = NEXT[told]
    with Told(page("ann@example.com", **more)) as server, pytest.raises(SourceError) as caught:
        read(server, "none")
    assert "tells of a next page" in caught.value.what
    assert way in caught.value.mend
    assert "source.total" in caught.value.mend
    assert "ann@example.com" not in str(caught.value)


@pytest.mark.parametrize("kind", ["cursor", "link"])
def test_a_next_page_is_not_overlooked_where_another_path_was_named(kind: str) -> None:
    with Told(page("a", nextCursor="x")) as server, pytest.raises(SourceError, match=r"\(nextCursor\)"):
        read(server, kind)


@pytest.mark.parametrize(
    "more",
    [
        {"next": None},
        {"next": ""},
        {"has_more": False},
        {"links": {"next": None, "self": "https://api.example.com/users"}},
        {"next_login": "x", "limit": 10, "page": 1},
    ],
)
def test_an_answer_that_names_no_next_page_is_whole(more: dict[str, object]) -> None:
    with Told(page("a", "b", **more)) as server:
        assert read(server, "none") == ["a", "b"]


def test_whoever_names_the_total_knows_that_it_is_all() -> None:
    with Told(page("a", "b", next="x", total=2)) as server:
        assert read(server, "none", total="total") == ["a", "b"]
