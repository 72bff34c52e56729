"""What administrators change about a user, over HTTP (F5.11-F5.14, F7.5, F7.14)."""

from __future__ import annotations

import json
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
from connectors.cognito.sandbox.directory import find_user
from connectors.cognito.sandbox.throttle import counters

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = [
    {"Name": "email", "Required": True, "Mutable": True},
    {"Name": "given_name", "Mutable": False},
    {"Name": "tenant", "AttributeDataType": "String", "Mutable": True, "StringAttributeConstraints": {}},
    {"Name": "legacy", "AttributeDataType": "String", "Mutable": False, "StringAttributeConstraints": {}},
]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with start() as running:
        yield running


@pytest.fixture(scope="module")
def client(sandbox: Sandbox) -> Client:
    return client_for(sandbox.url)


@pytest.fixture
def pool(client: Client) -> Pool:
    """A pool with one user, ``ann``, whose e-mail address is verified."""
    made = make_pool(client, Schema=SCHEMA)
    made.create("ann", email="ann@example.com", email_verified="true", custom__legacy="7")
    return made


def stored(pool: Pool, username: str) -> Any:
    """Reach the user behind the API; the server runs in this process."""
    from moto.cognitoidp.models import cognitoidp_backends  # noqa: PLC0415 - kept beside its only use

    return find_user(cognitoidp_backends["123456789012"]["eu-west-1"].user_pools[pool.id], username)


def test_attributes_are_set_and_the_others_stay(pool: Pool) -> None:
    before = pool.get("ann")
    pool.update("ann", name="Ann", custom__tenant="acme")
    after = pool.get("ann")
    assert after["Attributes"] == {**before["Attributes"], "name": "Ann", "custom:tenant": "acme"}
    assert after["UserLastModifiedDate"] > before["UserLastModifiedDate"]
    assert after["UserCreateDate"] == before["UserCreateDate"]


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"custom__legacy": "8"}, "user.custom:legacy: Attribute cannot be updated."),
        ({"custom__legacy": "7"}, "user.custom:legacy: Attribute cannot be updated."),
        ({"given_name": "Ann"}, "user.given_name: Attribute cannot be updated."),
        ({"custom__nope": "x"}, "user.custom:nope: Attribute does not exist in the schema."),
        ({"sub": "x"}, "Cannot modify the non-mutable attribute sub"),
        ({"email": ""}, "user.email: Required attribute cannot be deleted."),
        ({"email": "ann"}, "Invalid email address format."),
        ({"birthdate": "1985"}, "Invalid user attributes: birthdate: String must be no shorter"),
        ({"phone_number_verified": "true"}, "phone_number is required"),
    ],
)
def test_a_change_that_the_pool_does_not_take_changes_nothing(
    pool: Pool, attributes: dict[str, str], text: str
) -> None:
    before = pool.get("ann")
    with refused("InvalidParameterException", text):
        pool.update("ann", name="Other", **attributes)
    assert pool.get("ann") == before


def test_an_unknown_user_is_refused(pool: Pool) -> None:
    with refused("UserNotFoundException", "User does not exist."):
        pool.update("bob", name="Bob")


def test_a_new_address_is_unverified(pool: Pool) -> None:
    pool.update("ann", email="new@example.com")
    assert pool.get("ann")["Attributes"]["email_verified"] == "false"


def test_the_same_address_or_a_flag_beside_it_keeps_it_verified(pool: Pool) -> None:
    pool.update("ann", email="ann@example.com")
    assert pool.get("ann")["Attributes"]["email_verified"] == "true"
    pool.update("ann", email="new@example.com", email_verified="true")
    assert pool.get("ann")["Attributes"]["email_verified"] == "true"


def test_an_empty_value_deletes_the_attribute_and_its_flag(pool: Pool) -> None:
    pool.update("ann", phone_number="+14325551212", phone_number_verified="true")
    pool.update("ann", phone_number="")
    assert not {"phone_number", "phone_number_verified"} & pool.get("ann")["Attributes"].keys()


