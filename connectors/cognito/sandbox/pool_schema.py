"""The full schema of a pool: moto keeps only what CreateUserPool named (F1.2, F1.5, F1.41)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.cognitoidp.models import CognitoIdpUserPoolAttribute

if TYPE_CHECKING:
    from connectors.cognito.sandbox.moto_types import MotoAttribute, MotoPool

IDENTITIES: dict[str, Any] = {
    "Name": "identities",
    "AttributeDataType": "String",
    "DeveloperOnlyAttribute": False,
    "Mutable": True,
    "Required": False,
    "StringAttributeConstraints": {},
}
"""How a pool with identity providers lists the attribute of linked users (F1.5)."""


def complete_schema(pool: MotoPool) -> None:
    """Add the standard attributes that CreateUserPool left out, in Cognito's order, with their bounds.

    Custom attributes stand behind them. An attribute that was named without constraints gets the
    default ones, as every pool shows them.
    """
    given, standard = pool.schema_attributes, CognitoIdpUserPoolAttribute.STANDARD_SCHEMA
    complete = {name: given.get(name) or _attribute(name) for name in standard}
    for name, attribute in complete.items():
        _fill_bounds(attribute, standard[name])
    pool.schema_attributes = {**complete, **given, **complete}


def described_schema(pool: MotoPool) -> list[dict[str, Any]]:
    """Return the schema as DescribeUserPool lists it; ``identities`` only beside identity providers."""
    own = [
        {key: value for key, value in attribute.to_json().items() if value is not None}
        for attribute in pool.schema_attributes.values()
    ]
    at = next((place for place, each in enumerate(own) if ":" in each["Name"]), len(own))
    return [*own[:at], *([IDENTITIES] if pool.identity_providers else []), *own[at:]]


def _attribute(name: str) -> MotoAttribute:
    return CognitoIdpUserPoolAttribute(name, False, CognitoIdpUserPoolAttribute.STANDARD_SCHEMA[name])  # noqa: FBT003 - moto's own


def _fill_bounds(attribute: MotoAttribute, default: dict[str, Any]) -> None:
    if attribute.string_constraints is None:
        attribute.string_constraints = default.get("StringAttributeConstraints")
    if attribute.number_constraints is None:
        attribute.number_constraints = default.get("NumberAttributeConstraints")
