"""The names that users of the pool take, as the same keys that the rules give to users of the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from connectors.records import REASON, USERNAME
from mappings.duplicates import CODES
from mappings.rules_keys import key_hashes

if TYPE_CHECKING:
    from flows.steps.context import Context

KEY_COLUMNS = tuple(CODES)
"""Columns with the 64-bit keys of a user's names."""


def with_keys(context: Context, users: pl.DataFrame) -> pl.DataFrame:
    """Add ``KEY_COLUMNS`` to users as ``ListUsers`` told them.

    Where users sign in with e-mail or phone number, the pool's own username is a UUID (F1.46), and
    the source calls the user by the contact; a user with both is in the result once for each.
    """
    schema = context.schema
    names = [name for name in schema.username_attributes if name in users.columns] or ["username"]
    wanted = (*schema.alias_attributes, *schema.username_attributes)
    needed = {name for contact in wanted for name in (contact, f"{contact}_verified")}
    missing = [pl.lit(None, pl.String).alias(name) for name in sorted(needed - set(users.columns))]
    frames = [
        users.with_columns(*missing, pl.col(name).alias(USERNAME), pl.lit(None, pl.String).alias(REASON))
        .filter(pl.col(USERNAME).is_not_null())
        .with_columns(key_hashes(schema))
        for name in names
    ]
    return pl.concat(frames).drop(USERNAME, REASON)
