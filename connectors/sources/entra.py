"""Users of a Microsoft Entra tenant, which may be an Azure AD B2C one, by Microsoft Graph."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field

from connectors.errors import AbsentError, SourceError
from connectors.rest import RestApi
from connectors.rest_auth import ClientCredentials
from connectors.sources.base import SourceSettings, SourceTraits
from connectors.sources.memberships import Memberships
from connectors.sources.paths import splits
from connectors.sources.record_source import Batch, RecordSource
from connectors.sources.rest_paging import END, moved, refused_place, text_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from connectors.records import Cursor, Page

NEXT: Final = "@odata.nextLink"
DELTA: Final = "@odata.deltaLink"
SIGN_IN_NAMES: Final = "signInNames"
"""A field of Poolferry's own making, under the name that B2C's policies give these claims."""

_MOST: Final = 999
"""Most users of a page (List users), and most members of one."""

_MOST_WITH_ACTIVITY: Final = 500
"""The same where ``signInActivity`` is among the selected properties."""

_MOST_IN: Final = 15
"""Most ids in one ``in`` of a ``$filter`` (known issues, query parameters)."""

_NO_PROPERTIES: Final = frozenset({"groups", SIGN_IN_NAMES})

_GONE: Final = "410"


class EntraSettings(SourceSettings):
    """Settings of ``kind: entra``."""

    model_config = ConfigDict(hide_input_in_errors=True)

    kind: Literal["entra"] = "entra"
    tenant: str = Field(
        pattern=r"^[\w.-]+$",
        description="The tenant's id or one of its domains.",
        examples=["example.onmicrosoft.com"],
    )
    client_id: str = Field(
        description="Application that may read users: `User.Read.All`, and `GroupMember.Read.All` for "
        "`groups`, with an administrator's consent."
    )
    client_secret: str = Field(repr=False, description="Its secret, as `${NAME}`.")
    filter: str | None = Field(
        default=None,
        description="Only users whom this `$filter` matches.",
        examples=["creationType eq 'LocalAccount'"],
    )
    group_filter: str | None = Field(
        default=None,
        description="Only groups that this `$filter` matches are in the field `groups`.",
        examples=["securityEnabled eq true"],
    )
    extensions: tuple[str, ...] = Field(
        default=(),
        description="Extension properties that the mapping may use, such as `extension_<app id>_plan`; Graph "
        "does not list them by itself.",
    )
    page_users: int = Field(default=_MOST, ge=1, le=_MOST, description="Users a page.")
    graph_url: str = Field(
        default="https://graph.microsoft.com/v1.0",
        description="Address of Graph; national clouds have others.",
    )
    login_url: str = Field(
        default="https://login.microsoftonline.com", description="Where tokens come from; the same."
    )


class EntraSource(RecordSource):
    """Reads users from Microsoft Graph; proven against documentation only. Graph hands out no hashes.

    Two fields are put together from what Graph gives: ``groups``, a list with ``id`` and ``displayName`` of
    each group that the user is a direct member of, made from the members of all groups, since ``$expand``
    gives 20 groups at most; and ``signInNames``, with ``emailAddress``, ``userName`` and ``phoneNumber`` from
    the local accounts among the ``identities``.

    Args:
        settings: which tenant.
        base: not used; every kind of source takes it.
        sleep: takes seconds; tests give one that does not sleep.
    """

    traits: ClassVar[SourceTraits] = SourceTraits(
        resumable=True, changed_since=True, live=True, delivers=frozenset({"groups", "identities"})
    )
    declared: ClassVar[tuple[str, ...]] = (
        "id", "userPrincipalName", "displayName", "givenName", "surname", "mail", "mailNickname",
        "otherMails", "otherMails[0]", "mobilePhone", "businessPhones", "businessPhones[0]",
        "accountEnabled", "userType", "identities", "signInNames.emailAddress", "signInNames.userName",
        "signInNames.phoneNumber", "groups", "preferredLanguage", "jobTitle", "department", "companyName",
        "employeeId", "officeLocation", "streetAddress", "city", "state", "postalCode", "country",
        "usageLocation", "ageGroup", "consentProvidedForMinor", "legalAgeGroupClassification",
        "creationType", "createdDateTime", "externalUserState", "lastPasswordChangeDateTime",
        "onPremisesSyncEnabled", "onPremisesImmutableId", "onPremisesSamAccountName",
        "onPremisesExtensionAttributes",
    )  # fmt: skip

    def __init__(
        self, settings: EntraSettings, base: Path, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        del base
        self._settings = settings
        graph = settings.graph_url.rstrip("/")
        form = {
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
            "scope": f"{urlsplit(graph).scheme}://{urlsplit(graph).netloc}/.default",
        }
        token_url = f"{settings.login_url.rstrip('/')}/{settings.tenant}/oauth2/v2.0/token"
        self._api = RestApi(
            graph,
            ClientCredentials(token_url, form),
            mend_401="Check source.tenant and source.client_id, then resume.",
            mend_403="Let an administrator consent to the application's User.Read.All, and to "
            "GroupMember.Read.All where groups are read.",
            sleep=sleep,
        )

    def check(self) -> None:
        """Read one user."""
        self._api.get_json("/users", params={"$top": "1", "$select": "id", **_filter(self._settings.filter)})

    def fields(self) -> list[str]:
        """Properties by description and by ``extensions``, then those that the first users have besides."""
        return list(dict.fromkeys((*super().fields(), *self._settings.extensions)))

    def fingerprint(self) -> str:
        """Hash of the cloud, the tenant and the filter."""
        told = self._settings
        return hashlib.sha256(repr((told.graph_url, told.tenant, told.filter)).encode()).hexdigest()

    def watermark(self) -> Cursor:
        """Graph's token for the present moment; it serves for some days.

        No property is selected with it: only changes of selected ones would be told.
        """
        answer, _ = self._api.get_json("/users/delta", params={"$deltatoken": "latest"})
        link = _link(answer, DELTA)
        if not link:
            raise SourceError("GET /users/delta answered without a deltaLink.")
        return {"deltaLink": link}

    def changed(self, fields: Sequence[str], since: Cursor, after: Cursor | None = None) -> Iterator[Page]:
        """Yield pages of whoever is new or changed since a watermark.

        The delta query names them, and they are read by their ids: it tells no more of a changed user than
        the change.

        Raises:
            SourceError: the watermark is too old.
        """
        start: Cursor = {"at": str(since["deltaLink"])}
        yield from self._pages_of(fields, after, lambda asked, place: self._changed(asked, place or start))

    def _changed(self, fields: Sequence[str], place: Cursor) -> Iterator[Batch]:
        add_groups = self._adds_groups(fields)
        try:
            for found, behind in self._listed("/users/delta", {}, place):
                ids = list(dict.fromkeys(_ids(found)))
                if ids:
                    yield Batch(add_groups(list(self._by_id(fields, ids))), behind)
        except SourceError as error:
            if f"answered {_GONE}" not in error.what:
                raise
            raise SourceError(error.what, "The watermark is too old: read everybody once more.") from None

    def _by_id(self, fields: Sequence[str], ids: Sequence[str]) -> Iterator[Any]:
        for start in range(0, len(ids), _MOST_IN):
            quoted = (f"'{one.replace(chr(39), chr(39) * 2)}'" for one in ids[start : start + _MOST_IN])
            only = f"id in ({', '.join(quoted)})"
            only = f"({self._settings.filter}) and {only}" if self._settings.filter else only
            for found, _ in self._listed("/users", self._params(fields, only), None):
                yield from found

    def _batches(self, fields: Sequence[str], after: Cursor | None) -> Iterator[Batch]:
        add_groups = self._adds_groups(fields)
        for found, behind in self._listed("/users", self._params(fields, self._settings.filter), after):
            yield Batch(add_groups(found), behind)

    def _params(self, fields: Sequence[str], only: str | None) -> dict[str, str]:
        selected = self._selected(fields)
        most = _MOST_WITH_ACTIVITY if "signInActivity" in selected else _MOST
        top = min(self._settings.page_users, most)
        return {"$select": ",".join(selected), "$top": str(top), **_filter(only)}

    def _selected(self, fields: Sequence[str]) -> list[str]:
        """The properties that the fields are in; those of the description where no field is named."""
        wanted = fields or (*self.declared, *self._settings.extensions)
        tops = [_property(field) for field in wanted]
        needed = ["identities"] if SIGN_IN_NAMES in tops else []
        return list(dict.fromkeys(["id", *(one for one in tops if one not in _NO_PROPERTIES), *needed]))

    def _adds_groups(self, fields: Sequence[str]) -> Callable[[list[Any]], list[Any]]:
        """Make what turns users of Graph into records, with their groups where a field asks for them."""
        groups = self._memberships() if any(_property(field) == "groups" for field in fields) else None

        def records(found: list[Any]) -> list[Any]:
            made = [_record(user) for user in found]
            if groups is not None:
                groups.add_to(made)
            return made

        return records

    def _memberships(self) -> Memberships:
        params = {"$select": "id,displayName", "$top": str(_MOST), **_filter(self._settings.group_filter)}
        return Memberships(
            ({"id": key, "displayName": text_at("displayName", group) or key}, self._members(key))
            for groups, _ in self._listed("/groups", params, None)
            for group in groups
            if (key := text_at("id", group))
        )

    def _members(self, group: str) -> Iterator[str]:
        """Ids of the users in a group; ``AbsentError`` where it is gone."""
        place, named, params = f"/groups/{group}", "/groups/{id}", {"$select": "id", "$top": str(_MOST)}
        try:
            for found, _ in self._listed(f"{place}/members", params, None, f"{named}/members"):
                yield from _ids(one for one in found if _is_user(one))
        except AbsentError as error:
            if self._api.is_there(place, named):
                raise SourceError(error.what, error.mend) from None
            raise

    def _listed(
        self, path: str, params: Mapping[str, str], after: Cursor | None, what: str = ""
    ) -> Iterator[tuple[list[Any], Cursor]]:
        """Pages of a list, each with the place behind it: its nextLink. An empty one need not be the last."""
        place: Cursor = after or {"at": ""}
        while "end" not in place:
            at = str(place["at"])
            try:
                answer, _ = self._api.get_json(at or path, what or path, params={} if at else dict(params))
            except SourceError as error:
                raise (refused_place(error) if at else error) from None
            found = answer.get("value") if isinstance(answer, dict) else None
            if not isinstance(found, list):
                raise SourceError(f"GET {what or path} answered no list.", "Check source.graph_url.")
            link = _link(answer, NEXT)
            place = moved(place, link) if link else END
            if found:
                yield found, place


def _filter(told: str | None) -> dict[str, str]:
    return {"$filter": told} if told else {}


def _link(answer: object, name: str) -> str:
    return str(answer.get(name) or "") if isinstance(answer, dict) else ""


def _property(path: str) -> str:
    """The first key of a path: ``identities[0].issuer`` is in ``identities``."""
    *_, (first, _) = splits(path)
    return first


def _ids(found: Iterator[Any] | Sequence[Any]) -> list[str]:
    """Ids of directory objects, without those that are gone."""
    present = (one for one in found if isinstance(one, dict) and "@removed" not in one)
    return [key for one in present if (key := text_at("id", one))]


def _is_user(member: object) -> bool:
    """Members may be devices, service principals and groups too."""
    return isinstance(member, dict) and member.get("@odata.type", "#microsoft.graph.user") == (
        "#microsoft.graph.user"
    )


def _record(user: Any) -> Any:  # noqa: ANN401 - JSON
    """A user without Graph's annotations and with ``signInNames``."""
    if not isinstance(user, dict):
        return user
    record = {name: value for name, value in user.items() if not name.startswith("@")}
    if "identities" in record:
        record[SIGN_IN_NAMES] = _sign_in_names(record["identities"])
    return record


def _sign_in_names(identities: object) -> dict[str, str]:
    """The first name of each kind; federated identities and the principal name are no local sign-in names."""
    names: dict[str, str] = {}
    for one in identities if isinstance(identities, list) else ():
        kind, name = text_at("signInType", one), text_at("issuerAssignedId", one)
        if kind and name and kind not in ("federated", "userPrincipalName"):
            names.setdefault(kind, name)
    return names
