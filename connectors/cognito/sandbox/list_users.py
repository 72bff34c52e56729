"""ListUsers: filters, pages and tokens (F5.15)."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from moto.cognitoidp.exceptions import InvalidParameterException

from connectors.cognito.sandbox.attributes import SYSTEM_ATTRIBUTES, rules_of
from connectors.cognito.sandbox.directory import INDEXED, Directory, directory_of
from connectors.cognito.sandbox.refusals import broken_constraint
from connectors.cognito.sandbox.request import SandboxRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from connectors.cognito.sandbox.moto_types import MotoPool
    from connectors.cognito.sandbox.stored_user import StoredUser

MAX_LIMIT: Final = 60
MAX_FILTER: Final = 256
SEARCHABLE: Final = frozenset(
    {
        "username",
        "email",
        "phone_number",
        "name",
        "given_name",
        "family_name",
        "preferred_username",
        "cognito:user_status",
        "status",
        "sub",
    }
)
_FILTER: Final = re.compile(r'\s*([\w:]+)\s*(\^?=)\s*"((?:[^"\\]|\\.)*)"\s*', re.DOTALL)


@dataclass(frozen=True, slots=True)
class UserFilter:
    """One parsed ``Filter``: ``name = "value"``, or ``^=`` for a beginning."""

    name: str
    is_prefix: bool
    value: str

    def candidates(self, directory: Directory, position: int) -> Iterator[StoredUser]:
        """Yield users behind a position who may match: one look-up where there is an index."""
        found = None if self.is_prefix else self._indexed(directory)
        if found is None:
            yield from directory.after(position)
        else:
            yield from (user for user in found if user.position > position)

    def _indexed(self, directory: Directory) -> Iterable[StoredUser] | None:
        if self.name in INDEXED:
            return directory.with_value(self.name, self.value)
        table = {"username": directory.by_username, "sub": directory.by_sub}.get(self.name)
        if table is None:
            return None
        user = table.get(self.value)
        return (user,) if user else ()

    def matches(self, user: StoredUser) -> bool:
        """Whether a user matches; only the status ignores letter case."""
        value, wanted = _value(user, self.name), self.value
        if value is None:
            return False
        if self.name == "cognito:user_status":
            value, wanted = value.lower(), wanted.lower()
        return value.startswith(wanted) if self.is_prefix else value == wanted


class UserListing(SandboxRequest):
    """ListUsers."""

    def list_users(self) -> str:
        """Return a page of users, and a token where there are more."""
        pool = self.backend.describe_user_pool(self._get_param("UserPoolId"))
        limit = _limit(self._get_param("Limit"))
        wanted = self._get_param("AttributesToGet") or []
        _refuse_unknown(pool, wanted)
        scope = [pool.id, self._get_param("Filter") or ""]
        users, more = self._page(pool, scope, limit)
        if self.settings.attributes_to_get_needs_values:
            _refuse_gaps(users, wanted)
        answer: dict[str, Any] = {
            "Users": [user.to_json(extended=True, attributes_to_get=wanted) for user in users]
        }
        if more:
            answer["PaginationToken"] = _token(scope, users[-1].position)
        return self.answer(answer)

    def _page(self, pool: MotoPool, scope: list[str], limit: int) -> tuple[list[StoredUser], bool]:
        """Take one user more than the page holds, to know whether there are more."""
        directory, asked = directory_of(pool), parse_filter(scope[1])
        position = _position(self._get_param("PaginationToken"), scope)
        size = -(-limit // 2) if self.settings.list_users_short_pages else limit
        users = (
            directory.after(position)
            if asked is None
            else filter(asked.matches, asked.candidates(directory, position))
        )
        found = list(islice(self._shown(users), size + 1))
        return found[:size], len(found) > size

    def _shown(self, users: Iterable[StoredUser]) -> Iterable[StoredUser]:
        """Those who are shown already: the list is consistent only in the end (F5.15)."""
        if not self.settings.list_users_lag_seconds:
            return users
        latest = self.sandbox.now() - timedelta(seconds=self.settings.list_users_lag_seconds)
        return (user for user in users if user.create_date <= latest)


def parse_filter(text: str) -> UserFilter | None:
    r"""Parse a ``Filter``; quotation marks in the value are written ``\"``. None: everybody.

    Raises:
        InvalidParameterException: it is none, or names an attribute that cannot be searched.
    """
    if len(text) > MAX_FILTER:
        raise InvalidParameterException(
            broken_constraint("filter", f"have length less than or equal to {MAX_FILTER}")
        )
    if not text.strip():
        return None
    match = _FILTER.fullmatch(text)
    if match is None:
        raise InvalidParameterException("Error while parsing filter")
    name, operator, value = match.groups()
    if name not in SEARCHABLE:
        raise InvalidParameterException(f"Invalid search attribute: {name}")
    return UserFilter(name, operator == "^=", re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL))


_OWN_VALUES: Final[dict[str, Callable[[StoredUser], str]]] = {
    "username": lambda user: str(user.username),
    "status": lambda user: "Enabled" if user.enabled else "Disabled",
    "cognito:user_status": lambda user: str(getattr(user.status, "value", user.status)),
}


def _value(user: StoredUser, name: str) -> str | None:
    own = _OWN_VALUES.get(name)
    return own(user) if own else user.attribute_lookup.get(name)


def _limit(given: int | None) -> int:
    """Return the size of a page; 0 is read as not given, the model allows it."""
    if given is not None and not 0 <= given <= MAX_LIMIT:
        raise InvalidParameterException(
            broken_constraint("limit", f"have value less than or equal to {MAX_LIMIT}")
        )
    return given or MAX_LIMIT


def _refuse_unknown(pool: MotoPool, wanted: list[str]) -> None:
    if not rules_of(pool).keys() >= set(wanted).difference(SYSTEM_ATTRIBUTES):
        raise InvalidParameterException("One or more requested attributes do not exist in user pool.")


def _refuse_gaps(users: list[StoredUser], wanted: list[str]) -> None:
    """Refuse the page if a user lacks an attribute that was asked for, as the API reference says (F5.15)."""
    if not all(user.attribute_lookup.keys() >= set(wanted) for user in users):
        raise InvalidParameterException(
            "Not every user has a value for the requested attributes."
        )  # text ours


def _token(scope: list[str], position: int) -> str:
    return urlsafe_b64encode(json.dumps([*scope, position]).encode()).decode()


def _position(token: str | None, scope: list[str]) -> int:
    """Return the position that a token goes on from; it fits only the call that it came from."""
    if not token:
        return -1
    try:
        *of, position = json.loads(urlsafe_b64decode(token))
    except (Base64Error, ValueError, TypeError):
        of, position = [], None
    if of != scope or not isinstance(position, int):
        raise InvalidParameterException("Invalid pagination token given.")  # text ours
    return position
