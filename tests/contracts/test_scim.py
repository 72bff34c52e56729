"""SCIM: what is asked for, groups both ways, changes, the preset's people, and servers with bad habits."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from connectors.errors import PoolferryError, SourceError
from connectors.records import ENABLED, GROUPS
from connectors.sources.scim import ENTERPRISE, ScimSettings, ScimSource, attributes_of
from tests.contracts.preset_people import judged, rejected
from tests.contracts.scim_specimen import source
from tests.servers.scim import TOKEN, BadScimServer, ScimServer

if TYPE_CHECKING:
    from collections.abc import Iterator

FIXTURE: list[dict[str, Any]] = json.loads((Path(__file__).parent / "presets" / "scim.json").read_text())
DEPARTMENT = f"{ENTERPRISE}.department"


@pytest.fixture
def server() -> Iterator[ScimServer]:
    with ScimServer() as one:
        yield one


def values(one: ScimSource, *fields: str) -> list[tuple[object, ...]]:
    return [row[2:] for page in one.pages(fields) for row in page.rows.iter_rows()]


def test_the_preset_rejects_nobody_but_the_planted(server: ScimServer) -> None:
    ids = {each["userName"]: server.add("User", **each) for each in FIXTURE}
    members = [{"value": ids["ann"], "type": "User"}, {"value": ids["ben"]}]
    staff = server.add("Group", displayName="staff", members=members)
    server.add("Group", displayName="all", members=[{"value": staff, "type": "Group"}, {"value": ids["ann"]}])
    users = judged(source(server, groups_from="groups"), "scim")
    assert len(users) == len(FIXTURE)
    assert set(rejected(users)) == {"planted bad mail"}
    ann = users["ann"]
    assert (ann["email"], ann["phone_number"], ann["name"]) == (
        "ann@example.com", "+12025550101", "Ann Example",
    )  # fmt: skip
    assert users["chi"]["name"] == "李 Example"
    assert users["fay"]["phone_number"] is None
    assert [name for name, row in users.items() if not row[ENABLED]] == ["ben"]
    assert sorted(ann[GROUPS]) == ["all", "staff"]  # type: ignore[call-overload]  # a list
    assert users["ben"][GROUPS] == ["staff"]


def test_only_what_the_mapping_needs_is_asked_for(server: ScimServer) -> None:
    server.add("User", **FIXTURE[0])
    found = values(source(server), "name.givenName", "emails[0].value", DEPARTMENT)
    assert found == [("Ann", "Ann@Example.com", "Tests")]
    asked = [each.query["attributes"] for each in server.requests if each.path.endswith("/Users")]
    assert set(asked) == {f"emails,name.givenName,{ENTERPRISE}:department"}
    assert attributes_of([f"{ENTERPRISE}.manager.value", "id", "emails[0].type", "emails"]) == (
        f"emails,id,{ENTERPRISE}:manager.value"
    )


def test_a_filter_and_a_watermark_hold_together(server: ScimServer) -> None:
    for person in FIXTURE[:3]:
        server.add("User", **person)
    one = source(server, filter="active eq true or active eq false")
    assert sorted(values(one, "userName")) == [("ann",), ("ben",)]
    mark = {"lastModified": "2001-01-01T00:00:00Z"}
    assert [page.rows.height for page in one.changed(["userName"], mark)] == [2]
    asked = server.requests[-1].query["filter"]
    assert asked == ('(active eq true or active eq false) and (meta.lastModified gt "2001-01-01T00:00:00Z")')


def test_who_came_after_the_watermark_is_read_and_nobody_else(server: ScimServer) -> None:
    for person in FIXTURE[:2]:
        server.add("User", **person)
    for one in server.storage.resources:
        one.meta.last_modified = datetime(2001, 1, 1, tzinfo=UTC)
    reader = source(server)
    mark = json.loads(json.dumps(reader.watermark()))
    server.add("User", **FIXTURE[2])
    found = [name for page in reader.changed(["userName"], mark) for name in page.rows["userName"]]
    assert found == ["chi"]


PEOPLE = [{"id": f"u{number}", "userName": f"u{number}"} for number in range(5)]


def bad(server: BadScimServer, **more: Any) -> ScimSource:
    given = {"url": server.url, "page_users": 2, **more}
    return ScimSource(ScimSettings.model_validate(given), Path(), sleep=lambda _: None)


@pytest.mark.parametrize(
    "habits",
    [
        ("ignores count",),
        ("ignores count", "ignores startIndex", "no totals"),
        ("ignores count", "ignores startIndex"),
        ("ignores count", "refuses behind the end"),
        ("no totals",),
        ("counts the page",),
        ("fails on attributes", "no totals"),
        ("no config",),
    ],
    ids=", ".join,
)
def test_bad_habits_cost_nobody(habits: tuple[str, ...]) -> None:
    with BadScimServer(PEOPLE, *habits) as server:
        assert values(bad(server), "id") == [(each["id"],) for each in PEOPLE]


def test_fewer_than_asked_for_is_no_end() -> None:
    with BadScimServer(PEOPLE, "caps at 2", "counts the page") as server:
        assert len(values(bad(server, page_users=100), "id")) == len(PEOPLE)


def test_a_server_that_fails_on_a_parameter_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    with BadScimServer(PEOPLE, "fails on attributes") as server:
        assert values(bad(server), "id") == [(each["id"],) for each in PEOPLE]
    warned = [each.message for each in caplog.records if "not asked for them any more" in each.message]
    assert len(warned) == 1
    assert "GET /Users answered 500" in warned[0]


@pytest.mark.parametrize(
    ("habits", "said"),
    [
        (("hides the last",), "tells of 5 resources and ends after 4"),
        (("ignores startIndex",), "every page with the same resources"),
        (("ignores startIndex", "no totals", "no ids"), "every page with the same resources"),
    ],
)
def test_a_list_that_is_not_whole_is_an_error(habits: tuple[str, ...], said: str) -> None:
    with BadScimServer(PEOPLE, *habits) as server, pytest.raises(SourceError, match=said):
        values(bad(server), "id")


def test_the_users_own_groups_are_taken_where_the_server_has_them() -> None:
    """scim2-server keeps none in its users."""
    groups = [{"value": "g1", "display": "staff"}]
    with BadScimServer([{"id": "u0", "userName": "u0", "groups": groups}]) as server:
        assert judged(bad(server), "scim")["u0"][GROUPS] == ["staff"]
        assert {each.path for each in server.requests} == {"/ServiceProviderConfig", "/Users"}


def test_everybody_at_once_where_the_run_file_says_so() -> None:
    with BadScimServer(PEOPLE, "ignores startIndex") as server:
        assert len(values(bad(server, paging="none"), "id")) == len(PEOPLE)
        assert "startIndex" not in server.requests[-1].query


def test_a_cursor_that_has_expired_is_said_to_have() -> None:
    with ScimServer(cursor=True) as server:
        with pytest.raises(SourceError, match="cursor may have expired") as caught:
            next(iter(source(server).pages(["id"], {"cursor": "made-up", "read": 3, "row": 3})))
        assert TOKEN not in str(caught.value)


def test_a_server_that_does_not_filter_cannot_tell_who_changed() -> None:
    with BadScimServer(PEOPLE) as server:
        one = bad(server)
        one.__dict__["_config"] = {"filter": {"supported": False}}
        with pytest.raises(SourceError, match="does not filter"):
            one.watermark()


def test_a_credential_is_shown_nowhere() -> None:
    settings = ScimSettings(url="https://id.example.com/scim/v2", token=TOKEN)
    assert TOKEN not in repr(settings)
    assert TOKEN not in ScimSource(settings, Path()).fingerprint()
    with pytest.raises(ValueError, match="one of the two") as caught:
        ScimSettings.model_validate({"url": settings.url, "token": TOKEN, "auth": {"bearer": TOKEN}})
    assert TOKEN not in str(caught.value)
    assert not isinstance(caught.value, PoolferryError)