def test_attributes_are_deleted_unless_required_or_immutable(pool: Pool) -> None:
    pool.update("ann", name="Ann")
    pool.call("admin_delete_user_attributes", Username="ann", UserAttributeNames=["name"])
    assert "name" not in pool.get("ann")["Attributes"]
    for name in ("email", "custom:legacy", "sub", "custom:nope"):
        with refused("InvalidParameterException", name):
            pool.call("admin_delete_user_attributes", Username="ann", UserAttributeNames=[name])


def verifications() -> int:
    return counters()["messages"].get("verification/EMAIL", 0)


def test_a_new_unverified_address_sends_a_code_where_the_pool_verifies(client: Client) -> None:
    pool = make_pool(client, AutoVerifiedAttributes=["email"])
    pool.create("ann", email="ann@example.com", email_verified="true")
    before = verifications()
    pool.update("ann", email="new@example.com", email_verified="true")
    assert verifications() == before
    pool.update("ann", email="newer@example.com")
    assert verifications() == before + 1


def test_a_pool_can_keep_the_old_address_until_the_new_one_is_verified(client: Client) -> None:
    pool = make_pool(
        client,
        AutoVerifiedAttributes=["email"],
        UserAttributeUpdateSettings={"AttributesRequireVerificationBeforeUpdate": ["email"]},
    )
    pool.create("ann", email="ann@example.com", email_verified="true")
    pool.update("ann", email="new@example.com", email_verified="false", name="Ann")
    kept = pool.get("ann")["Attributes"]
    assert (kept["email"], kept["email_verified"], kept["name"]) == ("ann@example.com", "true", "Ann")
    pool.update("ann", email="new@example.com", email_verified="true")
    assert pool.get("ann")["Attributes"]["email"] == "new@example.com"


@pytest.mark.parametrize(
    ("kind", "rule", "moves"),
    [
        ({"AliasAttributes": ["email"]}, "by_pool", True),
        ({"AliasAttributes": ["email"]}, "refuse", False),
        ({"UsernameAttributes": ["email"]}, "by_pool", False),
        ({"UsernameAttributes": ["email"]}, "move", True),
    ],
)
def test_a_taken_address_moves_or_is_refused(
    client: Client, sandbox: Sandbox, kind: dict[str, Any], rule: str, *, moves: bool
) -> None:
    """F5.11: two reports, two pools, two answers."""
    pool = make_pool(client, **kind)
    by_alias = "AliasAttributes" in kind
    ann = pool.create(
        "ann" if by_alias else "ann@example.com", email="ann@example.com", email_verified="true"
    )
    bob = pool.create(
        "bob" if by_alias else "bob@example.com", email="bob@example.com", email_verified="true"
    )
    with switched(sandbox, taken_alias_on_update=rule):
        if moves:
            pool.update(bob["Username"], email="ann@example.com", email_verified="true")
            assert pool.get(ann["Username"])["Attributes"]["email_verified"] == "false"
            assert pool.get(bob["Username"])["Attributes"]["email"] == "ann@example.com"
        else:
            with refused("AliasExistsException", "An account with the given email already exists."):
                pool.update(bob["Username"], email="ann@example.com", email_verified="true")
            assert pool.get("bob@example.com")["Username"] == bob["Username"]


def test_after_a_move_the_address_finds_the_new_holder(client: Client) -> None:
    pool = make_pool(client, AliasAttributes=["email"])
    pool.create("ann", email="a@example.com", email_verified="true")
    pool.create("bob", email="b@example.com", email_verified="true")
    pool.update("bob", email="a@example.com", email_verified="true")
    assert pool.get("a@example.com")["Username"] == "bob"
    with refused("UserNotFoundException"):
        pool.get("b@example.com")


