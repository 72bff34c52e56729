"""What exports and the Admin REST API of Keycloak have in common: the representation of a user.

Fields are those of ``UserRepresentation``, and two that are made of them: ``passwordCredential``, the one
credential of the list ``credentials`` that is a password, and ``mfa``, ``totp`` where there is a one-time
password. A seed can be given to no operation of the pool (F7.7), so nothing of it is handed out with either.
"""

from __future__ import annotations

from typing import Any, Final

DECLARED: Final = (
    "id", "username", "email", "emailVerified", "firstName", "lastName", "enabled", "createdTimestamp",
    "attributes", "requiredActions", "realmRoles", "clientRoles", "groups", "federatedIdentities",
    "serviceAccountClientId", "federationLink", "mfa",
)  # fmt: skip
"""Fields that every user may have."""

SERVICE_ACCOUNT: Final = "service-account-"


def is_service_account(record: object) -> bool:
    """Whether a user stands for a client: nobody signs in with it."""
    if not isinstance(record, dict):
        return False
    return bool(record.get("serviceAccountClientId")) or str(record.get("username", "")).startswith(
        SERVICE_ACCOUNT
    )


def with_credentials(record: object) -> object:
    """Add ``passwordCredential`` and ``mfa`` to a user; what is no user stays."""
    if not isinstance(record, dict):
        return record
    kinds = _credentials(record)
    made = {
        "passwordCredential": kinds.get("password"),
        "mfa": "totp" if record.get("totp") is True or {"otp", "totp", "hotp"} & kinds.keys() else None,
    }
    return {**record, **{name: value for name, value in made.items() if value is not None}}


def _credentials(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The first credential of each type."""
    found: dict[str, dict[str, Any]] = {}
    listed = record.get("credentials")
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict):
            found.setdefault(str(each.get("type")), each)
    return found
