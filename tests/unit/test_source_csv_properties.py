"""What CSV reading promises for any file, at any place where a window or piece may be cut."""

from __future__ import annotations

import csv
import io
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest import mock

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.errors import PoolferryError
from connectors.records import LINE
from connectors.sources import csv_dialect, csv_reader
from connectors.sources.csv_exact import Grammar
from connectors.sources.csv_fast import ProvedReader
from connectors.sources.csv_files import CsvSettings, CsvSource

if TYPE_CHECKING:
    from pathlib import Path

Rows = list[tuple[int, tuple[str | None, ...]]]
Lost = list[tuple[int, str]]

HEADER = ["id", "name", "e-mail", "x y"]
MANY = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def read(folder: Path, content: bytes, *, block: int = 1 << 20, **chosen: object) -> tuple[Rows, Lost]:
    (folder / "users.csv").write_bytes(content)
    source = CsvSource(CsvSettings(path="users.csv", **chosen), folder, block_bytes=block)
    fields = source.fields()
    rows: Rows = []
    lost: Lost = []
    for page in source.pages(fields):
        rows += [(row[0], row[1:]) for row in page.rows.select(LINE, *fields).iter_rows()]
        lost += [(row[0], row[2]) for row in page.unreadable.iter_rows()]
    return rows, lost


def texts(encoding: str) -> st.SearchStrategy[str]:
    letters = st.characters(
        codec=encoding.removesuffix("-sig").removesuffix("-le"), exclude_categories=["Cs"]
    )
    tricky = st.sampled_from(
        [",", ";", "\t", "|", '"', "'", "\n", "\r", "\r\n", " ", "0", "e", '""', ',"', '",']
    )
    return st.lists(st.one_of(tricky, letters), max_size=6).map("".join)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[str]], str, dict[str, str]]:
    """Draw a table of texts, its encoding, and how ``csv.writer`` writes it."""
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1", "cp1252"]))
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(texts(encoding), min_size=width, max_size=width), max_size=8))
    delimiter = draw(st.sampled_from(",;\t|"))
    quote = draw(st.sampled_from("\"'"))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    return rows, encoding, {"delimiter": delimiter, "quotechar": quote, "lineterminator": end}


def written(header: list[str], rows: list[list[str]], form: dict[str, str]) -> tuple[str, list[int]]:
    """Write a table by Python's csv module; give the text and the physical line of each row."""
    breaks = any(sign in text for row in rows for text in row for sign in "\r\n")
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL if breaks else csv.QUOTE_MINIMAL, **form)  # type: ignore[arg-type]
    writer.writerow(header)
    lines = []
    for row in rows:
        lines.append(1 + out.getvalue().count(form["lineterminator"][-1]))
        writer.writerow(row)
    return out.getvalue(), lines


@MANY
@given(tables(), st.sampled_from([1, 5, 17, 60, 1 << 20]), st.booleans())
def test_any_table_is_read_back_exactly(
    tmp_path: Path,
    table: tuple[list[list[str]], str, dict[str, str]],
    block: int,
    ended: bool,  # noqa: FBT001 - drawn
) -> None:
    """What csv.writer wrote comes back letter by letter, each row at its physical line."""
    rows, encoding, form = table
    text, lines = written(HEADER[: len(rows[0]) if rows else 2], rows, form)
    content = text if ended else text.removesuffix(form["lineterminator"])
    chosen = {"encoding": encoding, "delimiter": form["delimiter"], "quote": form["quotechar"]}
    with mock.patch.object(csv_reader, "_SMALLEST", 1):
        found, lost = read(tmp_path, content.encode(encoding), block=block, **chosen)
    assert lost == []
    assert found == list(zip(lines, map(tuple, rows), strict=True))


SIGNS = [
    b"a",
    b"b",
    b",",
    b",",
    b'"',
    b'"',
    b"\n",
    b"\n",
    b"\r",
    b"\r\n",
    b" ",
    "é".encode(),
    b"\xff",
    b"\xef\xbb\xbf",
]
SOUP = st.lists(st.sampled_from(SIGNS), max_size=40).map(b"".join)
WAYS = st.fixed_dictionaries(
    {
        "width": st.integers(1, 3),
        "end": st.sampled_from([b"\n", b"\r\n", b"\r"]),
        "quote": st.sampled_from(['"', '"', '"', ""]),
        "block": st.sampled_from([1, 3, 11, 30, 1 << 20]),
        "smallest": st.sampled_from([1, 4, 16, 1 << 15]),
        "longest": st.integers(2, 12),
    }
)


def outcome(folder: Path, content: bytes, **ways: Any) -> object:
    """Read, or say why the header cannot be read."""
    try:
        return read(folder, content, **ways)
    except PoolferryError as error:
        return str(error)


@settings(MANY, max_examples=400)
@given(SOUP, WAYS)
def test_fast_and_slow_reading_agree(tmp_path: Path, soup: bytes, ways: dict[str, Any]) -> None:
    """However broken a file is, wherever it is cut: by the million finds what record by record does."""
    content = b",".join([b"id", b"name", b"mail"][: ways["width"]]) + ways["end"] + soup
    chosen = {"encoding": "utf-8", "delimiter": ",", "quote": ways["quote"]}
    with mock.patch.object(csv_dialect, "Grammar", partial(Grammar, longest=ways["longest"])):
        with mock.patch.object(csv_reader, "_SMALLEST", ways["smallest"]):
            fast = outcome(tmp_path, content, block=ways["block"], **chosen)
        with mock.patch.object(ProvedReader, "read", return_value=None):
            slow = outcome(tmp_path, content, **chosen)
    assert fast == slow


@MANY
@given(tables(), st.sampled_from([1, 5, 17, 60]), st.data())
def test_reading_goes_on_from_any_page(
    tmp_path: Path, table: tuple[list[list[str]], str, dict[str, str]], block: int, data: st.DataObject
) -> None:
    """Behind any page, in any encoding, exactly the rest follows."""
    rows, encoding, form = table
    text, _ = written(HEADER[: len(rows[0]) if rows else 2], rows, form)
    (tmp_path / "users.csv").write_bytes(text.encode(encoding))
    chosen = CsvSettings(
        path="users.csv", encoding=encoding, delimiter=form["delimiter"], quote=form["quotechar"]
    )
    source = CsvSource(chosen, tmp_path, block_bytes=block)
    pages = list(source.pages(source.fields()))
    if pages:
        at = data.draw(st.integers(0, len(pages) - 1))
        rest = list(source.pages(source.fields(), pages[at].cursor))
        behind = pages[at + 1 :]
        assert [row for page in rest for row in page.rows.rows()] == [
            row for page in behind for row in page.rows.rows()
        ]
        assert not behind or rest[-1].cursor == behind[-1].cursor
