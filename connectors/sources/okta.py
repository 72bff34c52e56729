"""Users of an Okta organization, by its Users and Groups APIs."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.errors import AbsentError, SourceError
from connectors.rest import RestApi
from connectors.rest_auth import Header, SignedAssertion
from connectors.sources.base import SourceSettings, SourceTraits
from connectors.sources.memberships import Memberships
from connectors.sources.record_source import Batch, RecordSource
from connectors.sources.rest_paging import END, moved, refused_place, text_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Self

    from requests.auth import AuthBase

    from connectors.records import Cursor, Page

Status = Literal[
    "STAGED", "PROVISIONED", "ACTIVE", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT", "SUSPENDED",
    "DEPROVISIONED",
]  # fmt: skip
GroupType = Literal["OKTA_GROUP", "APP_GROUP", "BUILT_IN"]

LISTED: Final[tuple[Status, ...]] = (
    "STAGED", "PROVISIONED", "ACTIVE", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT", "SUSPENDED",
)  # fmt: skip
"""Statuses of users whom Okta lists where no filter names others."""

_PAGE: Final = 200
"""Most users or groups of a page that Okta recommends."""

_SCOPES: Final = "okta.users.read okta.groups.read"
_MILLISECONDS: Final = "%Y-%m-%dT%H:%M:%S.000Z"


class OktaOauth(BaseModel):
    """The part ``oauth``: an API services app with a key pair."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    client_id: str
    private_key: str = Field(repr=False)
    key_id: str | None = None
    scopes: str = _SCOPES


class OktaSettings(SourceSettings):
    """Settings of ``kind: okta``."""

    model_config = ConfigDict(hide_input_in_errors=True)

    kind: Literal["okta"] = "okta"
    url: str = Field(
        pattern=r"^https?://[^/]+/?$",
        description="Address of the organization.",
        examples=["https://example.okta.com"],
    )
    token: str | None = Field(
        default=None, repr=False, description="API token (SSWS) of a read-only administrator, as `${NAME}`."
    )
    oauth: OktaOauth | None = Field(
        default=None,
        description="Instead of `token`, an API services app without DPoP: `client_id`, `private_key` "
        f"(PEM or JSON Web Key, as `${{NAME}}`), `key_id`, `scopes` (default: `{_SCOPES}`).",
    )
    statuses: tuple[Status, ...] = Field(
        default=LISTED, min_length=1, description="Users of which statuses; default: all but DEPROVISIONED."
    )
    group_types: tuple[GroupType, ...] = Field(
        default=("OKTA_GROUP", "APP_GROUP"),
        min_length=1,
        description="Groups of which types the field `groups` has; BUILT_IN is Everyone.",
    )
    rate_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Share of the organization's rate limit that may be used; others have the rest.",
    )
    page_users: int = Field(default=_PAGE, ge=1, le=_PAGE, description="Users a page.")
    overlap_seconds: float = Field(
        default=600.0, ge=0, description="How far `mode: delta` looks back, for changes that show late."
    )

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if (self.token is None) == (self.oauth is None):
            raise ValueError("give `token` or `oauth`, one of the two")
        return self


