"""What CSV reading promises for any file, at any place where a window or piece may be cut."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from connectors.records import LINE
from connectors.sources import csv_reader
from connectors.sources.csv_fast import ProvedReader
from connectors.sources.csv_files import CsvSettings, CsvSource

if TYPE_CHECKING:
    from pathlib import Path

Rows = list[tuple[int, tuple[str | None, ...]]]
Lost = list[tuple[int, str]]

MANY = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
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
    letters = st.characters(codec=encoding.removesuffix("-sig").removesuffix("-le"), exclude_categories=["Cs"])
    tricky = st.sampled_from([",", ";", "\t", "|", '"', "'", "\n", "\r", "\r\n", " ", "0", "e", '""', ',"', '",'])
    return st.lists(st.one_of(tricky, letters), max_size=6).map("".join)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[str]], str, dict[str, str], bytes]:
    """Draw a table of texts, its encoding, how ``csv.writer`` writes it, and the line end."""
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1", "cp1252"]))
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(texts(encoding), min_size=width, max_size=width), max_size=8))
    delimiter = draw(st.sampled_from(",;\t|"))
    quote = draw(st.sampled_from("\"'"))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    return rows, encoding, {"delimiter": delimiter, "quotechar": quote, "lineterminator": end}, end.encode()


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
    table: tuple[list[list[str]], str, dict[str, str], bytes],
    block: int,
    ended: bool,  # noqa: FBT001 - drawn
) -> None:
    """What csv.writer wrote comes back letter by letter, each row at its physical line."""
    rows, encoding, form, _ = table
    header = ["id", "name", "e-mail", "x y"][: len(rows[0]) if rows else 2]
    text, lines = written(header, rows, form)
    content = text if ended else text.removesuffix(form["lineterminator"])
    chosen = {"encoding": encoding, "delimiter": form["delimiter"], "quote": form["quotechar"]}
    with mock.patch.object(csv_reader, "_SMALLEST", 1):
        found, lost = read(tmp_path, content.encode(encoding), block=block, **chosen)
    assert lost == []
    assert found == list(zip(lines, map(tuple, rows), strict=True))


SOUP = st.lists(
    st.sampled_from([b"a", b"b", b",", b",", b'"', b'"', b"\n", b"\n", b"\r", b"\r\n", b" ", "é".encode(), b"\xff", b"\xef\xbb\xbf"]),
    max_size=40,
).map(b"".join)


@settings(MANY, max_examples=400)
@given(SOUP, st.integers(1, 3), st.sampled_from([1, 3, 11, 30]), st.sampled_from([1, 4, 16, 1 << 15]), st.integers(2, 12))
def test_fast_and_slow_reading_agree(
    tmp_path: Path, soup: bytes, width: int, block: int, smallest: int, longest: int
) -> None:
    """However broken a file is and wherever it is cut: reading by the million finds what record by record does."""
    content = b",".join([b"id", b"name", b"mail"][:width]) + b"\n" + soup
    grammar = mock.patch("connectors.sources.csv_exact.Grammar.longest", longest)
    chosen = {"encoding": "utf-8", "delimiter": ",", "quote": '"'}
    with mock.patch.object(csv_reader, "_SMALLEST", smallest):
        fast = read(tmp_path, content, block=block, **chosen)
        whole = read(tmp_path, content, **chosen)
    with mock.patch.object(ProvedReader, "read", return_value=None):
        slow = read(tmp_path, content, **chosen)
    assert fast == slow
    assert whole == slow