def test_a_permanent_password_confirms_and_a_temporary_one_does_not(pool: Pool) -> None:
    """F7.5."""
    pool.call("admin_set_user_password", Username="ann", Password=PASSWORD, Permanent=True)
    assert pool.get("ann")["UserStatus"] == "CONFIRMED"
    pool.call("admin_set_user_password", Username="ann", Password=PASSWORD)
    assert pool.get("ann")["UserStatus"] == "FORCE_CHANGE_PASSWORD"


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short1!", "InvalidPasswordException"),
        ("Abc def1!", "InvalidParameterException"),
        ("Aa1!" * 65, "InvalidParameterException"),
    ],
)
def test_a_password_that_the_pool_does_not_take_is_refused(pool: Pool, password: str, code: str) -> None:
    """F5.14: white space, length, policy."""
    with refused(code):
        pool.call("admin_set_user_password", Username="ann", Password=password, Permanent=True)
    assert pool.get("ann")["UserStatus"] == "FORCE_CHANGE_PASSWORD"


def test_a_password_replaces_an_imported_hash(pool: Pool) -> None:
    user = stored(pool, "ann")
    user.password_hash = "$2b$12$invented"  # noqa: S105 - an invented one
    pool.call("admin_set_user_password", Username="ann", Password=PASSWORD, Permanent=True)
    assert user.password_hash is None
    assert user.password == PASSWORD


def test_a_user_is_disabled_and_enabled(pool: Pool) -> None:
    before = pool.get("ann")["UserLastModifiedDate"]
    pool.call("admin_disable_user", Username="ann")
    assert not pool.get("ann")["Enabled"]
    assert pool.get("ann")["UserLastModifiedDate"] > before
    pool.call("admin_enable_user", Username="ann")
    assert pool.get("ann")["Enabled"]
    with refused("UserNotFoundException"):
        pool.call("admin_disable_user", Username="bob")


ON = {"Enabled": True, "PreferredMfa": True}
OFF = {"Enabled": False, "PreferredMfa": False}


def test_a_second_factor_needs_what_it_is_delivered_by(client: Client) -> None:
    """F7.8: a phone number need not be verified. F7.7: a token cannot be brought along."""
    pool = make_pool(client)
    pool.create("ann")
    for argument, factor in (
        ("SMSMfaSettings", "SMS_MFA"),
        ("EmailMfaSettings", "EMAIL_OTP"),
        ("SoftwareTokenMfaSettings", "SOFTWARE_TOKEN_MFA"),
    ):
        with refused("InvalidParameterException", f"delivery config set to turn on {factor}"):
            pool.call("admin_set_user_mfa_preference", Username="ann", **{argument: ON})
    assert "UserMFASettingList" not in pool.get("ann")
    pool.update("ann", phone_number="+14325551212", email="ann@example.com")
    pool.call("admin_set_user_mfa_preference", Username="ann", SMSMfaSettings=ON)
    pool.call("admin_set_user_mfa_preference", Username="ann", EmailMfaSettings={"Enabled": True})
    user = pool.get("ann")
    assert user["UserMFASettingList"] == ["SMS_MFA", "EMAIL_OTP"]
    assert user["PreferredMfaSetting"] == "SMS_MFA"


def test_one_factor_can_be_preferred_and_it_can_be_switched_off(client: Client) -> None:
    pool = make_pool(client)
    pool.create("ann", phone_number="+14325551212", email="ann@example.com")
    with refused("InvalidParameterException"):
        pool.call("admin_set_user_mfa_preference", Username="ann", SMSMfaSettings=ON, EmailMfaSettings=ON)
    pool.call("admin_set_user_mfa_preference", Username="ann", EmailMfaSettings=ON)
    pool.call("admin_set_user_mfa_preference", Username="ann", EmailMfaSettings=OFF)
    assert not {"UserMFASettingList", "PreferredMfaSetting"} & pool.get("ann").keys()


def add_provider(pool: Pool, name: str, kind: str) -> None:
    details = {"client_id": "x", "client_secret": "x", "authorize_scopes": "openid"}
    pool.call("create_identity_provider", ProviderName=name, ProviderType=kind, ProviderDetails=details)