class OktaSource(RecordSource):
    """Reads users from Okta; proven against documentation only. Okta hands out no password hashes.

    The field ``groups`` is a list with ``id`` and ``name`` of each group. It is made from the members of all
    groups, at a call for each group and 200 members of it, which is cheaper than a call for each user as
    long as there are fewer groups than users.

    Args:
        settings: which organization.
        base: not used; every kind of source takes it.
        sleep: takes seconds; tests give one that does not sleep.
    """

    traits: ClassVar[SourceTraits] = SourceTraits(
        resumable=True, changed_since=True, live=True, delivers=frozenset({"groups"})
    )
    declared: ClassVar[tuple[str, ...]] = (
        "id", "status", "created", "activated", "statusChanged", "lastLogin", "lastUpdated",
        "passwordChanged", "type.id", "groups", "credentials.provider.type", "credentials.provider.name",
        *(f"profile.{name}" for name in (
            "login", "email", "secondEmail", "firstName", "lastName", "middleName", "honorificPrefix",
            "honorificSuffix", "title", "displayName", "nickName", "profileUrl", "primaryPhone",
            "mobilePhone", "streetAddress", "city", "state", "zipCode", "countryCode", "postalAddress",
            "preferredLanguage", "locale", "timezone", "userType", "employeeNumber", "costCenter",
            "organization", "division", "department", "managerId", "manager",
        )),
    )  # fmt: skip

    def __init__(
        self, settings: OktaSettings, base: Path, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        del base
        self._settings = settings
        self._api = RestApi(
            settings.url.rstrip("/"),
            _signer(settings),
            mend_401="Give a valid source.token or source.oauth, then resume.",
            mend_403="Give the token's administrator, or the app, the right to read users and groups.",
            share=settings.rate_share,
            sleep=sleep,
        )

    def check(self) -> None:
        """Read one user."""
        self._api.get_json("/api/v1/users", params={"limit": "1"})

    def fingerprint(self) -> str:
        """Hash of the address and the statuses."""
        said = f"{self._settings.url.rstrip('/')}\n{sorted(self._settings.statuses)}"
        return hashlib.sha256(said.encode()).hexdigest()

    def watermark(self) -> Cursor:
        """Okta's own time, less the overlap."""
        _, answer = self._api.get_json("/api/v1/users", params={"limit": "1"})
        told = answer.headers.get("Date")
        now = parsedate_to_datetime(told) if told else datetime.now(UTC)
        since = now.astimezone(UTC) - timedelta(seconds=self._settings.overlap_seconds)
        return {"lastUpdated": since.strftime(_MILLISECONDS)}

    def changed(self, fields: Sequence[str], since: Cursor, after: Cursor | None = None) -> Iterator[Page]:
        """Yield pages of whoever is new or changed since a watermark, by ``lastUpdated``.

        Who joined or left a group and changed in nothing else is not among them.
        """
        only = f'lastUpdated gt "{since["lastUpdated"]}" and ({self._of_statuses()})'
        yield from self._pages_of(fields, after, lambda asked, place: self._read(asked, place, only))

    def _batches(self, fields: Sequence[str], after: Cursor | None) -> Iterator[Batch]:
        all_listed = set(self._settings.statuses) == set(LISTED)
        return self._read(fields, after, "" if all_listed else self._of_statuses())

    def _of_statuses(self) -> str:
        return " or ".join(f'status eq "{status}"' for status in self._settings.statuses)

    def _read(self, fields: Sequence[str], after: Cursor | None, only: str) -> Iterator[Batch]:
        groups = self._memberships() if any(field.startswith("groups") for field in fields) else None
        params = {"limit": str(self._settings.page_users), **({"filter": only} if only else {})}
        for users, place in self._listed("/api/v1/users", params, after, _spared(fields)):
            if groups is not None:
                groups.add_to(users)
            yield Batch(users, place)

    def _memberships(self) -> Memberships:
        kinds = " or ".join(f'type eq "{kind}"' for kind in self._settings.group_types)
        params = {"limit": str(_PAGE), "filter": kinds}
        return Memberships(
            ({"id": key, "name": text_at("profile.name", group) or key}, self._members(key))
            for groups, _ in self._listed("/api/v1/groups", params, None, {})
            for group in groups
            if (key := text_at("id", group))
        )

    def _members(self, group: str) -> Iterator[str]:
        """Ids of a group's members; ``AbsentError`` where it is gone."""
        place, named = f"/api/v1/groups/{group}", "/api/v1/groups/{groupId}"
        asked = f"{place}/users", {"limit": str(_PAGE)}, None, _spared(()), f"{named}/users"
        try:
            for users, _ in self._listed(*asked):
                yield from (key for user in users if (key := text_at("id", user)))
        except AbsentError as error:
            if self._api.is_there(place, named):
                raise SourceError(error.what, error.mend) from None
            raise

    def _listed(
        self, path: str, params: dict[str, str], after: Cursor | None, headers: dict[str, str], what: str = ""
    ) -> Iterator[tuple[list[Any], Cursor]]:
        """Pages of a list, each with the place behind it: the address that the ``Link`` header names."""
        place: Cursor = after or {"at": ""}
        while "end" not in place:
            at = str(place["at"])
            try:
                found, answer = self._api.get_json(
                    at or path, what or path, params={} if at else params, headers=headers
                )
            except SourceError as error:
                raise (refused_place(error) if at else error) from None
            if not isinstance(found, list):
                raise SourceError(f"GET {what or path} answered no list.", "Check source.url.")
            place = moved(place, answer.links().get("next")) if answer.links().get("next") else END
            if found:
                yield found, place


def _signer(settings: OktaSettings) -> AuthBase:
    told = settings.oauth
    if told is None:
        return Header("Authorization", f"SSWS {settings.token}")
    url = f"{settings.url.rstrip('/')}/oauth2/v1/token"
    return SignedAssertion(url, told.client_id, told.private_key, key_id=told.key_id, scope=told.scopes)


def _spared(fields: Sequence[str]) -> dict[str, str]:
    """Ask Okta to leave out what it can: credentials, unless a field is in them, and their links."""
    left_out = ["omitCredentialsLinks", "omitTransitioningToStatus"]
    if not any(field.startswith("credentials") for field in fields):
        left_out.insert(0, "omitCredentials")
    return {"Content-Type": f'application/json; okta-response="{",".join(left_out)}"'}
