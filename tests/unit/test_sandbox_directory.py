"""The index of a pool's users: right whatever moto does, quick at any size, safe for many threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import count, product
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from moto.cognitoidp import models
from moto.cognitoidp.exceptions import (
    AliasExistsException,
    InvalidParameterException,
    UsernameExistsException,
)

from connectors.cognito.sandbox import directory as directory_module
from connectors.cognito.sandbox.directory import (
    add_user,
    check_attributes,
    directory_of,
    find_user,
    pool_lock,
)
from connectors.cognito.sandbox.seams import install_seams
from connectors.cognito.sandbox.stored_user import StoredUser

ACCOUNT, REGION = "123456789012", "eu-west-1"
MakePool = Callable[..., Any]


@pytest.fixture
def backend() -> Iterator[Any]:
    """moto's backend with our seams, emptied afterwards."""
    install_seams()
    own = models.cognitoidp_backends[ACCOUNT][REGION]
    yield own
    own.reset()


@pytest.fixture
def make_pool(backend: Any) -> MakePool:
    return lambda **config: backend.create_user_pool("pool", config)


ALIASES = {"AliasAttributes": ["email", "phone_number", "preferred_username"]}
BY_EMAIL = {"UsernameAttributes": ["email"]}
FOLDED = {"UsernameConfiguration": {"CaseSensitive": False}}


def add(pool: Any, username: str, *, force_alias: bool = False, **attributes: str) -> StoredUser:
    return add_user(pool, username, attributes, status="CONFIRMED", force_alias=force_alias)


def test_a_user_is_found_by_username(make_pool: MakePool) -> None:
    pool = make_pool()
    user = add(pool, "ann", email="ann@example.com")
    assert find_user(pool, "ann") is user
    assert find_user(pool, "ANN") is None, "case matters unless the pool says otherwise (F1.50)"
    assert find_user(pool, "ann@example.com") is None, "an address is no alias unless the pool says so"


def test_what_moto_is_told_of_a_user_is_kept(make_pool: MakePool) -> None:
    user = add_user(make_pool(), "ann", {"name": "Ann"}, status="RESET_REQUIRED", password_hash="$2b$x")  # noqa: S106
    assert user.status is models.UserStatus.RESET_REQUIRED
    assert user.password_hash == "$2b$x"  # noqa: S105 - an invented one
    assert user.attribute_lookup == {"sub": user.id, "name": "Ann"}


def test_a_taken_username_is_refused(make_pool: MakePool) -> None:
    pool = make_pool()
    add(pool, "ann")
    with pytest.raises(UsernameExistsException, match="User account already exists"):
        add(pool, "ann")
    add(pool, "Ann")


def test_letter_case_does_not_matter_where_the_pool_says_so(make_pool: MakePool) -> None:
    """Username, preferred username and e-mail address fold; the stored spelling stays (F1.50)."""
    pool = make_pool(**ALIASES, **FOLDED)
    user = add(pool, "Ann", email="Ann@Example.com", email_verified="true", preferred_username="Annie")
    assert find_user(pool, "aNN") is find_user(pool, "ann@EXAMPLE.com") is find_user(pool, "annIE") is user
    assert user.username == "Ann"
    with pytest.raises(UsernameExistsException):
        add(pool, "ANN")
    with pytest.raises(AliasExistsException):
        add(pool, "bob", email="ANN@example.com", email_verified="True")


def test_an_address_as_username_becomes_a_uuid_equal_to_sub(make_pool: MakePool) -> None:
    pool = make_pool(**BY_EMAIL)
    user = add(pool, "ann@example.com")
    assert user.username == user.id == user.attribute_lookup["sub"] != "ann@example.com"
    assert user.attribute_lookup["email"] == "ann@example.com"
    assert find_user(pool, "ann@example.com") is find_user(pool, user.id) is user


def test_an_address_as_username_is_taken_once_verified_or_not(make_pool: MakePool) -> None:
    pool = make_pool(**BY_EMAIL)
    add(pool, "ann@example.com")
    with pytest.raises(UsernameExistsException, match="An account with the given email already exists"):
        add(pool, "ann@example.com")


@pytest.mark.parametrize(
    ("attributes", "username", "text"),
    [
        (["email"], "ann", "Username should be an email"),
        (["phone_number"], "ann@example.com", "Username should be a phone number"),
        (["email", "phone_number"], "ann", "Username should be either an email or a phone number."),
    ],
)
def test_such_a_pool_takes_no_other_username(
    make_pool: MakePool, attributes: list[str], username: str, text: str
) -> None:
    with pytest.raises(InvalidParameterException) as refused:
        add(make_pool(UsernameAttributes=attributes), username)
    assert refused.value.message == text


def test_another_address_beside_the_username_is_refused(make_pool: MakePool) -> None:
    """F5.7, F1.47."""
    pool = make_pool(**BY_EMAIL)
    add(pool, "ann@example.com", email="ann@example.com")
    with pytest.raises(InvalidParameterException, match="User email should be empty or same as username"):
        add(pool, "bob@example.com", email="other@example.com")


