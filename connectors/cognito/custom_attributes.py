"""Custom attributes added to a pool's schema, from which they can never be removed (F6.31)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from connectors.cognito.error_codes import pool_call
from connectors.cognito.limits import MAX_ADDED_ATTRIBUTES
from connectors.retry import retrying
from connectors.schema_attributes import declaration_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import SchemaAttributeTypeTypeDef

    from connectors.records import PoolAttribute


def add_custom_attributes(
    client: CognitoIdentityProviderClient, pool_id: str, attributes: Sequence[PoolAttribute]
) -> None:
    """Add attributes that the pool does not have (``AddCustomAttributes``), at most 25 a call.

    Args:
        client: a client of the pool's Region.
        pool_id: the pool.
        attributes: names begin with ``custom:``.

    Raises:
        TargetError: a right is missing, a name or bound breaks the rules, or an import job is active (F3.18).
        AskThePoolError: a reply was lost, so that the pool must be asked which of them it has now.
        RetryError: the service did not answer, in spite of several tries.
    """
    declared = [declaration_of(each) for each in attributes]
    for start in range(0, len(declared), MAX_ADDED_ATTRIBUTES):
        some = declared[start : start + MAX_ADDED_ATTRIBUTES]
        retrying("AddCustomAttributes")(partial(_add, client, pool_id, some))


def _add(
    client: CognitoIdentityProviderClient, pool_id: str, declared: Sequence[SchemaAttributeTypeTypeDef]
) -> None:
    with pool_call("AddCustomAttributes"):
        client.add_custom_attributes(UserPoolId=pool_id, CustomAttributes=declared)
