"""What must be known of a pool before anybody is sent: its schema, its switches, its CSV header."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from connectors.cognito.error_codes import pool_call, translate
from connectors.errors import TargetError
from connectors.records import PoolSchema
from connectors.retry import aws_errors, error_code, retrying
from connectors.schema_attributes import schema_attributes

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import (
        LambdaConfigTypeTypeDef,
        ListIdentityProvidersRequestTypeDef,
        ListIdentityProvidersResponseTypeDef,
        UserPoolTypeTypeDef,
    )

MOST_PROVIDERS: Final = 60
"""Providers in one reply (the service's model)."""
_NO_TRIGGER: Final = frozenset({"KMSKeyID"})
"""Members of ``LambdaConfig`` that are settings of triggers and not triggers."""


def read_pool(
    client: CognitoIdentityProviderClient, pool_id: str, *, profile: str | None = None
) -> PoolSchema:
    """Read a pool's schema and CSV header (``DescribeUserPool``, ``GetCSVHeader``).

    Args:
        client: a client of the pool's Region.
        pool_id: the pool, e.g. ``eu-west-1_Example01``.
        profile: the AWS profile of the client, for the error's text only.

    Returns:
        The schema without ``sub`` and ``identities`` (F1.5); lengths in characters, bounds inclusive.

    Raises:
        TargetError: there is no such pool, or a right is missing; the text names which.
        RetryError: the service did not answer, in spite of several tries.
    """
    pool = _describe(client, pool_id, profile)
    header = retrying("GetCSVHeader")(_csv_header, client, pool_id)
    return _schema(pool, header, client.meta.region_name)


def read_providers(client: CognitoIdentityProviderClient, pool_id: str) -> tuple[str, ...]:
    """Read the names of a pool's identity providers (``ListIdentityProviders``).

    Raises:
        TargetError: there is no such pool, or a right is missing.
        RetryError: the service did not answer, in spite of several tries.
    """
    names: list[str] = []
    request: ListIdentityProvidersRequestTypeDef = {"UserPoolId": pool_id, "MaxResults": MOST_PROVIDERS}
    while True:
        page = retrying("ListIdentityProviders")(_providers, client, request)
        names += [each["ProviderName"] for each in page["Providers"] if "ProviderName" in each]
        if "NextToken" not in page:
            return tuple(names)
        request["NextToken"] = page["NextToken"]


def _providers(
    client: CognitoIdentityProviderClient, request: ListIdentityProvidersRequestTypeDef
) -> ListIdentityProvidersResponseTypeDef:
    with pool_call("ListIdentityProviders"):
        return client.list_identity_providers(**request)


def _describe(
    client: CognitoIdentityProviderClient, pool_id: str, profile: str | None
) -> UserPoolTypeTypeDef:
    return retrying("DescribeUserPool")(_describe_once, client, pool_id, profile)


def _describe_once(
    client: CognitoIdentityProviderClient, pool_id: str, profile: str | None
) -> UserPoolTypeTypeDef:
    try:
        return client.describe_user_pool(UserPoolId=pool_id)["UserPool"]
    except aws_errors() as error:
        told = translate(error, "DescribeUserPool")
        if isinstance(error, ClientError) and error_code(error) == "ResourceNotFoundException":
            told = _not_found(told.what, pool_id, client.meta.region_name, profile)
        raise told from None


def _not_found(what: str, pool_id: str, region: str, profile: str | None) -> TargetError:
    used = profile or os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE") or "default"
    home = pool_id.partition("_")[0]
    mend = f"The pool's id says region {home}: set target.region to it." if home != region else ""
    return TargetError(
        f"{what} There is no pool {pool_id} in region {region} for profile {used}.",
        mend or "Check target.user_pool_id and whether the profile belongs to the pool's account.",
    )


def _csv_header(client: CognitoIdentityProviderClient, pool_id: str) -> tuple[str, ...]:
    with pool_call("GetCSVHeader"):
        return tuple(client.get_csv_header(UserPoolId=pool_id)["CSVHeader"])


def _schema(pool: UserPoolTypeTypeDef, header: tuple[str, ...], region: str) -> PoolSchema:
    return PoolSchema(
        pool_id=pool["Id"],
        name=pool["Name"],
        attributes=schema_attributes(pool.get("SchemaAttributes", ())),
        csv_header=header,
        auto_verified=tuple(pool.get("AutoVerifiedAttributes", ())),
        username_attributes=tuple(pool.get("UsernameAttributes", ())),
        alias_attributes=tuple(pool.get("AliasAttributes", ())),
        case_sensitive=pool.get("UsernameConfiguration", {}).get("CaseSensitive", True),
        mfa=pool.get("MfaConfiguration", "OFF"),
        passwordless=_is_passwordless(pool),
        estimated_users=pool.get("EstimatedNumberOfUsers", 0),
        region=region,
        lambda_triggers=_triggers(pool.get("LambdaConfig", {})),
    )


def _is_passwordless(pool: UserPoolTypeTypeDef) -> bool:
    """Tell whether any first factor but the password is allowed (F7.4)."""
    factors = pool.get("Policies", {}).get("SignInPolicy", {}).get("AllowedFirstAuthFactors", ())
    return any(factor != "PASSWORD" for factor in factors)


def _triggers(config: LambdaConfigTypeTypeDef) -> tuple[str, ...]:
    return tuple(sorted(name for name, value in config.items() if value and name not in _NO_TRIGGER))