def test_only_a_verified_address_is_an_alias(make_pool: MakePool) -> None:
    """F5.8: ``email_verified`` decides."""
    pool = make_pool(**ALIASES)
    add(pool, "ann", email="a@example.com", phone_number="+15550001")
    assert find_user(pool, "a@example.com") is None
    bob = add(pool, "bob", email="a@example.com", email_verified="true")
    assert find_user(pool, "a@example.com") is bob


def test_a_taken_alias_is_refused_or_moved(make_pool: MakePool) -> None:
    """F5.8: forced, the former holder can no longer sign in with it."""
    pool = make_pool(**ALIASES)
    ann = add(pool, "ann", email="a@example.com", email_verified="true")
    with pytest.raises(AliasExistsException) as refused:
        add(pool, "bob", email="a@example.com", email_verified="true")
    assert refused.value.error_type == "UsernameExistsException", "the code that users report (F5.8)"
    assert find_user(pool, "bob") is None
    cid = add(pool, "cid", force_alias=True, email="a@example.com", email_verified="true")
    assert find_user(pool, "a@example.com") is cid
    assert ann.attribute_lookup["email_verified"] == "false"
    assert find_user(pool, "ann") is ann


def test_a_preferred_username_is_never_moved(make_pool: MakePool) -> None:
    """Forcing is for verified contacts alone (F5.8)."""
    pool = make_pool(**ALIASES)
    add(pool, "ann", preferred_username="star")
    with pytest.raises(AliasExistsException):
        add(pool, "bob", force_alias=True, preferred_username="star")


@pytest.mark.parametrize("username", ["a@example.com", "+14325551212"])
def test_a_username_in_the_shape_of_an_alias_is_refused(make_pool: MakePool, username: str) -> None:
    """F1.45."""
    with pytest.raises(InvalidParameterException, match="Username cannot be of"):
        add(make_pool(**ALIASES), username)
    add(make_pool(), username)


def test_users_of_one_address_are_all_found_oldest_first(make_pool: MakePool) -> None:
    pool = make_pool()
    users = [add(pool, f"u{number}", email="shared@example.com") for number in range(4)]
    users[1].update_attributes([{"Name": "email", "Value": "own@example.com"}])
    users[1].update_attributes([{"Name": "email", "Value": "shared@example.com"}])
    pool.users.pop("u2")
    found = directory_of(pool).with_value("email", "shared@example.com")
    assert [user.username for user in found] == ["u0", "u1", "u3"]


def test_moto_deletes_and_the_index_knows(make_pool: MakePool, backend: Any) -> None:
    pool = make_pool(**ALIASES)
    add(pool, "ann", email="a@example.com", email_verified="true")
    backend.admin_delete_user(pool.id, "a@example.com")
    assert find_user(pool, "ann") is find_user(pool, "a@example.com") is None
    assert len(pool.users) == 0
    add(pool, "ann", email="a@example.com", email_verified="true")


def test_moto_signs_up_and_the_index_knows(make_pool: MakePool, backend: Any) -> None:
    """moto makes this user with its own function, and it is one of ours nevertheless."""
    pool = make_pool(**BY_EMAIL)
    client = backend.create_user_pool_client(pool.id, False, {})  # noqa: FBT003 - moto's own
    backend.sign_up(client.id, "ann@example.com", "Abcdef1!", [])
    assert isinstance(find_user(pool, "ann@example.com"), StoredUser)
    with pytest.raises(UsernameExistsException):
        backend.sign_up(client.id, "ann@example.com", "Abcdef1!", [])
    with pytest.raises(UsernameExistsException):
        add(pool, "ann@example.com")


def test_a_pool_with_users_is_taken_over(backend: Any) -> None:
    """A plain dictionary of users, as moto makes it, is indexed on the first call."""
    pool = backend.create_user_pool("pool", dict(BY_EMAIL))
    user = StoredUser(pool.id, None, None, "CONFIRMED", [{"Name": "email", "Value": "a@example.com"}])
    pool.users[user.username] = user
    assert find_user(pool, "a@example.com") is user
    assert pool.users[user.username] is user


def test_reading_moto_goes_on_while_users_come_and_go(make_pool: MakePool) -> None:
    """moto loops over ``pool.users`` without a lock; each loop sees a snapshot."""
    pool = make_pool()
    for number in range(10):
        add(pool, f"u{number}")
    for user in pool.users.values():
        add(pool, f"{user.username}-next")
    for username in pool.users:
        del pool.users[username]
    assert list(pool.users.items()) == []


def test_one_of_many_threads_gets_a_username(make_pool: MakePool) -> None:
    pool = make_pool(**BY_EMAIL)

    def attempt(_: int) -> bool:
        try:
            add(pool, "ann@example.com")
        except UsernameExistsException:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(attempt, range(200))) == 1
    assert len(pool.users) == 1


def test_the_lock_is_the_same_for_everybody_and_reentrant(make_pool: MakePool) -> None:
    pool = make_pool()
    with pool_lock(pool), pool_lock(pool):
        add(pool, "ann")
    assert pool_lock(pool) is directory_of(pool).lock


