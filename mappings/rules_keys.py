"""Which names a user takes in the pool, as values and as hashes (F1.45-F1.50, F5.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from connectors.records import REASON, USERNAME, PoolSchema
from mappings.duplicates import KEY_EMAIL, KEY_PHONE_NUMBER, KEY_PREFERRED_USERNAME, KEY_USERNAME
from mappings.rules_username import folded

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEYS = {
    "email": KEY_EMAIL,
    "phone_number": KEY_PHONE_NUMBER,
    "preferred_username": KEY_PREFERRED_USERNAME,
}


def key_values(schema: PoolSchema) -> dict[str, pl.Expr]:
    """The values that are unique in the pool, each folded as the pool compares it.

    Returns:
        Key column → String expression, null where the row takes no such name.
    """
    values = {KEY_USERNAME: folded(pl.col(USERNAME), schema)}
    values |= dict(_aliases(schema)) | dict(_contacts(schema))
    return {key: pl.when(pl.col(REASON).is_null()).then(value).alias(key) for key, value in values.items()}


def _aliases(schema: PoolSchema) -> Iterator[tuple[str, pl.Expr]]:
    """Aliases beside the username; an e-mail address or phone number is one while it is verified (F5.8)."""
    for name in schema.alias_attributes:
        value = pl.col(name)
        if name != "preferred_username":
            value = pl.when(pl.col(f"{name}_verified") == "true").then(value)
        yield _KEYS[name], _compared(name, value, schema)


def _contacts(schema: PoolSchema) -> Iterator[tuple[str, pl.Expr]]:
    """Contacts in place of the username: unique verified or not (F1.48).

    A row may hold its contact in the username alone.
    """
    for name in schema.username_attributes:
        is_phone_number = pl.col(USERNAME).str.starts_with("+")
        own = pl.when(is_phone_number if name == "phone_number" else ~is_phone_number).then(USERNAME)
        yield _KEYS[name], _compared(name, pl.coalesce(name, own), schema)


def _compared(name: str, value: pl.Expr, schema: PoolSchema) -> pl.Expr:
    return value if name == "phone_number" else folded(value, schema)


def key_hashes(schema: PoolSchema) -> list[pl.Expr]:
    """All key columns as UInt64, null where the row takes no such name in this pool."""
    values = key_values(schema)
    return [_hashed(values[key]).alias(key) if key in values else _nothing(key)
            for key in (KEY_USERNAME, *_KEYS.values())]  # fmt: skip


def _hashed(value: pl.Expr) -> pl.Expr:
    return pl.when(value.is_not_null()).then(value.hash())


def _nothing(key: str) -> pl.Expr:
    return pl.lit(None, pl.UInt64).alias(key)
