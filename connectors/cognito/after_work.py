"""What a CSV has no column for (F1.44): one call each for users who are in the pool.

Users are disabled, joined to groups, linked to identities of other providers, and get their second factor.
Every call can be made twice without harm, so lost replies are simply asked again; all of it may be
called from several threads.
"""

from __future__ import annotations

import json
import time
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from connectors.cognito.error_codes import harmless_again
from connectors.cognito.users import find_username
from connectors.errors import UserRefusedError
from connectors.retry import aws_errors, error_code, retrying

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

_THERE_ALREADY: Final = "GroupExistsException"
_NATIVE: Final = "Cognito"
_SUBJECT: Final = "Cognito_Subject"
"""The claim with a provider's own id of a user: a must for social ones, right for all (F7.14)."""

FACTORS: Final = {"sms": "SMSMfaSettings", "email": "EmailMfaSettings"}
"""Second factors that an administrator can switch on, and the parameter of each (F7.7: not ``totp``)."""


class AfterWork:
    """Does the work after the import for users of one pool.

    Args:
        client: a client of the pool's Region; it may be shared between threads.
        pool_id: the pool.
        sleep: takes the seconds between two tries of a call.
    """

    def __init__(
        self,
        client: CognitoIdentityProviderClient,
        pool_id: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._pool_id = pool_id
        self._sleep = sleep
        self._groups: dict[str, UserRefusedError | None] = {}
        self._one_at_a_time = Lock()

    def disable(self, username: str) -> None:
        """Disable a user (``AdminDisableUser``).

        Raises:
            UserRefusedError: the pool does not know the user.
            TargetError: a right is missing.
        """
        self._change("AdminDisableUser", self._client.admin_disable_user, Username=username)

    def join(self, username: str, group: str) -> None:
        """Put a user into a group, which is made where the pool has none of that name.

        Raises:
            UserRefusedError: the pool does not know the user, or refuses the group.
            TargetError: a right is missing.
        """
        with self._one_at_a_time:  # a group is made once
            if group not in self._groups:
                self._groups[group] = self._refusal_of(group)
        if refusal := self._groups[group]:
            raise UserRefusedError(refusal.code, refusal.what, refusal.mend)
        join = self._client.admin_add_user_to_group
        self._change("AdminAddUserToGroup", join, Username=username, GroupName=group)

    def prefer(self, username: str, factor: str) -> None:
        """Switch a user's second factor on, as the preferred one (``AdminSetUserMFAPreference``).

        Args:
            username: the username in the pool.
            factor: a key of ``FACTORS``; the user needs the contact for it (F7.8).

        Raises:
            UserRefusedError: the pool refuses the factor or does not know the user.
            TargetError: a right is missing.
        """
        settings = {FACTORS[factor]: {"Enabled": True, "PreferredMfa": True}}
        prefer = self._client.admin_set_user_mfa_preference
        self._change("AdminSetUserMFAPreference", prefer, Username=username, **settings)

    def link(self, username: str, identity: str) -> None:
        """Link the identity of another provider to a user, which helps only before its first sign-in (F7.14).

        Args:
            username: the username in the pool: in pools that make their own, that one.
            identity: ``Provider/subject``; the provider's name as the pool has it.

        Raises:
            UserRefusedError: the pool refuses the identity, has no such provider, or does not know the user.
            TargetError: a right is missing.
        """
        provider, _, subject = identity.partition("/")
        source = {
            "ProviderName": provider,
            "ProviderAttributeName": _SUBJECT,
            "ProviderAttributeValue": subject,
        }
        target = {"ProviderName": _NATIVE, "ProviderAttributeValue": username}
        link = self._client.admin_link_provider_for_user
        try:
            self._change("AdminLinkProviderForUser", link, DestinationUser=target, SourceUser=source)
        except UserRefusedError as error:
            if error.code != "invalid_parameter" or not self._is_linked(username, provider, subject):
                raise  # an identity that is linked already is refused the second time

    def _is_linked(self, username: str, provider: str, subject: str) -> bool:
        """Ask the pool, which shows links in ``identities``; the refusal's text is not documented."""
        found = find_username(self._client, self._pool_id, username)
        shown = found["identities"].drop_nulls() if "identities" in found.columns else ()
        linked = (each for text in shown for each in json.loads(text))
        return any((each.get("providerName"), each.get("userId")) == (provider, subject) for each in linked)

    def _refusal_of(self, group: str) -> UserRefusedError | None:
        """Make a group unless it is there; a name that the pool refuses is asked for once only."""
        try:
            retrying("CreateGroup", sleep=self._sleep)(self._make_group, group)
        except UserRefusedError as error:
            return error
        return None

    def _make_group(self, group: str) -> None:
        try:
            self._client.create_group(UserPoolId=self._pool_id, GroupName=group)
        except aws_errors() as error:
            if not isinstance(error, ClientError) or error_code(error) != _THERE_ALREADY:
                raise harmless_again(error, "CreateGroup") from None

    def _change(self, operation: str, call: Callable[..., object], **names: Any) -> None:  # noqa: ANN401 - as the API has them
        retrying(operation, sleep=self._sleep)(partial(self._once, operation, call, names))

    def _once(self, operation: str, call: Callable[..., Any], names: dict[str, Any]) -> None:
        try:
            call(UserPoolId=self._pool_id, **names)
        except aws_errors() as error:
            raise harmless_again(error, operation) from None
