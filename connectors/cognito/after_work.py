"""What a CSV has no column for (F1.44): users are disabled and join groups, one call each.

Disabling and joining share the quota category ``UserUpdate`` with live traffic (F4.1, F7.11). Every
call can be made twice without harm, so lost replies are simply asked again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from connectors.cognito.error_codes import translate
from connectors.errors import AskThePoolError, PoolferryError, RetryError, UserRefusedError
from connectors.retry import AWS_ERRORS, error_code, retrying

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

_THERE_ALREADY = "GroupExistsException"


class AfterWork:
    """Disables and groups users of one pool.

    Args:
        client: a client of the pool's Region.
        pool_id: the pool.
    """

    def __init__(self, client: CognitoIdentityProviderClient, pool_id: str) -> None:
        self._client = client
        self._pool_id = pool_id
        self._groups: dict[str, UserRefusedError | None] = {}

    def disable(self, username: str) -> None:
        """Disable a user (``AdminDisableUser``); again does no harm.

        Raises:
            UserRefusedError: the pool does not know the user.
            TargetError: a right is missing.
        """
        self._change("AdminDisableUser", self._client.admin_disable_user, Username=username)

    def join(self, username: str, group: str) -> None:
        """Put a user into a group, which is made where the pool has none of that name.

        Raises:
            UserRefusedError: the pool does not know the user, or refuses the group's name.
            TargetError: a right is missing.
        """
        if group not in self._groups:
            self._groups[group] = self._refusal_of(group)
        if refusal := self._groups[group]:
            raise UserRefusedError(refusal.code, refusal.what, refusal.mend)
        join = self._client.admin_add_user_to_group
        self._change("AdminAddUserToGroup", join, Username=username, GroupName=group)

    def _refusal_of(self, group: str) -> UserRefusedError | None:
        """Make a group unless it is there; a name that the pool refuses is asked for once only."""
        try:
            retrying("CreateGroup")(self._make_group, group)
        except UserRefusedError as error:
            return error
        return None

    def _make_group(self, group: str) -> None:
        try:
            self._client.create_group(UserPoolId=self._pool_id, GroupName=group)
        except AWS_ERRORS as error:
            if not isinstance(error, ClientError) or error_code(error) != _THERE_ALREADY:
                raise _harmless_again(error, "CreateGroup") from None

    def _change(self, operation: str, call: Callable[..., object], **names: str) -> None:
        retrying(operation)(partial(self._once, operation, call, names))

    def _once(self, operation: str, call: Callable[..., Any], names: dict[str, str]) -> None:
        try:
            call(UserPoolId=self._pool_id, **names)
        except AWS_ERRORS as error:
            raise _harmless_again(error, operation) from None


def _harmless_again(error: Exception, operation: str) -> PoolferryError:
    """Say what an error means; a call whose reply was lost is simply made again."""
    told = translate(error, operation)
    return RetryError(told.what, told.mend) if isinstance(told, AskThePoolError) else told
