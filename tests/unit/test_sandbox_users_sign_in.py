"""Sign-in and resets over HTTP, as strict as Cognito's (F2.13, F5.5, F6.13, F7.2, F7.6)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from moto.cognitoidp.exceptions import NotAuthorizedError
from moto.cognitoidp.models import cognitoidp_backends
from sandbox_users import (
    PASSWORD,
    REGION,
    Client,
    Pool,
    client_for,
    make_pool,
    refused,
    switched,
)

from connectors.cognito.sandbox import Sandbox, start
from connectors.cognito.sandbox.credentials import fits_hash
from connectors.cognito.sandbox.directory import add_user
from connectors.cognito.sandbox.throttle import counters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.cognito.sandbox.stored_user import StoredUser

NEW_PASSWORD = "Other-word2"  # noqa: S105 - an invented one
BCRYPT = "$2b$04$a7MXzF.sp3EJFV1LbFtVg.tbwzBd/Z54mwOhVDeR6rOlJOsHQAs7G"
HASHES = {
    "SCRYPT": (
        "1024$8$1$696e76656e7465642d73616c742d3136"
        "$de071246417c734d488ac80fe069cea6668ea7e1fc72dc1788c60a1d9f19e3c2"
    ),
    "ARGON2ID": (
        "$argon2id$v=19$m=19456,t=2,p=1$aW52ZW50ZWQtc2FsdC0xNg$FrvVECpo/wVCV1w0KCA7yyvEcoZGLmtxpiFTRpJ2WC0"
    ),
    "PBKDF2_SHA256": (
        "$pbkdf2-sha256$1000$aW52ZW50ZWQtc2FsdPv//g$zodjBliYiN8K3/xSBXUwh9c9hDL7jlqpsAWbtQ7sHrg"
    ),
    "PBKDF2_SHA256 of passlib": (
        "$pbkdf2-sha256$1000$....aW52ZW50ZWQ$GyeWXXUVUS8x3Ft9aDAA3mENtJCO.RboM/lY7HyIyB8"
    ),
}
"""Hashes of ``PASSWORD`` that OpenSSL, argon2-cffi and passlib made."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with start() as running:
        yield running


@pytest.fixture(scope="module")
def client(sandbox: Sandbox) -> Client:
    return client_for(sandbox.url)


class SignIns(Pool):
    """A pool with an app client."""

    client_id = ""

    def sign_in(
        self, username: str, password: str = PASSWORD, flow: str = "USER_PASSWORD_AUTH"
    ) -> dict[str, Any]:
        wanted = {"AuthFlow": flow, "AuthParameters": {"USERNAME": username, "PASSWORD": password}}
        if flow == "USER_PASSWORD_AUTH":
            return dict(self.client.initiate_auth(ClientId=self.client_id, **wanted))
        return dict(self.client.admin_initiate_auth(UserPoolId=self.id, ClientId=self.client_id, **wanted))

    def confirmed(self, username: str, **attributes: str) -> None:
        self.create(username, **attributes)
        self.call("admin_set_user_password", Username=username, Password=PASSWORD, Permanent=True)

    def imported(self, username: str, stored: str | None, **attributes: str) -> StoredUser:
        motos = cognitoidp_backends["123456789012"][REGION].user_pools[self.id]
        status = "CONFIRMED" if stored else "RESET_REQUIRED"
        return add_user(motos, username, attributes, status=status, password_hash=stored)


FLOWS = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH"]
BOTH = pytest.mark.parametrize("flow", ["USER_PASSWORD_AUTH", "ADMIN_USER_PASSWORD_AUTH"])


def with_client(client: Client, app: dict[str, Any] | None = None, **settings: Any) -> SignIns:
    pool = SignIns(client, make_pool(client, **settings).id)
    made = pool.call(
        "create_user_pool_client", ClientName="app", **{"ExplicitAuthFlows": FLOWS, **(app or {})}
    )
    pool.client_id = made["UserPoolClient"]["ClientId"]
    return pool


@pytest.fixture
def pool(client: Client) -> SignIns:
    return with_client(client, AliasAttributes=["email"], AutoVerifiedAttributes=["email"])


@BOTH
def test_the_right_password_gets_tokens(pool: SignIns, flow: str) -> None:
    pool.confirmed("ann", email="ann@example.com", email_verified="true")
    tokens = pool.sign_in("ann", flow=flow)["AuthenticationResult"]
    assert pool.client.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
    by_alias = pool.sign_in("ann@example.com", flow=flow)["AuthenticationResult"]
    assert pool.client.get_user(AccessToken=by_alias["AccessToken"])["Username"] == "ann"


