"""Sign-in with a password, as strict as Cognito's (F5.5, F6.13, F7.2)."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from moto.cognitoidp.exceptions import (
    InvalidParameterException,
    NotAuthorizedError,
    ResourceNotFoundError,
)
from moto.core.responses import ActionResult

from connectors.cognito.sandbox.attributes import check_values, missing_attributes
from connectors.cognito.sandbox.credentials import check_password, fits_hash, has_expired
from connectors.cognito.sandbox.directory import directory_of, find_user, pool_lock
from connectors.cognito.sandbox.migration import AUTHENTICATION, Migration
from connectors.cognito.sandbox.refusals import PasswordResetRequiredError, user_not_found

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.cognito.sandbox.moto_types import MotoAnswer, MotoClient, MotoPool
    from connectors.cognito.sandbox.stored_user import StoredUser

FLOW_SWITCHES: Final = {
    "USER_PASSWORD_AUTH": {"ALLOW_USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH"},
    "ADMIN_USER_PASSWORD_AUTH": {"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"},
    "ADMIN_NO_SRP_AUTH": {"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"},
    "USER_SRP_AUTH": {"ALLOW_USER_SRP_AUTH"},
}
"""Sign-in flow to the values of ``ExplicitAuthFlows`` that allow it."""

DEFAULT_FLOWS: Final = ("ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH")
"""What an app client allows that names no flows."""

PASSWORD_FLOWS: Final = frozenset(FLOW_SWITCHES) - {"USER_SRP_AUTH"}
NEW_PASSWORD: Final = "NEW_PASSWORD_REQUIRED"  # noqa: S105 - a challenge's name
ATTRIBUTE_PREFIX: Final = "userAttributes."


class SignIn(Migration):
    """InitiateAuth, AdminInitiateAuth and the responses to NEW_PASSWORD_REQUIRED."""

    def initiate_auth(self) -> MotoAnswer:
        """Judge the user, then let moto make the tokens or the challenge."""
        return self._sign_in(super().initiate_auth)

    def admin_initiate_auth(self) -> MotoAnswer:
        """Do the same for an administrator's flows."""
        return self._sign_in(super().admin_initiate_auth)

    def respond_to_auth_challenge(self) -> MotoAnswer:
        """Take the new password and the missing attributes (F5.5)."""
        return self._respond(super().respond_to_auth_challenge)

    def admin_respond_to_auth_challenge(self) -> MotoAnswer:
        """Do the same for an administrator's flows."""
        return self._respond(super().admin_respond_to_auth_challenge)

    def _sign_in(self, proceed: Callable[[], MotoAnswer]) -> MotoAnswer:
        flow = self._get_param("AuthFlow")
        if flow not in FLOW_SWITCHES:
            return self._locked(proceed)
        pool, client = self._pool_and_client()
        _check_flow(client, flow)
        parameters: dict[str, str] = self._get_param("AuthParameters") or {}
        user = find_user(pool, parameters.get("USERNAME", "")) or self._brought_in(pool, client, flow)
        self._judge(pool, client, user, flow)
        parameters["USERNAME"] = _name_for_tokens(pool, user)
        answer = self._completed(pool, user, self._locked(proceed))
        if self.settings.sign_in_modifies and "AuthenticationResult" in answer.result:
            user.touch()
        return answer

    def _brought_in(self, pool: MotoPool, client: MotoClient, flow: str) -> StoredUser:
        """Ask the migration trigger for somebody whom the pool does not have; SRP never gets there (F6.13).

        Raises:
            NotAuthorizedException: nobody knows the user, and the client does not tell who exists.
            UserNotFoundException: nobody knows the user.
        """
        parameters: dict[str, str] = self._get_param("AuthParameters") or {}
        name, password = parameters.get("USERNAME", ""), parameters.get("PASSWORD")
        if name and password and flow in PASSWORD_FLOWS:
            user = self.migrated(pool, AUTHENTICATION, name, password)
            if user is not None:
                return user
        raise _wrong_password() if _hides_existence(client) else user_not_found()

    def _pool_and_client(self) -> tuple[MotoPool, MotoClient]:
        pool, client_id = self.requested_pool(), self._get_param("ClientId")
        client = pool.clients.get(client_id) if pool is not None else None
        if client is None:
            raise ResourceNotFoundError(f"User pool client {client_id} does not exist.")
        return pool, client

    def _locked(self, proceed: Callable[[], MotoAnswer]) -> MotoAnswer:
        with ExitStack() as locks:
            self.take_locks(locks, self.requested_pool(), searching=True)
            return proceed()

    def _judge(self, pool: MotoPool, client: MotoClient, user: StoredUser, flow: str) -> None:
        """Refuse what Cognito refuses before it issues a token or a challenge."""
        if not user.enabled:
            raise NotAuthorizedError("User is disabled.")
        if not user.local_sign_in:
            raise _wrong_password()
        if user.status == "RESET_REQUIRED":
            # with any password: there is none to match until the reset is done (F7.2)
            raise _wrong_password() if _hides_existence(client) else PasswordResetRequiredError
        if flow in PASSWORD_FLOWS:
            self._check_password(pool, user)
        elif user.password_hash is not None:
            raise _wrong_password()  # SRP does not work before the first sign-in (F2.13)
        if user.is_stuck:
            raise NotAuthorizedError("MFA is active and the user has no factor for it.")  # F1.35, text ours

    def _check_password(self, pool: MotoPool, user: StoredUser) -> None:
        password = self._get_param("AuthParameters").get("PASSWORD")
        if not password:
            raise InvalidParameterException("Missing required parameter PASSWORD")
        stored = user.password_hash
        if stored is not None and fits_hash(password, stored):
            with pool_lock(pool):
                _keep_natively(user, stored, password)
        if user.password != password:
            raise _wrong_password()
        if has_expired(pool, user, self.sandbox.now()):
            raise NotAuthorizedError("Temporary password has expired and must be reset by an administrator.")

    def _completed(self, pool: MotoPool, user: StoredUser, result: MotoAnswer) -> MotoAnswer:
        """Add to the challenge what the user still has to supply, as moto does not."""
        answer = result.result
        if answer.get("ChallengeName") != NEW_PASSWORD:
            return result
        known = {name: value for name, value in user.attribute_lookup.items() if name != "sub"}
        missing = [f"{ATTRIBUTE_PREFIX}{rule.name}" for rule in missing_attributes(pool, known)]
        answer["ChallengeParameters"] = {
            **answer.get("ChallengeParameters", {}),
            "USER_ID_FOR_SRP": user.username,
            "requiredAttributes": json.dumps(missing),
            "userAttributes": json.dumps(known),
        }
        return ActionResult(answer)

    def _respond(self, proceed: Callable[[], MotoAnswer]) -> MotoAnswer:
        with ExitStack() as locks:
            pool = self.requested_pool()
            self.take_locks(locks, pool, searching=True)
            if self._get_param("ChallengeName") == NEW_PASSWORD and pool is not None:
                self._take_attributes(pool)
            return proceed()

    def _take_attributes(self, pool: MotoPool) -> None:
        """Give the user of the session the attributes that came with the new password."""
        responses: dict[str, str] = self._get_param("ChallengeResponses") or {}
        user = _challenged_user(pool, self._get_param("Session"), responses.get("USERNAME", ""))
        given = {
            name.removeprefix(ATTRIBUTE_PREFIX): value
            for name, value in responses.items()
            if name.startswith(ATTRIBUTE_PREFIX)
        }
        check_password(pool, responses.get("NEW_PASSWORD", ""))
        _check_supplied(pool, user, given)
        user.temporary_since = None
        user.change(given)


