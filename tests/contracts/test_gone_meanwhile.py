"""Who, or which group, is deleted between a list and what is asked for one by one stops no run."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from connectors.errors import SourceError
from connectors.sources.keycloak_api import KeycloakSource
from tests.contracts import entra_specimen, okta_specimen
from tests.contracts.keycloak_specimen import settings, user_of
from tests.servers.api_server import ApiServer, Reply, Request
from tests.servers.entra import GraphServer
from tests.servers.keycloak import KeycloakServer
from tests.servers.okta import OktaServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connectors.records import Page

EVERYBODY = [f"u{number}" for number in range(8)]
TEAMS = {"first": ["u1", "u2", "u3"], "second": ["u3"], "third": ["u2", "u3", "u4"]}


def meanwhile(server: ApiServer, path: str, change: Callable[[], object], turn: int = 1) -> None:
    """Change something when a path is asked for the first time, or another one."""
    honest, seen = server.answer, []

    def answer(request: Request) -> Reply:
        if request.path.endswith(path):
            seen.append(path)
            if len(seen) == turn:
                change()
        return honest(request)

    server.answer = answer  # type: ignore[method-assign]  # what a subclass would do


def hidden(server: ApiServer, part: str) -> None:
    """Answer 404 to every path with a part, whatever is there."""
    honest = server.answer

    def answer(request: Request) -> Reply:
        return Reply({"error": "no such page"}, 404) if part in request.path else honest(request)

    server.answer = answer  # type: ignore[method-assign]  # same


def rows(pages: list[Page], name: str) -> list[Any]:
    return [value for page in pages for value in page.rows[name]]


@pytest.fixture
def realm() -> Iterator[KeycloakServer]:
    blank = {"name": "n", "plan": "p", "note": ""}
    with KeycloakServer([user_of({"id": one, **blank}) for one in EVERYBODY]) as server:
        yield server


def keycloak(server: KeycloakServer, **more: object) -> KeycloakSource:
    return KeycloakSource(settings(server, **more), Path(), sleep=lambda _: None)


def delete(server: KeycloakServer, *ids: str) -> None:
    server.users = [each for each in server.users if each["id"] not in ids]


@pytest.mark.parametrize("ids", [("u1",), ("u0", "u2"), ("u0", "u1", "u2"), ("u6", "u7"), EVERYBODY])
@pytest.mark.parametrize("field", ["groups", "realmRoles", "federatedIdentities"])
def test_a_user_who_is_deleted_is_left_out_and_costs_nobody_else(
    realm: KeycloakServer, field: str, ids: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "connectors")
    parts = {"groups": "groups", "realmRoles": "role-mappings", "federatedIdentities": "federated-identity"}
    meanwhile(realm, f"{ids[0]}/{parts[field]}", lambda: delete(realm, *ids))
    pages = list(keycloak(realm).pages(["id", field]))
    assert rows(pages, "id") == [one for one in EVERYBODY if one not in ids]
    assert "deleted while they were read" in caplog.text
    assert not [one for one in EVERYBODY if one in caplog.text]
    for number, page in enumerate(pages, 1):
        place = json.loads(json.dumps(page.cursor))
        assert rows(list(keycloak(realm).pages(["id", field], place)), "id") == rows(pages[number:], "id")


def test_a_user_who_is_listed_still_is_never_taken_for_deleted(realm: KeycloakServer) -> None:
    hidden(realm, "/groups")
    with pytest.raises(SourceError, match=r"/users/ID/groups answered 404"):
        list(keycloak(realm).pages(["id", "groups"]))


@pytest.fixture
def okta() -> Iterator[OktaServer]:
    with OktaServer([okta_specimen.user(one) for one in EVERYBODY]) as server:
        for name, members in TEAMS.items():
            server.add_group(name, members)
        yield server


@pytest.fixture
def graph() -> Iterator[GraphServer]:
    with GraphServer([{"id": one} for one in EVERYBODY]) as server:
        for name, members in TEAMS.items():
            server.add_group(name, members)
        yield server


def teams(source: Any, name: str) -> dict[str, list[str]]:
    pages = list(source.pages(["id", "groups"]))
    told = zip(rows(pages, "id"), map(json.loads, rows(pages, "groups")), strict=True)
    return {one: sorted(each[name] for each in groups) for one, groups in told}


LEFT = {one: [team for team in ("first", "second") if one in TEAMS[team]] for one in EVERYBODY}
"""Who is in which group once the third one is gone."""


@pytest.mark.parametrize("turn", [1, 2])
def test_a_group_that_is_deleted_in_okta_is_left_out(
    okta: OktaServer, turn: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Before its first members are told, or in the midst of them."""
    monkeypatch.setattr("connectors.sources.okta._PAGE", 2)
    meanwhile(okta, "/groups/00g2/users", lambda: okta.groups.pop("00g2"), turn)
    assert teams(okta_specimen.source(okta), "name") == LEFT
    assert "1 groups were deleted" in caplog.text


@pytest.mark.parametrize("turn", [1, 2])
def test_a_group_that_is_deleted_in_entra_is_left_out(
    graph: GraphServer, turn: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("connectors.sources.entra._MOST", 2)
    meanwhile(graph, "/groups/g2/members", lambda: graph.groups.pop("g2"), turn)
    assert teams(entra_specimen.source(graph), "displayName") == LEFT
    assert "1 groups were deleted" in caplog.text


def test_a_group_that_is_there_still_is_never_taken_for_deleted(okta: OktaServer, graph: GraphServer) -> None:
    hidden(okta, "/00g1/users")
    hidden(graph, "/g1/members")
    for source in (okta_specimen.source(okta), entra_specimen.source(graph)):
        with pytest.raises(SourceError, match="answered 404"):
            list(source.pages(["id", "groups"]))
