"""Okta: statuses, groups, rate limits, changes, both credentials, and the preset's people."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from connectors.errors import ConfigurationError, SourceError
from connectors.records import ENABLED, GROUPS
from connectors.sources.okta import LISTED, OktaSettings
from tests.contracts.okta_specimen import source, user
from tests.contracts.preset_people import judged, rejected
from tests.servers.okta import CLIENT, TOKEN, OktaServer

if TYPE_CHECKING:
    from collections.abc import Iterator

FIXTURE: list[dict[str, Any]] = json.loads((Path(__file__).parent / "presets" / "okta.json").read_text())


@pytest.fixture
def server() -> Iterator[OktaServer]:
    with OktaServer([*FIXTURE]) as one:
        one.add_group("staff", ["00u1", "00u2", "00u3", "00u4"])
        one.add_group("from an app", ["00u1"], "APP_GROUP")
        one.add_group("Everyone", [each["id"] for each in FIXTURE], "BUILT_IN")
        yield one


def ids(pages: Any) -> list[str]:
    return [one for page in pages for one in page.rows["id"]]


def test_the_preset_rejects_nobody_but_the_planted(server: OktaServer) -> None:
    users = judged(source(server, statuses=[*LISTED, "DEPROVISIONED"]), "okta")
    assert len(users) == len(FIXTURE)
    assert set(rejected(users)) == {"planted bad login", "planted-bad-mail"}
    off = [name for name, row in users.items() if not row[ENABLED]]
    assert off == ["ben@example.com", "gus@example.com", "hana@example.com"]
    ann = users["ann@example.com"]
    assert (ann["email"], ann["phone_number"], ann["name"]) == (
        "ann@example.com", "+12025550101", "Ann Example",
    )  # fmt: skip
    assert sorted(ann[GROUPS]) == ["from an app", "staff"]  # type: ignore[call-overload]  # a list
    assert users["gus@example.com"][GROUPS] == []


def test_deprovisioned_users_come_only_where_they_are_asked_for(server: OktaServer) -> None:
    assert "00u8" not in ids(source(server).pages(["id"]))
    assert ids(source(server, statuses=["DEPROVISIONED", "SUSPENDED"]).pages(["id"])) == ["00u7", "00u8"]


def test_groups_cost_calls_only_where_a_field_is_theirs(server: OktaServer) -> None:
    list(source(server).pages(["id", "profile.email"]))
    assert {each.path for each in server.requests} == {"/api/v1/users"}
    server.requests.clear()
    list(source(server).pages(["id", "groups"]))
    asked = [each.path for each in server.requests if each.path.startswith("/api/v1/groups/")]
    assert asked == ["/api/v1/groups/00g0/users", "/api/v1/groups/00g1/users"]


def test_credentials_are_left_out_unless_a_field_is_theirs(server: OktaServer) -> None:
    list(source(server).pages(["id", "profile.email"]))
    assert all("omitCredentials," in each.headers["Content-Type"] for each in server.requests)
    (page, *_) = source(server, page_users=10).pages(["credentials.provider.type"])
    assert page.rows["credentials.provider.type"].drop_nulls().to_list() == ["OKTA", "ACTIVE_DIRECTORY"]


def test_who_changed_since_the_watermark_is_read(server: OktaServer) -> None:
    one = source(server)
    mark = json.loads(json.dumps(one.watermark()))
    assert ids(one.changed(["id"], mark)) == []
    assert ids(one.changed(["id"], {"lastUpdated": "2024-05-05T12:00:00.000Z"})) == [
        "00u6", "00u7", "00u9", "00u10",
    ]  # fmt: skip
    server.users.append(user("00u11") | {"lastUpdated": "2999-01-01T00:00:00.000Z"})
    assert ids(one.changed(["id"], mark)) == ["00u11"]


def test_it_waits_where_nothing_is_left_until_the_limit_resets(server: OktaServer) -> None:
    server.allowance = 0
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        server.resets_at = 0

    assert len(ids(source(server, sleep, rate_share=1).pages(["id"]))) == len(FIXTURE) - 1
    assert len(pauses) == 1
    assert all(50 < each <= 60 for each in pauses)


def test_it_leaves_the_organization_its_share(server: OktaServer) -> None:
    server.allowance, server.limit, left = 0, 4, []

    def sleep(_: float) -> None:
        left.append(server.allowance)
        server.resets_at = 0

    assert len(ids(source(server, sleep, page_users=1).pages(["id"]))) == len(FIXTURE) - 1
    assert set(left) == {2}


def test_a_429_without_retry_after_waits_for_the_reset(server: OktaServer) -> None:
    server.allowance, server.resets_at = 0, int(time.time()) + 45
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        server.allowance, server.resets_at = 50, int(time.time()) + 60

    assert len(ids(source(server, sleep).pages(["id"]))) == len(FIXTURE) - 1
    assert 40 < pauses[0] <= 46


def test_a_place_that_has_expired_is_said_to_have(server: OktaServer) -> None:
    place = {"at": f"{server.url}/api/v1/users?after=c2&limit=1000", "row": 2}
    with pytest.raises(SourceError, match="may have expired"):
        ids(source(server).pages(["id"], place))
    with pytest.raises(SourceError, match=r"answered 401\. Give a valid"):
        ids(source(server, token="wrong").pages(["id"], place))  # noqa: S106 - opens nothing


@pytest.mark.parametrize("form", ["pem", "jwk"])
def test_an_app_proves_itself_with_its_key(server: OktaServer, form: str) -> None:
    key = RSAKey.generate_key(2048, {"kid": "k1"})
    server.key = key
    text = key.as_pem(private=True).decode() if form == "pem" else json.dumps(key.as_dict(private=True))
    one = source(server, token=None, oauth={"client_id": CLIENT, "private_key": text})
    assert len(ids(one.pages(["id"]))) == len(FIXTURE) - 1
    assert [each.path for each in server.requests].count("/oauth2/v1/token") == 1


def test_a_key_that_the_organization_does_not_know_is_refused(server: OktaServer) -> None:
    server.key = RSAKey.generate_key(2048)
    other = RSAKey.generate_key(2048).as_pem(private=True).decode()
    with pytest.raises(SourceError, match="key"):
        source(server, token=None, oauth={"client_id": CLIENT, "private_key": other}).check()


@pytest.mark.parametrize("key", ["no key", '{"kty": "oct"}', ""])
def test_what_is_no_private_key_is_refused_without_being_shown(server: OktaServer, key: str) -> None:
    with pytest.raises(ConfigurationError, match="private key") as caught:
        source(server, token=None, oauth={"client_id": CLIENT, "private_key": key})
    assert key == "" or key not in str(caught.value)


def test_a_public_key_signs_nothing(server: OktaServer) -> None:
    public = ECKey.generate_key("P-256").as_pem(private=False).decode()
    with pytest.raises(ConfigurationError, match="private key"):
        source(server, token=None, oauth={"client_id": CLIENT, "private_key": public})


def test_credentials_are_shown_nowhere() -> None:
    settings = OktaSettings(url="https://example.okta.com", token=TOKEN)
    assert TOKEN not in repr(settings)
    told = {"client_id": CLIENT, "private_key": "hush"}
    with pytest.raises(ValueError, match="one of the two") as caught:
        OktaSettings.model_validate({"url": settings.url, "token": TOKEN, "oauth": told})
    assert TOKEN not in str(caught.value)
    assert "hush" not in repr(OktaSettings.model_validate({"url": settings.url, "oauth": told}))
