"""Hold what arrived against what was sent, attribute by attribute; only counts leave this file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import polars as pl

from mappings.duplicates import KEY_EMAIL, KEY_PHONE_NUMBER, KEY_PREFERRED_USERNAME, KEY_USERNAME, ORDINAL
from mappings.rules_username import folded

if TYPE_CHECKING:
    from connectors.records import PoolSchema
    from flows.steps.context import Context

SIGN_IN: Final = {
    "email": KEY_EMAIL,
    "phone_number": KEY_PHONE_NUMBER,
    "preferred_username": KEY_PREFERRED_USERNAME,
}
"""Attributes that people may sign in with, and the key that is unique in the pool."""

CONTACTS: Final = ("email", "phone_number")
FLAGS: Final = tuple(f"{contact}_verified" for contact in CONTACTS)

USERS_AT_ONCE: Final = 250_000
"""About so many users' values are held at once: some hundred megabytes, however large the pool is."""


def differences(context: Context, landed: pl.DataFrame, after: pl.LazyFrame) -> dict[str, int]:
    """How many landed users have another value in the pool than was sent, by attribute.

    Args:
        context: the run.
        landed: ``ORDINAL`` of those who are compared.
        after: the pool as it was read back, with ``KEY_USERNAME``; its values are held share by share.
    """
    names = compared(context)
    shares = math.ceil(landed.height / USERS_AT_ONCE) or 1
    counted = [_counted(context, landed, after, names, (shares, number)) for number in range(shares)]
    total = {name: sum(count[name] for count in counted) for name in names}
    return {name: count for name, count in total.items() if count}


def _counted(
    context: Context, landed: pl.DataFrame, after: pl.LazyFrame, names: list[str], share: tuple[int, int]
) -> dict[str, int]:
    """The differences of those users whose keys fall to one share of so many."""
    shares, number = share
    ours = pl.col(KEY_USERNAME) % shares == number
    there = after.collect_schema()
    values = {name: pl.col(name) if name in there else pl.lit(None, pl.String) for name in names}
    known = [value.alias(pool_column(name)) for name, value in values.items()]
    pool = after.filter(ours).select(KEY_USERNAME, *known).unique(KEY_USERNAME)
    sent = context.folder.scan_users().filter(ours).select(ORDINAL, KEY_USERNAME, *names)
    pairs = sent.join(landed.lazy().select(ORDINAL), on=ORDINAL, how="semi").join(pool, on=KEY_USERNAME)
    counted = pairs.select(differs(context.schema, name).sum().alias(name) for name in names)
    return dict(counted.collect(engine="streaming").row(0, named=True))


def compared(context: Context) -> list[str]:
    """The attributes that travel and that the pool has."""
    return [name for name in context.attributes if name in context.schema.attributes]


def as_sent(context: Context) -> pl.Expr:
    """True where no text in the pool contradicts what was sent; numbers may be written otherwise there."""
    schema = context.schema
    texts = [name for name in compared(context) if schema.attributes[name].type == "String"]
    lacks = [
        contradicts(schema, name, pl.col(name), pl.col(pool_column(name)))
        for name in texts
        if name not in FLAGS
    ]
    return ~pl.any_horizontal(pl.lit(value=False), *lacks)


def pool_column(name: str) -> str:
    """The column that holds an attribute's value in the pool, beside the one that was mapped."""
    return f"@pool_{name}"


def differs(schema: PoolSchema, name: str) -> pl.Expr:
    """True where a user has a value for an attribute and the pool another one, or none."""
    return unlike(schema, name, pl.col(name), pl.col(pool_column(name)))


def contradicts(schema: PoolSchema, name: str, sent: pl.Expr, there: pl.Expr) -> pl.Expr:
    """True where ``existing: update`` would like to write ``sent`` in the place of what is ``there``.

    Names that people sign in with are compared as the pool does it: maybe without letter case. What is
    verified never becomes unverified.
    """
    if name in FLAGS:
        return (sent == "true").fill_null(value=False) & there.str.to_lowercase().ne_missing("true")
    if name not in SIGN_IN:
        return unlike(schema, name, sent, there)
    same = folded(sent, schema) == folded(there, schema)
    return sent.is_not_null() & ~same.fill_null(value=False)


def unlike(schema: PoolSchema, name: str, sent: pl.Expr, there: pl.Expr) -> pl.Expr:
    """True where ``sent`` is a value of an attribute, and not the one that is ``there``."""
    same = sent == there
    if schema.attributes[name].type == "Boolean":
        same = sent.str.to_lowercase() == there.str.to_lowercase()
    if name == "birthdate":  # whether Cognito keeps the CSV's mm/dd/yyyy is not known (F1.37)
        american = pl.concat_str(
            sent.str.slice(5, 2), sent.str.slice(8, 2), sent.str.slice(0, 4), separator="/"
        )
        same = same | (american == there)
    return sent.is_not_null() & ~same.fill_null(value=False)
