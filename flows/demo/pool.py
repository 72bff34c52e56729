"""The demo's user pool: made in the local Cognito, with some of the people in it already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flows.demo.dirt import IN_POOL
from flows.demo.people import people

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import SchemaAttributeTypeTypeDef

    from flows.demo.dirt import Cells

POOL_NAME: Final = "poolferry-demo"


def create_demo_pool(client: CognitoIdentityProviderClient) -> str:
    """Make a pool that takes import jobs, and create the people who are to be there already.

    Usernames are case-insensitive, e-mail addresses are verified automatically, MFA is off, and
    there are two custom attributes, ``tenant`` and ``legacy_id``. Nobody gets a message (F5.2).

    Returns:
        The pool's id.
    """
    made = client.create_user_pool(
        PoolName=POOL_NAME,
        AutoVerifiedAttributes=["email"],
        UsernameConfiguration={"CaseSensitive": False},
        MfaConfiguration="OFF",
        Schema=[_text("tenant", 64), _text("legacy_id", 256)],
    )
    pool_id = made["UserPool"]["Id"]
    for person in people():
        if person.kind and person.kind.name == IN_POOL:
            _create(client, pool_id, person.cells)
    return pool_id


def _text(name: str, longest: int) -> SchemaAttributeTypeTypeDef:
    return {
        "Name": name,
        "AttributeDataType": "String",
        "Mutable": True,
        "StringAttributeConstraints": {"MinLength": "1", "MaxLength": str(longest)},
    }


def _create(client: CognitoIdentityProviderClient, pool_id: str, cells: Cells) -> None:
    client.admin_create_user(
        UserPoolId=pool_id,
        Username=cells["id"],
        UserAttributes=[
            {"Name": "email", "Value": cells["email"]},
            {"Name": "email_verified", "Value": "true"},
            {"Name": "custom:legacy_id", "Value": cells["id"]},
        ],
        MessageAction="SUPPRESS",
    )
