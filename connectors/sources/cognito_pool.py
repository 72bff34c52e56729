"""Users of another Cognito pool, by ``ListUsers``: of another account or Region, or beside the target."""

from __future__ import annotations

import hashlib
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from pydantic import Field

from connectors.aws import client
from connectors.errors import SourceError
from connectors.retry import retrying, translated
from connectors.schema_attributes import schema_attributes
from connectors.sources.base import SourceSettings, SourceTraits
from connectors.sources.fields import not_there
from connectors.sources.memberships import Memberships
from connectors.sources.paths import splits
from connectors.sources.pool_place import Place
from connectors.sources.record_source import Batch, RecordSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import UserPoolTypeTypeDef, UserTypeTypeDef

    from connectors.records import Cursor, PoolAttribute

    _More = Callable[[Sequence[UserTypeTypeDef]], list[dict[str, object]]]

_log = logging.getLogger(__name__)

MOST: Final = 60
"""Users or groups in one reply (the service's model)."""
THREADS: Final = 8
"""Calls of ``AdminGetUser`` that are on their way at once; the governor says how many a second."""

SHOWN: Final = ("Username", "UserStatus", "Enabled", "UserCreateDate", "UserLastModifiedDate", "MFAOptions")
"""What ``ListUsers`` tells of a user beside the attributes."""
SET_BY_COGNITO: Final = ("sub", "identities")
"""Attributes that users have whatever the pool's schema lists (F1.5)."""
GROUPS: Final = "Groups"
FACTORS: Final = ("PreferredMfaSetting", "UserMFASettingList")


class CognitoSettings(SourceSettings):
    """Settings of ``kind: cognito``."""

    kind: Literal["cognito"] = "cognito"
    user_pool_id: str = Field(description="The pool's id.", pattern=r"^[\w-]+_[0-9a-zA-Z]+$", max_length=55)
    region: str | None = Field(default=None, description="AWS Region; default: the one that the id names.")
    profile: str | None = Field(
        default=None, description="AWS profile of the pool's account; default: as boto3 finds it."
    )
    groups: bool = Field(
        default=True,
        description="Whether groups can be read, as `Groups`: once for each group, before the users.",
    )
    second_factors: bool = Field(
        default=False,
        description="Whether AdminGetUser is asked for `PreferredMfaSetting` and `UserMFASettingList` of"
        " every user, which makes all of them billable in the pool that is left (F8.4).",
    )
    page_users: int = Field(default=MOST, ge=1, le=MOST, description="Users a call (`Limit`).")


