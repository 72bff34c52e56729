"""Pools, provisioned limits and rates over HTTP (F4.4-F4.6, F4.10, F6.21-F6.30)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from moto.cognitoidp.models import CognitoIdpUserPoolAttribute
from sandbox_users import Client, Pool, client_for, make_pool, refused, switched

from connectors.cognito.sandbox import Sandbox, start
from connectors.cognito.sandbox.throttle import counters

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLE = "arn:aws:iam::123456789012:role/example"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:example"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/example"

EVERY_SETTING: dict[str, Any] = {
    "AccountRecoverySetting": {"RecoveryMechanisms": [{"Priority": 1, "Name": "verified_email"}]},
    "AcrConfiguration": {},
    "AdminCreateUserConfig": {
        "AllowAdminCreateUserOnly": True,
        "InviteMessageTemplate": {"EmailSubject": "Hello", "EmailMessage": "{username} {####}"},
    },
    "AutoVerifiedAttributes": ["email"],
    "DcrConfiguration": {"EnableStatus": "Disabled"},
    "DeletionProtection": "ACTIVE",
    "DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": False},
    "EmailConfiguration": {"EmailSendingAccount": "DEVELOPER", "SourceArn": ROLE, "From": "a@example.com"},
    "EmailVerificationMessage": "Code {####}",
    "EmailVerificationSubject": "Your code",
    "IssuerConfiguration": {"Type": "ORIGINAL"},
    "KeyConfiguration": {"KeyType": "CUSTOMER_MANAGED_KEY", "KmsKeyArn": KEY},
    "LambdaConfig": {"UserMigration": FUNCTION, "PreSignUp": FUNCTION},
    "MfaConfiguration": "OPTIONAL",
    "Policies": {
        "PasswordPolicy": {
            "MinimumLength": 12,
            "RequireUppercase": False,
            "RequireLowercase": True,
            "RequireNumbers": True,
            "RequireSymbols": False,
            "PasswordHistorySize": 3,
            "TemporaryPasswordValidityDays": 3,
        },
        "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]},
    },
    "SmsAuthenticationMessage": "Code {####}",
    "SmsConfiguration": {"SnsCallerArn": ROLE, "ExternalId": "x", "SnsRegion": "eu-west-1"},
    "SmsVerificationMessage": "Your code {####}",
    "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
    "UserPoolAddOns": {"AdvancedSecurityMode": "AUDIT"},
    "UserPoolTags": {"team": "example"},
    "UserPoolTier": "PLUS",
    "VerificationMessageTemplate": {"DefaultEmailOption": "CONFIRM_WITH_CODE", "EmailMessage": "Code {####}"},
}
"""The members that Describe and Update have in common (F6.24), each with a value that is no default."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with start() as running:
        yield running


@pytest.fixture(scope="module")
def client(sandbox: Sandbox) -> Client:
    return client_for(sandbox.url)


def described(pool: Pool) -> dict[str, Any]:
    answer: dict[str, Any] = pool.call("describe_user_pool")["UserPool"]
    return answer


def schema(pool: Pool) -> dict[str, dict[str, Any]]:
    return {attribute["Name"]: attribute for attribute in described(pool)["SchemaAttributes"]}


def members(operation: str, *, answered: bool) -> set[str]:
    service = botocore.session.get_session().get_service_model("cognito-idp")
    model: Any = service.operation_model(operation)
    return set(model.output_shape.members["UserPool"].members if answered else model.input_shape.members)


def test_the_settings_above_are_all_that_describe_and_update_share() -> None:
    """F6.24, compared with the model that is installed."""
    shared = members("DescribeUserPool", answered=True) & members("UpdateUserPool", answered=False)
    assert EVERY_SETTING.keys() == shared


@pytest.mark.parametrize("name", sorted(EVERY_SETTING))
def test_a_setting_of_create_is_shown_by_describe(client: Client, name: str) -> None:
    shown = described(make_pool(client, **{name: EVERY_SETTING[name]}))[name]
    if isinstance(shown, dict):
        assert shown.items() >= EVERY_SETTING[name].items()
    else:
        assert shown == EVERY_SETTING[name]


def test_all_settings_together_survive_describe_and_update(client: Client) -> None:
    """What Describe shows can be sent back, but for what must be dropped (F6.24-F6.27)."""
    pool = make_pool(client, **EVERY_SETTING)
    before = described(pool)
    again = {name: value for name, value in before.items() if name in EVERY_SETTING}
    again["AdminCreateUserConfig"].pop("UnusedAccountValidityDays")
    pool.call("update_user_pool", PoolName="renamed", **again)
    after = described(pool)
    assert after["Name"] == "renamed"
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed <= {"Name", "LastModifiedDate", "AdminCreateUserConfig"}


