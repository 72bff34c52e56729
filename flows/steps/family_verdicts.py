"""What became of a run's users in the end, with the verdicts of its retries laid over its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from connectors.records import VERDICTS
from flows.ledger.families import children_of
from flows.steps.columns import IN_THE_POOL, NOT_LANDED, PARENT, VERDICT, WHY
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.ledger.folder import RunFolder

_KEPT = ("file", "line")
"""What stays the parent's: a retry may have read another file."""


def in_the_end(folder: RunFolder) -> pl.LazyFrame:
    """The rows of ``verdicts.parquet`` with what finished retries have made of them, in the same order.

    A user whom two retries took has the verdict of the newer one. Whom a retry has made and a rollback of it
    has deleted has the verdict from before that retry, so that another one takes them.
    """
    own = pl.scan_parquet(folder.verdicts)
    names = own.collect_schema().names()
    numbered = _numbered(own)
    for child in finished_children(folder):
        numbered = _laid_over(numbered, _links(child), names)
    return numbered.select(names)


def still_there(folder: RunFolder) -> pl.LazyFrame:
    """The rows of ``in_the_end`` without those whose user a rollback has deleted, or found gone."""
    lost = pl.col(WHY).is_null() | (pl.col(WHY) == "replaced")
    return _without(folder, lost, _numbered(in_the_end(folder))).drop(ORDINAL)


def _without(folder: RunFolder, lost: pl.Expr, numbered: pl.LazyFrame) -> pl.LazyFrame:
    """Rows with ``ORDINAL`` but for the ``lost`` ones of the run's last rollback, if it came to its end."""
    if not folder.rolled_back.exists():
        return numbered
    gone = pl.scan_parquet(folder.rolled_back).filter(lost).select(ORDINAL, pl.lit(value=True).alias("@lost"))
    joined = numbered.join(gone, on=ORDINAL, how="left", maintain_order="left")
    return joined.filter(pl.col("@lost").is_null()).drop("@lost")


def _numbered(verdicts: pl.LazyFrame) -> pl.LazyFrame:
    return verdicts.with_row_index(ORDINAL).with_columns(pl.col(ORDINAL).cast(pl.UInt64))


def mapped_in_the_end(folder: RunFolder, columns: Sequence[str]) -> pl.LazyFrame:
    """``ORDINAL`` and columns of a run's users as they were mapped last: by their retry, if one took them.

    A column that a run does not have is null there; the order is nobody's.
    """
    mapped = _with_columns(folder.scan_users(), [ORDINAL, *columns])
    for child in finished_children(folder):
        parents = child.scan_users().select(ORDINAL, PARENT)
        theirs = mapped_in_the_end(child, columns).join(parents, on=ORDINAL, how="inner")
        theirs = theirs.with_columns(pl.col(PARENT).alias(ORDINAL)).drop(PARENT)
        mapped = pl.concat([mapped.join(theirs, on=ORDINAL, how="anti"), theirs], how="diagonal_relaxed")
    return mapped


def _with_columns(users: pl.LazyFrame, columns: Sequence[str]) -> pl.LazyFrame:
    known = users.collect_schema().names()
    return users.select(pl.col(name) if name in known else pl.lit(None).alias(name) for name in columns)


def landed_by_retries(folder: RunFolder) -> pl.LazyFrame | None:
    """The rows of ``in_the_end``, with ``ORDINAL``, of whom a retry has landed and the run itself has not.

    None where there is no retry, or the run was purged: it knows nobody any more.
    """
    if not finished_children(folder) or not folder.has_users():
        return None
    own = pl.scan_parquet(folder.verdicts).select(pl.col(VERDICT).is_in(NOT_LANDED).alias("@was_left"))
    ends = pl.concat([_numbered(in_the_end(folder)), own], how="horizontal")
    return ends.filter(pl.col("@was_left") & ~pl.col(VERDICT).is_in(NOT_LANDED)).drop("@was_left")


def finished_children(folder: RunFolder) -> list[RunFolder]:
    """The retries of a run that have come to an end, the oldest first."""
    return [child for child in children_of(folder) if child.verdicts.exists()]


def _links(child: RunFolder) -> pl.LazyFrame:
    """The verdicts of a retry, with the ordinal that each user has in the parent.

    Nobody is in it whom a rollback of the retry has deleted, or found gone.
    """
    verdicts = _without(child, pl.col(WHY).is_null(), _numbered(in_the_end(child)))
    parents = child.scan_users().select(ORDINAL, PARENT)
    return verdicts.join(parents, on=ORDINAL, how="inner").drop(ORDINAL)


def _laid_over(numbered: pl.LazyFrame, links: pl.LazyFrame, names: Sequence[str]) -> pl.LazyFrame:
    new = links.rename({name: f"@new_{name}" for name in names})
    taken = pl.col(f"@new_{VERDICT}").is_not_null()
    joined = numbered.join(new, left_on=ORDINAL, right_on=PARENT, how="left", maintain_order="left")
    return joined.with_columns(
        pl.when(taken & (pl.col(f"@new_{name}").is_not_null() | (name not in ("source_id", "username"))))
        .then(pl.col(f"@new_{name}"))
        .otherwise(pl.col(name))
        .alias(name)
        for name in names
        if name not in _KEPT
    ).select(ORDINAL, *names)


def after_retries(folder: RunFolder) -> dict[str, Any] | None:
    """How a run stands with its finished retries; None where it has none.

    Returns:
        ``retries`` (their ids), and as counts ``extracted``, ``landed`` (in the pool) and ``verdicts``.
    """
    if not folder.verdicts.exists() or not (retries := finished_children(folder)):
        return None
    counted = in_the_end(folder).group_by(VERDICT).len().collect(engine="streaming")
    counts = dict(counted.iter_rows())
    verdicts = {verdict: int(counts.get(verdict, 0)) for verdict in VERDICTS}
    return {
        "retries": [child.run_id for child in retries],
        "extracted": sum(verdicts.values()),
        "landed": sum(count for name, count in verdicts.items() if name in IN_THE_POOL),
        "verdicts": verdicts,
    }


def retries_sentence(told: dict[str, Any]) -> str:
    """``after retries: 2,990 of 3,000 landed, 10 are rejected or failed``."""
    verdicts = told["verdicts"]
    left = verdicts["rejected"] + verdicts["failed"]
    later = f", {verdicts['deferred']:,} left to their first sign-in" if verdicts["deferred"] else ""
    return (
        f"after retries: {told['landed']:,} of {told['extracted']:,} landed{later}, "
        f"{left:,} still rejected or failed"
    )
