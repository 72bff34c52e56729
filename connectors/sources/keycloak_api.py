"""A running Keycloak, by its Admin REST API: everything but password hashes."""

from __future__ import annotations

import hashlib
import logging
import time
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import ConfigDict, Field, SecretStr

from connectors.errors import AbsentError, SourceError
from connectors.rest import RestApi
from connectors.rest_auth import ClientCredentials
from connectors.sources.base import SourceSettings, SourceTraits
from connectors.sources.keycloak_users import DECLARED, with_credentials
from connectors.sources.record_source import Batch, RecordSource
from connectors.sources.rest_paging import text_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from connectors.records import Cursor

_log = logging.getLogger(__name__)

_ONE_BY_ONE = ("groups", "realmRoles", "clientRoles", "federatedIdentities")
"""Fields that a list of users lacks, so that each user is asked for."""


class KeycloakSettings(SourceSettings):
    """Settings of ``kind: keycloak``."""

    model_config = ConfigDict(hide_input_in_errors=True)

    kind: Literal["keycloak"] = "keycloak"
    url: str = Field(
        pattern=r"^https?://",
        description="Keycloak's address up to where `/admin` and `/realms` begin.",
        examples=["https://sso.example.com"],
    )
    realm: str = Field(min_length=1, description="The realm whose users are read.")
    client_id: str = Field(
        description="A confidential client with a service account that has the realm's roles `view-users` "
        "and `query-users` (of `realm-management`)."
    )
    client_secret: SecretStr = Field(description="The client's secret, as `${NAME}`.")
    token_realm: str | None = Field(
        default=None, description="The realm that the client belongs to; default: `realm`."
    )
    page_users: int = Field(default=100, ge=1, le=10_000, description="Users a call (`max`).")


class KeycloakSource(RecordSource):
    """Reads users by the Admin REST API; proven against its published description, not a real server.

    It gives no password hashes: those are in the files of ``kc.sh export``, ``kind: keycloak_export``.
    Groups, roles and identities cost a call a user each, and are asked for only where the mapping has them.
    Users are numbered in the order of their names: who comes or goes while they are read moves the others.
    Who is found to be deleted since a page was listed is left out, and the next page begins earlier by them.

    Args:
        settings: where, and as whom.
        base: not used; every kind of source takes it.
        sleep: takes seconds; tests give one that does not sleep.
    """

    traits: ClassVar[SourceTraits] = SourceTraits(
        resumable=True, counts=True, live=True, delivers=frozenset({"groups", "mfa", "identities"})
    )
    declared: ClassVar[tuple[str, ...]] = DECLARED

    def __init__(
        self, settings: KeycloakSettings, base: Path, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        del base
        self._settings = settings
        self._place = f"{settings.url.rstrip('/')}/admin/realms/{quote(settings.realm, safe='')}"
        self._api = RestApi(
            self._place,
            _signer(settings),
            mend_401="Check client_id and client_secret, and that the client has a service account.",
            mend_403="Give the client's service account `view-users` and `query-users`, then resume.",
            sleep=sleep,
        )

    def check(self) -> None:
        """Count, and read one user."""
        self.count()
        self._listed(0, 1)

    def count(self) -> int:
        """Ask how many users there are, service accounts left out."""
        told, _ = self._api.get_json("/users/count")
        if not str(told).isdigit():
            raise SourceError("GET /users/count answered no number.", "Check `url`: it is a Keycloak's.")
        return int(str(told))

    def fingerprint(self) -> str:
        """Hash of the realm's address."""
        return hashlib.sha256(self._place.encode()).hexdigest()

    def _batches(self, fields: Sequence[str], after: Cursor | None) -> Iterator[Batch]:
        total, first = self.count(), int(after["first"]) if after else 0
        asked = [name for name in _ONE_BY_ONE if any(_begins(field, name) for field in fields)]
        while users := self._listed(first, self._settings.page_users):
            records = self._present(users, asked, first)
            first += len(records)
            if records:
                yield Batch(records, {"first": first}, min(1.0, first / total) if total else None)

    def _present(self, users: Sequence[object], asked: Sequence[str], first: int) -> list[object]:
        """A page's users with the asked fields, without those who were deleted since it was listed."""
        records: list[object] = []
        for user in users:
            try:
                records.append(with_credentials(self._whole(user, asked)))
            except AbsentError:
                if text_at("id", user) in self._ids(first, len(users)):
                    raise
        if gone := len(users) - len(records):
            _log.warning("%d users were deleted while they were read, and are left out.", gone)
        return records

    def _ids(self, first: int, size: int) -> set[str | None]:
        return {text_at("id", user) for user in self._listed(first, size)}

    def _listed(self, first: int, size: int) -> list[Any]:
        asked = {"first": str(first), "max": str(size), "briefRepresentation": "false"}
        found, _ = self._api.get_json("/users", params=asked)
        return _list(found, "/users")

    def _whole(self, user: object, asked: Sequence[str]) -> object:
        """A user with the asked fields that a list of users lacks."""
        if not isinstance(user, dict) or not asked:
            return user
        place = f"/users/{quote(str(user.get('id')), safe='')}"
        found: dict[str, object] = {}
        if "groups" in asked:
            found["groups"] = [each["path"] for each in self._of_user(place, "groups")]
        if "federatedIdentities" in asked:
            found["federatedIdentities"] = self._of_user(place, "federated-identity")
        if "realmRoles" in asked or "clientRoles" in asked:
            found |= self._roles(place)
        return {**user, **found}

    def _of_user(self, place: str, part: str) -> list[Any]:
        found, _ = self._api.get_json(f"{place}/{part}", f"/users/ID/{part}")
        return _list(found, f"/users/ID/{part}")

    def _roles(self, place: str) -> dict[str, object]:
        found, _ = self._api.get_json(f"{place}/role-mappings", "/users/ID/role-mappings")
        clients = found.get("clientMappings", {})
        return {
            "realmRoles": [role["name"] for role in found.get("realmMappings", [])],
            "clientRoles": {
                client: [role["name"] for role in told["mappings"]] for client, told in clients.items()
            },
        }


def _signer(settings: KeycloakSettings) -> ClientCredentials:
    realm = quote(settings.token_realm or settings.realm, safe="")
    return ClientCredentials(
        f"{settings.url.rstrip('/')}/realms/{realm}/protocol/openid-connect/token",
        {"client_id": settings.client_id, "client_secret": settings.client_secret.get_secret_value()},
    )


def _list(found: object, what: str) -> list[Any]:
    if isinstance(found, list):
        return found
    raise SourceError(f"GET {what} answered no list.", "Check `url`: it is a Keycloak's.")


def _begins(field: str, name: str) -> bool:
    return field == name or field.startswith((f"{name}[", f"{name}."))
