"""Forgotten and reset passwords: how a RESET_REQUIRED user gets in (F7.2, F7.3, F7.6)."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from moto.cognitoidp.exceptions import InvalidParameterException, NotAuthorizedError
from moto.cognitoidp.models import LEGACY_ACCOUNT_RECOVERY_MECHANISMS

from connectors.cognito.sandbox.credentials import check_password
from connectors.cognito.sandbox.directory import find_user
from connectors.cognito.sandbox.messages import MEDIUM_OF, count_messages, refuse_messages
from connectors.cognito.sandbox.migration import FORGOT_PASSWORD, Migration
from connectors.cognito.sandbox.refusals import user_not_found
from connectors.cognito.sandbox.sign_in_names import is_true

if TYPE_CHECKING:
    from connectors.cognito.sandbox.moto_types import MotoAnswer, MotoPool
    from connectors.cognito.sandbox.stored_user import StoredUser

RESETTABLE: Final = ("CONFIRMED", "RESET_REQUIRED")


class PasswordResets(Migration):
    """AdminResetUserPassword, ForgotPassword and ConfirmForgotPassword."""

    def admin_reset_user_password(self) -> str:
        """Make the user RESET_REQUIRED and send a code; the password, or the hash, is gone (F2.14)."""
        pool = self.backend.describe_user_pool(self._get_param("UserPoolId"))
        user = _user(pool, self._get_param("Username"))
        contact = _contact(pool, user)
        self.backend.admin_reset_user_password(pool.id, user.username)
        user.password = None
        user.touch()
        count_messages(pool, "recovery", [MEDIUM_OF[contact]])
        return self.answer({})

    def forgot_password(self) -> MotoAnswer:
        """Send a code to a verified contact; moto answers it in a header of its own."""
        pool, name = self.requested_pool(), self._get_param("Username")
        user = find_user(pool, name) if pool is not None else None
        if user is None and pool is not None:
            user = self.migrated(pool, FORGOT_PASSWORD, name, None)
        with ExitStack() as locks:  # not while a trigger works
            self.take_locks(locks, pool, searching=True)
            return super().forgot_password() if user is None else self._send_code(pool, user)

    def _send_code(self, pool: MotoPool, user: StoredUser) -> MotoAnswer:
        if not user.enabled:
            raise NotAuthorizedError("User is disabled.")
        _refuse_state(user)
        contact = _contact(pool, user)
        answer = super().forgot_password()
        count_messages(pool, "recovery", [MEDIUM_OF[contact]])
        return answer

    def confirm_forgot_password(self) -> MotoAnswer:
        """Set the new password, after which the user is CONFIRMED (F7.2)."""
        pool = self.requested_pool()
        user = find_user(pool, self._get_param("Username")) if pool is not None else None
        if user is None:
            return super().confirm_forgot_password()
        _refuse_state(user)
        check_password(pool, self._get_param("Password"))
        answer = super().confirm_forgot_password()
        user.set_status("CONFIRMED")
        return answer


def _user(pool: MotoPool, name: str) -> StoredUser:
    user = find_user(pool, name)
    if user is None:
        raise user_not_found()
    return user


def _refuse_state(user: StoredUser) -> None:
    """Refuse a reset to somebody who has no password to forget."""
    if user.status not in RESETTABLE:
        raise NotAuthorizedError("User password cannot be reset in the current state.")


def _contact(pool: MotoPool, user: StoredUser) -> str:
    """Return the attribute that the code goes to (F7.3).

    Raises:
        InvalidParameterException: the user has no verified contact that the pool recovers by.
        LimitExceededException: the e-mails of the day are used up.
    """
    settings = pool.extended_config.get("AccountRecoverySetting") or {}
    mechanisms = settings.get("RecoveryMechanisms") or LEGACY_ACCOUNT_RECOVERY_MECHANISMS
    for mechanism in sorted(mechanisms, key=lambda each: int(each["Priority"])):
        contact = str(mechanism["Name"]).removeprefix("verified_")
        lookup = user.attribute_lookup
        if lookup.get(contact) and is_true(lookup.get(f"{contact}_verified")):
            refuse_messages(pool, [MEDIUM_OF[contact]])
            return contact
    raise InvalidParameterException(
        "Cannot reset password for the user as there is no registered/verified email or phone_number"
    )