def test_both_names_of_the_validity_are_refused_together(client: Client) -> None:
    """F6.27."""
    both = {
        "Policies": {"PasswordPolicy": {"MinimumLength": 8, "TemporaryPasswordValidityDays": 3}},
        "AdminCreateUserConfig": {"UnusedAccountValidityDays": 3},
    }
    pool = make_pool(client)
    with refused("InvalidParameterException", "Please use TemporaryPasswordValidityDays in PasswordPolicy"):
        pool.call("update_user_pool", **both)
    with refused("InvalidParameterException", "Please use TemporaryPasswordValidityDays in PasswordPolicy"):
        make_pool(client, **both)
    old = described(make_pool(client, AdminCreateUserConfig={"UnusedAccountValidityDays": 5}))
    assert old["Policies"]["PasswordPolicy"]["TemporaryPasswordValidityDays"] == 5


def test_what_update_leaves_out_goes_to_its_default(client: Client) -> None:
    """F6.21: an update that names one setting loses the others."""
    pool = make_pool(client, **EVERY_SETTING)
    pool.call("update_user_pool", DeletionProtection="ACTIVE")
    after = described(pool)
    assert "AutoVerifiedAttributes" not in after
    assert after["MfaConfiguration"] == "OFF"
    assert after["LambdaConfig"] == {}
    assert after["Policies"]["PasswordPolicy"]["MinimumLength"] == 8
    assert after["Name"] == "pool"
    assert after["DcrConfiguration"] == EVERY_SETTING["DcrConfiguration"], "the exception (F6.29)"


def test_what_was_measured_to_stay_can_stay(client: Client, sandbox: Sandbox) -> None:
    """F6.22."""
    pool = make_pool(client, **EVERY_SETTING)
    before = described(pool)
    with switched(sandbox, update_user_pool_omitted="measured"):
        pool.call("update_user_pool", DeletionProtection="ACTIVE")
    after = described(pool)
    assert "AutoVerifiedAttributes" not in after
    assert after["MfaConfiguration"] == before["MfaConfiguration"]
    assert after["Policies"] == before["Policies"]


@pytest.mark.parametrize(
    "once",
    [
        {"UsernameAttributes": ["email"]},
        {"AliasAttributes": ["email", "preferred_username"]},
        {"UsernameConfiguration": {"CaseSensitive": False}},
    ],
)
def test_what_can_be_set_only_once_outlives_an_update(client: Client, once: dict[str, Any]) -> None:
    """F6.26: moto loses it."""
    pool = make_pool(client, **once)
    pool.call("update_user_pool", AutoVerifiedAttributes=["email"])
    assert described(pool).items() >= once.items()


def test_a_factor_setting_is_shown_by_describe(client: Client) -> None:
    """F6.30: it has its own call."""
    pool = make_pool(client, MfaConfiguration="OFF")
    pool.call(
        "set_user_pool_mfa_config",
        MfaConfiguration="OPTIONAL",
        SoftwareTokenMfaConfiguration={"Enabled": True},
    )
    assert described(pool)["MfaConfiguration"] == "OPTIONAL"
    assert pool.call("get_user_pool_mfa_config")["SoftwareTokenMfaConfiguration"] == {"Enabled": True}


CUSTOM = {
    "Name": "tenant",
    "AttributeDataType": "String",
    "Mutable": True,
    "StringAttributeConstraints": {"MinLength": "1", "MaxLength": "20"},
}


@pytest.mark.parametrize(
    "given", [[], [CUSTOM], [{"Name": "email", "Required": True, "Mutable": True}, CUSTOM]]
)
def test_the_schema_is_always_complete(client: Client, given: list[dict[str, Any]]) -> None:
    """Every standard attribute in its place and with its bounds, ``sub`` first; moto lists what was named."""
    pool = make_pool(client, **({"Schema": given} if given else {}))
    attributes, standard = schema(pool), CognitoIdpUserPoolAttribute.STANDARD_SCHEMA
    assert list(attributes)[: len(standard)] == list(standard)
    assert list(attributes)[len(standard) :] == (["custom:tenant"] if CUSTOM in given else [])
    for name, default in standard.items():
        for key in ("StringAttributeConstraints", "NumberAttributeConstraints", "AttributeDataType"):
            assert attributes[name].get(key) == default.get(key), name
    assert not attributes["sub"]["Mutable"]
    assert attributes["email"]["Required"] is (len(given) == 2)
    assert "identities" not in attributes


def test_identities_are_listed_beside_identity_providers(client: Client) -> None:
    pool = make_pool(client, Schema=[CUSTOM])
    pool.call(
        "create_identity_provider", ProviderName="Okta", ProviderType="OIDC", ProviderDetails={"x": "y"}
    )
    assert list(schema(pool))[-3:] == ["updated_at", "identities", "custom:tenant"]


def test_an_attribute_that_does_not_say_is_immutable(client: Client, sandbox: Sandbox) -> None:
    """Tools that left ``Mutable`` out made immutable attributes; the switch is there for the doubt."""
    silent = [{"Name": "email"}, {"Name": "tenant", "AttributeDataType": "String"}]
    fixed = schema(make_pool(client, Schema=silent))
    assert not fixed["email"]["Mutable"]
    assert not fixed["custom:tenant"]["Mutable"]
    assert fixed["name"]["Mutable"]
    with switched(sandbox, mutable_if_omitted=True):
        pool = make_pool(client, Schema=silent)
    assert schema(pool)["email"]["Mutable"]


