"""The strict reader of import files, against a reader that goes character by character."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from connectors.cognito.sandbox import SandboxSettings
from connectors.cognito.sandbox.csv_reader import LINE, PROBLEM, HeaderRule, blocks, open_file, parse
from connectors.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

COLUMNS = ("a", "b", "c")
RULE = HeaderRule(
    known=frozenset({*COLUMNS, "hash"}), expected=frozenset(COLUMNS), needed=frozenset("a"), fatal=frozenset()
)
STRICT = SandboxSettings()
SPACE = "".join(c for c in map(chr, range(0x3001)) if c.isspace() and c not in "\x1c\x1d\x1e\x1f")
"""White space as Unicode has it; Python counts four separators more."""


def read(path: Path, content: bytes, *, block_bytes: int = 1 << 21, **switches: Any) -> list[dict[str, Any]]:
    """Read a whole file; one dictionary a row, without the columns that nobody asked for."""
    path.write_bytes(content)
    chosen = SandboxSettings(**switches)
    file = open_file(path, RULE, chosen)
    return [row for block in blocks(file, chosen, block_bytes) for row in block.to_dicts()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "users.csv"


def cut(line: str) -> list[str]:
    """The rule of the guide, character by character: a backslash ahead of a comma makes it a plain one."""
    cells, place = [""], 0
    while place < len(line):
        if line[place : place + 2] == "\\,":
            cells[-1] += ","
            place += 1
        elif line[place] == ",":
            cells.append("")
        else:
            cells[-1] += line[place]
        place += 1
    return [cell.strip(SPACE) for cell in cells]


def plain_problem(line: str, columns: int) -> str | None:
    """The strict rules on lines, written down once more."""
    unescaped = line.replace("\\,", "")
    if len(line) > 16_000:
        return "row_too_long"
    if "\r" in line:
        return "carriage_return"
    if not line.strip(SPACE):
        return "blank_line"
    if '"' in line:
        return "quotation_mark"
    if "\\" in unescaped:
        return "lone_backslash"
    return None if len(cut(line)) == columns else "field_count"


TRICKY = st.sampled_from(
    ["\\", ",", "\\,", '"', " ", "\t", "\r", "é", "\ufdd0", "\ufdd1", "\ue000", "\U0010ffff", "x"]
)
LINES = st.lists(TRICKY, max_size=12).map("".join)
ANY_LINES = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=30)


@given(st.lists(LINES | ANY_LINES, min_size=1, max_size=8))
@example(["\ufdd0\\,,b,c"])
@effort(max_examples=200)
def test_every_line_is_judged_and_cut_as_a_reader_does_that_goes_character_by_character(
    lines: list[str],
) -> None:
    frame = parse(lines, 2, COLUMNS, STRICT)
    assert frame[PROBLEM].to_list() == [plain_problem(line, 3) for line in lines]
    for line, row in zip(lines, frame.to_dicts(), strict=True):
        whole = row[PROBLEM] is None
        assert [row[name] for name in COLUMNS] == (cut(line) if whole else [None] * 3)


@given(st.lists(LINES, min_size=1, max_size=8))
@effort(max_examples=100)
def test_lone_backslashes_and_quotes_can_be_kept(lines: list[str]) -> None:
    lenient = SandboxSettings(quotes="keep", lone_backslash="keep")
    frame = parse(lines, 2, COLUMNS, lenient)
    for line, row in zip(lines, frame.to_dicts(), strict=True):
        if row[PROBLEM] is None:
            assert [row[name] for name in COLUMNS] == cut(line)
        else:
            assert row[PROBLEM] in {"carriage_return", "blank_line", "field_count"}


@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters='\n\r"\\'), max_size=12),
            min_size=3,
            max_size=3,
        ).filter(lambda row: "".join(row).strip(SPACE)),
        max_size=20,
    )
)
@effort(max_examples=100)
def test_what_is_written_as_the_guide_says_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    text = "".join(",".join(value.replace(",", "\\,") for value in row) + "\n" for row in rows)
    path = tmp_path_factory.mktemp("csv") / "users.csv"
    found = read(path, f"a,b,c\n{text}".encode(), block_bytes=40)
    assert [row[PROBLEM] for row in found] == [None] * len(rows)
    assert [[row[name] for name in COLUMNS] for row in found] == [
        [v.strip(SPACE) for v in row] for row in rows
    ]
    assert [row[LINE] for row in found] == list(range(2, len(rows) + 2))


@given(st.integers(1, 200), st.lists(LINES.filter(lambda line: "\r" not in line), max_size=20))
@effort(max_examples=50)
def test_the_size_of_a_block_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, block_bytes: int, lines: list[str]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "users.csv"
    content = "\n".join(["a,b,c", *lines]).encode()
    assert read(path, content, block_bytes=block_bytes) == read(path, content)


def test_columns_may_stand_in_any_order(path: Path) -> None:
    (row,) = read(path, b"c,a,b\n3,1,2\n")
    assert (row["a"], row["b"], row["c"]) == ("1", "2", "3")


@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_the_last_line_may_or_may_not_end(path: Path, ending: bytes) -> None:
    assert len(read(path, b"a,b,c\n1,2,3\n4,5,6" + ending)) == 2


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a,b\n1,2\n", "lacks the column c"),
        (b"a,b,c,d\n", "a column that the user pool does not have"),
        (b"a,b,c,a\n", "a column twice"),
        (b"a,b, c\n", "lacks the column c"),
        (b'"a",b,c\n', "lacks the column a"),
        (b"A,b,c\n", "lacks the column a"),
        (b"a,b,c\r\n1,2,3\r\n", "lacks the column c"),
        (b"\xef\xbb\xbfa,b,c\n", "byte order mark"),
        (b"a,b,c\xff\n", "header of the CSV file is not UTF-8"),
        (b"a,b,c\n1,2,3\n\xff,2,3\n", "not UTF-8"),
        (b"a,b,c\n1,2,\xc3", "not UTF-8"),
        ("a,b,c\n".encode("utf-16"), "not UTF-8"),
        (b"", "lacks the column a"),
    ],
)
def test_what_concerns_the_whole_file_fails_the_job(path: Path, content: bytes, text: str) -> None:
    with pytest.raises(SourceError, match=text):
        read(path, content)


def test_an_error_text_fits_a_completion_message_and_shows_no_cell(path: Path) -> None:
    with pytest.raises(SourceError) as raised:
        read(path, b"a,b,c,someone@example.com\n")
    assert len(raised.value.what) <= 128
    assert "someone" not in str(raised.value)


def test_more_rows_than_allowed_fail_the_job_before_the_first_user(path: Path) -> None:
    assert len(read(path, b"a,b,c\n1,2,3\n4,5,6\n", max_rows=2)) == 2
    with pytest.raises(SourceError, match="more than 1 users"):
        read(path, b"a,b,c\n1,2,3\n4,5,6\n", max_rows=1)


@pytest.mark.parametrize(
    ("switch", "content", "cells"),
    [
        ({"missing_column": "fail_rows"}, b"a,b\n1,2\n", {"a": "1", "b": "2"}),
        ({"missing_column": "allow"}, b"a,b\n1,2\n", {"a": "1", "b": "2"}),
        ({"unknown_column": "ignore"}, b"a,d,b,c\n1,x,2,3\n", {"a": "1", "b": "2", "c": "3"}),
        ({"duplicate_column": "last_wins"}, b"a,b,c,a\n0,2,3,1\n", {"a": "1", "b": "2", "c": "3"}),
        ({"header_spaces": "trim"}, b"a, b ,c\n1,2,3\n", {"a": "1", "b": "2", "c": "3"}),
        ({"byte_order_mark": "ignore"}, b"\xef\xbb\xbfa,b,c\n1,2,3\n", {"a": "1", "b": "2", "c": "3"}),
        ({"carriage_return": "strip"}, b"a,b,c\r\n1,2,3\r\n", {"a": "1", "b": "2", "c": "3"}),
        ({"quotes": "keep"}, b'a,b,c\n"1",2,3\n', {"a": '"1"', "b": "2", "c": "3"}),
        ({"lone_backslash": "keep"}, b"a,b,c\n\\1,2,3\n", {"a": "\\1", "b": "2", "c": "3"}),
    ],
)
def test_a_switch_lets_it_pass(
    path: Path, switch: dict[str, Any], content: bytes, cells: dict[str, str]
) -> None:
    (row,) = read(path, content, **switch)
    assert row == {LINE: 2, PROBLEM: None, **cells}


def test_a_needed_column_may_not_be_missing_even_where_others_may(path: Path) -> None:
    with pytest.raises(SourceError, match="lacks the column a"):
        read(path, b"b,c\n1,2\n", missing_column="allow")


def test_a_fatal_column_may_never_be_missing(path: Path) -> None:
    path.write_bytes(b"a,b,c\n")
    rule = HeaderRule(RULE.known, RULE.expected | {"hash"}, RULE.needed, frozenset({"hash"}))
    with pytest.raises(SourceError, match="lacks the column hash"):
        open_file(path, rule, SandboxSettings(missing_column="fail_rows"))


def test_an_ignored_blank_line_keeps_its_number(path: Path) -> None:
    content = b"a,b,c\n1,2,3\n\n4,5,6\n"
    assert [row[PROBLEM] for row in read(path, content)] == [None, "blank_line", None]
    assert [row[LINE] for row in read(path, content, blank_line="ignore")] == [2, 4]


def test_bad_bytes_can_fail_their_row_alone(path: Path) -> None:
    rows = read(path, b"a,b,c\n1,2,3\n\xff,2,3\n7,8,9\n", bad_utf8="fail_row")
    assert [row[PROBLEM] for row in rows] == [None, "undecodable", None]


@pytest.mark.parametrize("filler", ["x", "é", "\U0001f600"])
def test_a_row_may_have_16000_characters_escapes_counted(path: Path, filler: str) -> None:
    longest = f"\\,{filler * 15_994},y,z"
    assert len(longest) == 16_000
    content = f"a,b,c\n{longest}\nx{longest}\n1,2,3\n".encode()
    assert [row[PROBLEM] for row in read(path, content)] == [None, "row_too_long", None]


def test_a_line_of_many_megabytes_is_only_a_long_row(path: Path) -> None:
    rows = read(path, b"a,b,c\n" + b"x" * 5_000_000 + b"\n1,2,3\n")
    assert [(row[LINE], row[PROBLEM]) for row in rows] == [(2, "row_too_long"), (3, None)]


@pytest.mark.parametrize(
    ("switch", "line"), [({"field_count": "fail_job"}, b"1,2"), ({"long_row": "fail_job"}, b"x" * 16_001)]
)
def test_a_switch_lets_a_row_fail_the_job(path: Path, switch: dict[str, Any], line: bytes) -> None:
    with pytest.raises(SourceError, match="could not be parsed"):
        read(path, b"a,b,c\n" + line + b"\n", **switch)


def test_no_character_is_mistaken_for_the_mark_of_an_escaped_comma() -> None:
    """Every candidate of the first tier stands in the text, so that another one must be found."""
    nasty = "".join(map(chr, range(0xFDD0, 0xFDF0)))
    rows = parse([f"{nasty}\\,,y,z"], 2, COLUMNS, STRICT).to_dicts()
    assert rows[0]["a"] == f"{nasty},"


def test_rows_are_read_block_by_block(path: Path) -> None:
    path.write_bytes(b"a,b,c\n" + b"1,2,3\n" * 100)
    read_blocks = partial(blocks, open_file(path, RULE, STRICT), STRICT)
    sizes: list[int] = [block.height for block in read_blocks(60)]
    assert sum(sizes) == 100
    assert max(sizes) <= 11
    first: pl.DataFrame = next(iter(read_blocks(60)))
    assert first.columns == [LINE, PROBLEM, *COLUMNS]
