"""Deleting one user: ``AdminDeleteUser``, the one call here that cannot be taken back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from connectors.cognito.error_codes import pool_call
from connectors.retry import retrying

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient


def delete_user(client: CognitoIdentityProviderClient, pool_id: str, username: str) -> None:
    """Delete a user.

    The caller has looked the user up by ``sub`` just before, since a name may be somebody else's by now.
    For the same reason a call whose reply was lost is not made again here; one that surely had no effect is.

    Args:
        client: a client of the pool's Region.
        pool_id: the pool.
        username: ``Username`` as ``ListUsers`` tells it.

    Raises:
        UserRefusedError: the pool does not know the user (``user_not_found``), or refuses (another code).
        AskThePoolError: the reply was lost: look the user up by ``sub`` before a second try.
        TargetError: a right is missing, or the pool is not there.
        RetryError: the service did not answer, in spite of several tries.
    """
    retrying("AdminDeleteUser")(partial(_delete, client, pool_id, username))


def _delete(client: CognitoIdentityProviderClient, pool_id: str, username: str) -> None:
    with pool_call("AdminDeleteUser"):
        client.admin_delete_user(UserPoolId=pool_id, Username=username)
