"""Lists of ``kind: rest`` and of SCIM that would be read in part: each is an error, or is read to its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connectors.errors import SourceError
from connectors.rest import RestApi
from connectors.sources.rest_source import RestSettings, RestSource
from connectors.sources.scim_paging import BY_CURSOR, ScimList
from tests.servers.api_server import ApiServer, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Iterator


class Scripted(ApiServer):
    """Answers with what it was told to, in turn, then with an empty list."""

    replies: list[Reply]

    def answer(self, request: Request) -> Reply:
        return self.replies.pop(0) if self.replies else Reply({"items": []})


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as made:
        made.replies = []
        yield made


def page(*ids: str, total: int | None = None, **more: object) -> dict[str, object]:
    return {"items": [{"id": one} for one in ids], "total": total, **more}


def read(server: Scripted, **paging: object) -> list[str]:
    given = {"url": f"{server.url}/users", "records": "items", "total": "total", "key": "id"}
    settings = RestSettings.model_validate({**given, "paging": paging})
    source = RestSource(settings, Path(), sleep=lambda _: None)
    return [one for found in source.pages(["id"]) for one in found.rows["id"]]


def test_a_next_page_that_would_not_be_read_is_an_error_that_names_the_way(server: Scripted) -> None:
    link = {"Link": f'<{server.url}/users?page=2>; rel="next"'}
    server.replies = [Reply(page("a"), 200, link)]
    with pytest.raises(SourceError, match="names a next page") as caught:
        read(server)
    assert "{kind: link}" in str(caught.value)


@pytest.mark.parametrize("kind", ["none", "page", "offset", "cursor", "link", "marker"])
def test_a_list_that_ends_before_its_total_is_an_error(server: Scripted, kind: str) -> None:
    server.replies = [Reply(page("a", "b", total=3)), Reply(page(total=3))]
    with pytest.raises(SourceError, match="tells of 3 users and ends after 2"):
        read(server, kind=kind)


def test_a_total_that_counts_the_page_does_not_end_what_names_a_next_one(server: Scripted) -> None:
    server.replies = [Reply(page("a", "b", total=2, next="x")), Reply(page("c", total=1))]
    assert read(server, kind="cursor") == ["a", "b", "c"]
    link = {"Link": f'<{server.url}/users?page=2>; rel="next"'}
    server.replies = [Reply(page("a", "b", total=2), 200, link), Reply(page("c", total=1))]
    assert read(server, kind="link") == ["a", "b", "c"]


def test_a_page_whose_last_user_has_no_marker_is_an_error(server: Scripted) -> None:
    server.replies = [Reply({"items": [{"id": "a"}, {"name": "b"}]})]
    with pytest.raises(SourceError, match="has no id"):
        read(server, kind="marker")


def test_pages_in_a_circle_are_an_error(server: Scripted) -> None:
    circle = [Reply(page("a", next="x")), Reply(page("b", next="y")), Reply(page("c", next="x"))]
    server.replies = [*circle, Reply(page("b", next="y"))]
    with pytest.raises(SourceError, match="names a page again"):
        read(server, kind="cursor")


def scim_list(server: Scripted) -> list[str]:
    found = ScimList(RestApi(server.url, sleep=lambda _: None), "/Users", {}, 2).pages(BY_CURSOR)
    return [one["id"] for each in found for one in each.resources]


def test_resources_in_a_circle_are_an_error(server: Scripted) -> None:
    turns = [("a", "x"), ("b", "y"), ("c", "x"), ("d", "y")]
    server.replies = [Reply({"Resources": [{"id": one}], "nextCursor": at}) for one, at in turns]
    with pytest.raises(SourceError, match="names a page again"):
        scim_list(server)


def test_cursors_that_end_before_the_total_are_an_error(server: Scripted) -> None:
    server.replies = [
        Reply({"totalResults": 3, "Resources": [{"id": "a"}], "nextCursor": "x"}),
        Reply({"totalResults": 3, "Resources": [{"id": "b"}]}),
    ]
    with pytest.raises(SourceError, match="tells of 3 resources and ends after 2"):
        scim_list(server)
