"""Hold what arrived against what was sent, attribute by attribute; only counts leave this file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from mappings.duplicates import KEY_USERNAME, ORDINAL

if TYPE_CHECKING:
    from connectors.records import PoolSchema
    from flows.steps.context import Context


def differences(context: Context, landed: pl.DataFrame, after: pl.DataFrame) -> dict[str, int]:
    """How many landed users have another value in the pool than was sent, by attribute."""
    names = [name for name in context.attributes if name in context.schema.attributes]
    pool = after.rename({name: pool_column(name) for name in names if name in after.columns})
    pool = pool.with_columns(
        pl.lit(None, dtype=pl.String).alias(pool_column(name))
        for name in names if pool_column(name) not in pool.columns
    )  # fmt: skip
    pairs = (
        context.folder.scan_users()
        .select(ORDINAL, KEY_USERNAME, *names)
        .join(landed.lazy().select(ORDINAL), on=ORDINAL, how="semi")
        .join(pool.lazy(), on=KEY_USERNAME, how="inner")
    )
    counted = pairs.select(differs(context.schema, name).sum().alias(name) for name in names).collect(
        engine="streaming"
    )
    return {name: int(count) for name, count in counted.row(0, named=True).items() if count}


def pool_column(name: str) -> str:
    """The column that holds an attribute's value in the pool, beside the one that was mapped."""
    return f"@pool_{name}"


def differs(schema: PoolSchema, name: str) -> pl.Expr:
    """True where a user has a value for an attribute and the pool another one, or none."""
    sent, there = pl.col(name), pl.col(pool_column(name))
    same = sent == there
    if schema.attributes[name].type == "Boolean":
        same = sent.str.to_lowercase() == there.str.to_lowercase()
    if name == "birthdate":  # whether Cognito keeps the CSV's mm/dd/yyyy is not known (F1.37)
        american = pl.concat_str(
            sent.str.slice(5, 2), sent.str.slice(8, 2), sent.str.slice(0, 4), separator="/"
        )
        same = same | (american == there)
    return sent.is_not_null() & ~same.fill_null(value=False)