class CognitoSource(RecordSource):
    """Reads the users of a pool; proven against the local Cognito, not against AWS.

    Fields are called as in the API: the members of ``UserType``, each attribute by its own name
    (``email``, ``custom:tenant``, ``sub``, ``identities`` as the JSON text that Cognito keeps), ``Groups``.
    There is no password and no hash among them.

    How long a ``PaginationToken`` can be used is not documented. Where the service does not take one any
    more, the pool is read again from the beginning, and those who were handed out already are skipped: if
    they are exactly the same users, whatever their order (F5.15), and else the reading stops.

    Args:
        settings: which pool.
        base: not used; every kind of source takes it.
        sleep: takes seconds; tests give one that does not sleep.
    """

    traits: ClassVar[SourceTraits] = SourceTraits(
        resumable=True, live=True, delivers=frozenset({"groups", "identities", "mfa"})
    )

    def __init__(
        self, settings: CognitoSettings, base: Path, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        del base
        self.settings = settings
        self._sleep = sleep

    @property
    def region(self) -> str:
        """The Region that the pool is in."""
        return self.settings.region or self.settings.user_pool_id.partition("_")[0]

    @cached_property
    def client(self) -> CognitoIdentityProviderClient:
        """The pool's client; whoever opens the source has its calls governed."""
        return client("cognito-idp", region=self.region, profile=self.settings.profile)

    @property
    def attributes(self) -> Mapping[str, PoolAttribute]:
        """The pool's schema: name → attribute, without what only Cognito sets."""
        return schema_attributes(self._pool.get("SchemaAttributes", ()))

    @cached_property
    def _pool(self) -> UserPoolTypeTypeDef:
        described = self._ask("DescribeUserPool", self.client.describe_user_pool, self._named())
        pool: UserPoolTypeTypeDef = described["UserPool"]
        return pool

    def check(self) -> None:
        """Look at the pool, at one user and, where groups can be read, at one group."""
        self._ask("DescribeUserPool", self.client.describe_user_pool, self._named())
        self._ask("ListUsers", self.client.list_users, self._named(Limit=1))
        if self.settings.groups:
            self._ask("ListGroups", self.client.list_groups, self._named(Limit=1))

    def fingerprint(self) -> str:
        """Hash of Region and pool."""
        return hashlib.sha256(repr((self.region, self.settings.user_pool_id)).encode()).hexdigest()

    def fields(self) -> list[str]:
        """What ``ListUsers`` shows, then all attributes of the pool's schema."""
        groups = (GROUPS,) if self.settings.groups else ()
        factors = FACTORS if self.settings.second_factors else ()
        return list(dict.fromkeys((*SHOWN, *groups, *factors, *SET_BY_COGNITO, *self.attributes)))

    def _batches(self, fields: Sequence[str], after: Cursor | None) -> Iterator[Batch]:
        wanted = self._wanted(fields)
        place = Place.at(after) if after else Place()
        if after and not place.token:
            return
        estimate = self._pool.get("EstimatedNumberOfUsers", 0)
        with self._more_of(wanted) as more:
            for users, behind in self._users(_chosen(wanted), place):
                records = [record_of(user) | extra for user, extra in zip(users, more(users), strict=True)]
                yield Batch(records, behind.cursor, behind.share_of(estimate))

    def _wanted(self, fields: Sequence[str]) -> set[str]:
        """The fields that the asked paths begin with.

        Raises:
            SourceError: a path begins with none.
        """
        known, wanted = self.fields(), set()
        for field in fields:
            name = next((name for name, _ in splits(field) if name in known), None)
            if name is None:
                raise not_there("field", field, known, self.settings.user_pool_id)
            wanted.add(name)
        return wanted

    # users --------------------------------------------------------------------------------------

    def _users(
        self, chosen: dict[str, Any], start: Place
    ) -> Iterator[tuple[Sequence[UserTypeTypeDef], Place]]:
        """Yield stretches of users with the place behind each; pages without users are passed over."""
        place, known = start, Place()
        while True:
            page = self._page(chosen, place.token)
            if page is None:
                known, place = self._begin_again(place, known), Place()
                continue
            before, place = place, place.behind(page["Users"], page.get("PaginationToken", ""))
            users = known.unseen(before, page["Users"])
            known = Place() if users else known
            if users or not place.token:
                yield users, place
            if not place.token:
                known.refuse_fewer(place)
                return

    def _page(self, chosen: dict[str, Any], token: str) -> Any:  # noqa: ANN401 - boto3's answer
        """A page of users, or None where the service does not take the token any more."""
        request = self._named(Limit=self.settings.page_users, **chosen)
        if not token:
            return self._ask("ListUsers", self.client.list_users, request)
        return self._ask("ListUsers", self._list_behind, {**request, "PaginationToken": token})

    def _list_behind(self, **request: Any) -> Any:  # noqa: ANN401 - as the API has them
        try:
            return self.client.list_users(**request)
        except self.client.exceptions.InvalidParameterException:
            return None

    def _begin_again(self, place: Place, known: Place) -> Place:
        if known.read:
            raise SourceError(
                "ListUsers refuses the token that it gave with the page before.",
                "Try again; if it stays so, begin another run with --new.",
            )
        _log.warning(
            "ListUsers does not take its token any more: the pool is read again from the beginning, and the"
            " %d users who were read already are skipped",
            place.read,
        )
        return place

    # what else is asked for ---------------------------------------------------------------------

    @contextmanager
    def _more_of(self, wanted: AbstractSet[str]) -> Iterator[_More]:
        """Give what tells groups and factors of a page's users, as far as they are asked for."""
        with closing(Memberships(self._members() if GROUPS in wanted else ())) as members:

            def more(users: Sequence[UserTypeTypeDef]) -> list[dict[str, object]]:
                names = [user["Username"] for user in users]
                told: list[dict[str, object]] = [{} for _ in names]
                if not wanted.isdisjoint(FACTORS):
                    told = self._factors(names)
                groups = members.groups_of(names) if GROUPS in wanted else {}
                return [each | {GROUPS: groups.get(name)} for name, each in zip(names, told, strict=True)]

            yield more

    def _members(self) -> Iterator[tuple[str, Iterator[str]]]:
        """Every group by name, and the usernames of its members."""
        groups = self._listed("ListGroups", self.client.list_groups, "Groups")
        for group in [each["GroupName"] for each in groups]:
            listed = self._listed("ListUsersInGroup", self._list_group, "Users", GroupName=group)
            yield group, (user["Username"] for user in listed)

    def _list_group(self, **request: Any) -> Any:  # noqa: ANN401 - as the API has them
        try:
            return self.client.list_users_in_group(**request)
        except self.client.exceptions.ResourceNotFoundException:
            return {"Users": []}  # the group was deleted since it was listed

    def _listed(
        self, operation: str, call: Callable[..., Any], members: str, **more: object
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the members of all pages of an operation that pages by ``NextToken``."""
        request = self._named(Limit=MOST, **more)
        while True:
            page = self._ask(operation, call, request)
            yield from page[members]
            if "NextToken" not in page:
                return
            request["NextToken"] = page["NextToken"]

    def _factors(self, usernames: Sequence[str]) -> list[dict[str, object]]:
        with ThreadPoolExecutor(THREADS, "source") as pool:
            return list(pool.map(self._factors_of, usernames))

    def _factors_of(self, username: str) -> dict[str, object]:
        told = self._ask("AdminGetUser", self._get_user, self._named(Username=username))
        return {name: told[name] for name in FACTORS if name in told}

    def _get_user(self, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401 - as the API has them
        try:
            return self.client.admin_get_user(**request)
        except self.client.exceptions.UserNotFoundException:
            return {}  # deleted since the page was read

    # calls --------------------------------------------------------------------------------------

    def _named(self, **more: object) -> dict[str, Any]:
        return {"UserPoolId": self.settings.user_pool_id, **more}

    def _ask(self, operation: str, call: Callable[..., Any], request: dict[str, Any]) -> Any:  # noqa: ANN401 - boto3's answer
        return retrying(operation, sleep=self._sleep)(partial(self._ask_once, operation, call, request))

    def _ask_once(self, operation: str, call: Callable[..., Any], request: dict[str, Any]) -> Any:  # noqa: ANN401 - boto3's answer
        with translated(operation, stop=SourceError, reads=True):
            try:
                return call(**request)
            except self.client.exceptions.ResourceNotFoundException:
                raise self._no_pool(operation) from None

    def _no_pool(self, operation: str) -> SourceError:
        return SourceError(
            f"{operation}: there is no pool {self.settings.user_pool_id} in region {self.region}.",
            "Check source.user_pool_id, source.region, and that source.profile is of the pool's account.",
        )


def _chosen(wanted: AbstractSet[str]) -> dict[str, Any]:
    """Ask for the attributes of users only where one is needed.

    Single ones cannot be asked for: the service refuses the page as soon as one user lacks one (F5.15).
    """
    return {} if wanted - {*SHOWN, GROUPS, *FACTORS, "sub"} else {"AttributesToGet": ["sub"]}


def record_of(user: UserTypeTypeDef) -> dict[str, object]:
    """Turn a user of ``ListUsers`` into a flat record: each attribute by its name, times in ISO 8601, UTC."""
    told = {name: _plain(value) for name, value in user.items() if name != "Attributes"}
    return {each["Name"]: each.get("Value") for each in user.get("Attributes", ())} | told


def _plain(value: object) -> object:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