def link(
    pool: Pool, subject: str, *, to: str = "ann", provider: str = "Okta", by: str = "Cognito_Subject"
) -> None:
    pool.call(
        "admin_link_provider_for_user",
        DestinationUser={"ProviderName": "Cognito", "ProviderAttributeValue": to},
        SourceUser={
            "ProviderName": provider,
            "ProviderAttributeName": by,
            "ProviderAttributeValue": subject,
        },
    )


def identities(pool: Pool, username: str = "ann") -> list[tuple[str, str]]:
    entries = json.loads(pool.get(username)["Attributes"].get("identities", "[]"))
    return [(each["providerName"], each["userId"]) for each in entries]


@pytest.fixture
def linkable(pool: Pool) -> Pool:
    add_provider(pool, "Okta", "OIDC")
    add_provider(pool, "Google", "Google")
    return pool


def test_links_are_shown_in_identities_and_can_be_undone(linkable: Pool) -> None:
    """F7.14."""
    link(linkable, "o-1")
    link(linkable, "g-1", provider="Google")
    assert identities(linkable) == [("Okta", "o-1"), ("Google", "g-1")]
    listed = linkable.call("list_users", AttributesToGet=["identities"])["Users"][0]["Attributes"]
    assert [each["Name"] for each in listed] == ["identities"]
    named = {
        "ProviderName": "Okta",
        "ProviderAttributeName": "Cognito_Subject",
        "ProviderAttributeValue": "o-1",
    }
    linkable.call("admin_disable_provider_for_user", User=named)
    assert identities(linkable) == [("Google", "g-1")]
    with refused("UserNotFoundException"):
        linkable.call("admin_disable_provider_for_user", User=named)


def test_at_most_five_identities_are_linked(linkable: Pool) -> None:
    for number in range(5):
        link(linkable, f"o-{number}")
    with refused("LimitExceededException"):
        link(linkable, "o-5")
    assert len(identities(linkable)) == 5


def test_an_identity_is_one_users(linkable: Pool) -> None:
    linkable.create("bob", email="bob@example.com")
    link(linkable, "o-1")
    with refused("InvalidParameterException", "already linked"):
        link(linkable, "o-1", to="bob")
    with refused("InvalidParameterException", "already linked"):
        link(linkable, "o-1")
    linkable.call("admin_delete_user", Username="ann")
    link(linkable, "o-1", to="bob")
    assert identities(linkable, "bob") == [("Okta", "o-1")]


def test_a_linked_identity_can_be_the_destination(linkable: Pool) -> None:
    link(linkable, "o-1")
    linkable.call(
        "admin_link_provider_for_user",
        DestinationUser={"ProviderName": "Okta", "ProviderAttributeValue": "o-1"},
        SourceUser={
            "ProviderName": "Google",
            "ProviderAttributeName": "Cognito_Subject",
            "ProviderAttributeValue": "g-1",
        },
    )
    assert identities(linkable) == [("Okta", "o-1"), ("Google", "g-1")]


def test_a_destination_is_named_by_the_pools_own_username(client: Client) -> None:
    """Not by the address that people sign in with."""
    pool = make_pool(client, UsernameAttributes=["email"])
    add_provider(pool, "Okta", "OIDC")
    username = pool.create("ann@example.com")["Username"]
    with refused("UserNotFoundException"):
        link(pool, "o-1", to="ann@example.com")
    link(pool, "o-1", to=username)
    assert identities(pool, username) == [("Okta", "o-1")]


def test_a_link_needs_a_user_a_provider_and_the_right_names(linkable: Pool) -> None:
    with refused("UserNotFoundException"):
        link(linkable, "o-1", to="bob")
    with refused("ResourceNotFoundException"):
        link(linkable, "x-1", provider="Unknown")
    with refused("InvalidParameterException", "Invalid SourceUser: Cognito users"):
        link(linkable, "ann", provider="Cognito")
    with refused("InvalidParameterException", "Cognito_Subject"):
        link(linkable, "g-1", provider="Google", by="email")
    link(linkable, "o-2", by="email")
    assert identities(linkable) == [("Okta", "o-2")]
