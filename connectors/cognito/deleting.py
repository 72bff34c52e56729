"""Delete a user whom Poolferry itself has made."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from connectors.cognito.error_codes import pool_call
from connectors.errors import AskThePoolError, UserRefusedError
from connectors.retry import retrying

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient


def delete_user(client: CognitoIdentityProviderClient, pool_id: str, username: str) -> bool:
    """Delete one user; a lost reply is asked again, which harms nobody.

    Args:
        client: a client of the pool's Region.
        pool_id: the pool.
        username: the username in the pool, of a user whom the caller is sure to have made.

    Returns:
        Whether the user was there.

    Raises:
        TargetError: a right is missing, or the pool is not there.
        RetryError, AskThePoolError: the service did not answer, in spite of several tries.
    """
    call = partial(client.admin_delete_user, UserPoolId=pool_id, Username=username)
    try:
        return _delete(call)
    except AskThePoolError:
        return _delete(call)


def _delete(call: Callable[[], object]) -> bool:
    def once() -> None:
        with pool_call("AdminDeleteUser"):
            call()

    try:
        retrying("AdminDeleteUser")(once)
    except UserRefusedError:
        return False
    return True
