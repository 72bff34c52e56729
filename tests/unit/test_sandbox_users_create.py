"""AdminCreateUser over HTTP: what Cognito refuses is refused, what it keeps is kept (F5.1-F5.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sandbox_users import (
    PASSWORD,
    Client,
    Pool,
    client_for,
    make_pool,
    refused,
    switched,
)

from connectors.cognito.sandbox import Sandbox, start
from connectors.cognito.sandbox.throttle import counters

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = [
    {"Name": "email", "Mutable": True},
    {
        "Name": "tenant",
        "AttributeDataType": "String",
        "StringAttributeConstraints": {"MinLength": "2", "MaxLength": "5"},
    },
    {
        "Name": "age",
        "AttributeDataType": "Number",
        "NumberAttributeConstraints": {"MinValue": "18", "MaxValue": "120"},
    },
    {"Name": "member", "AttributeDataType": "Boolean"},
    {"Name": "since", "AttributeDataType": "DateTime"},
]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with start() as running:
        yield running


@pytest.fixture(scope="module")
def client(sandbox: Sandbox) -> Client:
    return client_for(sandbox.url)


@pytest.fixture(scope="module")
def pool(client: Client) -> Pool:
    return make_pool(client, Schema=SCHEMA)


@pytest.fixture
def aliases(client: Client) -> Pool:
    return make_pool(client, AliasAttributes=["email", "phone_number", "preferred_username"])


def test_a_new_user_waits_for_a_new_password(pool: Pool) -> None:
    user = pool.create("ann", email="ann@example.com", custom__tenant="acme")
    assert user["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    assert user["Enabled"]
    assert user["Username"] == "ann"
    assert user["Attributes"].keys() == {"sub", "email", "custom:tenant"}
    assert pool.get("ann")["Attributes"] == user["Attributes"]


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"custom__nope": "x"}, "Type for attribute {custom:nope} could not be determined"),
        ({"favourite": "x"}, "Type for attribute {favourite} could not be determined"),
        ({"cognito__username": "x"}, "could not be determined"),
        ({"custom__tenant": "a"}, "custom:tenant: String must be no shorter than 2 characters"),
        ({"custom__tenant": "abcdef"}, "custom:tenant: String must be no longer than 5 characters"),
        ({"custom__age": "seventeen"}, "custom:age"),
        ({"custom__age": "17"}, "custom:age"),
        ({"custom__age": "121"}, "custom:age"),
        ({"custom__age": "NaN"}, "custom:age"),
        ({"custom__member": "yes"}, "custom:member"),
        ({"custom__since": "yesterday"}, "custom:since"),
        ({"email_verified": "1"}, "email_verified"),
        ({"updated_at": "-1"}, "updated_at"),
        ({"updated_at": "2024-01-01"}, "updated_at"),
        ({"name": "x" * 2049}, "less than or equal to 2048"),
        ({"name": "é" * 1025}, "less than or equal to 2048"),
        ({"email": "ann"}, "Invalid email address format."),
        ({"email": "ann@example"}, "Invalid email address format."),
        ({"email": "a nn@example.com"}, "Invalid email address format."),
        ({"phone_number": "4325551212"}, "Invalid phone number format."),
        ({"phone_number": "+1 432 555 1212"}, "Invalid phone number format."),
        ({"phone_number": "+1-432-555"}, "Invalid phone number format."),
        ({"birthdate": "1985-2-1"}, "birthdate: String must be no shorter than 10 characters"),
        ({"birthdate": "1985-13-01"}, "birthdate"),
        ({"birthdate": "01.02.1985"}, "birthdate"),
        ({"sub": "5387f211-37c4-4d99-ba8c-610cc0b988f1"}, "Cannot modify the non-mutable attribute sub"),
        ({"identities": "[]"}, "Cannot modify the non-mutable attribute identities"),
        ({"email_verified": "true"}, "email is required"),
        ({"phone_number_verified": "TRUE"}, "phone_number is required"),
    ],
)
def test_attributes_that_do_not_fit_the_schema_are_refused(
    pool: Pool, attributes: dict[str, str], text: str
) -> None:
    with refused("InvalidParameterException", text):
        pool.create("nobody", **attributes)
    with refused("UserNotFoundException"):
        pool.get("nobody")


def test_all_that_is_wrong_with_the_schema_is_said_at_once(pool: Pool) -> None:
    with refused("InvalidParameterException", "custom:age: Must be a number\ncustom:tenant: String must"):
        pool.create("nobody", custom__age="x", custom__tenant="abcdef")


@pytest.mark.parametrize(
    "attributes",
    [
        {
            "custom__tenant": "ab",
            "custom__age": "18",
            "custom__member": "True",
            "custom__since": "2024-02-29",
        },
        {"custom__since": "2024-02-29T10:00:00Z", "custom__age": "99.5", "birthdate": "1985-02-01"},
        {"birthdate": "02/01/1985", "updated_at": "1471453471", "phone_number": "+14325551212"},
        {"name": "x" * 2048, "address": "1 Example Street, Example Town"},
        {"name": ""},
    ],
)
def test_attributes_that_fit_are_kept_as_they_are(
    pool: Pool, attributes: dict[str, str], request: pytest.FixtureRequest
) -> None:
    """An empty value is no value."""
    user = pool.create(f"fits-{request.node.callspec.indices['attributes']}", **attributes)
    expected = {name.replace("__", ":"): value for name, value in attributes.items() if value}
    assert {name: value for name, value in user["Attributes"].items() if name != "sub"} == expected


def test_the_limit_of_a_value_counts_bytes_or_characters(pool: Pool, sandbox: Sandbox) -> None:
    """F1.40: the sources disagree."""
    with switched(sandbox, value_limit_unit="characters"):
        pool.create("long", name="é" * 2048)
        with refused("InvalidParameterException"):
            pool.create("longer", name="é" * 2049)


def test_a_birthdate_may_be_any_ten_characters_if_only_the_schema_counts(
    pool: Pool, sandbox: Sandbox
) -> None:
    """F1.37."""
    with switched(sandbox, birthdate_format="length"):
        assert pool.create("born", birthdate="1.2.198500")["Attributes"]["birthdate"] == "1.2.198500"


@pytest.mark.parametrize("username", ["bo b", "bo\tb", "bob ", " ", "bo\u00a0b", "bo\u200bb", "b" * 129])
def test_white_space_and_length_make_no_username(pool: Pool, username: str) -> None:
    """F1.27."""
    with refused("InvalidParameterException", "username"):
        pool.create(username)


@pytest.mark.parametrize("username", ["a", "ä@ß", "李雷", "b" * 128, "a+b=c", "ann@example.com", "e\u0301va"])
def test_other_characters_do(client: Client, username: str) -> None:
    assert make_pool(client).create(username)["Username"] == username


def test_the_same_username_is_refused(client: Client) -> None:
    pool = make_pool(client)
    pool.create("ann")
    with refused("UsernameExistsException", "User account already exists"):
        pool.create("ann")
    pool.create("Ann")


def test_the_same_username_in_other_letters_is_refused_where_case_does_not_matter(client: Client) -> None:
    """F1.50."""
    pool = make_pool(client, UsernameConfiguration={"CaseSensitive": False})
    pool.create("Ann")
    with refused("UsernameExistsException"):
        pool.create("ANN")
    assert pool.get("aNN")["Username"] == "Ann"


def test_a_temporary_password_follows_the_policy(client: Client) -> None:
    """F5.3; every rule of the policy has its own text."""
    pool = make_pool(client)
    for password, text in {
        "Ab1!": "Password not long enough",
        "ABCDEF1!": "Password must have lowercase characters",
        "abcdef1!": "Password must have uppercase characters",
        "Abcdefg!": "Password must have numeric characters",
        "Abcdefg1": "Password must have symbol characters",
    }.items():
        with refused("InvalidPasswordException", f"Password did not conform with password policy: {text}"):
            pool.create("ann", {"TemporaryPassword": password})
    with refused("InvalidParameterException"):
        pool.create("ann", {"TemporaryPassword": "Abc def1!"})
    pool.create("ann", {"TemporaryPassword": PASSWORD})


def test_a_policy_without_requirements_takes_a_plain_password(client: Client) -> None:
    pool = make_pool(client, Policies={"PasswordPolicy": {"MinimumLength": 6}})
    pool.create("ann", {"TemporaryPassword": "simple"})
    with refused("InvalidPasswordException", "Password not long enough"):
        pool.create("bob", {"TemporaryPassword": "short"})


def test_required_attributes_may_come_later_if_they_are_mutable(client: Client) -> None:
    """F5.5: the user supplies them at NEW_PASSWORD_REQUIRED."""
    mutable = make_pool(client, Schema=[{"Name": "name", "Required": True, "Mutable": True}])
    mutable.create("ann")
    fixed = make_pool(client, Schema=[{"Name": "name", "Required": True, "Mutable": False}])
    with refused("InvalidParameterException", "name: The attribute is required"):
        fixed.create("ann")
    fixed.create("ann", name="Ann")


PASSWORDLESS = {"Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]}}}


def test_a_pool_with_codes_makes_users_without_a_password(client: Client) -> None:
    """F5.4: confirmed at once, and then everything required must be there."""
    schema = [{"Name": "email", "Required": True, "Mutable": True}]
    pool = make_pool(client, Schema=schema, **PASSWORDLESS)
    assert pool.create("ann", email="ann@example.com")["UserStatus"] == "CONFIRMED"
    with refused("InvalidParameterException", "email: The attribute is required"):
        pool.create("bob")
    waiting = pool.create("cid", {"TemporaryPassword": PASSWORD})
    assert waiting["UserStatus"] == "FORCE_CHANGE_PASSWORD"


def test_an_address_as_username_becomes_a_uuid(client: Client) -> None:
    """F5.6, F5.7: what comes back is not what was sent."""
    pool = make_pool(client, UsernameAttributes=["email"])
    user = pool.create("ann@example.com", name="Ann")
    assert user["Username"] == user["Attributes"]["sub"] != "ann@example.com"
    assert user["Attributes"]["email"] == "ann@example.com"
    assert pool.get("ann@example.com") == pool.get(user["Username"])
    with refused("InvalidParameterException", "Username should be an email"):
        pool.create("ann")
    with refused(
        "InvalidParameterException",
        "User email should be empty or same as username, since username attribute is email",
    ):
        pool.create("bob@example.com", email="robert@example.com")
    with refused("UsernameExistsException", "An account with the given email already exists."):
        pool.create("ann@example.com")


def test_a_username_in_the_shape_of_an_alias_is_refused(aliases: Pool) -> None:
    """F1.45."""
    with refused(
        "InvalidParameterException",
        "Username cannot be of email format, since user pool is configured for email alias.",
    ):
        aliases.create("ann@example.com")
    with refused("InvalidParameterException", "Username cannot be of phone number format"):
        aliases.create("+14325551212")


@pytest.mark.parametrize("code", ["UsernameExistsException", "AliasExistsException"])
def test_a_taken_alias_is_refused(aliases: Pool, sandbox: Sandbox, code: str) -> None:
    """F5.8: documentation and users name different codes."""
    aliases.create("ann", email="a@example.com", email_verified="true")
    with (
        switched(sandbox, taken_alias_on_create=code),
        refused(code, "An account with the given email already exists."),
    ):
        aliases.create("bob", email="a@example.com", email_verified="true")
    with refused("UserNotFoundException"):
        aliases.get("bob")
    aliases.create("bob", email="a@example.com", email_verified="false")


def test_a_forced_alias_moves_to_the_new_user(aliases: Pool) -> None:
    """F5.8: only for a verified contact."""
    aliases.create("ann", phone_number="+14325551212", phone_number_verified="true")
    force = {"ForceAliasCreation": True}
    bob = aliases.create("bob", force, phone_number="+14325551212", phone_number_verified="true")
    assert aliases.get("+14325551212")["Username"] == bob["Username"] == "bob"
    assert aliases.get("ann")["Attributes"]["phone_number_verified"] == "false"


def test_resend_renews_the_password_and_loses_nothing(client: Client) -> None:
    """moto replaces the user: attributes, sub and status were lost."""
    pool = make_pool(client)
    before = pool.create("ann", email="ann@example.com", email_verified="true", name="Ann")
    pool.create("ann", {"MessageAction": "RESEND"}, name="Somebody")
    after = pool.get("ann")
    assert after["Attributes"] == before["Attributes"]
    assert after["UserCreateDate"] == before["UserCreateDate"]
    assert after["UserStatus"] == "FORCE_CHANGE_PASSWORD"


def test_resend_is_for_users_who_still_wait(client: Client) -> None:
    pool = make_pool(client)
    with refused("UserNotFoundException", "User does not exist."):
        pool.create("ann", {"MessageAction": "RESEND"})
    pool.create("ann")
    pool.call("admin_set_user_password", Username="ann", Password=PASSWORD, Permanent=True)
    with refused("UnsupportedUserStateException"):
        pool.create("ann", {"MessageAction": "RESEND"})
    assert pool.get("ann")["UserStatus"] == "CONFIRMED"


def test_an_unknown_message_action_is_refused(pool: Pool) -> None:
    with refused("InvalidParameterException", "messageAction"):
        pool.create("nobody", {"MessageAction": "NONE"})


def sent(kind: str) -> int:
    return counters()["messages"].get(kind, 0)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, {}),
        ({"MessageAction": None}, {"SMS": 1}),
        ({"MessageAction": None, "DesiredDeliveryMediums": ["EMAIL"]}, {"EMAIL": 1}),
        ({"MessageAction": None, "DesiredDeliveryMediums": ["EMAIL", "SMS"]}, {"EMAIL": 1, "SMS": 1}),
    ],
)
def test_messages_that_would_have_been_sent_are_counted(
    client: Client, arguments: dict[str, Any], expected: dict[str, int]
) -> None:
    """F5.2: the default sends an invitation, by SMS; SUPPRESS stops it."""
    pool = make_pool(client)
    before = {medium: sent(f"invitation/{medium}") for medium in ("SMS", "EMAIL")}
    pool.create("ann", arguments, email="ann@example.com", phone_number="+14325551212")
    after = {medium: sent(f"invitation/{medium}") - before[medium] for medium in before}
    assert {medium: count for medium, count in after.items() if count} == expected


def test_a_medium_that_is_named_needs_its_contact(client: Client) -> None:
    pool = make_pool(client)
    with refused("InvalidParameterException", "EMAIL"):
        pool.create("ann", {"MessageAction": None, "DesiredDeliveryMediums": ["EMAIL"]})
    with refused("UserNotFoundException"):
        pool.get("ann")


def test_the_e_mails_of_a_day_can_run_out(client: Client, sandbox: Sandbox) -> None:
    """F5.12: a bulk run without SUPPRESS stops there."""
    pool = make_pool(client)
    by_email = {"MessageAction": None, "DesiredDeliveryMediums": ["EMAIL"]}
    used = sum(count for name, count in counters()["messages"].items() if name.endswith("/EMAIL"))
    with switched(sandbox, daily_email_limit=used + 1):
        pool.create("ann", by_email, email="ann@example.com")
        with refused("LimitExceededException", "Exceeded daily email limit"):
            pool.create("bob", by_email, email="bob@example.com")
        pool.create("cid", email="cid@example.com")
    with refused("UserNotFoundException"):
        pool.get("bob")


def test_a_value_that_looks_like_a_form_is_only_a_value(client: Client) -> None:
    """moto reads ``&Username=`` inside a JSON body as an argument."""
    pool = make_pool(client)
    pool.create("ann", name="a&Username=eve&UserPoolId=none&Action=DeleteUserPool&x=y")
    assert pool.usernames() == ["ann"]


def test_an_unknown_pool_is_refused(client: Client) -> None:
    with refused("ResourceNotFoundException"):
        Pool(client, "eu-west-1_Nothing").create("ann")
