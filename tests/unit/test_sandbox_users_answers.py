"""What goes over the wire: our own answers hold nothing that the service model does not know."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
import requests
from sandbox_users import PASSWORD, Client, client_for, make_pool

from connectors.cognito.sandbox import Sandbox, start

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNED = (
    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/eu-west-1/cognito-idp/aws4_request, "
    "SignedHeaders=host, Signature=invented"
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with start() as running:
        yield running


@pytest.fixture(scope="module")
def client(sandbox: Sandbox) -> Client:
    return client_for(sandbox.url)


def raw(sandbox: Sandbox, operation: str, **arguments: Any) -> requests.Response:
    headers = {
        "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": SIGNED,
    }
    return requests.post(sandbox.url, data=json.dumps(arguments), headers=headers, timeout=10)


def unknown(shape: Any, value: Any, path: str = "") -> list[str]:
    """List the members of an answer that the shape lacks, and values of another type."""
    kind = shape.type_name
    if kind == "structure":
        own = [f"{path}.{name}" for name in value if name not in shape.members]
        known = [name for name in value if name in shape.members]
        return own + [
            problem
            for name in known
            for problem in unknown(shape.members[name], value[name], f"{path}.{name}")
        ]
    if kind == "list":
        return [problem for each in value for problem in unknown(shape.member, each, f"{path}[]")]
    types: dict[str, Any] = {
        "string": str,
        "boolean": bool,
        "integer": int,
        "timestamp": (int, float),
        "map": dict,
    }
    return [] if isinstance(value, types[kind]) else [f"{path}: {kind}"]


def output_shape(operation: str) -> Any:
    service = botocore.session.get_session().get_service_model("cognito-idp")
    return service.operation_model(operation).output_shape


@pytest.mark.parametrize("operation", ["AdminCreateUser", "AdminGetUser", "ListUsers", "GetProvisionedLimit"])
def test_our_own_answers_fit_the_service_model(sandbox: Sandbox, client: Client, operation: str) -> None:
    pool = make_pool(client)
    pool.create("ann", email="ann@example.com", phone_number="+14325551212")
    pool.create("bob")
    pool.call(
        "admin_set_user_mfa_preference",
        Username="ann",
        SMSMfaSettings={"Enabled": True, "PreferredMfa": True},
    )
    arguments: dict[str, dict[str, Any]] = {
        "AdminCreateUser": {"UserPoolId": pool.id, "Username": "cid", "MessageAction": "SUPPRESS"},
        "AdminGetUser": {"UserPoolId": pool.id, "Username": "ann"},
        "ListUsers": {"UserPoolId": pool.id, "Limit": 1},
        "GetProvisionedLimit": {
            "LimitDefinition": {"LimitClass": "API_CATEGORY", "Attributes": {"Category": "UserRead"}}
        },
    }
    answer = raw(sandbox, operation, **arguments[operation])
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/x-amz-json-1.1"
    assert answer.headers["x-amzn-RequestId"]
    assert unknown(output_shape(operation), answer.json()) == []


def test_an_answer_with_a_strange_member_is_noticed() -> None:
    """The check above can fail."""
    answer = {"Users": [{"Username": "ann", "Enabled": "yes", "Strange": 1}]}
    assert unknown(output_shape("ListUsers"), answer) == [".Users[].Strange", ".Users[].Enabled: boolean"]


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("AdminUpdateUserAttributes", {"UserAttributes": [{"Name": "name", "Value": "Ann"}]}),
        ("AdminSetUserPassword", {"Password": PASSWORD, "Permanent": True}),
        ("AdminDisableUser", {}),
        ("AdminEnableUser", {}),
        ("AdminDeleteUser", {}),
    ],
)
def test_changes_answer_nothing(
    sandbox: Sandbox, client: Client, operation: str, arguments: dict[str, Any]
) -> None:
    pool = make_pool(client)
    pool.create("ann")
    answer = raw(sandbox, operation, UserPoolId=pool.id, Username="ann", **arguments)
    assert (answer.status_code, answer.json()) == (200, {})


def test_times_are_now_and_aware(client: Client) -> None:
    before = datetime.now(UTC)
    user = make_pool(client).create("ann")
    assert before.timestamp() - 0.001 <= user["UserCreateDate"].timestamp() <= datetime.now(UTC).timestamp()
    assert user["UserCreateDate"].tzinfo is not None


def test_counters_are_served(sandbox: Sandbox, client: Client) -> None:
    pool = make_pool(client)
    before = sandbox.counters()["operations"].get("AdminGetUser", 0)
    pool.create("ann")
    pool.get("ann")
    counted = sandbox.counters()
    assert counted["operations"]["AdminGetUser"] == before + 1
    assert counted["calls"]["UserCreation"] >= 1
    assert counted.keys() == {"operations", "calls", "throttled", "messages", "struck"}
