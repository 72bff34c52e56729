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
        The frame with ``ALGORITHM``, and ``column``: the reason code of a hash that is not usable, or
        null.
    """
    hashes = _of_enabled_users(frame)
    algorithms = formats.algorithms(hashes)
    frame = frame.with_columns(algorithms.alias(ALGORITHM), pl.lit(None, pl.String).alias(column))
    if algorithms.null_count() == hashes.null_count():
        return frame
    places = (hashes.is_not_null() & algorithms.is_null()).arg_true()
    return _judge_again(frame, places, formats, column)


def _of_enabled_users(frame: pl.DataFrame) -> pl.Series:
    if frame[PASSWORD_HASH].null_count() == frame.height or frame[ENABLED].all():
        return frame[PASSWORD_HASH]
    return frame.select(pl.when(ENABLED).then(PASSWORD_HASH)).to_series()


def _judge_again(frame: pl.DataFrame, places: pl.Series, formats: HashFormats, column: str) -> pl.DataFrame:
    """Trim the hashes that were not recognised, and say what is wrong with those that still are not."""
    given = frame[PASSWORD_HASH].gather(places)
    trimmed = given.str.strip_chars()
    trimmed = trimmed.set(trimmed == "", None)
    algorithms = formats.algorithms(trimmed)
    found = {column: formats.problems(trimmed.set(algorithms.is_not_null(), None))}
    if not trimmed.equals(given):
        found |= {PASSWORD_HASH: trimmed, ALGORITHM: algorithms}
    return frame.with_columns(frame[name].scatter(places, values) for name, values in found.items())
