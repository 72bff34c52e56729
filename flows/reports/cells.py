"""CSV files that people open in a spreadsheet: no cell of theirs is ever taken for a formula.

A spreadsheet computes a cell that begins with ``=``, ``+``, ``-`` or ``@``, or with such a sign behind a tab
or a line break, and in some languages with the wide form of one. Such a cell gets an apostrophe in front, and
so does one that begins with an apostrophe: who reads the file by machine takes one apostrophe away and has
the text as it was. Each cell stands in quotation marks, or a spreadsheet that parts cells at ``;`` would find
more of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from flows.ledger.segments import write_once

if TYPE_CHECKING:
    from pathlib import Path

MARK: Final = "'"
"""Stands before a cell that is not to be computed."""

_COMPUTED: Final = r"^[=+\-@'\t\r\n\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}]"


def safe_cell(text: pl.Expr) -> pl.Expr:
    """The text of a cell, with ``MARK`` before it where a spreadsheet would compute it; null stays null."""
    return pl.when(text.str.contains(_COMPUTED)).then(pl.concat_str(pl.lit(MARK), text)).otherwise(text)


def plain_text(cell: str) -> str:
    """The text that ``safe_cell`` made a cell of."""
    return cell.removeprefix(MARK)


def write_cells(rows: pl.LazyFrame, path: Path) -> None:
    """Write rows as CSV (UTF-8, LF), the header as safe as the cells; ``path`` is never half of a file."""
    names = rows.collect_schema().names()
    heads = pl.select(safe_cell(pl.lit(pl.Series(names, dtype=pl.String)))).to_series()
    texts = rows.select(
        safe_cell(pl.col(name).cast(pl.String)).alias(head) for name, head in zip(names, heads, strict=True)
    )
    write_once(path, lambda file: texts.sink_csv(file, quote_style="always", check_extension=False))
