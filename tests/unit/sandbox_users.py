"""What the tests of the sandbox's user operations share: a client, a pool, a switch for a while."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from connectors.cognito.sandbox import Sandbox, SandboxSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

Client = Any
"""A boto3 client; its calls take whatever a test wants to see refused."""

REGION = "eu-west-1"
PASSWORD = "Abcdef1!"  # noqa: S105 - an invented one


def client_for(url: str) -> Client:
    """Make a client that retries nothing, so that a test sees each answer."""
    return boto3.client(
        "cognito-idp",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="invented",  # noqa: S106 - an invented one
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=32),
    )


@dataclass
class Pool:
    """A pool and short ways to call the operations on it."""

    client: Client
    id: str

    def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(self.client, operation)(UserPoolId=self.id, **arguments)
        answer.pop("ResponseMetadata")
        return answer

    def create(
        self, username: str, arguments: dict[str, Any] | None = None, /, **attributes: str
    ) -> dict[str, Any]:
        """Create a user without an invitation; ``custom__x`` stands for ``custom:x``."""
        wanted = {"MessageAction": "SUPPRESS", **(arguments or {})}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        user = self.call("admin_create_user", Username=username, UserAttributes=listed(attributes), **wanted)[
            "User"
        ]
        return {**user, "Attributes": flat(user["Attributes"])}

    def update(self, username: str, **attributes: str) -> None:
        self.call("admin_update_user_attributes", Username=username, UserAttributes=listed(attributes))

    def get(self, username: str) -> dict[str, Any]:
        user = self.call("admin_get_user", Username=username)
        return {**user, "Attributes": flat(user.pop("UserAttributes"))}

    def usernames(self, **arguments: Any) -> list[str]:
        return [user["Username"] for user in self.call("list_users", **arguments)["Users"]]


def make_pool(client: Client, **settings: Any) -> Pool:
    return Pool(client, client.create_user_pool(PoolName="pool", **settings)["UserPool"]["Id"])


def listed(attributes: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name.replace("__", ":"), "Value": value} for name, value in attributes.items()]


def flat(attributes: list[dict[str, str]]) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in attributes}


@contextmanager
def refused(code: str, text: str = "") -> Iterator[None]:
    """Expect an error of the API by its code and, where it is known, its text."""
    with pytest.raises(ClientError) as raised:
        yield
    error = raised.value.response["Error"]
    assert error["Code"] == code, error
    assert text in error["Message"], error
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@contextmanager
def switched(sandbox: Sandbox, **settings: Any) -> Iterator[None]:
    """Run with other settings, then go back to the defaults."""
    sandbox.update(**settings)
    try:
        yield
    finally:
        defaults = SandboxSettings().model_dump()
        sandbox.update(**{name: defaults[name] for name in settings})
