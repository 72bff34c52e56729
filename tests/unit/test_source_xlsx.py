"""Excel files as other programs write them: wrong sizes, damaged files, escaped text."""

from __future__ import annotations

import re
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import openpyxl
import pytest

from connectors.errors import SourceError
from connectors.records import LINE
from connectors.sources.xlsx_files import XlsxSettings, XlsxSource

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PEOPLE = (("id", "name"), ("1", "Ann"), ("2", "Bob"), ("3", "Cid"))
SHEET = "xl/worksheets/sheet1.xml"
INLINE = b't="inlineStr"><is><t>2</t></is>'


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


DAMAGED = {
    "sheet cut off": altered(SHEET, lambda text: text[: len(text) // 2]),
    "sheet of another kind": altered(SHEET, lambda _: b"junk"),
    "no sheet": altered(SHEET, lambda _: None),
    "list of sheets cut off": altered("xl/workbook.xml", lambda text: text[:200]),
    "no list of sheets": altered("xl/workbook.xml", lambda text: re.sub(rb"<sheets>.*</sheets>", b"", text)),
    "a text that is not there": altered(SHEET, lambda text: text.replace(INLINE, b't="s"><v>99</v>')),
    "no archive": b"junk",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_told_as_such(tmp_path: Path, content: bytes) -> None:
    made = source(tmp_path, content)
    with pytest.raises(SourceError, match=r"u\.xlsx"):
        list(made.pages(made.fields()))


def test_any_byte_may_be_damaged(tmp_path: Path) -> None:
    """Whatever the library stumbles over is the file's fault, not ours."""
    whole = workbook()
    for at in range(0, len(whole), 97):
        broken = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        made = source(tmp_path, broken)
        with suppress(SourceError):
            list(made.pages(made.fields()))


def test_a_later_file_that_lacks_a_field_is_named_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(workbook())
    (tmp_path / "b.xlsx").write_bytes(workbook([("name", "id"), ("Ann", "1")]))
    made = XlsxSource(XlsxSettings(path="?.xlsx"), tmp_path)
    made.check_fields(["id", "name"])
    (tmp_path / "b.xlsx").write_bytes(workbook([("nom", "id"), ("Ann", "1")]))
    with pytest.raises(SourceError, match=r"b\.xlsx: unknown field 'name'.*Known: id, nom"):
        made.check_fields(["id", "name"])


def test_a_header_of_spaces_is_no_name(tmp_path: Path) -> None:
    made = source(tmp_path, workbook([("id", "  ", " name "), ("1", "x", "Ann")]))
    assert made.fields() == ["id", "name"]
    with pytest.raises(SourceError, match="names a column twice"):
        source(tmp_path, workbook([("id", " ", "id ")])).check()


def test_a_character_that_xml_does_not_take_is_what_excel_shows(tmp_path: Path) -> None:
    made = source(tmp_path, workbook([("id_x000D_", "name"), ("1", "Ann_x000D__x000A_King"), ("2", "_x_")]))
    assert rows(made, "id", "name") == [(2, "1", "Ann\r\nKing"), (3, "2", "_x_")]
