"""Attributes of a pool's schema as the API writes them, for the pool that is written and one that is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from connectors.records import PoolAttribute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mypy_boto3_cognito_idp.type_defs import SchemaAttributeTypeTypeDef

_N = TypeVar("_N", int, float)

CUSTOM: Final = "custom:"
"""What the name of an attribute that is not a standard one begins with."""
_NOT_MIGRATED: Final = frozenset({"sub", "identities"})
"""Attributes that only Cognito sets: no header has them (F1.5, F1.42)."""


def schema_attributes(declared: Iterable[SchemaAttributeTypeTypeDef]) -> Mapping[str, PoolAttribute]:
    """Read ``SchemaAttributes`` of ``DescribeUserPool``: name → attribute, without what only Cognito sets."""
    attributes = (_attribute(each) for each in declared if each["Name"] not in _NOT_MIGRATED)
    return {each.name: each for each in attributes}


def _attribute(declared: SchemaAttributeTypeTypeDef) -> PoolAttribute:
    lengths = declared.get("StringAttributeConstraints", {})
    bounds = declared.get("NumberAttributeConstraints", {})
    return PoolAttribute(
        name=declared["Name"],
        type=declared.get("AttributeDataType", "String"),
        required=declared.get("Required", False),
        mutable=declared.get("Mutable", True),
        min_length=_number(lengths.get("MinLength"), int),
        max_length=_number(lengths.get("MaxLength"), int),
        min_value=_number(bounds.get("MinValue"), float),
        max_value=_number(bounds.get("MaxValue"), float),
    )


def _number(text: str | None, kind: Callable[[str], _N]) -> _N | None:
    """Read a constraint: the API writes numbers as text and leaves out what is unbounded."""
    return kind(text) if text else None


def declaration_of(attribute: PoolAttribute) -> SchemaAttributeTypeTypeDef:
    """Write a custom attribute as ``AddCustomAttributes`` takes it: without ``custom:`` before its name.

    Whether it can be changed is always said: what holds if it is not is not documented (F1.41).
    """
    written: SchemaAttributeTypeTypeDef = {
        "Name": attribute.name.removeprefix(CUSTOM),
        "AttributeDataType": attribute.type,
        "Mutable": attribute.mutable,
        "Required": False,
    }
    if attribute.type == "String":
        written["StringAttributeConstraints"] = _bounds(  # type: ignore[typeddict-item]  # two texts
            MinLength=attribute.min_length, MaxLength=attribute.max_length
        )
    if attribute.type == "Number":
        written["NumberAttributeConstraints"] = _bounds(  # type: ignore[typeddict-item]  # two texts
            MinValue=attribute.min_value, MaxValue=attribute.max_value
        )
    return written


def _bounds(**given: float | None) -> dict[str, str]:
    return {name: f"{value:.15g}" for name, value in given.items() if value is not None}
