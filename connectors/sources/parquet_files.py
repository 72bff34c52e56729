"""Parquet files: every column as text, nested ones by path; a place is a number of rows.

A file that is not local is first copied into a nameless temporary file, which cannot outlive the process; to
tell its columns and how many rows it has, its end alone, unless it is compressed.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING, ClassVar, Literal, cast

import polars as pl
from polars.exceptions import PolarsError

from connectors.errors import SourceError
from connectors.records import LINE
from connectors.sources.base import SourceTraits
from connectors.sources.file_source import FileSource, Part, Place
from connectors.sources.files import FileSettings
from connectors.sources.parquet_text import UNDECODABLE, columns_as_text, paths_of
from connectors.sources.rows import Gathered
from connectors.sources.streams import COMPRESSED, copied, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from connectors.sources.files import File

PAGE_ROWS = 50_000
_SIZE_AND_MARK = 8
"""Bytes that a Parquet file ends with: the size of its footer, little-endian, and ``PAR1``."""
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
            with _scanned(file, footer) as frame:
                total += _height(frame)
        return total

    def _fields(self, file: File) -> list[str]:
        with _scanned(file, footer) as frame:
            return paths_of(frame.collect_schema())

    def _check_fields(self, file: File, fields: Sequence[str]) -> None:
        with _scanned(file, footer) as frame:
            columns_as_text(frame.collect_schema(), fields, file.name)

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
def footer(file: File) -> Iterator[IO[bytes]]:
    """Make a nameless temporary file as long as the file, with nothing but its footer in it."""
    if file.name.lower().endswith(COMPRESSED):
        with copied(file) as copy:
            yield copy
        return
    with tempfile.TemporaryFile() as copy:
        begin, end = _end_of(file)
        copy.seek(begin)
        copy.write(end)
        copy.flush()
        yield copy


def _end_of(file: File) -> tuple[int, bytes]:
    """Where the footer begins, and it; where there is none, the last bytes of what is no Parquet file."""
    with reading(file.name), file.open() as stored:
        stored.seek(max(0, file.size - _SIZE_AND_MARK))
        size_and_mark = stored.read()
        size = int.from_bytes(size_and_mark[:4], "little") + _SIZE_AND_MARK
        if size > file.size:
            return 0, size_and_mark
        stored.seek(file.size - size)
        return file.size - size, stored.read()


@contextmanager
def _scanned(
    file: File, copying: Callable[[File], AbstractContextManager[IO[bytes]]] = copied
) -> Iterator[pl.LazyFrame]:
    with ExitStack() as stack:
        path = file.path or f"/dev/fd/{stack.enter_context(copying(file)).fileno()}"
        try:
            with reading(file.name):
                yield pl.scan_parquet(path, glob=False, hive_partitioning=False)
        except PolarsError:
            raise SourceError(
                f"{file.name} is no Parquet file that can be read.", "Check that it is whole."
            ) from None
