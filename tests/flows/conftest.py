"""A local Cognito in a process of its own, a pool in it, and run files that point there."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import boto3
import pytest
from ruamel.yaml import YAML

from connectors.cognito.limits import Category
from connectors.cognito.sandbox import launch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox

ROLE = "arn:aws:iam::123456789012:role/poolferry-import"

MAPPING: dict[str, Any] = {
    "username": {"from": "id"},
    "attributes": {
        "email": {"from": "email", "then": ["trim", "lower"]},
        "email_verified": {"from": "verified", "as": "boolean", "default": False},
        "name": {"template": "{first_name} {last_name}"},
        "phone_number": {"from": "phone", "then": [{"e164": "DE"}], "bad": "drop"},
        "birthdate": {"from": "born", "as": {"date": "%Y-%m-%d"}},
        "custom:tenant": {"const": "acme"},
    },
    "password_hash": {"from": "pw"},
    "groups": {"from": "roles", "split": ";"},
    "enabled": {"from": "active", "as": "boolean", "default": True},
}
UNHURRIED: dict[str, Any] = {
    "share": 1.0,
    "limits": dict.fromkeys(get_args(Category), 1_000),
    "per_pool": 1_000,
}
"""``quotas`` of runs that prove other things: the local Cognito limits nothing unless it is switched on."""

FIELDS = ("id", "email", "verified", "first_name", "last_name", "phone", "born", "pw", "roles", "active")


def person(number: int, **changes: str) -> dict[str, str]:
    """One invented user without any fault."""
    return {
        "id": f"u{number:05d}", "email": f"user{number}@example.com", "verified": "true",
        "first_name": "Vera", "last_name": f"Muster {number}", "phone": "", "born": "1990-02-03",
        "pw": "", "roles": "", "active": "true",
    } | changes  # fmt: skip


@dataclass
class Pool:
    """A pool of the local Cognito and what a test does with it."""

    sandbox: Sandbox
    client: Any
    pool_id: str
    folder: Path

    def run_file(self, people: Sequence[dict[str, str]], **changes: Any) -> Path:
        """Write a CSV of people and a run file for it."""
        with (self.folder / "users.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, FIELDS)
            writer.writeheader()
            writer.writerows(people)
        settings = {
            "name": "acme",
            "source": {"kind": "csv", "path": "users.csv"},
            "mapping": MAPPING,
            "target": {"user_pool_id": self.pool_id, "region": "eu-west-1", "log_role_arn": ROLE},
            "strategies": ["import_job", "admin_create_user", "migration_trigger"],
            "jobs": {"poll_seconds": 0.1, "log_patience_seconds": 5},
            "quotas": UNHURRIED,
            **changes,
        }
        path = self.folder / "run.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML().dump(settings, file)
        return path

    def users(self) -> dict[str, dict[str, Any]]:
        """Everybody in the pool by username."""
        pages = self.client.get_paginator("list_users").paginate(UserPoolId=self.pool_id)
        return {user["Username"]: user for page in pages for user in page["Users"]}

    def attributes(self, username: str) -> dict[str, str]:
        """One user's attributes."""
        return {item["Name"]: item["Value"] for item in self.users()[username]["Attributes"]}


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The local Cognito, in a child process so that races between client and server can show."""
    with launch() as started:
        yield started


@pytest.fixture
def pool(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pool:
    """A fresh pool: e-mail is verified automatically, usernames fold case, two custom attributes."""
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("cognito-idp", region_name="eu-west-1")
    made = client.create_user_pool(
        PoolName="people",
        AutoVerifiedAttributes=["email"],
        UsernameConfiguration={"CaseSensitive": False},
        Schema=[
            {"Name": "tenant", "AttributeDataType": "String", "Mutable": True,
             "StringAttributeConstraints": {"MinLength": "0", "MaxLength": "64"}},
            {"Name": "legacy_id", "AttributeDataType": "String", "Mutable": True,
             "StringAttributeConstraints": {"MinLength": "0", "MaxLength": "64"}},
        ],
    )  # fmt: skip
    return Pool(sandbox, client, made["UserPool"]["Id"], tmp_path)
