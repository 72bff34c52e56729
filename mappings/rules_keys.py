"""Which names a user takes in the pool, as values and as hashes (F1.45-F1.50, F5.8)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from connectors.records import REASON, USERNAME, PoolSchema
from mappings.duplicates import CODES, KEY_EMAIL, KEY_PHONE_NUMBER, KEY_PREFERRED_USERNAME, KEY_USERNAME
from mappings.rules_username import folded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_KEYS = {
    "email": KEY_EMAIL,
    "phone_number": KEY_PHONE_NUMBER,
    "preferred_username": KEY_PREFERRED_USERNAME,
}

_TEXTS = {USERNAME, *_KEYS}


def key_values(schema: PoolSchema) -> dict[str, pl.Expr]:
    """The values that are unique in the pool, each folded as the pool compares it.

    Returns:
        Key column → String expression, null where the row takes no such name.
    """
    return {key: _compared(key, name, schema).alias(key) for key, name in _names(schema).items()}


def key_hashes(schema: PoolSchema, small: Collection[str] = ()) -> list[pl.Expr]:
    """All key columns as UInt64, null where the row takes no such name in this pool.

    A name is asked for null before it is folded, so that it is folded only once.

    Args:
        schema: the pool.
        small: columns without capital letters and without anything beyond ASCII, which are folded already.
    """
    names = _names(schema)
    fold_nothing = replace(schema, case_sensitive=True)
    values = {
        key: _compared(key, name, fold_nothing if _read_by(name) <= set(small) else schema)
        for key, name in names.items()
    }
    hashes = {key: pl.when(name.is_not_null()).then(values[key].hash()) for key, name in names.items()}
    nothing = pl.lit(None, pl.UInt64)
    return [hashes.get(key, nothing).alias(key) for key in CODES]


def _read_by(name: pl.Expr) -> set[str]:
    """The columns that may be folded: all that a name is made of but the flags beside them."""
    return {column for column in name.meta.root_names() if column in _TEXTS}


def _names(schema: PoolSchema) -> dict[str, pl.Expr]:
    """Key column → the name as the row has it, null where the row takes none."""
    names = {KEY_USERNAME: pl.col(USERNAME)} | dict(_aliases(schema)) | dict(_contacts(schema))
    return {key: pl.when(pl.col(REASON).is_null()).then(name) for key, name in names.items()}


def _aliases(schema: PoolSchema) -> Iterator[tuple[str, pl.Expr]]:
    """Aliases beside the username; an e-mail address or phone number is one while it is verified (F5.8)."""
    for name in schema.alias_attributes:
        is_alias = (
            pl.lit(value=True) if name == "preferred_username" else pl.col(f"{name}_verified") == "true"
        )
        yield _KEYS[name], pl.when(is_alias).then(name)


def _contacts(schema: PoolSchema) -> Iterator[tuple[str, pl.Expr]]:
    """Contacts in place of the username: unique verified or not (F1.48).

    A row may hold its contact in the username alone.
    """
    for name in schema.username_attributes:
        is_phone_number = pl.col(USERNAME).str.starts_with("+")
        own = pl.when(is_phone_number if name == "phone_number" else ~is_phone_number).then(USERNAME)
        yield _KEYS[name], pl.coalesce(name, own)


def _compared(key: str, name: pl.Expr, schema: PoolSchema) -> pl.Expr:
    """Letter case may matter in all names but phone numbers (F1.50)."""
    return name if key == KEY_PHONE_NUMBER else folded(name, schema)
