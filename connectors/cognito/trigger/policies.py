"""What the function may do, and who may invoke it: no more than it needs (F6.20)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors.cognito.trigger.handler.settings import CONTEXT_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENT = "2012-10-17"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a deployment lives.

    Attributes:
        partition: ``aws`` or one of its siblings.
        region: the pool's Region.
        account: the account.
        name: name of the function, its role and its table, and the key's alias without ``alias/``.
    """

    partition: str
    region: str
    account: str
    name: str

    @property
    def table_arn(self) -> str:
        """The table."""
        return f"arn:{self.partition}:dynamodb:{self.region}:{self.account}:table/{self.name}"

    @property
    def function_arn(self) -> str:
        """The function, whatever its version."""
        return f"arn:{self.partition}:lambda:{self.region}:{self.account}:function:{self.name}"

    @property
    def role_arn(self) -> str:
        """The function's role."""
        return f"arn:{self.partition}:iam::{self.account}:role/{self.name}"

    @property
    def log_group(self) -> str:
        """Where the function logs."""
        return f"/aws/lambda/{self.name}"

    @property
    def alias(self) -> str:
        """The key's alias."""
        return f"alias/{self.name}"


def trust_policy() -> dict[str, Any]:
    """Who may take the role: Lambda."""
    principal = {"Service": "lambda.amazonaws.com"}
    return _document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


def role_policy(place: Place, key_arn: str) -> dict[str, Any]:
    """What the role may do: read and mark people in its table, open its own secrets, write its log."""
    arn = f"arn:{place.partition}:logs:{place.region}:{place.account}:log-group:{place.log_group}:*"
    return _document(
        _allow(("dynamodb:GetItem", "dynamodb:UpdateItem"), place.table_arn),
        _allow(("kms:Decrypt",), key_arn, {f"kms:EncryptionContext:{CONTEXT_NAME}": place.name}),
        _allow(("kms:Decrypt",), key_arn, {"kms:ViaService": f"dynamodb.{place.region}.amazonaws.com"}),
        _allow(("logs:CreateLogStream", "logs:PutLogEvents"), arn),
    )


def _allow(
    actions: tuple[str, ...], resource: str, equals: Mapping[str, str] | None = None
) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return {**statement, "Condition": {"StringEquals": dict(equals)}} if equals else statement


def _document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": DOCUMENT, "Statement": list(statements)}
