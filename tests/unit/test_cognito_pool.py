"""What ``read_pool`` makes of DescribeUserPool and GetCSVHeader, and what it says when it cannot."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber

from connectors import aws
from connectors.cognito import pool as pool_module
from connectors.cognito.pool import read_pool
from connectors.errors import TargetError
from connectors.records import PoolAttribute
from connectors.retry import retrying

if TYPE_CHECKING:
    from collections.abc import Iterator

POOL_ID = "eu-west-1_Example01"
ASKED = {"UserPoolId": POOL_ID}
HEADER = ["email", "custom:tenant", "cognito:mfa_enabled", "cognito:username"]
POOL: dict[str, Any] = {
    "Id": POOL_ID,
    "Name": "people + pets",
    "Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]}},
    "LambdaConfig": {
        "UserMigration": "arn:aws:lambda:eu-west-1:123456789012:function:migrate",
        "KMSKeyID": "arn:aws:kms:eu-west-1:123456789012:key/example",
        "PreTokenGenerationConfig": {"LambdaVersion": "V2_0", "LambdaArn": "arn:aws:lambda:x:y:function:z"},
    },
    "SchemaAttributes": [
        {"Name": "sub", "AttributeDataType": "String", "Mutable": False, "Required": True},
        {"Name": "identities", "AttributeDataType": "String"},
        {
            "Name": "email",
            "AttributeDataType": "String",
            "Required": True,
            "StringAttributeConstraints": {"MinLength": "0", "MaxLength": "2048"},
        },
        {
            "Name": "updated_at",
            "AttributeDataType": "Number",
            "Mutable": True,
            "NumberAttributeConstraints": {"MinValue": "0"},
        },
        {
            "Name": "custom:tenant",
            "AttributeDataType": "String",
            "Mutable": False,
            "StringAttributeConstraints": {},
        },
    ],
    "AutoVerifiedAttributes": ["email"],
    "UsernameAttributes": ["email", "phone_number"],
    "UsernameConfiguration": {"CaseSensitive": False},
    "MfaConfiguration": "OPTIONAL",
    "EstimatedNumberOfUsers": 12,
}


@cache
def client() -> Any:
    """One client for all tests of the file: to make one takes longer than any test."""
    return aws.client("cognito-idp", region="eu-west-1")


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """A client with answers of our own; the policy keeps its rules and does not sleep."""
    monkeypatch.setattr(pool_module, "retrying", lambda what: retrying(what, sleep=lambda _: None))
    with Stubber(client()) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_a_pool_is_read_whole(stub: Stubber) -> None:
    stub.add_response("describe_user_pool", {"UserPool": POOL}, ASKED)
    stub.add_response("get_csv_header", {"UserPoolId": POOL_ID, "CSVHeader": HEADER}, ASKED)
    schema = read_pool(stub.client, POOL_ID)
    assert schema.pool_id == POOL_ID
    assert schema.name == "people + pets"
    assert schema.csv_header == tuple(HEADER)
    assert schema.attributes == {
        "email": PoolAttribute("email", required=True, min_length=0, max_length=2048),
        "updated_at": PoolAttribute("updated_at", "Number", min_value=0.0),
        "custom:tenant": PoolAttribute("custom:tenant", mutable=False),
    }
    assert schema.auto_verified == ("email",)
    assert schema.username_attributes == ("email", "phone_number")
    assert schema.alias_attributes == ()
    assert not schema.case_sensitive
    assert schema.mfa == "OPTIONAL"
    assert schema.passwordless
    assert schema.estimated_users == 12
    assert schema.region == "eu-west-1"
    assert schema.lambda_triggers == ("PreTokenGenerationConfig", "UserMigration")


def test_what_a_pool_does_not_say_has_the_services_default(stub: Stubber) -> None:
    """Pools made through the API are case-sensitive (F1.50)."""
    stub.add_response("describe_user_pool", {"UserPool": {"Id": POOL_ID, "Name": "p"}}, ASKED)
    stub.add_response("get_csv_header", {"CSVHeader": HEADER}, ASKED)
    schema = read_pool(stub.client, POOL_ID)
    assert schema.case_sensitive
    assert schema.mfa == "OFF"
    assert not schema.passwordless
    assert schema.auto_verified == schema.alias_attributes == schema.lambda_triggers == ()


@pytest.mark.parametrize(
    ("factors", "passwordless"),
    [(["PASSWORD"], False), (["PASSWORD", "WEB_AUTHN"], True), (["SMS_OTP"], True)],
)
def test_a_pool_is_passwordless_by_its_first_factors(
    stub: Stubber, factors: list[str], *, passwordless: bool
) -> None:
    policies = {"SignInPolicy": {"AllowedFirstAuthFactors": factors}}
    stub.add_response("describe_user_pool", {"UserPool": POOL | {"Policies": policies}}, ASKED)
    stub.add_response("get_csv_header", {"CSVHeader": HEADER}, ASKED)
    assert read_pool(stub.client, POOL_ID).passwordless is passwordless


def test_a_pool_that_is_not_there_names_region_and_profile(stub: Stubber) -> None:
    stub.add_client_error("describe_user_pool", "ResourceNotFoundException", "User pool x does not exist.")
    with pytest.raises(TargetError) as refused:
        read_pool(stub.client, POOL_ID, profile="acme")
    text = str(refused.value)
    assert "ResourceNotFoundException" in text
    assert f"no pool {POOL_ID} in region eu-west-1 for profile acme" in text
    assert "does not exist" not in text


def test_a_pool_of_another_region_is_told_by_its_id(stub: Stubber) -> None:
    stub.add_client_error("describe_user_pool", "ResourceNotFoundException")
    with pytest.raises(TargetError, match=r"profile default. The pool's id says region us-east-2"):
        read_pool(stub.client, "us-east-2_Example01")


@pytest.mark.parametrize("code", ["AccessDeniedException", "NotAuthorizedException"])
@pytest.mark.parametrize(
    ("method", "operation"), [("describe_user_pool", "DescribeUserPool"), ("get_csv_header", "GetCSVHeader")]
)
def test_a_missing_right_is_named(stub: Stubber, code: str, method: str, operation: str) -> None:
    if operation == "GetCSVHeader":
        stub.add_response("describe_user_pool", {"UserPool": POOL}, ASKED)
    stub.add_client_error(method, code, "arn:aws:iam::123456789012:user/vera may not")
    with pytest.raises(TargetError) as refused:
        read_pool(stub.client, POOL_ID)
    assert f"{operation} failed with {code}" in str(refused.value)
    assert f"Allow cognito-idp:{operation} in the IAM policy" in str(refused.value)
    assert "vera" not in str(refused.value)


def test_throttling_is_waited_out(stub: Stubber) -> None:
    stub.add_client_error("describe_user_pool", "TooManyRequestsException", http_status_code=400)
    stub.add_response("describe_user_pool", {"UserPool": POOL}, ASKED)
    stub.add_client_error("get_csv_header", "InternalErrorException", http_status_code=500)
    stub.add_response("get_csv_header", {"CSVHeader": HEADER}, ASKED)
    assert read_pool(stub.client, POOL_ID).name == "people + pets"