@pytest.mark.parametrize("moves", [False, True])
def test_a_sign_in_moves_the_date_of_the_last_change_only_where_the_switch_says_so(
    pool: SignIns,
    sandbox: Sandbox,
    moves: bool,  # noqa: FBT001 - a switch of the service
) -> None:
    """F5.17: what moves it is not said."""
    pool.confirmed("ann")
    before = pool.call("admin_get_user", Username="ann")["UserLastModifiedDate"]
    with switched(sandbox, sign_in_modifies=moves):
        pool.sign_in("ann")
    assert (pool.call("admin_get_user", Username="ann")["UserLastModifiedDate"] > before) is moves


@BOTH
def test_a_wrong_password_and_an_unknown_user_are_refused(pool: SignIns, flow: str) -> None:
    pool.confirmed("ann")
    with refused("NotAuthorizedException", "Incorrect username or password."):
        pool.sign_in("ann", NEW_PASSWORD, flow)
    with refused("UserNotFoundException", "User does not exist."):
        pool.sign_in("bob", flow=flow)


@BOTH
def test_a_client_can_hide_who_exists(client: Client, flow: str) -> None:
    """F7.2: an unknown user, a wrong password and a pending reset look the same."""
    pool = with_client(client, {"PreventUserExistenceErrors": "ENABLED"})
    pool.confirmed("ann")
    pool.imported("bob", None)
    for username in ("ann", "bob", "cid"):
        with refused("NotAuthorizedException", "Incorrect username or password."):
            pool.sign_in(username, NEW_PASSWORD, flow)


@BOTH
def test_a_user_to_be_reset_cannot_sign_in_with_any_password(pool: SignIns, flow: str) -> None:
    """moto lets such a user in."""
    pool.imported("bob", None)
    with refused("PasswordResetRequiredException", "Password reset required for the user"):
        pool.sign_in("bob", flow=flow)


def test_nor_by_srp(pool: SignIns) -> None:
    pool.imported("bob", None)
    with refused("PasswordResetRequiredException"):
        pool.client.initiate_auth(
            ClientId=pool.client_id,
            AuthFlow="USER_SRP_AUTH",
            AuthParameters={"USERNAME": "bob", "SRP_A": "ab"},
        )


@BOTH
def test_a_disabled_user_cannot_sign_in(pool: SignIns, flow: str) -> None:
    pool.confirmed("ann")
    tokens = pool.sign_in("ann", flow=flow)["AuthenticationResult"]
    pool.call("admin_disable_user", Username="ann")
    with refused("NotAuthorizedException", "User is disabled."):
        pool.sign_in("ann", flow=flow)
    with refused("NotAuthorizedException"):
        pool.client.get_user(AccessToken=tokens["AccessToken"])
    pool.call("admin_enable_user", Username="ann")
    pool.sign_in("ann", flow=flow)


def test_a_user_without_the_provider_cognito_cannot_use_a_password(pool: SignIns) -> None:
    pool.confirmed("ann")
    local = {
        "ProviderName": "Cognito",
        "ProviderAttributeName": "Cognito_Subject",
        "ProviderAttributeValue": "ann",
    }
    pool.call("admin_disable_provider_for_user", User=local)
    with refused("NotAuthorizedException"):
        pool.sign_in("ann")


@pytest.mark.parametrize("flows", [["ALLOW_USER_SRP_AUTH"], []])
def test_a_flow_must_be_allowed(client: Client, flows: list[str]) -> None:
    """F6.13: a client that names no flows allows no passwords."""
    pool = with_client(client, {"ExplicitAuthFlows": flows})
    pool.confirmed("ann")
    with refused("InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled for this client"):
        pool.sign_in("ann")
    with refused("InvalidParameterException", "flow not enabled"):
        pool.sign_in("ann", flow="ADMIN_USER_PASSWORD_AUTH")


def test_an_unknown_client_is_refused(pool: SignIns) -> None:
    pool.client_id = "nothing"
    with refused("ResourceNotFoundException"):
        pool.sign_in("ann")


REQUIRED = [
    {"Name": "email", "Required": True, "Mutable": True},
    {"Name": "name", "Required": True, "Mutable": True},
    {"Name": "tenant", "AttributeDataType": "String", "Mutable": True, "StringAttributeConstraints": {}},
]


@pytest.fixture
def waiting(client: Client) -> SignIns:
    """A pool with a user who has a temporary password and lacks the required name."""
    pool = with_client(client, Schema=REQUIRED)
    pool.create("ann", {"TemporaryPassword": PASSWORD}, email="ann@example.com")
    return pool


def respond(pool: SignIns, challenge: dict[str, Any], **answers: str) -> dict[str, Any]:
    responses = {"USERNAME": "ann", "NEW_PASSWORD": NEW_PASSWORD, **answers}
    return dict(
        pool.client.respond_to_auth_challenge(
            ClientId=pool.client_id,
            ChallengeName="NEW_PASSWORD_REQUIRED",
            Session=challenge["Session"],
            ChallengeResponses=responses,
        )
    )


