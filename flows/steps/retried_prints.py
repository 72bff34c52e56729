"""Fingerprints of a run with what its retries have read since: a run writes its own before it is retried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from flows.ledger.families import RETRY, chain_of, record_of
from flows.steps.columns import PARENT
from flows.steps.family_verdicts import finished_children, landed_by_retries
from flows.steps.fingerprints import HOLDS, IDS, KEY, ROW, fingerprinted
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from flows.ledger.folder import RunFolder

_OLD: Final = {KEY: "@old_key", ROW: "@old_row"}
_NEW: Final = {name: f"@new_{name}" for name in (*IDS, KEY, ROW)}


def with_retries(folder: RunFolder, prints: pl.LazyFrame) -> pl.LazyFrame:
    """Let those whom retries have landed be as the source was read last, and hold the name that they got.

    Args:
        folder: a run; retries of the runs that it goes on from count as well.
        prints: its fingerprints, with ``KEY``.
    """
    found = [later for run in chain_of(folder) if (later := _later(run)) is not None]
    if not found:
        return prints
    later = pl.concat(found).unique([*_OLD.values()], keep="last")
    told = prints.join(later, left_on=[*_OLD], right_on=[*_OLD.values()], how="left", maintain_order="left")
    is_later = pl.col("@named").is_not_null() & ~pl.col(HOLDS)
    renewed = [
        pl.when(is_later).then(pl.coalesce(new, old)).otherwise(old).alias(old) for old, new in _NEW.items()
    ]
    holds = pl.when(is_later).then(pl.col("@named") == renewed[IDS.index("username")]).otherwise(HOLDS)
    return told.with_columns(*renewed, holds.alias(HOLDS)).drop("@named", *_NEW.values())


def _later(run: RunFolder) -> pl.LazyFrame | None:
    """How a run has read those whom its retries have landed, what was read of them last, and ``@named``."""
    landed = landed_by_retries(run)
    if landed is None:
        return None
    ends = landed.select(ORDINAL, pl.col("username").alias("@named"))
    users = run.scan_users().join(ends, on=ORDINAL, how="semi").collect().lazy()
    own = pl.concat([users.select(ORDINAL), fingerprinted(users).select(KEY, ROW)], how="horizontal")
    mine = ends.join(own.rename(_OLD), on=ORDINAL, how="inner")
    return mine.join(_read_last(run).rename(_NEW), on=ORDINAL, how="left").drop(ORDINAL)


def _read_last(run: RunFolder) -> pl.LazyFrame:
    """``ORDINAL``, ``IDS``, ``KEY`` and ``ROW`` of a run's users as the last retry read them in the source.

    A corrected file is not the source, which may say what it said.
    """
    found = fingerprinted(run.scan_users().head(0)).select(
        pl.lit(0, pl.UInt64).alias(ORDINAL), *IDS, KEY, ROW
    )
    for child in finished_children(run):
        if record_of(child).facts[RETRY]["file"]:
            continue
        users, deeper = child.scan_users(), _read_last(child)
        parents = users.select(ORDINAL, PARENT)
        own = pl.concat([parents, fingerprinted(users)], how="horizontal")
        own = pl.concat(
            [own.join(deeper, on=ORDINAL, how="anti"), parents.join(deeper, on=ORDINAL, how="inner")],
            how="diagonal",
        )
        mine = own.select(pl.col(PARENT).alias(ORDINAL), *IDS, KEY, ROW)
        found = pl.concat([found.join(mine, on=ORDINAL, how="anti"), mine])
    return found
