"""Parquet files: every column as text, nested ones by path; a place is a number of rows.

A file that is not local is first copied into a nameless temporary file, which cannot outlive the process.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, ClassVar, Literal, cast

import polars as pl
from polars.exceptions import PolarsError

from connectors.errors import SourceError
from connectors.records import LINE
from connectors.sources.base import SourceTraits
from connectors.sources.file_source import FileSource, Part, Place
from connectors.sources.files import FileSettings
from connectors.sources.parquet_text import UNDECODABLE, columns_as_text, paths_of
from connectors.sources.rows import Gathered
from connectors.sources.streams import copied, reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from connectors.sources.files import File

PAGE_ROWS = 50_000
_NUMBER = pl.int_range(pl.len(), dtype=pl.UInt64).alias(LINE)


class ParquetSettings(FileSettings):
    """Settings of ``kind: parquet``."""

    kind: Literal["parquet"] = "parquet"


class ParquetSource(FileSource):
    """Reads Parquet files.

    Args:
        settings: which files.
        base: the folder that relative paths begin at.
        page_rows: rows of a page.
    """

    traits: ClassVar[SourceTraits] = SourceTraits(resumable=True, counts=True)

    def __init__(self, settings: ParquetSettings, base: Path, *, page_rows: int = PAGE_ROWS) -> None:
        super().__init__(settings, base)
        self._page_rows = page_rows

    def count(self) -> int:
        """Exact number of users, from the files' footers."""
        total = 0
        for file in self.files():
            with _scanned(file) as frame:
                total += _height(frame)
        return total

    def _fields(self, file: File) -> list[str]:
        with _scanned(file) as frame:
            return paths_of(frame.collect_schema())

    def _parts(self, file: File, fields: Sequence[str], after: Place | None) -> Iterator[Part]:
        row = after["row"] if after else 0
        with _scanned(file) as frame:
            columns = columns_as_text(frame.collect_schema(), fields, file.name)
            rows = _height(frame)
            while row < rows:
                page = frame.slice(row, self._page_rows).select(_NUMBER, *columns).collect()
                found = _gathered(page.with_columns(pl.col(LINE) + row + 1), fields)
                row += page.height
                yield Part(found, {"row": row}, file.size * row // rows)


def _height(frame: pl.LazyFrame) -> int:
    return cast("int", frame.select(pl.len()).collect().item())


def _gathered(page: pl.DataFrame, fields: Sequence[str]) -> Gathered:
    """Part the rows from those in which bytes that should be text are not."""
    found = Gathered(fields)
    for line in page[LINE].filter(page[UNDECODABLE]):
        found.refuse(line, "line_undecodable")
    found.add(page.filter(~page[UNDECODABLE]).drop(UNDECODABLE))
    return found


@contextmanager
def _scanned(file: File) -> Iterator[pl.LazyFrame]:
    with ExitStack() as stack:
        path = file.path or f"/dev/fd/{stack.enter_context(copied(file)).fileno()}"
        try:
            with reading(file.name):
                yield pl.scan_parquet(path, glob=False, hive_partitioning=False)
        except PolarsError:
            raise SourceError(
                f"{file.name} is no Parquet file that can be read.", "Check that it is whole."
            ) from None
