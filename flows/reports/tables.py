"""The reports that a spreadsheet opens: why users did not land and what to do, and the map of ids.

They are made from ``verdicts.parquet`` alone, as streams, and hold ids but no attribute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from flows.reports.cells import write_cells
from flows.steps.columns import IN_THE_POOL, SUB, VERDICT, WHY
from mappings.reasons import reason

if TYPE_CHECKING:
    from flows.ledger.folder import RunFolder

EXPLAINED: Final = ("rejected", "failed", "existing")
"""Verdicts with a file of their own: ``rejected.csv`` and so on."""

NO_REASON: Final = {"existing": "already_in_pool", "failed": "not_settled"}
"""What is said of users whose verdict has no reason of its own."""

USERS: Final = "users"


@dataclass(frozen=True, slots=True)
class IdMap:
    """How complete ``id_map.csv`` is; counts of source users.

    Attributes:
        in_pool: users whom the pool has when the run is over.
        known: those of them whose ``sub`` is known; each is a row of the file.
        repeated: rows whose ``sub`` another row has too.
    """

    in_pool: int
    known: int
    repeated: int

    @property
    def is_complete(self) -> bool:
        """Everybody in the pool has a ``sub``, and nobody has another's."""
        return self.known == self.in_pool and not self.repeated


def write_tables(folder: RunFolder, verdicts: pl.LazyFrame) -> None:
    """Write ``reasons.csv``, a file for each of ``EXPLAINED`` and ``id_map.csv``.

    Args:
        folder: the run's folder.
        verdicts: rows of ``verdicts.parquet``.
    """
    told = explained(verdicts)
    write_cells(counted(told), folder.path / "reasons.csv")
    for verdict in EXPLAINED:
        write_cells(_for_people(of_one_verdict(told, verdict)), folder.path / f"{verdict}.csv")
    write_id_map(folder, verdicts)


def write_id_map(folder: RunFolder, verdicts: pl.LazyFrame) -> None:
    """Write ``id_map.csv``: old id, username and new ``sub`` of users in the pool who have a known one."""
    known = _in_pool(verdicts).filter(pl.col(SUB).is_not_null())
    write_cells(known.select("source_id", "username", SUB), folder.path / "id_map.csv")


def check_id_map(verdicts: pl.LazyFrame) -> IdMap:
    """Count what ``id_map.csv`` holds, and what it lacks."""
    sub = pl.col(SUB)
    counts = _in_pool(verdicts).select(
        pl.len().alias("in_pool"), sub.count().alias("known"), sub.n_unique().alias("kinds"),
        sub.null_count().alias("nulls"),
    ).collect(engine="streaming").row(0, named=True)  # fmt: skip
    distinct = counts["kinds"] - bool(counts["nulls"])
    return IdMap(counts["in_pool"], counts["known"], counts["known"] - distinct)


def _in_pool(verdicts: pl.LazyFrame) -> pl.LazyFrame:
    return verdicts.filter(pl.col(VERDICT).is_in(IN_THE_POOL))


def explained(verdicts: pl.LazyFrame) -> pl.LazyFrame:
    """The users of ``EXPLAINED`` with their reason, and how many users share verdict and reason."""
    missing = pl.col(VERDICT).replace_strict(NO_REASON, default=None, return_dtype=pl.String)
    chosen = verdicts.filter(pl.col(VERDICT).is_in(EXPLAINED)).with_columns(pl.coalesce(WHY, missing))
    sizes = chosen.group_by(VERDICT, WHY).agg(pl.len().alias(USERS))
    return chosen.with_row_index("@row").join(sizes, on=[VERDICT, WHY], how="left", nulls_equal=True)


def counted(told: pl.LazyFrame) -> pl.LazyFrame:
    """Verdict and reason with the number of users, the most frequent first, and what to do."""
    groups = told.group_by(VERDICT, WHY).agg(pl.col(USERS).first())
    order = pl.col(VERDICT).replace_strict({verdict: n for n, verdict in enumerate(EXPLAINED)})
    falling = groups.sort(order, USERS, WHY, descending=[False, True, False])
    return _with_texts(falling).select(VERDICT, WHY, USERS, "sentence", "fact", "what_to_do")


def of_one_verdict(told: pl.LazyFrame, verdict: str) -> pl.LazyFrame:
    """The most frequent reason first, and within a reason the order of the source."""
    chosen = told.filter(pl.col(VERDICT) == verdict)
    return chosen.sort(USERS, WHY, "@row", descending=[True, False, False])


def _for_people(users: pl.LazyFrame) -> pl.LazyFrame:
    columns = ("source_id", "username", "file", "line", WHY, "sentence", "fact", "what_to_do")
    return _with_texts(users).select(columns)


def _with_texts(users: pl.LazyFrame) -> pl.LazyFrame:
    codes = users.select(pl.col(WHY).unique().drop_nulls()).collect(engine="streaming")[WHY].to_list()
    said = [reason(code) for code in codes]
    texts = pl.LazyFrame(
        {
            WHY: codes,
            "sentence": [one.sentence for one in said],
            "fact": [one.fact for one in said],
            "what_to_do": [one.mend for one in said],
        },
        schema=dict.fromkeys((WHY, "sentence", "fact", "what_to_do"), pl.String),
    )
    return users.join(texts, on=WHY, how="left", maintain_order="left")
