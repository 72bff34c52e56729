"""The users of one pool: lock, index, and the few functions that everybody else goes through.

moto keeps users in ``pool.users`` and scans them. Here ``pool.users`` is a table that keeps the
index right whatever is put into it or taken out, and every scan is a look-up.
"""

from __future__ import annotations

from collections import UserDict
from threading import RLock
from typing import TYPE_CHECKING, Final

from moto.cognitoidp.exceptions import InvalidParameterException, UsernameExistsException

from connectors.cognito.sandbox.attributes import check_attributes, settings_of
from connectors.cognito.sandbox.refusals import AliasTakenError
from connectors.cognito.sandbox.sign_in_names import SHAPE_WORDS, SignInNames, sign_in_names
from connectors.cognito.sandbox.stored_user import StoredUser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from connectors.cognito.sandbox.moto_types import MotoPool

__all__ = ["Directory", "add_user", "check_attributes", "directory_of", "find_user", "pool_lock"]

INDEXED: Final = ("email", "phone_number")
"""Attributes whose values are indexed for ListUsers; many users may share one value."""

_BUILDING: Final = RLock()


class Directory:
    """Index of one pool's users.

    Everything that changes it holds ``lock``. A look-up needs no lock: each is one step of a
    dictionary.

    Args:
        pool: a moto user pool; the users that it already has are taken over.
    """

    def __init__(self, pool: MotoPool) -> None:
        self.lock = RLock()
        self.names: SignInNames = sign_in_names(pool)
        self.by_username: dict[str, StoredUser] = {}
        self.by_sub: dict[str, StoredUser] = {}
        self.by_identity: dict[tuple[str, str], StoredUser] = {}
        self._by_folded_name = self.by_username if self.names.fold is str else {}
        self._by_claim: dict[str, ValueIndex] = {name: ValueIndex() for name in self.names.attributes}
        self._by_value: dict[str, ValueIndex] = {name: ValueIndex() for name in INDEXED}
        self._in_order: list[StoredUser | None] = []
        for user in list(pool.users.values()):
            self.insert(user)

    def find(self, name: str) -> StoredUser | None:
        """Find a user by username or by any other sign-in name (F1.45-F1.50)."""
        folded = self.names.fold(name)
        user = self._by_folded_name.get(folded)
        if user is not None:
            return user
        for claimed in self._by_claim.values():
            if (user := claimed.first(folded)) is not None:
                return user
        return None

    def with_value(self, attribute: str, value: str) -> tuple[StoredUser, ...]:
        """Find the users with one of the ``INDEXED`` attributes at a value, oldest first."""
        return tuple(sorted(self._by_value[attribute].users(value), key=_position))

    def after(self, position: int) -> Iterator[StoredUser]:
        """Yield the users behind a position, oldest first; costs what is taken, not what there is."""
        for place in range(position + 1, len(self._in_order)):
            if (user := self._in_order[place]) is not None:
                yield user

    def insert(self, user: StoredUser) -> None:
        """Take a user in; one with the same username is replaced."""
        with self.lock:
            if (former := self.by_username.get(user.username)) is not None:
                self.remove(former)
            user.position = len(self._in_order)
            user.on_change = self._change
            self._in_order.append(user)
            self.by_username[user.username] = self.by_sub[user.id] = user
            self._by_folded_name[self.names.fold(user.username)] = user
            self._note(user)

    def remove(self, user: StoredUser) -> None:
        """Let a user go, with every name that was theirs."""
        with self.lock:
            self._forget(user)
            for identity in user.linked:
                self.by_identity.pop(identity, None)
            del self.by_username[user.username], self.by_sub[user.id]
            self._by_folded_name.pop(self.names.fold(user.username), None)
            self._in_order[user.position] = None
            user.position, user.on_change = -1, None

    def holder(self, attribute: str, folded: str) -> StoredUser | None:
        """Return the user whose sign-in name this is; of several, whom only moto can make, the first."""
        return self._by_claim[attribute].first(folded)

    def taken(self, attributes: Mapping[str, str], by: StoredUser | None = None) -> dict[str, StoredUser]:
        """Return the attributes whose sign-in name is another user's, and that user."""
        held = ((name, self.holder(name, value)) for name, value in self.names.claims(attributes))
        return {name: user for name, user in held if user is not None and user is not by}

    def _change(self, user: StoredUser, apply: Callable[[], None]) -> None:
        with self.lock:
            self._forget(user)
            apply()
            self._note(user)

    def _note(self, user: StoredUser) -> None:
        lookup = user.attribute_lookup
        for name, folded in () if user.is_federated else self.names.claims(lookup):
            self._by_claim[name].put(folded, user)
        for name, index in self._by_value.items():
            if value := lookup.get(name):
                index.put(value, user)

    def _forget(self, user: StoredUser) -> None:
        lookup = user.attribute_lookup
        for name, folded in self.names.claims(lookup):
            self._by_claim[name].drop(folded, user)
        for name, index in self._by_value.items():
            if value := lookup.get(name):
                index.drop(value, user)


class ValueIndex:
    """Value to users. Nearly every value has one user, who then stands there without a container."""

    def __init__(self) -> None:
        self._held: dict[str, StoredUser | dict[StoredUser, None]] = {}

    def users(self, value: str) -> tuple[StoredUser, ...]:
        """Return the users with a value, in no order."""
        held = self._held.get(value)
        if held is None:
            return ()
        return tuple(held) if isinstance(held, dict) else (held,)

    def first(self, value: str) -> StoredUser | None:
        """Return the user who has had a value for the longest time, or None."""
        held = self._held.get(value)
        # one step, so that no other thread changes the dictionary between two
        return next(iter(tuple(held)), None) if isinstance(held, dict) else held

    def put(self, value: str, user: StoredUser) -> None:
        """Note that a user has a value."""
        held = self._held.setdefault(value, user)
        if isinstance(held, dict):
            held[user] = None
        elif held is not user:
            self._held[value] = {held: None, user: None}

    def drop(self, value: str, user: StoredUser) -> None:
        """Note that a user has it no more."""
        held = self._held.get(value)
        if isinstance(held, dict):
            held.pop(user, None)
        if held is user or held == {}:
            del self._held[value]


