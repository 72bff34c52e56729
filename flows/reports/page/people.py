"""Whom the page names: users who are rejected or have failed, by their ids in the source.

A page is no place for a million rows: it names some thousands, of every reason its share, and links to the
CSV file that names everybody. Usernames and attributes, which may be addresses of people, stand in it only
where they are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from connectors.records import USERNAME
from flows.reports.tables import explained, of_one_verdict
from flows.steps.columns import NOT_LANDED, WHY

if TYPE_CHECKING:
    from flows.ledger.folder import RunFolder
    from flows.steps.finishing import Summary

MOST_ROWS: Final = 5_000
"""Users of one verdict whom the page names."""

_HEADS: Final = {"source_id": "Id in the source", WHY: "Reason", "file": "File", "line": "Line"}
_PLACE: Final = "@place"


@dataclass(frozen=True, slots=True)
class Named:
    """Users of one verdict.

    Attributes:
        verdict: ``rejected`` or ``failed``.
        users: how many there are.
        heads: the columns.
        rows: their cells; None where there is nothing to tell.
    """

    verdict: str
    users: int
    heads: tuple[str, ...]
    rows: list[list[Any]]

    @property
    def file(self) -> str:
        """The file beside the page that names everybody."""
        return f"{self.verdict}.csv"


def named_users(folder: RunFolder, summary: Summary, *, with_values: bool) -> list[Named]:
    """The users of each verdict that landed nobody; nothing where there are none.

    Args:
        folder: the run's folder.
        summary: its numbers.
        with_values: whether usernames and attributes stand there as they were mapped; passwords and
            hashes never do.
    """
    verdicts = pl.scan_parquet(folder.verdicts).with_row_index(_PLACE)
    told = explained(verdicts)
    return [
        _named(folder, of_one_verdict(told, name), name, summary["verdicts"][name], with_values=with_values)
        for name in NOT_LANDED
        if summary["verdicts"][name]
    ]


def _named(folder: RunFolder, users: pl.LazyFrame, verdict: str, count: int, *, with_values: bool) -> Named:
    chosen = of_every_reason(users).collect(engine="streaming")
    heads, cells = dict(_HEADS), chosen.select(_PLACE, *_HEADS)
    if with_values:
        values = _values(folder, chosen)
        heads |= {name: name for name in values.columns if name != _PLACE}
        cells = cells.join(values, on=_PLACE, how="left", maintain_order="left")
    rows = [list(row) for row in cells.drop(_PLACE).iter_rows()]
    return Named(verdict, count, tuple(heads.values()), rows)


def of_every_reason(users: pl.LazyFrame, most: int = MOST_ROWS) -> pl.LazyFrame:
    """At most so many users; a reason that few have is not crowded out by one that many have."""
    numbered = users.with_row_index("@order").with_columns(pl.int_range(pl.len()).over(WHY).alias("@nth"))
    return numbered.sort("@nth", "@order").head(most).sort("@order")


def _values(folder: RunFolder, chosen: pl.DataFrame) -> pl.DataFrame:
    """Username and attributes of some users as they were mapped; what could not be mapped is empty."""
    users = folder.scan_users()
    names = [name for name in users.collect_schema().names() if not name.startswith("@")]
    told = (pl.col(USERNAME).alias("username"), pl.col(names).cast(pl.String))
    mapped = users.select(told).with_row_index(_PLACE)
    return mapped.join(chosen.lazy().select(_PLACE), on=_PLACE, how="semi").collect(engine="streaming")
