"""How a user was read, as one number: by it a later run tells who has changed in the source.

``fingerprints.parquet`` in a run's folder has a row for each user whom the source is known to have, or to
have had: ids and a hash, and no attribute. Rows without any id are not in it: nothing would tell them apart.
"""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import TYPE_CHECKING, Final
from zlib import crc32

import polars as pl

from connectors.records import (
    ENABLED,
    GROUPS,
    IDENTITIES,
    MFA,
    PASSWORD,
    PASSWORD_HASH,
    SOURCE_ID,
    USERNAME,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY: Final = "@key"
"""String: who a user is in the source: the id there, or the username where there is none."""

ROW: Final = "row"
"""UInt64: hash of everything that was mapped of a user."""

HOLDS: Final = "holds"
"""Boolean: the user's name in the pool is theirs: they landed, or were left to their first sign-in."""

GONE: Final = "gone"
"""Boolean: the source does not have the user any more; they still hold their name in the pool."""

IDS: Final = ("source_id", "username")

FINGERPRINTS: Final[dict[str, pl.DataType]] = {
    **dict.fromkeys(IDS, pl.String()),
    ROW: pl.UInt64(),
    HOLDS: pl.Boolean(),
    GONE: pl.Boolean(),
}
"""Columns of ``fingerprints.parquet``."""

_LISTS: Final = (GROUPS, IDENTITIES)
_OWN: Final = (USERNAME, PASSWORD_HASH, PASSWORD, GROUPS, ENABLED, MFA, IDENTITIES)
_BETWEEN: Final = "\x1f"
"""Stands between the items of a list; no group and no identity holds it."""


def fingerprinted(users: pl.LazyFrame) -> pl.LazyFrame:
    """``IDS``, ``KEY`` and ``ROW`` of mapped users, in their order."""
    names = users.collect_schema().names()
    mapped = [name for name in names if not name.startswith("@") or name in _OWN]
    ids = users.select(
        pl.col(SOURCE_ID).alias("source_id"), pl.col(USERNAME).alias("username"), row_hash(mapped)
    )
    return ids.with_columns(key())


def key() -> pl.Expr:
    """``KEY`` of users by their ``IDS``."""
    return pl.coalesce(*IDS).alias(KEY)


def row_hash(names: Iterable[str]) -> pl.Expr:
    """``ROW``: the same whatever the order of the columns, and whether empty ones are there or not."""
    zero = pl.lit(0, pl.UInt64)
    hashes = [pl.when(_text(name).is_not_null()).then(_hash(name)).otherwise(zero) for name in names]
    return reduce(xor, hashes, zero).alias(ROW)


def _hash(name: str) -> pl.Expr:
    """The same value in another column has another hash, or two equal ones would cancel each other."""
    return _text(name).hash(crc32(name.encode()))


def _text(name: str) -> pl.Expr:
    column = pl.col(name)
    return column.list.join(_BETWEEN) if name in _LISTS else column.cast(pl.String)


def pairs_of(users: pl.LazyFrame) -> pl.Series:
    """Hash ``KEY`` and ``ROW`` of users together; null for who has no key. UInt64."""
    pair = pl.when(pl.col(KEY).is_not_null()).then(pl.col(KEY).hash() ^ pl.col(ROW))
    return users.select(pair).collect(engine="streaming").to_series()


def probe() -> str:
    """What this machine's polars makes of a known row: where another one says otherwise, no hash compares."""
    known = pl.LazyFrame({USERNAME: ["poolferry"], GROUPS: [["a", "b"]], ENABLED: [True]})
    return f"{known.select(row_hash(known.collect_schema().names())).collect().item():016x}"
