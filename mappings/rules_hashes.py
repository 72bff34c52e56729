"""Which users travel with their password hash, and why the others do not (F2.4-F2.9, F7.12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from connectors.records import ALGORITHM, ENABLED, PASSWORD, PASSWORD_HASH, REASON

if TYPE_CHECKING:
    from mappings.password_hashes import PasswordHashes
    from mappings.spec import Without

HASH_KIND = "@hash_kind"
"""String or null: the scheme of a hash that did not stand in a format of Cognito's (``Judged.kinds``)."""


def with_algorithms(frame: pl.DataFrame, hashes: PasswordHashes, column: str) -> pl.DataFrame:
    """Set ``ALGORITHM`` where an enabled user's hash is one that the pool takes, rewritten if need be.

    A disabled user never travels with a hash: between import and disabling it would let him in (F7.12).

    Returns:
        The frame with ``ALGORITHM``, ``HASH_KIND``, and ``column``: the reason code of a hash that is not
        usable, or null.
    """
    given = _of_enabled_users(frame)
    found = hashes.judge(given)
    own = [
        found.algorithms.alias(ALGORITHM), found.kinds.alias(HASH_KIND), found.problems.alias(column)
    ]  # fmt: skip
    if found.values is given:
        return frame.with_columns(own)
    judged = pl.when(pl.lit(given).is_not_null()).then(found.values).otherwise(PASSWORD_HASH)
    return frame.with_columns(judged.alias(PASSWORD_HASH), *own)


def _of_enabled_users(frame: pl.DataFrame) -> pl.Series:
    if frame[PASSWORD_HASH].null_count() == frame.height or frame[ENABLED].all():
        return frame[PASSWORD_HASH]
    return frame.select(pl.when(ENABLED).then(PASSWORD_HASH)).to_series()


def with_wish(
    frame: pl.DataFrame, without: Without | None, csv_reason: str, hash_reason: str
) -> pl.DataFrame:
    """Do what the run file wants of users whose only trouble on the way into a CSV is their password.

    ``reset``: they travel without the hash. ``random``: they are left to the strategy that sets a password,
    also where they have none to begin with. Else the hash stays, for the strategy that can keep it.

    Args:
        frame: rows with ``csv_reason`` and ``hash_reason`` (reason codes or null).
        without: the run file's wish.
        csv_reason: column of what else keeps a user out of a CSV.
        hash_reason: column of what is wrong with the user's hash.
    """
    if without not in ("reset", "random"):
        return frame
    unhashed = pl.col(hash_reason).is_not_null()
    if without == "random":
        unhashed = pl.col(ALGORITHM).is_null() & pl.col(PASSWORD).is_null() & pl.col(ENABLED)
    alone = pl.col(REASON).is_null() & pl.col(csv_reason).is_null() & unhashed
    wish = pl.lit("password_random" if without == "random" else None, pl.String)
    return frame.with_columns(
        pl.when(~alone).then(PASSWORD_HASH).alias(PASSWORD_HASH),
        pl.when(alone).then(wish).otherwise(hash_reason).alias(hash_reason),
    )
