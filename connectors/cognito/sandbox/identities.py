"""Links between users and the identities of other providers (F7.14)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from moto.cognitoidp.exceptions import InvalidParameterException, ResourceNotFoundError

from connectors.cognito.sandbox.directory import directory_of, find_user
from connectors.cognito.sandbox.refusals import LimitExceededError, user_not_found
from connectors.cognito.sandbox.request import SandboxRequest

if TYPE_CHECKING:
    from connectors.cognito.sandbox.moto_types import MotoPool, MotoProvider
    from connectors.cognito.sandbox.stored_user import StoredUser

NATIVE: Final = "Cognito"
MAX_LINKS: Final = 5
SUBJECT: Final = "Cognito_Subject"
SOCIAL_TYPES: Final = frozenset({"Facebook", "Google", "LoginWithAmazon", "SignInWithApple"})


class IdentityOperations(SandboxRequest):
    """AdminLinkProviderForUser and AdminDisableProviderForUser."""

    def admin_link_provider_for_user(self) -> str:
        """Link an identity that has not signed in yet to a user, who shows it in ``identities``."""
        pool = self.backend.describe_user_pool(self._get_param("UserPoolId"))
        source: dict[str, str] = self._get_param("SourceUser") or {}
        provider = _provider(pool, source)
        user = _destination(pool, self._get_param("DestinationUser") or {})
        directory, identity = directory_of(pool), _identity(source)
        if (holder := directory.by_identity.get(identity)) is not None:
            raise InvalidParameterException(_already_linked(holder is user))
        if len(user.linked) >= MAX_LINKS:
            raise LimitExceededError(f"A user can have at most {MAX_LINKS} linked identities.")  # text ours
        directory.by_identity[identity] = user
        user.linked = (*user.linked, identity)
        _show(user, [*_shown(user), _entry(identity, provider, int(self.sandbox.now().timestamp() * 1000))])
        return self.answer({})

    def admin_disable_provider_for_user(self) -> str:
        """Undo a link; for the provider ``Cognito``, end sign-in with a password."""
        pool = self.backend.describe_user_pool(self._get_param("UserPoolId"))
        named: dict[str, str] = self._get_param("User") or {}
        if named.get("ProviderName") == NATIVE:
            user = find_user(pool, named.get("ProviderAttributeValue", ""))
            if user is None:
                raise user_not_found()
            user.local_sign_in = False
        else:
            _provider(pool, named)
            _unlink(pool, _identity(named))
        return self.answer({})


def _unlink(pool: MotoPool, identity: tuple[str, str]) -> None:
    user = directory_of(pool).by_identity.pop(identity, None)
    if user is None:
        raise user_not_found()
    user.linked = tuple(each for each in user.linked if each != identity)
    _show(user, [each for each in _shown(user) if (each["providerName"], each["userId"]) != identity])


def _provider(pool: MotoPool, source: dict[str, str]) -> MotoProvider:
    """Return the provider of an external identity.

    Raises:
        InvalidParameterException: it is Cognito itself, or a social one without ``Cognito_Subject``.
        ResourceNotFoundException: the pool has no such provider.
    """
    name = source.get("ProviderName", "")
    if name == NATIVE:
        raise InvalidParameterException(
            "Invalid SourceUser: Cognito users with a username/password may not be passed in as a"
            " SourceUser, only as a DestinationUser"
        )
    provider = pool.identity_providers.get(name)
    if provider is None:
        raise ResourceNotFoundError(f"Identity provider {name} does not exist.")
    is_social = provider.extended_config.get("ProviderType") in SOCIAL_TYPES
    if is_social and source.get("ProviderAttributeName") != SUBJECT:
        raise InvalidParameterException(f"ProviderAttributeName must be {SUBJECT} for {name}.")  # text ours
    if not source.get("ProviderAttributeValue"):
        raise InvalidParameterException("ProviderAttributeValue is required.")  # text ours
    return provider


def _destination(pool: MotoPool, named: dict[str, str]) -> StoredUser:
    """Find the user to link to: by the pool's own username alone, or by an identity that is linked."""
    if named.get("ProviderName") == NATIVE:
        name, fold = named.get("ProviderAttributeValue", ""), directory_of(pool).names.fold
        user = find_user(pool, name)
        if user is not None and fold(user.username) != fold(name):
            user = None  # an address that signs in is not the username (model of DestinationUser)
    else:
        user = directory_of(pool).by_identity.get(_identity(named))
    if user is None:
        raise user_not_found()
    return user


def _identity(named: dict[str, str]) -> tuple[str, str]:
    return named.get("ProviderName", ""), named.get("ProviderAttributeValue", "")


def _already_linked(same: bool) -> str:  # noqa: FBT001 - one question, one answer
    """Word the refusal of an identity that is somebody's already (texts ours)."""
    if same:
        return "SourceUser is already linked to DestinationUser"
    return "SourceUser is already linked to another user of the pool"


def _entry(identity: tuple[str, str], provider: MotoProvider, linked_at: int) -> dict[str, Any]:
    name, subject = identity
    return {
        "userId": subject,
        "providerName": name,
        "providerType": provider.extended_config.get("ProviderType"),
        "issuer": None,
        "primary": False,
        "dateCreated": linked_at,
    }


def _shown(user: StoredUser) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = json.loads(user.attribute_lookup.get("identities", "[]"))
    return shown


def _show(user: StoredUser, entries: list[dict[str, Any]]) -> None:
    if entries:
        user.change({"identities": json.dumps(entries, separators=(",", ":"))})
    else:
        user.change({}, gone=["identities"])