def test_two_threads_that_ask_first_get_one_directory(
    make_pool: MakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = count()
    original = directory_module.Directory

    def slow(pool: Any) -> Any:
        next(made)
        return original(pool)

    monkeypatch.setattr(directory_module, "Directory", slow)
    pool = make_pool()
    with ThreadPoolExecutor(8) as threads:
        assert len({id(each) for each in threads.map(lambda _: directory_of(pool), range(32))}) == 1
    assert next(made) == 1


def test_adding_looks_at_no_other_user(make_pool: MakePool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it costs does not depend on how many users there are."""
    pool = make_pool(**ALIASES)
    for number in range(50):
        add(pool, f"u{number}", email=f"u{number}@example.com", email_verified="true")
    seen: list[str] = []
    original = StoredUser.__getattribute__

    def watched(self: StoredUser, name: str) -> Any:
        if name in {"attribute_lookup", "attributes", "username"}:
            seen.append(original(self, "id"))
        return original(self, name)

    monkeypatch.setattr(StoredUser, "__getattribute__", watched)
    user = add(pool, "new", email="new@example.com", email_verified="true")
    assert set(seen) == {user.id}


def test_attributes_are_checked_by_the_agreed_function(make_pool: MakePool) -> None:
    pool = make_pool(Schema=[{"Name": "email", "Required": True}])
    check_attributes(pool, {"email": "a@example.com"}, creating=True)
    with pytest.raises(InvalidParameterException, match="email: The attribute is required"):
        check_attributes(pool, {"name": "Ann"}, creating=True)
    check_attributes(pool, {"name": "Ann"}, creating=False)


@cache
def lasting_pool(*, folded: bool, by_email: bool) -> Any:
    """One pool of each kind: moto spends long on each new pool's signing key."""
    install_seams()
    config = {**(BY_EMAIL if by_email else ALIASES), **(FOLDED if folded else {})}
    return models.cognitoidp_backends[ACCOUNT]["us-east-1"].create_user_pool("pool", config)


for kind in product((True, False), repeat=2):
    lasting_pool(folded=kind[0], by_email=kind[1])

NAMES = st.sampled_from(["ann", "Ann", "bob", "cid", "dee"])
ADDRESSES = st.sampled_from(["a@example.com", "A@example.com", "b@example.com", ""])
FLAGS = st.sampled_from(["true", "false"])


class IndexedPool(RuleBasedStateMachine):
    """Any sequence of changes leaves an index that a scan of all users would have found."""

    @initialize(folded=st.booleans(), by_email=st.booleans())
    def begin(self, *, folded: bool, by_email: bool) -> None:
        self.pool = lasting_pool(folded=folded, by_email=by_email)
        self.pool.users.clear()
        self.fold: Callable[[str], str] = str.lower if folded else str
        self.by_email = by_email

    @rule(name=NAMES, address=ADDRESSES, verified=FLAGS, force=st.booleans())
    def create(self, name: str, address: str, verified: str, *, force: bool) -> None:
        attributes = {"email_verified": verified, **({"email": address} if address else {})}
        try:
            add(self.pool, address or name if self.by_email else name, force_alias=force, **attributes)
        except (UsernameExistsException, AliasExistsException, InvalidParameterException):
            return

    @rule(data=st.data(), address=ADDRESSES, verified=FLAGS)
    def change(self, data: st.DataObject, address: str, verified: str) -> None:
        if users := self.users():
            user = data.draw(st.sampled_from(users))
            user.update_attributes(
                [{"Name": "email", "Value": address}, {"Name": "email_verified", "Value": verified}]
            )

    @rule(data=st.data())
    def delete_attribute(self, data: st.DataObject) -> None:
        if users := self.users():
            data.draw(st.sampled_from(users)).delete_attributes(["email"])

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if users := self.users():
            del self.pool.users[data.draw(st.sampled_from(users)).username]

    def users(self) -> list[StoredUser]:
        return list(self.pool.users.values())

    @invariant()
    def everybody_is_found_by_username(self) -> None:
        for user in self.users():
            assert find_user(self.pool, user.username) is user
            assert directory_of(self.pool).by_sub[user.id] is user

    @invariant()
    def an_address_finds_somebody_who_has_it(self) -> None:
        for user in self.users():
            for _, folded in directory_of(self.pool).names.claims(user.attribute_lookup):
                found = find_user(self.pool, folded)
                assert found is not None
                assert self.fold(found.attribute_lookup["email"]) == folded

    @invariant()
    def nobody_is_found_who_is_gone(self) -> None:
        directory = directory_of(self.pool)
        for address in ("a@example.com", "A@example.com", "b@example.com"):
            expected = [user for user in self.users() if user.attribute_lookup.get("email") == address]
            assert list(directory.with_value("email", address)) == sorted(
                expected, key=lambda user: user.position
            )
            found = directory.find(address)
            assert found is None or found in self.users()

    @invariant()
    def the_order_holds_everybody_once(self) -> None:
        in_order = list(directory_of(self.pool).after(-1))
        assert sorted(map(id, in_order)) == sorted(map(id, self.users()))
        assert [user.position for user in in_order] == sorted(user.position for user in in_order)


TestIndexedPool = IndexedPool.TestCase
TestIndexedPool.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