@BOTH
def test_the_challenge_names_what_is_missing(waiting: SignIns, flow: str) -> None:
    """F5.5: moto does not."""
    challenge = waiting.sign_in("ann", flow=flow)
    assert challenge["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    parameters = challenge["ChallengeParameters"]
    assert json.loads(parameters["requiredAttributes"]) == ["userAttributes.name"]
    assert json.loads(parameters["userAttributes"]) == {"email": "ann@example.com"}
    assert parameters["USER_ID_FOR_SRP"] == "ann"


def test_the_response_must_bring_what_is_missing(waiting: SignIns) -> None:
    challenge = waiting.sign_in("ann")
    with refused("InvalidParameterException", "Invalid attributes given, name is missing"):
        respond(waiting, challenge)
    with refused("NotAuthorizedException", "Cannot modify an already provided email"):
        respond(waiting, challenge, **{"userAttributes.name": "Ann", "userAttributes.email": "b@example.com"})
    with refused("InvalidPasswordException"):
        respond(waiting, challenge, **{"userAttributes.name": "Ann", "NEW_PASSWORD": "weak"})
    assert "name" not in waiting.get("ann")["Attributes"]
    done = respond(
        waiting, challenge, **{"userAttributes.name": "Ann", "userAttributes.custom:tenant": "acme"}
    )
    assert done["AuthenticationResult"]["AccessToken"]
    user = waiting.get("ann")
    assert user["UserStatus"] == "CONFIRMED"
    assert user["Attributes"]["name"] == "Ann"
    waiting.sign_in("ann", NEW_PASSWORD)


def test_a_session_is_one_users_and_one_times(waiting: SignIns) -> None:
    waiting.create("bob", {"TemporaryPassword": PASSWORD}, email="bob@example.com", name="Bob")
    challenge = waiting.sign_in("ann")
    with refused("NotAuthorizedException", "Invalid session for the user."):
        respond(waiting, challenge, USERNAME="bob")
    respond(waiting, challenge, **{"userAttributes.name": "Ann"})
    with refused("NotAuthorizedException", "Invalid session for the user."):
        respond(waiting, challenge)


def test_a_permanent_password_is_never_asked_for_what_is_missing(waiting: SignIns) -> None:
    """F5.5."""
    waiting.call("admin_set_user_password", Username="ann", Password=PASSWORD, Permanent=True)
    assert "AuthenticationResult" in waiting.sign_in("ann")


def test_a_temporary_password_expires_and_a_resend_renews_it(waiting: SignIns, sandbox: Sandbox) -> None:
    """F5.2, F5.3: seven days by default."""
    day = 86_400
    with switched(sandbox, clock_offset_seconds=6 * day):
        waiting.sign_in("ann")
    with switched(sandbox, clock_offset_seconds=8 * day):
        with refused("NotAuthorizedException", "Temporary password has expired"):
            waiting.sign_in("ann")
        waiting.create("ann", {"MessageAction": "RESEND", "TemporaryPassword": NEW_PASSWORD})
        with refused("NotAuthorizedException", "Incorrect username or password."):
            waiting.sign_in("ann")
        waiting.sign_in("ann", NEW_PASSWORD)


@pytest.mark.parametrize("algorithm", sorted(HASHES))
def test_an_imported_hash_signs_in_and_is_then_kept_natively(pool: SignIns, algorithm: str) -> None:
    """F2.13: by password at first, by SRP only afterwards."""
    kept = vars(pool.imported("ann", HASHES[algorithm]))
    srp = {"AuthFlow": "USER_SRP_AUTH", "AuthParameters": {"USERNAME": "ann", "SRP_A": "ab"}}
    with refused("NotAuthorizedException"):
        pool.client.initiate_auth(ClientId=pool.client_id, **srp)
    with refused("NotAuthorizedException", "Incorrect username or password."):
        pool.sign_in("ann", NEW_PASSWORD)
    assert kept["password_hash"] == HASHES[algorithm]
    assert "AuthenticationResult" in pool.sign_in("ann")
    assert kept["password_hash"] is None
    assert pool.client.initiate_auth(ClientId=pool.client_id, **srp)["ChallengeName"] == "PASSWORD_VERIFIER"
    assert "AuthenticationResult" in pool.sign_in("ann", flow="ADMIN_USER_PASSWORD_AUTH")


def test_bcrypt_is_verified(pool: SignIns) -> None:
    pool.imported("ann", BCRYPT.replace("$2b$", "$2y$"))
    with refused("NotAuthorizedException", "Incorrect username or password."):
        pool.sign_in("ann", NEW_PASSWORD)
    assert "AuthenticationResult" in pool.sign_in("ann")


def test_a_hash_that_cannot_be_verified_says_so() -> None:
    """No way in is better than a pretended one."""
    for stored in ("$1$unknown", "$argon2id$v=19$m=64,t=1,p=1$YQ$YWJjZGVmZ2hpag", "1000$8$1$aa$bb"):
        with pytest.raises(NotAuthorizedError):
            fits_hash(PASSWORD, stored)


def recoveries() -> dict[str, int]:
    return {name: count for name, count in counters()["messages"].items() if name.startswith("recovery/")}


def test_an_imported_user_gets_in_through_a_reset(pool: SignIns) -> None:
    """F7.2: RESET_REQUIRED, ForgotPassword, code, ConfirmForgotPassword, CONFIRMED."""
    pool.imported("bob", None, email="bob@example.com", email_verified="true")
    before = recoveries().get("recovery/EMAIL", 0)
    details = pool.client.forgot_password(ClientId=pool.client_id, Username="bob@example.com")
    code = details["ResponseMetadata"]["HTTPHeaders"]["x-moto-forgot-password-confirmation-code"]
    assert recoveries()["recovery/EMAIL"] == before + 1
    answer = {"ClientId": pool.client_id, "Username": "bob", "ConfirmationCode": code}
    with refused("InvalidPasswordException"):
        pool.client.confirm_forgot_password(Password="weak", **answer)  # noqa: S106 - an invented one
    with refused("ExpiredCodeException"):
        wrong = {**answer, "ConfirmationCode": "moto-confirmation-code:0"}
        pool.client.confirm_forgot_password(Password=PASSWORD, **wrong)
    assert pool.get("bob")["UserStatus"] == "RESET_REQUIRED"
    pool.client.confirm_forgot_password(Password=PASSWORD, **answer)
    assert pool.get("bob")["UserStatus"] == "CONFIRMED"
    pool.sign_in("bob")


@pytest.mark.parametrize("attributes", [{}, {"email": "bob@example.com"}])
def test_a_reset_needs_a_verified_contact(pool: SignIns, attributes: dict[str, str]) -> None:
    """F7.3."""
    pool.imported("bob", None, **attributes)
    with refused("InvalidParameterException", "no registered/verified email or phone_number"):
        pool.client.forgot_password(ClientId=pool.client_id, Username="bob")


def test_the_contact_is_the_one_that_the_pool_recovers_by(client: Client) -> None:
    recovery = {"RecoveryMechanisms": [{"Name": "verified_phone_number", "Priority": 1}]}
    pool = with_client(client, AccountRecoverySetting=recovery)
    pool.imported("ann", None, email="ann@example.com", email_verified="true")
    pool.imported("bob", None, phone_number="+14325551212", phone_number_verified="true")
    with refused("InvalidParameterException"):
        pool.client.forgot_password(ClientId=pool.client_id, Username="ann")
    before = recoveries().get("recovery/SMS", 0)
    pool.client.forgot_password(ClientId=pool.client_id, Username="bob")
    assert recoveries()["recovery/SMS"] == before + 1


def test_a_temporary_password_cannot_be_forgotten(pool: SignIns) -> None:
    pool.create("ann", email="ann@example.com", email_verified="true")
    with refused("NotAuthorizedException", "User password cannot be reset in the current state."):
        pool.client.forgot_password(ClientId=pool.client_id, Username="ann")
    with refused("NotAuthorizedException", "User password cannot be reset in the current state."):
        pool.client.confirm_forgot_password(
            ClientId=pool.client_id, Username="ann", ConfirmationCode="1", Password=NEW_PASSWORD
        )


def test_an_administrator_resets_a_password(pool: SignIns) -> None:
    """F7.6, F2.14: the imported hash is replaced with it."""
    user = pool.imported("ann", BCRYPT, email="ann@example.com", email_verified="true")
    before = recoveries().get("recovery/EMAIL", 0)
    pool.call("admin_reset_user_password", Username="ann")
    assert recoveries()["recovery/EMAIL"] == before + 1
    assert user.password_hash is None
    with refused("PasswordResetRequiredException"):
        pool.sign_in("ann")


def test_a_user_of_an_address_pool_signs_in_by_it(client: Client) -> None:
    pool = with_client(client, UsernameAttributes=["email"])
    pool.confirmed("ann@example.com")
    tokens = pool.sign_in("ann@example.com")["AuthenticationResult"]
    user = pool.get("ann@example.com")
    assert pool.client.get_user(AccessToken=tokens["AccessToken"])["Username"] == user["Username"]
    pool.call("admin_user_global_sign_out", Username=user["Username"])
    with refused("NotAuthorizedException"):
        pool.client.get_user(AccessToken=tokens["AccessToken"])
