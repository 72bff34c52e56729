"""Which users of the source would take a name that an earlier one takes: first wins (F1.48, F1.50).

The rule, exactly: users come one after the other. One who needs a name that is taken loses and takes
none; any other takes all his names. So who loses by his username leaves his e-mail address free.

``find_duplicates`` works on 64-bit hashes: 40 million users are 1.6 GB, and two different names have
the same hash once in 20,000 such runs. Who cannot live with that re-reads the rows of ``suspects``
and hands their real names to ``confirm_duplicates``, which is exact.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from connectors.records import REASON

if TYPE_CHECKING:
    from collections.abc import Mapping

ORDINAL = "@ordinal"
"""UInt64: the row's number in the whole source; smaller is earlier."""

KEY_USERNAME = "@key_username"
KEY_EMAIL = "@key_email"
KEY_PHONE_NUMBER = "@key_phone_number"
KEY_PREFERRED_USERNAME = "@key_preferred_username"

CODES: Mapping[str, str] = MappingProxyType(
    {
        KEY_USERNAME: "duplicate_username",
        KEY_EMAIL: "email_taken",
        KEY_PHONE_NUMBER: "phone_number_taken",
        KEY_PREFERRED_USERNAME: "preferred_username_taken",
    }
)
"""Key column → the reason code of who loses by it; in the order in which a reason is chosen."""

_ROUNDS = 50
"""Enough for all but sources made to be awkward: each round decides every row but those in a chain."""


def find_duplicates(keys: pl.DataFrame) -> pl.DataFrame:
    """Find the rows that lose against an earlier row of the source.

    Args:
        keys: ``ORDINAL``, each number once, in any order, and the columns of ``CODES``: UInt64 hashes,
            null where a row takes no such name.

    Returns:
        ``ORDINAL`` and ``REASON`` of the losers, by rising ordinal.
    """
    rivals = keys.filter(_shared(keys)).sort(ORDINAL)
    winners = _winners(rivals)
    losers = rivals.join(winners, on=ORDINAL, how="anti", maintain_order="left")
    return _with_reasons(losers, winners)


def suspects(keys: pl.DataFrame) -> pl.Series:
    """Name the rows that have a hash in common with another row; nobody else can lose.

    Args:
        keys: as for ``find_duplicates``.

    Returns:
        UInt64, named ``ORDINAL``, rising. All rows that share a name are in it, also those that win.
    """
    return keys.filter(_shared(keys))[ORDINAL].sort()


def confirm_duplicates(values: pl.DataFrame) -> pl.DataFrame:
    """Find the losers exactly, on the real names of the suspects.

    Args:
        values: ``ORDINAL`` and, in the columns of ``CODES``, the names themselves (``Rules.key_values``),
            for every row of ``suspects``.

    Returns:
        As ``find_duplicates``.
    """
    return find_duplicates(values)


def _shared(keys: pl.DataFrame) -> pl.Series:
    """True where a row has any name in common with another row."""
    return reduce(or_, (_repeated(keys[key]) for key in CODES))


def _repeated(values: pl.Series) -> pl.Series:
    """True where a value that is not null stands more than once.

    Sorting takes a fraction of the memory of counting.
    """
    in_order = values.drop_nulls().sort()
    twice = in_order.filter(in_order == in_order.shift()).unique()
    return values.is_in(twice.implode()).fill_null(value=False)


def _winners(rivals: pl.DataFrame) -> pl.DataFrame:
    """The rows that get all their names.

    The first of all who still want their names gets them; who wanted one of those is out. Both are
    done for all names at once, until nobody is left.
    """
    won, still = [rivals.clear()], rivals
    for _ in range(_ROUNDS):
        if still.is_empty():
            break
        first = pl.all_horizontal(_first_or_none(key) for key in CODES)
        won.append(still.filter(first))
        still = _without(still.filter(~first), won[-1])
    return pl.concat([*won, _one_by_one(still)])


def _first_or_none(key: str) -> pl.Expr:
    return pl.col(key).is_null() | (pl.col(ORDINAL) == pl.col(ORDINAL).min().over(key))


def _without(still: pl.DataFrame, won: pl.DataFrame) -> pl.DataFrame:
    """Drop the rows that want a name which is taken now."""
    for key in CODES:
        still = still.join(won.select(key), on=key, how="anti", maintain_order="left")
    return still


def _one_by_one(rows: pl.DataFrame) -> pl.DataFrame:
    """Decide one row after the other: long chains, in which each row hangs on the one before."""
    taken: dict[str, set[object]] = {key: set() for key in CODES}
    wins = []
    for row in rows.select(*CODES).iter_rows(named=True):
        names = {key: name for key, name in row.items() if name is not None}
        wins.append(all(name not in taken[key] for key, name in names.items()))
        if wins[-1]:
            for key, name in names.items():
                taken[key].add(name)
    return rows.filter(pl.Series(wins, dtype=pl.Boolean))


def _with_reasons(losers: pl.DataFrame, winners: pl.DataFrame) -> pl.DataFrame:
    """Say by which name each loser lost: the first whose owner comes before him."""
    for key in CODES:
        owners = winners.select(key, pl.col(ORDINAL).alias(f"{key} owner"))
        losers = losers.join(owners, on=key, how="left", maintain_order="left")
    lost = (
        pl.when(pl.col(f"{key} owner") < pl.col(ORDINAL)).then(pl.lit(code)) for key, code in CODES.items()
    )
    return losers.select(ORDINAL, pl.coalesce(*lost).alias(REASON))