def _challenged_user(pool: MotoPool, session: str, username: str) -> StoredUser:
    """Return the user who has to answer a challenge.

    Raises:
        NotAuthorizedException: the session is over, or another user's (text Cognito's).
    """
    name, _ = pool.backend.sessions.get(session, ("", None))
    user = find_user(pool, username)
    if user is None or find_user(pool, name) is not user:
        raise NotAuthorizedError("Invalid session for the user.")
    return user


def _check_supplied(pool: MotoPool, user: StoredUser, given: dict[str, str]) -> None:
    """Refuse a response without all required attributes, or with one that has a value (F5.5)."""
    missing = missing_attributes(pool, user.attribute_lookup)
    if absent := [rule.name for rule in missing if not given.get(rule.name)]:
        raise InvalidParameterException(f"Invalid attributes given, {' and '.join(absent)} is missing")
    required = {rule.name for rule in missing_attributes(pool, {})}
    for name in given:
        if name in required and user.attribute_lookup.get(name):
            raise NotAuthorizedError(f"Cannot modify an already provided {name}")
    check_values(pool, given, creating=True)


def _check_flow(client: MotoClient, flow: str) -> None:
    """Refuse a flow that the app client does not allow (F6.13)."""
    allowed = client.extended_config.get("ExplicitAuthFlows") or DEFAULT_FLOWS
    if FLOW_SWITCHES[flow].isdisjoint(allowed):
        raise InvalidParameterException(f"{flow} flow not enabled for this client")


def _keep_natively(user: StoredUser, verified: str, password: str) -> None:
    """Let the password replace the hash that it fits, unless somebody replaced that meanwhile (F2.13)."""
    if user.password_hash == verified:
        user.password = password


def _name_for_tokens(pool: MotoPool, user: StoredUser) -> str:
    """Return the name under which moto issues tokens: it takes a sign-in attribute for the address."""
    values = (user.attribute_lookup.get(name) for name in directory_of(pool).names.username_attributes)
    return next(filter(None, values), user.username)


def _hides_existence(client: MotoClient) -> bool:
    return bool(client.extended_config.get("PreventUserExistenceErrors") == "ENABLED")


def _wrong_password() -> NotAuthorizedError:
    return NotAuthorizedError("Incorrect username or password.")
