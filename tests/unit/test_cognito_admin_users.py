"""Users who are made one by one: silently, with a password of their own, and every refusal told apart."""

from __future__ import annotations

import string
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import ANY, Stubber

from connectors import aws
from connectors.cognito import admin_users
from connectors.cognito.admin_users import CreatedUser, create_user, new_password, set_permanent_password
from connectors.errors import AskThePoolError, PoolferryError, TargetError, ThrottledError, UserRefusedError
from connectors.records import PoolSchema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

POOL_ID = "eu-west-1_Example01"
POOL = PoolSchema(POOL_ID, "people", {}, ())
PASSWORDLESS = PoolSchema(POOL_ID, "people", {}, (), passwordless=True)
MADE = {
    "User": {
        "Username": "f0e1",
        "UserStatus": "FORCE_CHANGE_PASSWORD",
        "Attributes": [{"Name": "sub", "Value": "s-1"}],
    }
}
BASE: dict[str, Any] = {
    "UserPoolId": POOL_ID,
    "Username": "vera@example.com",
    "UserAttributes": [{"Name": "name", "Value": "Vera"}],
    "ForceAliasCreation": False,
}


@cache
def client() -> Any:
    """One client for all tests of the file: to make one takes longer than any test."""
    return aws.client("cognito-idp", region="eu-west-1")


@pytest.fixture
def stub() -> Iterator[Stubber]:
    with Stubber(client()) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def make(stub: Stubber, pool: PoolSchema = POOL) -> CreatedUser:
    return create_user(stub.client, pool, "vera@example.com", {"name": "Vera"})


def test_a_user_is_made_silently_and_known_by_the_pools_own_name(stub: Stubber) -> None:
    stub.add_response(
        "admin_create_user", MADE, BASE | {"MessageAction": "SUPPRESS", "TemporaryPassword": ANY}
    )
    assert make(stub) == CreatedUser("f0e1", "s-1", "FORCE_CHANGE_PASSWORD")


def test_a_message_is_sent_only_where_it_is_asked_for(stub: Stubber) -> None:
    given: dict[str, Any] = {
        "TemporaryPassword": "Given-1234", "ForceAliasCreation": True, "DesiredDeliveryMediums": ["EMAIL"]
    }  # fmt: skip
    stub.add_response("admin_create_user", MADE, BASE | given)
    create_user(
        stub.client,
        POOL,
        "vera@example.com",
        {"name": "Vera"},
        temporary_password=given["TemporaryPassword"],
        invite=["EMAIL"],
        force_alias=True,
    )


def test_a_passwordless_pool_gets_no_password(stub: Stubber) -> None:
    """Without one the user is CONFIRMED at once (F5.4)."""
    stub.add_response("admin_create_user", MADE, BASE | {"MessageAction": "SUPPRESS"})
    make(stub, PASSWORDLESS)


def test_no_two_users_get_the_same_password(stub: Stubber) -> None:
    sent: list[str] = []

    def see(params: dict[str, Any], **_: object) -> None:
        sent.append(params.get("TemporaryPassword") or params["Password"])

    event = "provide-client-params.cognito-identity-provider"
    stub.client.meta.events.register(event, see)
    for _ in range(2):
        stub.add_response("admin_create_user", MADE)
        make(stub)
        stub.add_response("admin_set_user_password", {})
        set_permanent_password(stub.client, POOL_ID, "f0e1")
    stub.client.meta.events.unregister(event, see)
    assert len(set(sent)) == 4


def test_generated_passwords_have_every_kind_of_character(monkeypatch: pytest.MonkeyPatch) -> None:
    """By construction and not by luck, so that it shows in the shortest one that can have them."""
    monkeypatch.setattr(admin_users, "PASSWORD_LENGTH", 4)
    for password in (new_password() for _ in range(50)):
        kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits, string.punctuation)
        assert all(set(kind) & set(password) for kind in kinds)
        assert len(password) == 4


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        ("UsernameExistsException", UserRefusedError, "username_exists"),
        ("AliasExistsException", UserRefusedError, "username_exists"),
        ("InvalidParameterException", UserRefusedError, "invalid_parameter"),
        ("InvalidPasswordException", UserRefusedError, "invalid_password"),
        ("UserLambdaValidationException", UserRefusedError, "lambda_refused"),
        ("TooManyRequestsException", ThrottledError, None),
        ("InternalErrorException", AskThePoolError, None),
        ("CodeDeliveryFailureException", AskThePoolError, None),
        ("NotAuthorizedException", TargetError, None),
        ("UnexpectedLambdaException", TargetError, None),
    ],
)
def test_a_refusal_says_what_to_do_and_nothing_of_the_user(
    stub: Stubber, code: str, kind: type[PoolferryError], reason: str | None
) -> None:
    stub.add_client_error("admin_create_user", code, "An account with vera@example.com already exists.")
    with pytest.raises(kind) as refused:
        make(stub)
    assert getattr(refused.value, "code", None) == reason
    assert "vera" not in f"{refused.value!r}{refused.value}".lower()
    assert refused.value.__suppress_context__


def test_nothing_is_tried_twice_here(stub: Stubber) -> None:
    """The caller keeps the pace; a pending answer would be left over if there were a second try."""
    stub.add_client_error("admin_create_user", "TooManyRequestsException")
    with pytest.raises(ThrottledError):
        make(stub)


@pytest.mark.parametrize(
    "call",
    [
        lambda client: create_user(client, POOL, "vera", {}),
        lambda client: set_permanent_password(client, POOL_ID, "vera"),
    ],
)
def test_a_lost_reply_asks_the_pool_first(call: Callable[[Any], object]) -> None:
    unlucky = aws.client("cognito-idp", region="eu-west-1")

    def lose(**_: object) -> None:
        raise ReadTimeoutError(endpoint_url="https://example.com")

    unlucky.meta.events.register("before-send.cognito-identity-provider", lose)
    with pytest.raises(AskThePoolError):
        call(unlucky)


def test_a_permanent_password_is_the_given_one_or_one_that_nobody_knows(stub: Stubber) -> None:
    asked = {"UserPoolId": POOL_ID, "Username": "f0e1", "Permanent": True}
    stub.add_response("admin_set_user_password", {}, asked | {"Password": "Given-1234"})
    stub.add_response("admin_set_user_password", {}, asked | {"Password": ANY})
    set_permanent_password(stub.client, POOL_ID, "f0e1", "Given-1234")
    set_permanent_password(stub.client, POOL_ID, "f0e1")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("InvalidPasswordException", "invalid_password"),
        ("PasswordHistoryPolicyViolationException", "password_history"),
        ("UserNotFoundException", "user_not_found"),
    ],
)
def test_a_refused_password_is_the_users_own_matter(stub: Stubber, code: str, reason: str) -> None:
    stub.add_client_error("admin_set_user_password", code, "Given-1234 is too short")
    with pytest.raises(UserRefusedError) as refused:
        set_permanent_password(stub.client, POOL_ID, "f0e1", "Given-1234")
    assert refused.value.code == reason
    assert "Given" not in str(refused.value)
