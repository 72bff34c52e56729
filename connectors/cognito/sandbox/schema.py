"""What a pool's schema says about the columns of an import file (F1.2-F1.6, F1.41)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from moto.cognitoidp.models import CognitoIdpUserPoolAttribute

if TYPE_CHECKING:
    from connectors.cognito.sandbox.moto_types import MotoPool
    from connectors.cognito.sandbox.settings import SandboxSettings

USERNAME = "cognito:username"
MFA_ENABLED = "cognito:mfa_enabled"
PASSWORD_HASH = "password_hash"  # noqa: S105 - a column's name (F2.5)
NOT_IN_A_FILE = frozenset({"sub", "identities"})


@dataclass(frozen=True, slots=True)
class Column:
    """One attribute of a pool; lengths in characters, bounds inclusive, None: unbounded."""

    name: str
    type: str = "String"
    required: bool = False
    min_length: int | None = None
    max_length: int | None = None
    min_value: float | None = None
    max_value: float | None = None


def pool_columns(pool: MotoPool) -> dict[str, Column]:
    """All attributes of a pool that a file can hold, standard ones first (F1.5).

    moto lists only the attributes that CreateUserPool named, if it named any; the others exist
    nevertheless, with their default constraints.
    """
    standard = CognitoIdpUserPoolAttribute.STANDARD_SCHEMA
    named = [*standard, *(name for name in pool.schema_attributes if name not in standard)]
    return {name: _column(pool, name) for name in named if name not in NOT_IN_A_FILE}


def csv_header(pool: MotoPool, settings: SandboxSettings) -> list[str]:
    """The answer of GetCSVHeader (F1.1-F1.6)."""
    names = list(pool_columns(pool))
    standard = [name for name in names if ":" not in name]
    custom = [name for name in names if ":" in name and _is_listed(name, settings)]
    own = [MFA_ENABLED, USERNAME]
    order = [*custom, *own] if settings.header_custom_attributes == "before_cognito" else [*own, *custom]
    extra = [PASSWORD_HASH] if settings.header_has_password_hash else []
    return [*standard, *order, *extra]


def _is_listed(name: str, settings: SandboxSettings) -> bool:
    return settings.header_has_developer_attributes or not name.startswith("dev:")


def _column(pool: MotoPool, name: str) -> Column:
    default = CognitoIdpUserPoolAttribute.STANDARD_SCHEMA.get(name, {})
    own = pool.schema_attributes.get(name)
    text = (own and own.string_constraints) or default.get("StringAttributeConstraints") or {}
    number = (own and own.number_constraints) or default.get("NumberAttributeConstraints") or {}
    return Column(
        name=name,
        type=own.data_type if own else default["AttributeDataType"],
        required=bool(own.required) if own else False,
        min_length=_whole(text.get("MinLength")),
        max_length=_whole(text.get("MaxLength")),
        min_value=_real(number.get("MinValue")),
        max_value=_real(number.get("MaxValue")),
    )


def _whole(value: str | None) -> int | None:
    return int(value) if value else None


def _real(value: str | None) -> float | None:
    return float(value) if value else None
