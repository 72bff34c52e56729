"""The `source` part of a run file from what is typed: settings in their types, secrets as references."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connectors.errors import ConfigurationError
from flows.steps.source_settings import source_part

if TYPE_CHECKING:
    from pathlib import Path

OKTA = "https://example.okta.com"


IN_URLS = (
    "api_key", "apikey", "API-Key", "access_token", "client_secret", "sig", "X-Amz-Signature", "access_key",
    "code", "subscription-key", "auth%5Ftoken", "token", "key",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "hunter2")


def test_settings_are_of_the_types_that_the_kind_takes(tmp_path: Path) -> None:
    told = [
        "token=${A_SECRET}",
        "statuses=[ACTIVE, SUSPENDED]",
        "rate_share=0.25",
        "page_users=50",
        "key=00123",
    ]
    assert source_part(OKTA, tmp_path, told=told).settings == {
        "kind": "okta", "url": OKTA, "token": "${A_SECRET}", "statuses": ["ACTIVE", "SUSPENDED"],
        "rate_share": 0.25, "page_users": 50, "key": "00123",
    }  # fmt: skip


def test_inner_settings_have_dots(tmp_path: Path) -> None:
    told = ["auth.basic.username=reader", "auth.basic.password=${A_SECRET}", "paging.kind=page"]
    part = source_part("https://api.example.com", tmp_path, kind="rest", told=told).settings
    assert part["auth"] == {"basic": {"username": "reader", "password": "${A_SECRET}"}}
    assert part["paging"] == {"kind": "page"}


def test_a_secret_is_taken_from_the_variable_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OKTA_TOKEN", "hunter2")
    assert source_part(OKTA, tmp_path).settings["token"] == "${OKTA_TOKEN}"  # noqa: S105 - no token
    own = source_part(OKTA, tmp_path, told=["token=${A_SECRET}"]).settings
    assert own["token"] == "${A_SECRET}"  # noqa: S105 - same


@pytest.mark.parametrize(
    ("address", "kind", "told"),
    [
        (OKTA, None, ["token=hunter2"]),
        (OKTA, None, ["oauth.private_key=hunter2", "oauth.client_id=a"]),
        ("https://example.eu.auth0.com", None, ["client_id=a", "client_secret=hunter2"]),
        ("https://sso.example.com/realms/a", None, ["client_id=a", "client_secret=hunter2"]),
        ("example.onmicrosoft.com", None, ["client_id=a", "client_secret=hunter2"]),
        ("ldap://ldap.example.com", None, ["bind_dn=cn=a", "password=hunter2"]),
        ("postgresql://reader:hunter2@db/app", None, []),
        ("postgresql://reader:hunter2/a@b@db/app", None, []),
        ("mysql://db/app?password=hunter2", None, []),
        ("https://id.example.com/scim", None, ["auth.bearer=hunter2"]),
        ("https://api.example.com", "rest", ["auth.header.name=X", "auth.header.value=hunter2"]),
        ("https://api.example.com", "rest", ["headers.X-Api-Key=hunter2"]),
        ("https://api.example.com", "rest", ["auth.basic.username=a", "auth.basic.password=hunter2"]),
        ("https://reader:hunter2@api.example.com", "rest", []),
        *((f"https://api.example.com/users?page=1&{name}=hunter2", "rest", []) for name in IN_URLS),
    ],
)
def test_a_secret_that_is_written_out_is_refused_and_not_shown(
    address: str, kind: str | None, told: list[str], tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=r"secret is written out[\s\S]*\$\{\w+\}") as caught:
        source_part(address, tmp_path, kind=kind, told=told)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ([], "give `token` or `oauth`"),
        (["token"], "--set token: a setting is written NAME=VALUE"),
        (["tokn=${A_SECRET}"], "--set: unknown setting of kind okta 'tokn'. Did you mean 'token'"),
        (["kind=scim"], "unknown setting of kind okta 'kind'"),
        (["token=${NOT_SET}"], r"source.token: \$\{NOT_SET\} is not set"),
        (["token=${A_SECRET}", "page_users=many"], "page_users: "),
        (["token=${A_SECRET}", "statuses=[ACTIVE"], "--set statuses: the value is not YAML"),
        (["token=${A_SECRET}", "token.x=1"], "token is set to a value already"),
    ],
)
def test_what_does_not_fit_is_told_with_what_does(told: list[str], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        source_part(OKTA, tmp_path, told=told)
    assert "hunter2" not in str(caught.value)


def test_what_is_missing_is_told_with_an_example(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        source_part("https://example.eu.auth0.com", tmp_path)
    assert "client_id: A machine-to-machine application" in caught.value.what
    assert "--set client_id=… --set 'client_secret=${AUTH0_CLIENT_SECRET}'" in caught.value.mend


def test_what_is_missing_is_asked_for_where_somebody_is_there(tmp_path: Path) -> None:
    asked: list[tuple[str, bool]] = []

    def ask(name: str, meaning: str, is_secret: bool) -> str:  # noqa: FBT001 - the shape of ``Ask``
        assert meaning
        asked.append((name, is_secret))
        return "${A_SECRET}" if is_secret else "an-application"

    part = source_part("https://example.eu.auth0.com", tmp_path, ask=ask).settings
    assert asked == [("client_id", False), ("client_secret", True)]
    assert part["client_id"] == "an-application"
    assert part["client_secret"] == "${A_SECRET}"  # noqa: S105 - no secret


def test_a_secret_that_is_answered_in_plain_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="secret is written out"):
        source_part("https://example.eu.auth0.com", tmp_path, ask=lambda *_: "hunter2")


def test_a_system_s_own_id_names_its_users(tmp_path: Path) -> None:
    assert source_part(OKTA, tmp_path, told=["token=${A_SECRET}"]).settings["key"] == "id"


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8080/users?like=a@example.com",
        "https://api.example.com/a:b@c/d",
        "https://api.example.com/users?country_code=de&monkey=1&ssl_key=a.pem&api_key=${A_SECRET}",
    ],
)
def test_an_address_without_a_secret_is_fine(address: str, tmp_path: Path) -> None:
    part = source_part(address, tmp_path, kind="rest", told=["paging.kind=none"]).settings
    assert part["url"] == address