class UserTable(UserDict[str, StoredUser]):
    """What stands at ``pool.users``: a dictionary that tells the directory of every change.

    Its views are snapshots, so that a loop of moto's never meets a change (measured: HTTP 500).
    """

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.data = directory.by_username

    def __setitem__(self, username: str, user: StoredUser) -> None:
        """Put a user in."""
        self.directory.insert(user)

    def __delitem__(self, username: str) -> None:
        """Take a user out."""
        self.directory.remove(self.data[username])

    def __iter__(self) -> Iterator[str]:
        """Walk over the usernames as they are now."""
        return iter(list(self.data))

    def values(self) -> list[StoredUser]:  # type: ignore[override]  # a snapshot on purpose
        """Return the users as they are now."""
        return list(self.data.values())

    def items(self) -> list[tuple[str, StoredUser]]:  # type: ignore[override]  # a snapshot on purpose
        """Return usernames and users as they are now."""
        return list(self.data.items())


def directory_of(pool: MotoPool) -> Directory:
    """Return the directory of a moto pool; the first call makes it and puts it under ``pool.users``."""
    found: Directory | None = vars(pool).get("directory")
    return found or _build(pool)


def _build(pool: MotoPool) -> Directory:
    with _BUILDING:
        found: Directory | None = vars(pool).get("directory")
        if found is None:
            found = pool.directory = Directory(pool)
            pool.users = UserTable(found)
        return found


def pool_lock(pool: MotoPool) -> RLock:
    """Return the lock that everything holds which changes the pool's users; reentrant."""
    return directory_of(pool).lock


def find_user(pool: MotoPool, name: str) -> StoredUser | None:
    """Find a user by username or by any other sign-in name, or None (F1.45-F1.50)."""
    return directory_of(pool).find(name)


def add_user(
    pool: MotoPool,
    username: str,
    attributes: dict[str, str],
    *,
    status: str,
    password_hash: str | None = None,
    force_alias: bool = False,
) -> StoredUser:
    """Create a user, whatever the way into the pool.

    The values of the attributes are not looked at: that is ``check_attributes``. Costs the same in
    a pool of any size.

    Args:
        pool: a moto user pool.
        username: what was asked for; with ``UsernameAttributes`` an address or number, which goes
            into its attribute while the username becomes a UUID, equal to ``sub`` (F1.46, F5.6).
        attributes: name to value, without ``sub``.
        status: a ``UserStatus`` of the API.
        password_hash: an imported hash, kept for the first sign-in (F2.13).
        force_alias: moves a taken alias from its holder to the new user (F5.8).

    Raises:
        UsernameExistsException: the username is taken.
        AliasExistsException: another sign-in name is taken; its code on the wire is a setting (F5.8).
        InvalidParameterException: the username has a shape that the pool does not take (F1.45, F5.7).
    """
    directory = directory_of(pool)
    with directory.lock:
        own_name, complete = named(pool, username, attributes)
        _refuse_taken_name(directory, username)
        if directory.names.attributes and (taken := directory.taken(complete)):
            _take_over(pool, taken, complete, force=force_alias)
        user = StoredUser.create(pool.id, own_name, status, complete)
        user.password_hash = password_hash
        directory.insert(user)
    return user


def named(pool: MotoPool, username: str, attributes: dict[str, str]) -> tuple[str | None, dict[str, str]]:
    """Work out what a new user is called.

    Returns:
        The username, or None where the pool makes one, and the attributes with the address or
        number that was given as the username.

    Raises:
        InvalidParameterException: see ``add_user``.
    """
    names = directory_of(pool).names
    if not names.username_attributes:
        names.refuse_alias_shape(username)
        return username, attributes
    attribute = names.attribute_of(username)
    given = attributes.get(attribute)
    if given and names.fold(given) != names.fold(username):
        word = SHAPE_WORDS[attribute]
        raise InvalidParameterException(
            f"User {word} should be empty or same as username, since username attribute is {word}"
        )
    return None, {**attributes, attribute: username}


def _refuse_taken_name(directory: Directory, username: str) -> None:
    folded = directory.names.fold(username)
    for attribute in directory.names.username_attributes:
        if directory.holder(attribute, folded) is not None:
            raise UsernameExistsException(f"An account with the given {attribute} already exists.")
    if folded in directory._by_folded_name:  # noqa: SLF001 - same file
        raise UsernameExistsException("User account already exists")


def _take_over(
    pool: MotoPool, taken: dict[str, StoredUser], attributes: dict[str, str], *, force: bool
) -> None:
    """Move taken sign-in names away from their holders, or refuse (F5.8)."""
    for attribute in taken:
        if not (force and attributes.get(f"{attribute}_verified", "").lower() == "true"):
            raise AliasTakenError(attribute, settings_of(pool).taken_alias_on_create)
    for attribute, holder in taken.items():
        give_up(holder, attribute)


def give_up(holder: StoredUser, attribute: str) -> None:
    """Make a user lose a sign-in name; the value stays, unverified (F5.8; how it looks is ours)."""
    if attribute == "preferred_username":
        holder.change({}, gone=[attribute])
    else:
        holder.change({f"{attribute}_verified": "false"})


def _position(user: StoredUser) -> int:
    return user.position
