"""Microsoft Entra: what is selected, identities, groups, the delta query, tokens, and the preset's people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from connectors.errors import SourceError
from connectors.records import ENABLED, GROUPS
from connectors.sources.entra import EntraSettings
from tests.contracts.entra_specimen import source
from tests.contracts.preset_people import judged, rejected
from tests.servers.entra import SECRET, GraphServer

if TYPE_CHECKING:
    from collections.abc import Iterator

FIXTURE: list[dict[str, Any]] = json.loads((Path(__file__).parent / "presets" / "entra.json").read_text())


@pytest.fixture
def server() -> Iterator[GraphServer]:
    with GraphServer([*FIXTURE]) as one:
        inner = one.add_group("inner", ["b2"])
        one.add_group("staff", ["a1", "b2"], groups=[inner])
        yield one


def values(pages: Any) -> list[tuple[object, ...]]:
    return [row[2:] for page in pages for row in page.rows.iter_rows()]


def ids(pages: Any) -> list[str]:
    return [str(row[0]) for row in values(pages)]


def asked(server: GraphServer, path: str) -> list[dict[str, str]]:
    return [each.query for each in server.requests if each.path == f"/v1.0{path}"]


def test_the_preset_rejects_nobody_but_the_planted(server: GraphServer) -> None:
    users = judged(source(server), "entra")
    assert list(users) == [
        "ann@example.com", "ben@example.com", "chi", "d4@example.onmicrosoft.com",
        "emil_example.com#EXT#@example.onmicrosoft.com", "f6@example.onmicrosoft.com", "gus@example.com",
        "planted bad name",
    ]  # fmt: skip
    assert set(rejected(users)) == {"planted bad name"}
    mails = [row["email"] for row in users.values()]
    assert mails[:5] == ["ann@example.com", "ben@example.com", "chi@example.com", None, "emil@example.com"]
    phones = [row["phone_number"] for row in users.values()]
    assert phones == ["+12025550101", None, None, None, None, "+12025550102", None, None]
    assert [name for name, row in users.items() if not row[ENABLED]] == ["ben@example.com"]
    assert sorted(users["ben@example.com"][GROUPS]) == ["inner", "staff"]  # type: ignore[call-overload]  # a list
    assert users["ann@example.com"][GROUPS] == ["staff"]


def test_only_what_the_mapping_needs_is_selected(server: GraphServer) -> None:
    fields = [
        "signInNames.emailAddress",
        "onPremisesExtensionAttributes.extensionAttribute1",
        "extension_0a0b_plan",
    ]
    found = values(source(server).pages(fields))
    assert found[:2] == [(None, "north", "pro"), ("ben@example.com", None, None)]
    selected = {each["$select"] for each in asked(server, "/users")}
    assert selected == {"id,onPremisesExtensionAttributes,extension_0a0b_plan,identities"}
    assert not asked(server, "/groups")


def test_identities_are_delivered_whole(server: GraphServer) -> None:
    (_, (text,), *_) = values(source(server).pages(["identities"]))
    assert [one["issuer"] for one in json.loads(str(text))][2] == "google.com"


def test_extensions_are_listed_where_the_run_file_names_them(server: GraphServer) -> None:
    assert "extension_0a0b_plan" not in source(server).fields()
    listed = source(server, extensions=["extension_0a0b_plan"]).fields()
    assert {"extension_0a0b_plan", "mail", "groups", "identities"} <= set(listed)
    assert not [name for name in listed if name.startswith("@")]


def test_sign_in_activity_makes_pages_smaller(server: GraphServer) -> None:
    ids(source(server, page_users=999).pages(["signInActivity.lastSignInDateTime"]))
    assert asked(server, "/users")[-1]["$top"] == "500"


def test_the_filter_of_the_run_file_is_sent(server: GraphServer) -> None:
    only = "accountEnabled eq true"
    assert "b2" not in ids(source(server, filter=only).pages(["id"]))
    server.changes += [("a1", False), ("b2", False)]
    since = {"deltaLink": f"{server.graph}/users/delta?$deltatoken=0"}
    assert ids(source(server, filter=only).changed(["id"], since)) == ["a1"]


def test_who_changed_since_the_watermark_is_read_and_who_left_is_not(server: GraphServer) -> None:
    server.changes.append(("d4", False))
    one = source(server)
    mark = json.loads(json.dumps(one.watermark()))
    assert ids(one.changed(["id", "mail", "groups"], mark)) == []
    server.changes += [
        ("a1", False),
        ("c3", True),
        ("b2", False),
        ("a1", False),
        ("gone", False),
        ("e5", False),
    ]
    pages = list(one.changed(["id", "mail", "groups"], mark))
    assert ids(pages) == ["a1", "a1", "b2", "e5"]
    again = json.loads(json.dumps(pages[0].cursor))
    assert ids(one.changed(["id"], mark, again)) == ids(pages[1:])


def test_many_changes_are_asked_for_fifteen_at_a_time(
    server: GraphServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.servers.entra.DELTA_PAGE", 100)
    server.users = [{"id": f"u{number:02d}"} for number in range(40)]
    server.changes = [(each["id"], False) for each in server.users]
    since = {"deltaLink": f"{server.graph}/users/delta?$deltatoken=0"}
    assert len(ids(source(server, page_users=50).changed(["id"], since))) == 40
    assert len(asked(server, "/users")) == 3


def test_a_watermark_that_is_too_old_is_said_to_be(server: GraphServer) -> None:
    server.oldest = 5
    since = {"deltaLink": f"{server.graph}/users/delta?$deltatoken=1"}
    with pytest.raises(SourceError, match="watermark is too old"):
        ids(source(server).changed(["id"], since))


def test_a_place_that_has_expired_is_said_to_have(server: GraphServer) -> None:
    place = {"at": f"{server.graph}/users?$top=0&$skiptoken=2", "row": 2}
    with pytest.raises(SourceError, match="may have expired"):
        ids(source(server).pages(["id"], place))


def test_a_token_that_is_refused_is_fetched_anew(server: GraphServer) -> None:
    pages = source(server).pages(["id"])
    first = next(pages)
    server.tokens += 1  # the issued one is good no more
    assert [*ids([first]), *ids(pages)] == [each["id"] for each in FIXTURE]


def test_the_secret_is_shown_nowhere(server: GraphServer) -> None:
    given = {"tenant": "example.com", "client_id": "c", "client_secret": SECRET}
    assert SECRET not in repr(EntraSettings.model_validate(given))
    with pytest.raises(ValueError, match="page_users") as caught:
        EntraSettings.model_validate({**given, "page_users": 0})
    assert SECRET not in str(caught.value)
    with pytest.raises(SourceError) as refused:
        source(server, client_secret=f"{SECRET}-old").check()
    assert SECRET not in str(refused.value)
