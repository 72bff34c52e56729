"""How lists of ``kind: rest`` end, and that none ends while the API tells of more users."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.errors import SourceError
from connectors.sources.rest_source import RestSettings, RestSource
from tests.servers.api_server import ApiServer, Reply, Request


def source(server: ApiServer, paging: dict[str, Any], **more: object) -> RestSource:
    given = {"url": f"{server.url}/users", "records": "results", "key": "id", "paging": paging, **more}
    return RestSource(RestSettings.model_validate(given), Path(), sleep=lambda _: None)


def ids(pages: Any) -> list[str]:
    return [one for page in pages for one in page.rows["id"]]


def read(server: ApiServer, kind: str, after: Any = None, **more: object) -> list[str]:
    paging = {"kind": kind, **{name: more.pop(name) for name in ("next", "first", "param") if name in more}}
    return ids(source(server, paging, **more).pages(["id"], after))


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
