"""What administrators change about one user: attributes, password, second factor, access (F5.11-F5.14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.cognitoidp.exceptions import InvalidParameterException

from connectors.cognito.sandbox.attributes import check_values, refuse_unbacked
from connectors.cognito.sandbox.credentials import check_password
from connectors.cognito.sandbox.directory import directory_of, find_user, give_up
from connectors.cognito.sandbox.messages import MEDIUM_OF, count_messages, refuse_messages
from connectors.cognito.sandbox.refusals import AliasTakenError, user_not_found
from connectors.cognito.sandbox.request import SandboxRequest
from connectors.cognito.sandbox.sign_in_names import is_true
from connectors.cognito.sandbox.stored_user import StoredUser, flat

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connectors.cognito.sandbox.moto_types import MotoPool


class UserChanges(SandboxRequest):
    """The operations on one existing user."""

    def named_user(self) -> tuple[MotoPool, StoredUser]:
        """Return the pool and the user that the call names.

        Raises:
            ResourceNotFoundException: there is no such pool.
            UserNotFoundException: there is no such user.
        """
        pool = self.backend.describe_user_pool(self._get_param("UserPoolId"))
        user = find_user(pool, self._get_param("Username") or "")
        if user is None:
            raise user_not_found()
        return pool, user

    def admin_get_user(self) -> str:
        """Return everything about a user."""
        _, user = self.named_user()
        answer = user.to_json(extended=True, attributes_key="UserAttributes")
        if user.preferred_mfa_setting:
            answer["PreferredMfaSetting"] = user.preferred_mfa_setting
        if factors := user.factors():
            answer["UserMFASettingList"] = factors
        return self.answer(answer)

    def admin_update_user_attributes(self) -> str:
        """Set attributes; one with an empty value is deleted."""
        pool, user = self.named_user()
        given = flat(self._get_param("UserAttributes") or [])
        check_values(pool, given, creating=False)
        self._update(pool, user, given)
        return self.answer({})

    def _update(self, pool: MotoPool, user: StoredUser, given: dict[str, str]) -> None:
        former = user.attribute_lookup
        changed = {name for name in MEDIUM_OF if given.get(name, "") not in {"", former.get(name)}}
        unproved = {name for name in changed if not is_true(given.get(f"{name}_verified"))}
        waiting = unproved & _verified_first(pool)
        new = {name: value for name, value in given.items() if value and _contact_of(name) not in waiting}
        new |= {f"{name}_verified": "false" for name in unproved - waiting}
        gone = _with_flags(name for name, value in given.items() if not value)
        after = {name: value for name, value in {**former, **new}.items() if name not in gone}
        refuse_unbacked(after)
        codes = _codes(pool, unproved, waiting)
        refuse_messages(pool, codes)
        self._settle_taken(pool, user, after)
        count_messages(pool, "verification", codes)
        user.change(new, gone=gone)

    def _settle_taken(self, pool: MotoPool, user: StoredUser, after: dict[str, str]) -> None:
        """Move or refuse sign-in names that other users have; the reports disagree (F5.11)."""
        directory = directory_of(pool)
        taken, rule = directory.taken(after, by=user), self.settings.taken_alias_on_update
        for attribute in taken:
            is_alias = attribute in directory.names.alias_attributes
            if rule == "refuse" or (rule == "by_pool" and not is_alias):
                raise AliasTakenError(attribute)
        for attribute, holder in taken.items():
            give_up(holder, attribute)

    def admin_delete_user_attributes(self) -> str:
        """Delete attributes; required and immutable ones stay."""
        pool, user = self.named_user()
        names: list[str] = self._get_param("UserAttributeNames") or []
        check_values(pool, dict.fromkeys(names, ""), creating=False)
        user.delete_attributes(_with_flags(names))
        return self.answer({})

    def admin_set_user_password(self) -> str:
        """Set a permanent password (CONFIRMED) or a temporary one (F7.5), instead of an imported hash."""
        pool, user = self.named_user()
        password: str = self._get_param("Password")
        check_password(pool, password)
        permanent = bool(self._get_param("Permanent"))
        user.password = password
        user.set_status("CONFIRMED" if permanent else "FORCE_CHANGE_PASSWORD")
        user.temporary_since = None if permanent else self.sandbox.now()
        return self.answer({})

    def admin_enable_user(self) -> str:
        """Let the user sign in again."""
        return self._set_enabled(enabled=True)

    def admin_disable_user(self) -> str:
        """Let the user sign in no more, and end all sessions."""
        return self._set_enabled(enabled=False)

    def _set_enabled(self, *, enabled: bool) -> str:
        pool, user = self.named_user()
        user.enabled = enabled
        user.touch()
        if not enabled:
            _end_sessions(pool, user)
        return self.answer({})

    def admin_user_global_sign_out(self) -> str:
        """End all sessions, under whichever of their names the user signed in."""
        _end_sessions(*self.named_user())
        return self.answer({})

    def admin_set_user_mfa_preference(self) -> str:
        """Switch second factors; each needs what it is delivered by (F7.7, F7.8)."""
        _, user = self.named_user()
        wanted = {
            "SMS_MFA": self._get_param("SMSMfaSettings"),
            "SOFTWARE_TOKEN_MFA": self._get_param("SoftwareTokenMfaSettings"),
            "EMAIL_OTP": self._get_param("EmailMfaSettings"),
        }
        given = {factor: settings for factor, settings in wanted.items() if settings}
        _check_factors(user, given)
        for factor, settings in given.items():
            setattr(user, FACTOR_SWITCHES[factor], bool(settings.get("Enabled")))
        _prefer(user, given)
        user.touch()
        return self.answer({})


FACTOR_SWITCHES = {
    "SMS_MFA": "sms_mfa_enabled",
    "SOFTWARE_TOKEN_MFA": "software_token_mfa_enabled",
    "EMAIL_OTP": "email_mfa_enabled",
}


def _check_factors(user: StoredUser, given: dict[str, dict[str, bool]]) -> None:
    """Refuse a factor without its contact or token, and two favourites.

    The text is the one that users see; a phone number need not be verified (F7.8).
    """
    ready = {
        "SMS_MFA": bool(user.attribute_lookup.get("phone_number")),
        "EMAIL_OTP": bool(user.attribute_lookup.get("email")),
        "SOFTWARE_TOKEN_MFA": user.token_verified,
    }
    for factor, settings in given.items():
        if settings.get("Enabled") and not ready[factor]:
            raise InvalidParameterException(f"User does not have delivery config set to turn on {factor}")
    if sum(bool(settings.get("PreferredMfa")) for settings in given.values()) > 1:
        raise InvalidParameterException("Only one factor can be set as preferred.")  # text ours


def _prefer(user: StoredUser, given: dict[str, dict[str, bool]]) -> None:
    for factor, settings in given.items():
        if settings.get("PreferredMfa"):
            user.preferred_mfa_setting = factor
        elif user.preferred_mfa_setting == factor:
            user.preferred_mfa_setting = None


def _contact_of(name: str) -> str:
    return name.removesuffix("_verified")


def _with_flags(names: Iterable[str]) -> set[str]:
    """Add the flags that mean nothing without their contact."""
    gone = set(names)
    return gone | {f"{name}_verified" for name in gone & set(MEDIUM_OF)}


def _end_sessions(pool: MotoPool, user: StoredUser) -> None:
    tokens = [*pool.access_tokens.values(), *filter(None, pool.refresh_tokens.values())]
    for name in {token[1] for token in tokens}:
        if find_user(pool, name) is user:
            pool.sign_out(name)


def _verified_first(pool: MotoPool) -> set[str]:
    """Return the contacts whose new value waits until the user has verified it."""
    settings = pool.extended_config.get("UserAttributeUpdateSettings") or {}
    return set(settings.get("AttributesRequireVerificationBeforeUpdate") or ())


def _codes(pool: MotoPool, unproved: set[str], waiting: set[str]) -> list[str]:
    """Return the media in which Cognito would send a code for changed contacts."""
    automatic = set(pool.extended_config.get("AutoVerifiedAttributes") or ())
    return [MEDIUM_OF[name] for name in sorted(unproved & (automatic | waiting))]