def test_added_attributes_are_judged_at_once(client: Client) -> None:
    """F6.31."""
    pool = make_pool(client)
    pool.create("ann")
    with refused("InvalidParameterException"):
        pool.update("ann", custom__tenant="acme")
    pool.call("add_custom_attributes", CustomAttributes=[CUSTOM])
    pool.update("ann", custom__tenant="acme")
    with refused("InvalidParameterException"):
        pool.update("ann", custom__tenant="x" * 21)
    assert list(schema(pool))[-1] == "custom:tenant"


@pytest.mark.parametrize("name", ["two words", "no\u00a0break", "x" * 21])
def test_a_name_that_the_model_does_not_take_is_no_attribute(client: Client, name: str) -> None:
    pool = make_pool(client)
    with refused("InvalidParameterException", "customAttributes.2.member.name"):
        pool.call("add_custom_attributes", CustomAttributes=[CUSTOM, {**CUSTOM, "Name": name}])
    assert "custom:tenant" not in schema(pool)
    with refused("InvalidParameterException", "schema.1.member.name"):
        make_pool(client, Schema=[{**CUSTOM, "Name": name}])


def test_the_number_of_users_is_shown(client: Client) -> None:
    pool = make_pool(client)
    pool.create("ann")
    pool.create("bob")
    pool.call("admin_delete_user", Username="ann")
    assert described(pool)["EstimatedNumberOfUsers"] == 1


def definition(category: str) -> dict[str, Any]:
    return {"LimitClass": "API_CATEGORY", "Attributes": {"Category": category}}


def update_limit(client: Client, category: str, value: int) -> dict[str, Any]:
    answer = client.update_provisioned_limit(LimitDefinition=definition(category), RequestedLimitValue=value)
    return dict(answer["Limit"])


def test_a_limit_is_free_until_it_is_provisioned(client: Client, sandbox: Sandbox) -> None:
    """F4.4, F4.5."""
    limit = client.get_provisioned_limit(LimitDefinition=definition("UserRead"))["Limit"]
    assert (limit["ProvisionedLimitValue"], limit["FreeLimitValue"]) == (120, 120)
    with switched(sandbox, account_maximum={"UserRead": 200}):
        assert update_limit(client, "UserRead", 200)["ProvisionedLimitValue"] == 200
        assert update_limit(client, "UserRead", 120)["ProvisionedLimitValue"] == 120
    limit = client.get_provisioned_limit(LimitDefinition=definition("UserRead"))["Limit"]
    assert limit["LimitDefinition"] == definition("UserRead")


def test_a_limit_stays_between_the_default_and_the_maximum(client: Client, sandbox: Sandbox) -> None:
    with refused("InvalidParameterException"):
        update_limit(client, "UserCreation", 49)
    with refused("ServiceQuotaExceededException"):
        update_limit(client, "UserCreation", 51)
    with switched(sandbox, account_maximum={"UserCreation": 100}), refused("ServiceQuotaExceededException"):
        update_limit(client, "UserCreation", 101)


def test_only_adjustable_categories_have_a_limit_to_set(client: Client) -> None:
    """F4.6."""
    with refused("InvalidParameterException"):
        update_limit(client, "UserAccountRecovery", 60)
    with refused("InvalidParameterException", "UserCreation"):
        update_limit(client, "UserCreations", 60)
    pool = make_pool(client)
    pool.call("create_user_pool_domain", Domain="example")
    with refused("InvalidParameterException"):
        update_limit(client, "UserAuthentication", 120)
    pool.call("delete_user_pool_domain", Domain="example")
    assert update_limit(client, "UserAuthentication", 120)["ProvisionedLimitValue"] == 120


def test_calls_above_the_rate_are_refused_and_counted(client: Client, sandbox: Sandbox) -> None:
    """F4.10: HTTP 400, which ``refused`` looks at."""
    pool = make_pool(client)
    before = counters()["throttled"].get("UserCreation", 0)
    with switched(sandbox, throttle=True, throttle_rates={"UserCreation": 2}, throttle_burst_seconds=1):
        pool.create("u1")
        pool.create("u2")
        with refused("TooManyRequestsException", "Rate exceeded"):
            for number in range(3, 9):
                pool.create(f"u{number}")
        pool.get("u1")
    assert counters()["throttled"]["UserCreation"] == before + 1


def test_the_refusal_can_be_worded_otherwise(client: Client, sandbox: Sandbox) -> None:
    with (
        switched(
            sandbox, throttle=True, throttle_rates={"UserList": 0.01}, throttle_text="Too many requests"
        ),
        refused("TooManyRequestsException", "Too many requests"),
    ):
        pool = make_pool(client)
        pool.usernames()
        pool.usernames()


def test_every_operation_is_counted(client: Client) -> None:
    pool = make_pool(client)
    before = counters()["operations"].get("ListUsers", 0)
    pool.usernames()
    pool.usernames()
    assert counters()["operations"]["ListUsers"] == before + 2
