"""The pool's app clients: which sign-in flows each allows, and what a flow needs of its secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connectors.cognito.error_codes import pool_call
from connectors.retry import retrying

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import (
        ListUserPoolClientsRequestTypeDef,
        ListUserPoolClientsResponseTypeDef,
    )

_PASSWORD_FLOWS: Final = {
    "ADMIN_USER_PASSWORD_AUTH": {"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"},
    "USER_PASSWORD_AUTH": {"ALLOW_USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH"},
}
"""Flow that shows the password to Cognito (F6.13) → the values of ``ExplicitAuthFlows`` that allow it."""
_PAGE: Final = 60


@dataclass(frozen=True, slots=True)
class AppClient:
    """One app client.

    Attributes:
        client_id: its id.
        name: its name.
        password_flows: the flows that reach the migration trigger and imported hashes (F2.13, F6.13).
        secret: its secret, or None.
    """

    client_id: str
    name: str
    password_flows: tuple[str, ...]
    secret: str | None

    def secret_hash(self, username: str) -> str | None:
        """``SECRET_HASH`` of a sign-in, or None where the client has no secret."""
        if self.secret is None:
            return None
        digest = hmac.new(self.secret.encode(), (username + self.client_id).encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()

    def __repr__(self) -> str:
        """Without the secret."""
        return f"AppClient({self.client_id!r}, {self.name!r}, {self.password_flows!r})"


def read_app_clients(client: CognitoIdentityProviderClient, pool_id: str) -> list[AppClient]:
    """Describe every app client of a pool.

    Raises:
        TargetError: there is no such pool, or a right is missing.
    """
    return [read_app_client(client, pool_id, each) for each in _ids(client, pool_id)]


def read_app_client(client: CognitoIdentityProviderClient, pool_id: str, client_id: str) -> AppClient:
    """Describe one app client.

    Raises:
        TargetError: there is no such client, or a right is missing.
    """

    def once() -> AppClient:
        with pool_call("DescribeUserPoolClient"):
            told = client.describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)["UserPoolClient"]
        allowed = set(told.get("ExplicitAuthFlows", ()))
        flows = tuple(flow for flow, names in _PASSWORD_FLOWS.items() if names & allowed)
        return AppClient(client_id, told.get("ClientName", ""), flows, told.get("ClientSecret"))

    return retrying("DescribeUserPoolClient")(once)


def _ids(client: CognitoIdentityProviderClient, pool_id: str) -> Iterator[str]:
    request: ListUserPoolClientsRequestTypeDef = {"UserPoolId": pool_id, "MaxResults": _PAGE}
    while True:
        page = retrying("ListUserPoolClients")(_page, client, request)
        yield from (each["ClientId"] for each in page["UserPoolClients"])
        if not page.get("NextToken"):
            return
        request["NextToken"] = page["NextToken"]


def _page(
    client: CognitoIdentityProviderClient, request: ListUserPoolClientsRequestTypeDef
) -> ListUserPoolClientsResponseTypeDef:
    with pool_call("ListUserPoolClients"):
        return client.list_user_pool_clients(**request)
