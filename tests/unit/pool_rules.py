"""What the tests of the pool's rules share: a pool, a user who breaks no rule, and pages of users."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl

from connectors.records import (
    ENABLED,
    FILE,
    GROUPS,
    IDENTITIES,
    LINE,
    MFA,
    PASSWORD,
    PASSWORD_HASH,
    REASON,
    SOURCE_ID,
    USERNAME,
    PoolAttribute,
    PoolSchema,
)

STANDARD = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
]

BCRYPT = "$2b$10$" + "abcdefghijklmnopqrstuu" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
SCRYPT = "16384$8$1$" + "0f" * 16 + "$" + "a1" * 32
ARGON2ID = "$argon2id$v=19$m=19456,t=2,p=1$" + "AbCd" * 5 + "+/" + "$" + "EfGh" * 10 + "ijk"
PBKDF2 = "$pbkdf2-sha256$600000$" + "AbCd" * 5 + "Ef" + "$" + "IjKl" * 10 + "Mno"

_TYPES: dict[str, Any] = {
    LINE: pl.UInt64,
    FILE: pl.UInt32,
    GROUPS: pl.List(pl.String),
    IDENTITIES: pl.List(pl.String),
    ENABLED: pl.Boolean,
}
_FIELDS = (LINE, FILE, SOURCE_ID, USERNAME, PASSWORD_HASH, PASSWORD, GROUPS, ENABLED, MFA, IDENTITIES, REASON)
_DEFAULTS: dict[str, object] = {LINE: 2, FILE: 0, GROUPS: [], IDENTITIES: [], ENABLED: True}


def attribute(name: str) -> PoolAttribute:
    """A standard attribute as a pool has it that was made without a schema."""
    if name.endswith("_verified"):
        return PoolAttribute(name, "Boolean")
    if name == "birthdate":
        return PoolAttribute(name, min_length=10, max_length=10)
    if name == "updated_at":
        return PoolAttribute(name, "Number", min_value=0)
    return PoolAttribute(name, min_length=0, max_length=2048)


CUSTOM = (
    PoolAttribute("custom:tenant", min_length=3, max_length=20),
    PoolAttribute("custom:points", "Number", min_value=-5, max_value=1000),
    PoolAttribute("custom:joined", "DateTime"),
    PoolAttribute("custom:vip", "Boolean"),
    PoolAttribute("custom:note", max_length=None),
    PoolAttribute("custom:extra", max_length=None),
)


def pool(*attributes: PoolAttribute, **changes: Any) -> PoolSchema:
    """A pool that verifies e-mail addresses; ``attributes`` take the place of those of their name."""
    known = {each.name: each for each in (*map(attribute, STANDARD), *CUSTOM, *attributes)}
    whole = PoolSchema(
        pool_id="eu-west-1_Example01",
        name="example",
        attributes=known,
        csv_header=(*known, "cognito:mfa_enabled", "cognito:username"),
        auto_verified=("email",),
    )
    return replace(whole, **changes)


def user(**changes: object) -> dict[str, object]:
    """A user whom the pool takes from an import job, with ``changes``; ``__`` in a name stands for ``:``.

    A leading ``_`` of a name stands for ``@``: ``_username`` is ``@username``.
    """
    fine: dict[str, object] = {USERNAME: "ana", "email": "ana@example.com", "email_verified": "true"}
    return fine | {_column(name): value for name, value in changes.items()}


def _column(name: str) -> str:
    return f"@{name[1:]}" if name.startswith("_") else name.replace("__", ":")


def page(*users: dict[str, object]) -> pl.DataFrame:
    """A mapped frame with the attributes that any of the users has."""
    names = dict.fromkeys((*_FIELDS, *(name for each in users for name in each)))
    columns = {name: [each.get(name, _DEFAULTS.get(name)) for each in users] for name in names}
    return pl.DataFrame(columns, schema={name: _TYPES.get(name, pl.String) for name in names})
