"""What Cognito is answered for somebody who may come in (F6.5-F6.18)."""

from __future__ import annotations

import pytest

from connectors.cognito.trigger.handler.answers import answer_for, can_get_a_code
from connectors.cognito.trigger.handler.names import folded, key_of
from connectors.cognito.trigger.handler.settings import Secrets, Settings
from connectors.cognito.trigger.handler.store import Person

ATTRIBUTES = {
    "email": "vera@example.com",
    "email_verified": "true",
    "name": "Vera",
    "sub": "old",
    "identities": "x",
}
PERSON = Person("key", "u1", ATTRIBUTES, "hash", 2_000_000_000)
PLAIN = Settings("t", case_sensitive=False)
ALIAS = Settings("t", alias_attributes=("email", "preferred_username"), case_sensitive=False)
EMAIL = Settings("t", username_attributes=("email",), case_sensitive=False)
STRICT = Settings("t", alias_attributes=("email",), case_sensitive=True)


@pytest.mark.parametrize(
    ("settings", "typed", "email", "username"),
    [
        (PLAIN, "U1", "vera@example.com", None),
        (ALIAS, "Vera@Example.com", "Vera@Example.com", "u1"),
        (ALIAS, "u1", "vera@example.com", None),
        (EMAIL, "VERA@example.com", "VERA@example.com", None),
        (STRICT, "Vera@example.com", "vera@example.com", None),
    ],
    ids=[
        "own name",
        "alias",
        "own name where there are aliases",
        "address as username",
        "letter case counts",
    ],
)
def test_the_typed_name_goes_where_the_pool_wants_it(
    settings: Settings, typed: str, email: str, username: str | None
) -> None:
    given = answer_for(PERSON, typed, settings, confirmed=True)["userAttributes"]
    assert given["email"] == email
    assert given.get("username") == username


def test_no_message_is_sent_no_alias_is_taken_and_no_sub_is_given() -> None:
    answer = answer_for(PERSON, "u1", PLAIN, confirmed=True)
    assert (answer["messageAction"], answer["forceAliasCreation"]) == ("SUPPRESS", False)
    assert not {"sub", "identities", "username"} & answer["userAttributes"].keys()
    assert answer["finalUserStatus"] == "CONFIRMED"
    assert answer_for(PERSON, "u1", PLAIN, confirmed=False)["finalUserStatus"] == "RESET_REQUIRED"


@pytest.mark.parametrize(
    ("attributes", "can"),
    [
        ({"email": "a@example.com", "email_verified": "true"}, True),
        ({"phone_number": "+12025550123", "phone_number_verified": "true"}, True),
        ({"email": "a@example.com", "email_verified": "false"}, False),
        ({"email_verified": "true"}, False),
        ({}, False),
    ],
)
def test_a_code_needs_a_verified_contact(attributes: dict[str, str], can: bool) -> None:  # noqa: FBT001 - expected
    assert can_get_a_code(Person("k", "u", attributes, "", 0)) is can


def test_names_are_hashed_with_the_key_and_folded_like_the_pool() -> None:
    assert folded("Ann", case_sensitive=False) == "ann"
    assert folded("Ann", case_sensitive=True) == "Ann"
    assert key_of(b"one", "ann") != key_of(b"two", "ann")
    assert len(key_of(b"one", "ann")) == 64


def test_secrets_survive_being_written_and_are_never_shown() -> None:
    secrets = Secrets(b"\0\1key", "decoy", {"firebase_scrypt": {"rounds": 8}}, {"client_secret": "hush"})
    assert Secrets.parse(secrets.dumped()) == secrets
    assert "hush" not in repr(secrets)
    assert "hash" not in repr(PERSON)
