"""The names that users of the pool take, as the same keys that the rules give to users of the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from connectors.cognito.users import NATIVE
from connectors.records import REASON, USERNAME
from mappings.duplicates import CODES, KEY_USERNAME
from mappings.rules_keys import key_hashes

if TYPE_CHECKING:
    from flows.steps.context import Context

KEY_COLUMNS = tuple(CODES)
"""Columns with the 64-bit keys of a user's names."""
_ALIAS_KEYS = tuple(key for key in CODES if key != KEY_USERNAME)


def with_keys(context: Context, users: pl.DataFrame) -> pl.DataFrame:
    """Add ``KEY_COLUMNS`` to users as ``ListUsers`` told them.

    Where users sign in with e-mail or phone number, the pool's own username is a UUID (F1.46), and
    the source calls the user by the contact; a user with both is in the result once for each. Who came
    through another provider takes no name but the username (F7.20).
    """
    schema = context.schema
    native = NATIVE if "status" in users.columns else pl.lit(value=True)
    if schema.username_attributes:
        users = users.filter(native)
    names = [name for name in schema.username_attributes if name in users.columns] or ["username"]
    wanted = (*schema.alias_attributes, *schema.username_attributes)
    needed = {name for contact in wanted for name in (contact, f"{contact}_verified")}
    missing = [pl.lit(None, pl.String).alias(name) for name in sorted(needed - set(users.columns))]
    frames = [
        users.with_columns(*missing, pl.col(name).alias(USERNAME), pl.lit(None, pl.String).alias(REASON))
        .filter(pl.col(USERNAME).is_not_null())
        .with_columns(key_hashes(schema))
        .with_columns(pl.when(native).then(pl.col(_ALIAS_KEYS)))
        for name in names
    ]
    return pl.concat(frames).drop(USERNAME, REASON)
