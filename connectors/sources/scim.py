"""Users of a SCIM 2.0 server (RFC 7643, RFC 7644), paged by index or by cursor (RFC 9865)."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from pydantic import ConfigDict, Field, model_validator

from connectors.errors import RetryError, SourceError
from connectors.rest import RestApi
from connectors.rest_auth import bearer
from connectors.sources.base import SourceSettings, SourceTraits
from connectors.sources.memberships import Memberships
from connectors.sources.record_source import Batch, RecordSource
from connectors.sources.rest_auth_settings import RestAuth
from connectors.sources.scim_paging import AT_ONCE, BY_CURSOR, BY_INDEX, ScimList

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from connectors.records import Cursor, Page

ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
"""Schema of the enterprise extension (RFC 7643, section 4.3), and the key that its values stand under."""

_SECONDS: Final = "%Y-%m-%dT%H:%M:%SZ"


class ScimSettings(SourceSettings):
    """Settings of ``kind: scim``."""

    model_config = ConfigDict(hide_input_in_errors=True)

    kind: Literal["scim"] = "scim"
    url: str = Field(
        pattern=r"^https?://",
        description="Where the server's paths begin, without `/Users`.",
        examples=["https://id.example.com/scim/v2"],
    )
    token: str | None = Field(default=None, repr=False, description="Bearer token, as `${NAME}`.")
    auth: RestAuth | None = Field(
        default=None, repr=False, description="Another way to sign calls than `token`, as for `kind: rest`."
    )
    filter: str | None = Field(
        default=None,
        description="Only users whom this filter matches (RFC 7644, section 3.4.2.2).",
        examples=['userType eq "Customer"'],
    )
    paging: Literal["auto", "cursor", "index", "none"] = Field(
        default="auto",
        description="`cursor` where the server's ServiceProviderConfig has it, else `index`; `none` asks "
        "for everybody at once. While users are deleted, `index` may pass over somebody; `cursor` does not.",
    )
    page_users: int = Field(default=100, ge=1, description="Users a page; servers may give fewer.")
    groups_from: Literal["users", "groups"] = Field(
        default="users",
        description="Where the field `groups` comes from: each user's own list, or, for servers that leave "
        "that out, the members of all groups.",
    )
    overlap_seconds: float = Field(
        default=600.0, ge=0, description="How far `mode: delta` looks back, for changes that show late."
    )

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if self.token is not None and self.auth is not None:
            raise ValueError("give `token` or `auth`, one of the two")
        return self


class ScimSource(RecordSource):
    """Reads users from a SCIM server; proven against scim2-server.

    A list of complex values has no order (RFC 7643, section 2.4), so the primary one is put first:
    ``emails[0].value`` is the primary address.

    Args:
        settings: where, and how.
        base: not used; every kind of source takes it.
        sleep: takes seconds; tests give one that does not sleep.
    """

    traits: ClassVar[SourceTraits] = SourceTraits(
        resumable=True, changed_since=True, live=True, delivers=frozenset({"groups"})
    )
    declared: ClassVar[tuple[str, ...]] = (
        "id", "externalId", "userName", "name.formatted", "name.givenName", "name.middleName",
        "name.familyName", "displayName", "nickName", "profileUrl", "title", "userType", "preferredLanguage",
        "locale", "timezone", "active", "emails", "emails[0].value", "phoneNumbers", "phoneNumbers[0].value",
        "photos[0].value", "addresses[0].formatted", "groups", "roles", "meta.created", "meta.lastModified",
        *(f"{ENTERPRISE}.{name}" for name in ("employeeNumber", "organization", "division", "department")),
    )  # fmt: skip

    def __init__(
        self, settings: ScimSettings, base: Path, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        del base
        self._settings = settings
        signer = settings.auth.signer() if settings.auth else None
        self._api = RestApi(
            settings.url.rstrip("/"),
            bearer(settings.token) if settings.token else signer,
            mend_401="Give a valid source.token, then resume.",
            mend_403="Give the token the right to read Users (and Groups), then resume.",
            headers={"Accept": "application/scim+json, application/json"},
            sleep=sleep,
        )

    def check(self) -> None:
        """Read the first page, and the first group where groups are read."""
        next(ScimList(self._api, "/Users", self._only(None), 1).pages(self._first()), None)
        if self._settings.groups_from == "groups":
            next(ScimList(self._api, "/Groups", {}, 1).pages(self._first()), None)

    def fingerprint(self) -> str:
        """Hash of the address and the filter."""
        return hashlib.sha256(f"{self._settings.url}\n{self._settings.filter}".encode()).hexdigest()

    def watermark(self) -> Cursor:
        """The server's own time, less the overlap.

        Raises:
            SourceError: the server says that it does not filter.
        """
        able = self._config.get("filter")
        if isinstance(able, dict) and able.get("supported") is False:
            raise SourceError("The SCIM server does not filter, so it cannot tell who changed.")
        _, answer = self._api.get_json("/Users", params={"startIndex": "1", "count": "1"})
        told = answer.headers.get("Date")
        now = parsedate_to_datetime(told) if told else datetime.now(UTC)
        since = now.astimezone(UTC) - timedelta(seconds=self._settings.overlap_seconds)
        return {"lastModified": since.strftime(_SECONDS)}

    def changed(self, fields: Sequence[str], since: Cursor, after: Cursor | None = None) -> Iterator[Page]:
        """Yield pages of whoever is new or changed since a watermark, by ``meta.lastModified``."""
        only = f'meta.lastModified gt "{since["lastModified"]}"'
        yield from self._pages_of(fields, after, lambda asked, place: self._read(asked, place, only))

    def _batches(self, fields: Sequence[str], after: Cursor | None) -> Iterator[Batch]:
        return self._read(fields, after, None)

    def _read(self, fields: Sequence[str], after: Cursor | None, only: str | None) -> Iterator[Batch]:
        groups = self._memberships() if self._reads_groups(fields) else None
        asked = attributes_of(fields)
        params = {**self._only(only), **({"attributes": asked} if asked else {})}
        listed = ScimList(self._api, "/Users", params, self._settings.page_users)
        for found in listed.pages(after or self._first()):
            for user in found.resources:
                _primary_first(user)
            if groups is not None:
                groups.add_to(found.resources)
            yield Batch(found.resources, found.place, found.done)

    def _only(self, more: str | None) -> dict[str, str]:
        asked = [part for part in (self._settings.filter, more) if part]
        joined = " and ".join(f"({part})" for part in asked) if len(asked) > 1 else "".join(asked)
        return {"filter": joined} if joined else {}

    def _reads_groups(self, fields: Sequence[str]) -> bool:
        named = any(field.startswith("groups") for field in fields)
        return named and self._settings.groups_from == "groups"

    def _memberships(self) -> Memberships:
        params = {"attributes": "displayName,members"}
        listed = ScimList(self._api, "/Groups", params, self._settings.page_users)
        groups = (group for found in listed.pages(self._first()) for group in found.resources)
        return Memberships((_shown(group), _members(group)) for group in groups if _has_id(group))

    def _first(self) -> Cursor:
        chosen = self._settings.paging
        if chosen == "auto":
            told = self._config.get("pagination")
            chosen = "cursor" if isinstance(told, dict) and told.get("cursor") is True else "index"
        return {"cursor": BY_CURSOR, "index": BY_INDEX, "none": AT_ONCE}[chosen]

    @cached_property
    def _config(self) -> Mapping[str, Any]:
        """What the server says that it can do; nothing where it says nothing."""
        try:
            told, _ = self._api.get_json("/ServiceProviderConfig")
        except (SourceError, RetryError):
            return {}
        return told if isinstance(told, dict) else {}


def attributes_of(fields: Sequence[str]) -> str:
    """``attributes`` as RFC 7644, section 3.10, writes them: ``name.givenName,urn:…:User:department``."""
    return ",".join(sorted(set(map(_attribute, fields))))  # in one order: a cursor may belong to its query


def _attribute(path: str) -> str:
    schema, colon, rest = path.rpartition(":")
    if colon and path.lower().startswith("urn:"):
        kind, _, name = rest.partition(".")
        return f"{schema}:{kind}:{_attribute(name)}" if name else path
    plain, bracket, _ = path.partition("[")
    return plain if bracket else ".".join(path.split(".")[:2])


def _primary_first(user: object) -> None:
    for value in user.values() if isinstance(user, dict) else ():
        if isinstance(value, list) and any(isinstance(one, dict) for one in value):
            value.sort(key=lambda one: not (isinstance(one, dict) and one.get("primary") is True))


def _has_id(group: object) -> bool:
    return isinstance(group, dict) and "id" in group


def _shown(group: Any) -> dict[str, str]:  # noqa: ANN401 - a decoded resource
    """A group as a user's own list has it (RFC 7643, section 4.1.2)."""
    return {"value": str(group["id"]), "display": str(group.get("displayName") or group["id"])}


def _members(group: Any) -> Iterator[str]:  # noqa: ANN401 - same
    """Ids of the users among the members; a group in the group is none of them."""
    for member in group.get("members") or ():
        if isinstance(member, dict) and "value" in member and member.get("type") != "Group":
            yield str(member["value"])
