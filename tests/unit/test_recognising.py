"""What an address is recognised as, and what is said of one that is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connectors.errors import ConfigurationError
from connectors.recognising import FORMS, recognise

if TYPE_CHECKING:
    from pathlib import Path

KNOWN: dict[str, dict[str, str]] = {
    "users.csv": {"kind": "csv", "path": "users.csv"},
    "sub/users-*.jsonl.gz": {"kind": "jsonl", "path": "sub/users-*.jsonl.gz"},
    "USERS.XLSX": {"kind": "xlsx", "path": "USERS.XLSX"},
    "s3://bucket/a/users.parquet": {"kind": "parquet", "path": "s3://bucket/a/users.parquet"},
    "app.sqlite3": {"kind": "sql", "url": "sqlite:///app.sqlite3"},
    "sqlite:///app.db": {"kind": "sql", "url": "sqlite:///app.db"},
    "postgres://u:${PW}@db/app": {"kind": "sql", "url": "postgresql+psycopg://u:${PW}@db/app"},
    "postgresql+asyncpg://db/app": {"kind": "sql", "url": "postgresql+asyncpg://db/app"},
    "mysql://u:${PW}@db/app?charset=utf8mb4": {
        "kind": "sql",
        "url": "mysql+pymysql://u:${PW}@db/app?charset=utf8mb4",
    },
    "mssql+pyodbc://db/app": {"kind": "sql", "url": "mssql+pyodbc://db/app"},
    "ldaps://ldap.example.com": {"kind": "ldap", "url": "ldaps://ldap.example.com"},
    "ldap://ldap.example.com:389/dc=example,dc=com": {
        "kind": "ldap",
        "url": "ldap://ldap.example.com:389",
        "base": "dc=example,dc=com",
    },
    "ldap://ldap.example.com/ou=Our%20People,dc=example,dc=com?uid?sub": {
        "kind": "ldap",
        "url": "ldap://ldap.example.com",
        "base": "ou=Our People,dc=example,dc=com",
    },
    "https://example.eu.auth0.com/": {"kind": "auth0", "url": "https://example.eu.auth0.com"},
    "example.us.auth0.com": {"kind": "auth0", "url": "https://example.us.auth0.com"},
    "https://example-admin.okta.com/admin/users": {"kind": "okta", "url": "https://example.okta.com"},
    "https://dev-1.oktapreview.com": {"kind": "okta", "url": "https://dev-1.oktapreview.com"},
    "example.onmicrosoft.com": {"kind": "entra", "tenant": "example.onmicrosoft.com"},
    "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0": {
        "kind": "entra",
        "tenant": "11111111-2222-3333-4444-555555555555",
    },
    "https://sso.example.com/realms/shop": {
        "kind": "keycloak",
        "url": "https://sso.example.com",
        "realm": "shop",
    },
    "https://sso.example.com/auth/admin/realms/shop/users": {
        "kind": "keycloak",
        "url": "https://sso.example.com/auth",
        "realm": "shop",
    },
    "https://sso.example.com/admin/shop/console/#/": {
        "kind": "keycloak",
        "url": "https://sso.example.com",
        "realm": "shop",
    },
    "https://id.example.com/scim/v2/Users?count=1": {"kind": "scim", "url": "https://id.example.com/scim/v2"},
    "https://id.example.com/SCIM": {"kind": "scim", "url": "https://id.example.com/SCIM"},
    "https://id.example.com/tenants/7/Users": {"kind": "scim", "url": "https://id.example.com/tenants/7"},
    "example-1.firebaseapp.com": {"kind": "firebase", "project": "example-1"},
    "https://console.firebase.google.com/project/example-1/authentication/users": {
        "kind": "firebase",
        "project": "example-1",
    },
    "eu-west-1_Example01": {"kind": "cognito", "user_pool_id": "eu-west-1_Example01"},
    "us-gov-west-1_Example01": {"kind": "cognito", "user_pool_id": "us-gov-west-1_Example01"},
    "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_Example01": {
        "kind": "cognito",
        "user_pool_id": "eu-west-1_Example01",
    },
    "dynamodb:people": {"kind": "dynamodb", "table": "people"},
    "arn:aws:dynamodb:eu-west-1:123456789012:table/people": {
        "kind": "dynamodb",
        "table": "people",
        "region": "eu-west-1",
    },
}


@pytest.mark.parametrize("address", KNOWN)
def test_an_address_tells_the_kind_and_its_settings(address: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert recognise(address, tmp_path) == KNOWN[address]


@pytest.mark.parametrize("form", [one for forms, _ in FORMS for one in forms.split(" · ") if "…" not in one])
def test_every_form_that_is_listed_is_recognised(form: str, tmp_path: Path) -> None:
    assert recognise(form, tmp_path)["kind"]


@pytest.mark.parametrize(
    ("address", "kind", "part"),
    [
        ("https://api.example.com/people", "rest", {"kind": "rest", "url": "https://api.example.com/people"}),
        ("https://login.example.com", "okta", {"kind": "okta", "url": "https://login.example.com"}),
        ("https://example.okta.com/x", "okta", {"kind": "okta", "url": "https://example.okta.com"}),
        ("people", "dynamodb", {"kind": "dynamodb", "table": "people"}),
        ("users.txt", "jsonl", {"kind": "jsonl", "path": "users.txt"}),
        ("realm.json", "keycloak_export", {"kind": "keycloak_export", "path": "realm.json"}),
    ],
)
def test_a_kind_that_is_told_wins(
    address: str, kind: str, part: dict[str, str], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert recognise(address, tmp_path, kind) == part


@pytest.mark.parametrize(
    ("address", "kind", "complaint"),
    [
        ("users.docx", None, r"users.docx: unknown ending '.docx'.*Known: .*\.csv"),
        ("people", None, r"people is no source that is recognised[\s\S]*ldaps://[\s\S]*--kind: auth0"),
        ("https://api.example.com/people", None, "api.example.com cannot be told from its address.*--kind"),
        ("users.csv", "cvs", "unknown kind of source 'cvs'. Did you mean 'csv'"),
    ],
)
def test_what_is_not_recognised_is_told_with_what_is(
    address: str, kind: str | None, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        recognise(address, tmp_path, kind)


def test_an_address_that_may_hold_a_secret_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        recognise("ftp://reader:hunter2@db", tmp_path)
    assert "hunter2" not in str(caught.value)
