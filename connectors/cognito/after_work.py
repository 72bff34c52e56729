"""What a CSV has no column for (F1.44): users are disabled and join groups, one call each.

All of it shares the quota category ``UserUpdate`` with live traffic (F4.1, F7.11); half of it is left
to others. Every call can be made twice without harm, so lost replies are simply asked again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from pyrate_limiter import Duration, Limiter, Rate

from connectors.cognito.error_codes import translate
from connectors.cognito.limits import quota_of
from connectors.errors import AskThePoolError, RetryError
from connectors.retry import AWS_ERRORS, error_code, retrying

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

    from connectors.cognito.users import Pace

_THERE_ALREADY = "GroupExistsException"


def half_of_the_updates() -> Limiter:
    """The pace that leaves half of ``UserUpdate`` to live traffic (F4.1: 25 a second)."""
    return Limiter(Rate(quota_of("AdminDisableUser").default_rps // 2, Duration.SECOND))


class AfterWork:
    """Disables and groups users of one pool.

    Args:
        client: a client of the pool's Region.
        pool_id: the pool.
        pace: when the next call may be made; default: ``half_of_the_updates()``.
    """

    def __init__(
        self, client: CognitoIdentityProviderClient, pool_id: str, *, pace: Pace | None = None
    ) -> None:
        self._client = client
        self._pool_id = pool_id
        self._pace = pace or half_of_the_updates()
        self._groups: set[str] = set()

    def disable(self, username: str) -> None:
        """Disable a user (``AdminDisableUser``); again does no harm.

        Raises:
            UserRefusedError: the pool does not know the user.
            TargetError: a right is missing.
        """
        self._call("AdminDisableUser", self._client.admin_disable_user, Username=username)

    def join(self, username: str, group: str) -> None:
        """Put a user into a group, which is made where the pool has none of that name.

        Raises:
            UserRefusedError: the pool does not know the user, or refuses the group's name.
            TargetError: a right is missing.
        """
        if group not in self._groups:
            self._make_group(group)
            self._groups.add(group)
        self._call(
            "AdminAddUserToGroup", self._client.admin_add_user_to_group, Username=username, GroupName=group
        )

    def _make_group(self, group: str) -> None:
        try:
            self._client.create_group(UserPoolId=self._pool_id, GroupName=group)
        except AWS_ERRORS as error:
            if not isinstance(error, ClientError) or error_code(error) != _THERE_ALREADY:
                raise translate(error, "CreateGroup") from None

    def _call(self, operation: str, call: Callable[..., object], **names: str) -> None:
        retrying(operation)(partial(self._once, operation, call, names))

    def _once(self, operation: str, call: Callable[..., Any], names: dict[str, str]) -> None:
        self._pace.try_acquire(operation)
        try:
            call(UserPoolId=self._pool_id, **names)
        except AWS_ERRORS as error:
            told = translate(error, operation)
            if isinstance(told, AskThePoolError):
                raise RetryError(told.what, told.mend) from None
            raise told from None
