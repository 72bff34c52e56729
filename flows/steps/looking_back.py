"""Is a user whom a run created as the run left them? Told from ``ListUsers``, which costs no MAU (F8.4).

The run read every user back after its last change to them. Whatever is different now was somebody else:
the status, an attribute, whether they are enabled, or ``UserLastModifiedDate``, which is compared with the
same service's own earlier answer and never with a clock of ours.

What moves ``UserLastModifiedDate`` is not documented (F5.17), so it is unproven that a sign-in does. A user
who was ``CONFIRMED`` from the start (an imported hash, a permanent password, a pool without passwords) can
sign in without leaving any documented trace. Such a user counts as one who may have signed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.cognito.users import NATIVE, find_sub, read_back
from flows.ledger.segments import write_parquet
from flows.steps.columns import SUB, VERDICT
from flows.steps.reading_pool import ONE_BY_ONE, look_up
from mappings.duplicates import ORDINAL
from mappings.rules_username import folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from flows.steps.context import Context

WHY_NOT: Final = "why_not"
"""Why a user is not deleted: a code of ``flows.reports.rollback_reasons``; null: nothing is against it."""

GONE: Final = "gone_already"
"""Stands in ``WHY_NOT`` where the pool has neither the user nor their name."""

MADE: Final = ("imported", "created")
"""Verdicts of users whom the run itself put into the pool."""

_READ: Final = "read"
_WAS: Final = "@was_"
_TRAITS: Final = ("status", "enabled", "modified")
_KINDS: Final[Mapping[str, pl.DataType]] = {
    "status": pl.String(),
    "enabled": pl.Boolean(),
    "modified": pl.Datetime("us", "UTC"),
}


def made_users(context: Context) -> pl.LazyFrame:
    """Everybody whom the run created, in the order of the source, as the run left them.

    Returns:
        ``ORDINAL``, ``source_id``, ``username`` (the source's), ``sub``, ``read`` (whether the run has read
        the user back), and each trait and attribute with ``@was_`` in front.
    """
    numbered = pl.scan_parquet(context.folder.verdicts).with_row_index(ORDINAL)
    verdicts = numbered.with_columns(pl.col(ORDINAL).cast(pl.UInt64))
    made = verdicts.filter(pl.col(VERDICT).is_in(MADE)).select(ORDINAL, "source_id", "username", SUB)
    was = _as_left(context).rename({name: f"{_WAS}{name}" for name in _compared(context)})
    return made.join(was, on=SUB, how="left", maintain_order="left").with_columns(
        pl.col(_READ).fill_null(value=False)
    )


def _as_left(context: Context) -> pl.LazyFrame:
    """The pool as the run read it back; of two readings of a user the one that saw the older change."""
    names = _compared(context)
    schema = {SUB: pl.String(), **{name: _KINDS.get(name, pl.String()) for name in names}}
    parts = [pl.scan_parquet(path) for path in context.folder.all("after")]
    everybody = pl.concat([pl.LazyFrame(schema=schema), *parts], how="diagonal_relaxed").select(SUB, *names)
    return everybody.sort("modified").unique(SUB, keep="first").with_columns(pl.lit(value=True).alias(_READ))


def _compared(context: Context) -> list[str]:
    return [*_TRAITS, *context.schema.attributes, "identities"]


def look(context: Context, users: pl.DataFrame, folder: Path) -> pl.LazyFrame:
    """Look for users in the pool as it is now.

    Args:
        context: the run.
        users: rows of ``made_users``.
        folder: where what was read lies meanwhile.

    Returns:
        ``sub``, the pool's ``username``, traits and attributes of those users who are there, and of others.
    """
    known = users.filter(pl.col(SUB).is_not_null())
    whole = known.height > ONE_BY_ONE
    _keep(context, _everybody(context) if whole else _each(context, known), folder / "now")
    missing = known.lazy().join(_kept(context, folder), on=SUB, how="anti").collect()
    if missing.height <= ONE_BY_ONE:  # a reading is eventually consistent (F5.15)
        again = _each(context, missing) if whole else ()
        _keep(context, [*again, *_of_the_same_name(context, missing)], folder / "late")
    return _kept(context, folder)


def look_again(context: Context, sub: str) -> pl.DataFrame:
    """One user as the pool has them this moment, in the form of ``look``; no row where there is none."""
    return _shaped(context, find_sub(context.cognito, context.schema.pool_id, sub).lazy()).collect()


def _everybody(context: Context) -> Iterable[pl.DataFrame]:
    return read_back(context.cognito, context.schema.pool_id)


def _each(context: Context, users: pl.DataFrame) -> Iterable[pl.DataFrame]:
    return (find_sub(context.cognito, context.schema.pool_id, sub) for sub in users[SUB])


def _of_the_same_name(context: Context, users: pl.DataFrame) -> Iterable[pl.DataFrame]:
    return look_up(context, users["username"])


def _keep(context: Context, frames: Iterable[pl.DataFrame], folder: Path) -> None:
    folder.mkdir(mode=0o700)
    done = 0
    for number, users in enumerate(frames, 1):
        write_parquet(users, folder / f"u{number:05d}.parquet")
        done += users.height
        context.progress.update(done)


def _kept(context: Context, folder: Path) -> pl.LazyFrame:
    parts = [pl.scan_parquet(path) for path in sorted(folder.glob("*/*.parquet"))]
    return pl.concat([_shaped(context, part) for part in [_nobody(context), *parts]]).unique(SUB)


def _nobody(context: Context) -> pl.LazyFrame:
    names = [SUB, "username", *_compared(context)]
    return pl.LazyFrame(schema={name: _KINDS.get(name, pl.String()) for name in names})


def _shaped(context: Context, users: pl.LazyFrame) -> pl.LazyFrame:
    shape = _nobody(context)
    names = shape.collect_schema().names()
    return pl.concat([shape, users], how="diagonal_relaxed").select(names)


def judged(
    context: Context, users: pl.LazyFrame, now: pl.LazyFrame, *, confirmed_too: bool = False
) -> pl.LazyFrame:
    """Say of each user why they are not deleted.

    Args:
        context: the run.
        users: rows of ``made_users``.
        now: what ``look`` has seen.
        confirmed_too: whether somebody has said that nobody has signed in yet, so that users count as
            unused who were ``CONFIRMED`` from the start.

    Returns:
        ``ORDINAL``, ``source_id``, ``username``, ``sub``, ``@name`` (the pool's username) and ``WHY_NOT``.
    """
    there = now.with_columns(pl.lit(value=True).alias("@there")).rename({"username": "@name"})
    both = users.join(there, on=SUB, how="left", maintain_order="left")
    named = both.with_columns(folded(pl.col("username"), context.schema).alias("@folded")).join(
        _names(context, now), on="@folded", how="left", maintain_order="left"
    )
    reasons = [
        pl.when(condition).then(pl.lit(code))
        for code, condition in _rules(context, confirmed_too=confirmed_too)
    ]
    return named.select(ORDINAL, "source_id", "username", SUB, "@name", pl.coalesce(reasons).alias(WHY_NOT))


def _rules(context: Context, *, confirmed_too: bool) -> list[tuple[str, pl.Expr]]:
    """Code and condition; the first that holds is the reason."""
    gone = pl.col("@there").is_null()
    differs = [
        pl.col(name).ne_missing(pl.col(f"{_WAS}{name}")) for name in _compared(context) if name != "status"
    ]
    confirmed = pl.lit(value=not confirmed_too) & (pl.col("status") == "CONFIRMED")
    return [
        ("sub_unknown", pl.col(SUB).is_null()),
        ("replaced", gone & pl.col("@taken").is_not_null()),
        (GONE, gone),
        ("not_read_back", ~pl.col(_READ)),
        ("status_moved", pl.col("status").ne_missing(pl.col(f"{_WAS}status"))),
        ("changed_since", pl.any_horizontal(differs)),
        ("may_have_signed_in", confirmed),
    ]


def _names(context: Context, now: pl.LazyFrame) -> pl.LazyFrame:
    """Every name that somebody in the pool has now, as the source may write it."""
    columns = context.schema.username_attributes or ("username",)
    if context.schema.username_attributes:
        now = now.filter(NATIVE)  # the others sign in by no address (F7.20)
    names = [now.select(folded(pl.col(name), context.schema).alias("@folded")) for name in columns]
    return pl.concat(names).drop_nulls().unique().with_columns(pl.lit(value=True).alias("@taken"))
