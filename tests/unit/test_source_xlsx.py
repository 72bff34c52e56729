"""Excel files as other programs write them: wrong sizes, damaged files, escaped text."""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import openpyxl
import pytest

from connectors.records import LINE
from connectors.sources.xlsx_files import XlsxSettings, XlsxSource

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PEOPLE = (("id", "name"), ("1", "Ann"), ("2", "Bob"), ("3", "Cid"))
SHEET = "xl/worksheets/sheet1.xml"


def workbook(rows: Sequence[tuple[Any, ...]] = PEOPLE) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    stored = BytesIO()
    book.save(stored)
    return stored.getvalue()


def altered(part: str, change: Callable[[bytes], bytes | None]) -> bytes:
    """A workbook in which one part is another; None leaves it out."""
    stored = BytesIO()
    with ZipFile(BytesIO(workbook())) as before, ZipFile(stored, "w") as after:
        for name in before.namelist():
            text = before.read(name)
            if (new := change(text) if name == part else text) is not None:
                after.writestr(name, new)
    return stored.getvalue()


def source(folder: Path, content: bytes, sheet: str | None = None) -> XlsxSource:
    (folder / "u.xlsx").write_bytes(content)
    return XlsxSource(XlsxSettings(path="u.xlsx", sheet=sheet), folder, page_rows=2)


def rows(made: XlsxSource, *fields: str) -> list[tuple[Any, ...]]:
    return [row for page in made.pages(fields) for row in page.rows.select(LINE, *fields).iter_rows()]


@pytest.mark.parametrize(
    "size", [b"A1", b"A1:B1", b"A1:B2", b"A1:A4", b"B2:B3", b"A1:XFD1048576", None], ids=str
)
def test_a_sheet_whose_stated_size_is_wrong_loses_nobody(tmp_path: Path, size: bytes | None) -> None:
    stated = b'<dimension ref="%s"/>' % size if size else b""
    made = source(tmp_path, altered(SHEET, lambda text: re.sub(rb"<dimension[^>]*/>", stated, text)))
    assert made.fields() == ["id", "name"]
    assert rows(made, "id", "name") == [(2, "1", "Ann"), (3, "2", "Bob"), (4, "3", "Cid")]
    assert all(0 <= (page.done or 0) <= 1 for page in made.pages(["id"]))
