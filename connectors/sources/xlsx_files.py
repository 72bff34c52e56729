"""Excel files: the text that a person sees in a cell, as far as a cell tells it; a place is a number of rows.

A cell holds a number, a date or a text; how it is shown is not looked at, but for what no person would see
otherwise: a whole number has no ``.0``, a date is written in ISO 8601. A code with leading zeros is safe only
where Excel holds it as text. Cells with a formula give the value that Excel computed last.
"""

from __future__ import annotations

import warnings
import zlib
from contextlib import closing, contextmanager
from datetime import date, datetime, time
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.escape import unescape
from openpyxl.utils.exceptions import InvalidFileException
from pydantic import Field

from connectors.errors import SourceError, unknown_name
from connectors.sources.fields import not_there
from connectors.sources.file_source import FileSource, Part, Place
from connectors.sources.files import FileSettings
from connectors.sources.rows import Gathered
from connectors.sources.streams import copied

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

    from connectors.sources.files import File

_DAMAGED: Final = (
    BadZipFile, InvalidFileException, ParseError, zlib.error, NotImplementedError,
    AttributeError, LookupError, OSError, TypeError, ValueError,
)  # fmt: skip
"""What the library raises on a file that is cut off or changed: it believes what stands there."""

PAGE_ROWS: Final = 10_000
Row = tuple[Any, ...]


class XlsxSettings(FileSettings):
    """Settings of ``kind: xlsx``: one sheet, whose first row names the fields."""

    kind: Literal["xlsx"] = "xlsx"
    sheet: str | None = Field(default=None, description="Name of the sheet; default: the first one.")


class XlsxSource(FileSource):
    """Reads Excel files.

    Args:
        settings: which files, and which sheet.
        base: the folder that relative paths begin at.
        page_rows: rows of a page.
    """

    def __init__(self, settings: XlsxSettings, base: Path, *, page_rows: int = PAGE_ROWS) -> None:
        super().__init__(settings, base)
        self._sheet = settings.sheet
        self._page_rows = page_rows

    def _fields(self, file: File) -> list[str]:
        with _opened(file, self._sheet) as sheet:
            return list(_header(_rows(sheet), file.name))

    def _check_fields(self, file: File, fields: Sequence[str]) -> None:
        with _opened(file, self._sheet) as sheet:
            _Layout(_header(_rows(sheet), file.name), fields, file.name)

    def _parts(self, file: File, fields: Sequence[str], after: Place | None) -> Iterator[Part]:
        line = after["line"] if after else 1
        with _opened(file, self._sheet) as sheet:
            last = sheet.max_row or 0
            rows = _rows(sheet)
            layout = _Layout(_header(rows, file.name), fields, file.name)
            rest = islice(rows, line - 1, None)
            while chunk := list(islice(rest, self._page_rows)):
                line += len(chunk)
                share = file.size * min(line, last) // last if last else 0
                yield Part(layout.gathered(chunk, line - len(chunk) + 1), {"line": line}, share)


class _Layout:
    """Where the asked fields stand in a row."""

    def __init__(self, places: dict[str, int], fields: Sequence[str], file: str) -> None:
        self._fields = fields
        self._wanted = [_place(places, field, file) for field in fields]
        self._width = max(places.values()) + 1

    def gathered(self, rows: Sequence[Row], first: int) -> Gathered:
        """Part the rows from those with something behind the last named column; empty rows are nobody."""
        found = Gathered(self._fields)
        kept: list[tuple[int, Row]] = []
        for line, row in enumerate(rows, first):
            if any(cell is not None for cell in row[self._width :]):
                found.refuse(line, "line_ragged")
            elif any(cell is not None for cell in row):
                kept.append((line, row))
        columns = [[_text(row[at]) if at < len(row) else None for _, row in kept] for at in self._wanted]
        found.add_texts([line for line, _ in kept], columns)
        return found


def _rows(sheet: Worksheet) -> Iterator[Row]:
    """The rows that stand in a sheet, however many it claims to have: some state it wrongly."""
    sheet.reset_dimensions()  # type: ignore[attr-defined] # the stubs know no sheet that is only read
    return sheet.iter_rows(values_only=True)


def _header(rows: Iterator[Row], file: str) -> dict[str, int]:
    """Names of the columns with their places; unnamed columns are left out.

    Raises:
        SourceError: there is no row, or a name stands twice.
    """
    cells = ((_text(cell) or "", at) for at, cell in enumerate(next(rows, ())))
    names = [(name.strip(), at) for name, at in cells if name.strip()]
    places = dict(names)
    if not places:
        raise SourceError(f"{file} has no first row with the names of the fields.", "Check `sheet`.")
    if len(places) < len(names):
        raise SourceError(f"{file} names a column twice.", "Give every column a name of its own.")
    return places


def _place(places: dict[str, int], field: str, file: str) -> int:
    if field not in places:
        raise not_there("field", field, list(places), file)
    return places[field]


def _text(cell: object) -> str | None:
    if cell is None or isinstance(cell, str):
        return unescape(cell) if cell and "_x" in cell else cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


@contextmanager
def _opened(file: File, sheet: str | None) -> Iterator[Worksheet]:
    """A sheet whose rows come one by one: memory does not grow with the file."""
    with copied(file) as copy, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # styles and extensions that the library does not know
        try:
            with closing(load_workbook(copy, read_only=True, data_only=True)) as book:
                yield _sheet(book, sheet, file.name)
        except _DAMAGED:
            raise SourceError(
                f"{file.name} is no Excel file that can be read to its end.", "Save it anew as .xlsx."
            ) from None


def _sheet(book: Workbook, wanted: str | None, file: str) -> Worksheet:
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    name = wanted if wanted is not None else next(iter(sheets), "")
    if name not in sheets:
        raise SourceError(unknown_name("sheet", name, sheets, where=file))
    return sheets[name]
