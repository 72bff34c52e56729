"""Which users travel with their password hash, and why the others do not (F2.4-F2.9, F7.12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from connectors.records import ALGORITHM, ENABLED, PASSWORD_HASH

if TYPE_CHECKING:
    from mappings.hash_formats import HashFormats


def with_algorithms(frame: pl.DataFrame, formats: HashFormats, column: str) -> pl.DataFrame:
    """Set ``ALGORITHM`` where an enabled user's hash is one that the pool takes.

    A disabled user never travels with a hash: between import and disabling it would let him in (F7.12).
    A hash that is not usable as it stands is trimmed (F1.21); an empty one is none.

    Returns:
        The frame with ``ALGORITHM``, and where ``column`` was null the reason code of a hash that is
        not usable.
    """
    hashes = _of_enabled_users(frame)
    algorithms = formats.algorithms(hashes)
    if algorithms.null_count() == hashes.null_count():
        return frame.with_columns(algorithms.alias(ALGORITHM))
    rest = hashes.zip_with(algorithms.is_null(), _nothing(hashes))
    return _with_the_rest(frame.with_columns(algorithms.alias(ALGORITHM)), rest, formats, column)


def _of_enabled_users(frame: pl.DataFrame) -> pl.Series:
    if frame[PASSWORD_HASH].null_count() == frame.height or frame[ENABLED].all():
        return frame[PASSWORD_HASH]
    return frame.select(pl.when(ENABLED).then(PASSWORD_HASH)).to_series()


def _with_the_rest(frame: pl.DataFrame, rest: pl.Series, formats: HashFormats, column: str) -> pl.DataFrame:
    """Trim the hashes that were not recognised, and judge these few again."""
    trimmed = rest.str.strip_chars()
    trimmed = trimmed.zip_with(trimmed != "", _nothing(rest))
    algorithms = formats.algorithms(trimmed)
    problems = formats.problems(trimmed.zip_with(algorithms.is_null(), _nothing(rest)))
    untouched = pl.col(PASSWORD_HASH)
    return frame.with_columns(
        pl.when(pl.lit(rest).is_null()).then(untouched).otherwise(pl.lit(trimmed)).alias(PASSWORD_HASH),
        pl.coalesce(ALGORITHM, pl.lit(algorithms)),
        pl.coalesce(column, pl.lit(problems)),
    )


def _nothing(values: pl.Series) -> pl.Series:
    return pl.Series(values.name, [None], dtype=pl.String).new_from_index(0, values.len())
