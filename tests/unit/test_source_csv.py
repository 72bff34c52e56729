"""CSV files as people write them: dialects, headers, broken lines, several files."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
import zstandard
from pydantic import ValidationError

from connectors.errors import ConfigurationError, SourceError
from connectors.records import FILE, LINE, Page
from connectors.sources.csv_exact import LONGEST_VALUE
from connectors.sources.csv_fast import Piece, ProvedReader
from connectors.sources.csv_files import CsvSettings, CsvSource
from connectors.sources.windows import LONGEST_RECORD, Window

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RAGGED, MALFORMED, UNDECODABLE = "line_ragged", "line_malformed", "line_undecodable"


def source(folder: Path, content: str | bytes, *, block: int = 1 << 20, **chosen: Any) -> CsvSource:
    data = content.encode() if isinstance(content, str) else content
    (folder / "users.csv").write_bytes(data)
    return CsvSource(CsvSettings(path="users.csv", **chosen), folder, block_bytes=block)


def rows(pages: list[Page], *columns: str) -> list[tuple[Any, ...]]:
    return [row for page in pages for row in page.rows.select(*columns).iter_rows()]


def read(made: CsvSource) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Give line and values of the rows, and line and reason of what is unreadable."""
    fields = made.fields()
    pages = list(made.pages(fields))
    lost = [(row[0], row[2]) for page in pages for row in page.unreadable.iter_rows()]
    return rows(pages, LINE, *fields), lost


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_by_itself(tmp_path: Path, delimiter: str) -> None:
    """Also where values hold the other candidates more often than the true one."""
    others = "".join({",", ";", "\t", "|"} - {delimiter})
    text = f"id{delimiter}roles\n1{delimiter}a{others * 3}b\n2{delimiter}c{others * 3}d\n"
    assert read(source(tmp_path, text))[0] == [(2, "1", f"a{others * 3}b"), (3, "2", f"c{others * 3}d")]


def test_a_delimiter_inside_quoted_headers_does_not_mislead(tmp_path: Path) -> None:
    text = '"name, first; last";id\n"a,b";1\n'
    assert read(source(tmp_path, text))[0] == [(2, "a,b", "1")]


def test_a_file_with_one_column_has_no_delimiter(tmp_path: Path) -> None:
    made = source(tmp_path, "email\nann@example.com\n\nbob@example.com\n")
    assert read(made) == ([(2, "ann@example.com"), (4, "bob@example.com")], [])


def test_an_empty_value_in_a_single_column_is_no_blank_line(tmp_path: Path) -> None:
    assert read(source(tmp_path, 'email\n""\n\na\n'))[0] == [(2, ""), (4, "a")]


def test_single_quotes_are_found_only_where_the_file_begins_with_them(tmp_path: Path) -> None:
    assert read(source(tmp_path, "'id','name'\n'1','a,b'\n"))[0] == [(2, "1", "a,b")]
    assert read(source(tmp_path, "id,name\n1,'tis\n2,O'Neil\n"))[0] == [(2, "1", "'tis"), (3, "2", "O'Neil")]


def test_what_is_set_wins_over_what_would_be_found(tmp_path: Path) -> None:
    made = source(tmp_path, 'a,b;c,d\n"1,2;3",4\n', delimiter=";", quote="")
    assert read(made) == ([(2, '"1,2', '3",4')], [])


def test_the_word_tab_is_a_tab(tmp_path: Path) -> None:
    assert read(source(tmp_path, "a,b\tc\n1,2\t3\n", delimiter="tab"))[0] == [(2, "1,2", "3")]


@pytest.mark.parametrize(
    ("name", "value"),
    [("delimiter", ",,"), ("delimiter", "x"), ("delimiter", "\n"), ("delimiter", ""), ("quote", "§")],
)
def test_signs_that_cannot_work_are_refused(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match="one ASCII sign"):
        CsvSettings(path="x", **{name: value})  # type: ignore[arg-type]


def test_files_without_a_header_line_take_their_names_from_the_settings(tmp_path: Path) -> None:
    made = source(tmp_path, "\ufeff1;Ann\n2;Bob\n", columns=["id", "name"])
    assert read(made)[0] == [(1, "1", "Ann"), (2, "2", "Bob")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_counts_as_one_line(tmp_path: Path, end: str) -> None:
    text = end.join(["id,name", "1,Ann", "", '2,"two', 'lines"', "3,Cid"])
    assert read(source(tmp_path, text))[0] == [(2, "1", "Ann"), (4, "2", f"two{end}lines"), (6, "3", "Cid")]


def test_a_lone_carriage_return_is_a_letter(tmp_path: Path) -> None:
    """polars drops it behind any unquoted value; the slow path keeps it."""
    assert read(source(tmp_path, "id,name\na\r,b\nc,d\re\n"))[0] == [(2, "a\r", "b"), (3, "c", "d\re")]


@pytest.mark.parametrize("block", [7, 1 << 20])
def test_each_broken_line_is_told_with_its_physical_line(tmp_path: Path, block: int) -> None:
    lines = [
        b"id,name,mail",  # 1
        b"1,Ann,a",
        b"short,line",  # 3
        b"",
        b"far,too,many,fields",  # 5
        b'2,"Bo\nb",b',  # 6 and 7
        b"3,\xff,c",  # 8
        b'4,"D"ora,d',  # 9
        b'5,6" nails,e',
        b'6,"never closed,f',  # 11
        b"7,Gil,g",
    ]
    made = source(tmp_path, b"\r\n".join(lines) + b"\r\n", block=block, encoding="utf-8")
    found, lost = read(made)
    assert found == [
        (2, "1", "Ann", "a"),
        (6, "2", "Bo\nb", "b"),
        (10, "5", '6" nails', "e"),
        (12, "7", "Gil", "g"),
    ]
    assert lost == [(3, RAGGED), (5, RAGGED), (8, UNDECODABLE), (9, MALFORMED), (11, MALFORMED)]


def test_undecodable_bytes_matter_only_in_asked_fields(tmp_path: Path) -> None:
    made = source(tmp_path, b"id,name\n1,\xff\n2,Bob\n", encoding="utf-8")
    assert rows(list(made.pages(["id"])), "id") == [("1",), ("2",)]


@pytest.mark.parametrize("block", [1 << 10, 1 << 22])
def test_a_stray_quote_cannot_swallow_the_people_after_it(tmp_path: Path, block: int) -> None:
    """Not in a file without any other quote, nor where one follows much later."""
    people = [f"{number},{'x' * 30}" for number in range(10_000)]
    people[10] = '10,"open'
    people[9_000] = '9000,"closed"'
    found, lost = read(source(tmp_path, "id,name\n" + "\n".join(people), block=block))
    assert lost == [(12, MALFORMED)]
    assert [row[0] for row in found] == [line for line in range(2, 10_002) if line != 12]


def test_a_value_may_run_over_many_lines_but_not_over_half_the_file(tmp_path: Path) -> None:
    long, longer = "\n" * LONGEST_VALUE, "\n" * (LONGEST_VALUE + 1)
    found, lost = read(source(tmp_path, f'id,note\n1,"{long}"\n2,b\n'))
    assert [row[:2] for row in found] == [(2, "1"), (3 + LONGEST_VALUE, "2")]
    assert lost == []
    found, lost = read(source(tmp_path, f'id,note\n1,"{longer}"\n2,b\n'))
    assert [row[1] for row in found] == ["2"]
    assert lost == [(2, MALFORMED), (2 + len(longer), MALFORMED)]


def test_a_long_value_on_one_line_is_a_value(tmp_path: Path) -> None:
    photo = "A" * (3 * LONGEST_VALUE)
    assert read(source(tmp_path, f'id,photo\n1,"{photo}"\n2,{photo}\n', block=1000))[0] == [
        (2, "1", photo),
        (3, "2", photo),
    ]


def test_one_broken_line_does_not_slow_the_others(tmp_path: Path) -> None:
    """All but the piece around it are still read by the million."""
    lines = [f"{number},user{number}@example.com" for number in range(100_000)]
    lines[50_000] = "broken"
    taken: list[int] = []
    real = ProvedReader.read

    def spy(self: ProvedReader, piece: Piece, line: int) -> Any:
        read = real(self, piece, line)
        taken.append(0 if read is None else read[0].height)
        return read

    with mock.patch.object(ProvedReader, "read", spy):
        found, lost = read(source(tmp_path, "id,mail\n" + "\n".join(lines) + "\n", block=1 << 22))
    assert len(found) == 99_999
    assert lost == [(50_002, RAGGED)]
    assert sum(taken) > 98_000
    assert len(taken) < 40


def test_a_mark_in_the_middle_of_a_file_is_a_letter(tmp_path: Path) -> None:
    """Files that were glued together have one; polars would drop it at the beginning of a piece."""
    text = "\ufeffid,name\n\ufeff1,Ann\n2,\ufeffBob\n"
    assert read(source(tmp_path, text, block=8))[0] == [(2, "\ufeff1", "Ann"), (3, "2", "\ufeffBob")]


def test_a_header_over_several_lines_after_blank_ones(tmp_path: Path) -> None:
    assert read(source(tmp_path, '\n\nid,"full\nname"\n1,Ann\n'))[0] == [(5, "1", "Ann")]


def test_a_file_with_only_a_header_has_nobody(tmp_path: Path) -> None:
    made = source(tmp_path, "id,name")
    assert made.fields() == ["id", "name"]
    assert list(made.pages(["id"])) == []


@pytest.mark.parametrize("content", [b"", b"\n\r\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_an_error_that_says_so(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SourceError, match=r"users\.csv is empty"):
        source(tmp_path, content).check()


def test_a_header_that_is_never_closed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="header line cannot be read"):
        source(tmp_path, '"id,name\n1,2\n', delimiter=",").check()


def test_a_header_in_another_encoding_asks_for_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="encoding"):
        source(tmp_path, "id,prénom\n1,a\n".encode("cp1252"), encoding="utf-8").check()


def test_a_field_that_stands_twice_can_be_there_but_not_be_asked_for(tmp_path: Path) -> None:
    made = source(tmp_path, "id,mail,mail,\n1,a,b,c\n")
    assert made.fields() == ["id"]
    assert rows(list(made.pages(["id"])), "id") == [("1",)]
    with pytest.raises(SourceError, match="'mail' more than once"):
        list(made.pages(["mail"]))


def test_a_missing_field_names_the_file_the_field_and_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"users\.csv: unknown field 'emial'. Did you mean 'email'\? Known: email, id"
    ):
        list(source(tmp_path, "id,email\n1,a\n").pages(["emial"]))


@pytest.mark.parametrize(
    "first", ["1,Ann,ann@example.com", "Ann,+49 151 0001234", "7,Ann", ",".join(map(str, range(300)))]
)
def test_a_person_where_the_header_should_be_is_not_shown(tmp_path: Path, first: str) -> None:
    """A file without a header line would put its first person into the error."""
    with pytest.raises(SourceError, match=r"looks like data, so it is not shown.*`columns`") as caught:
        list(source(tmp_path, f"{first}\n", delimiter=",").pages(["email"]))
    assert "Ann" not in str(caught.value)
    assert "29" not in str(caught.value)


def test_a_field_with_a_name_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="'@line'"):
        list(source(tmp_path, "@line,id\n7,1\n").pages(["@line"]))


def test_a_field_asked_for_twice_comes_once(tmp_path: Path) -> None:
    (page,) = source(tmp_path, "id,name\n1,a\n").pages(["name", "id", "name"])
    assert page.rows.columns == [LINE, FILE, "name", "id"]


def test_asking_for_no_field_still_numbers_everybody(tmp_path: Path) -> None:
    (page,) = source(tmp_path, 'id,name\n1,a\n2,"b"\n').pages([])
    assert page.rows.rows() == [(2, 0), (3, 0)]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-be", "utf-8-sig", "utf-32"])
def test_other_encodings_are_read_when_they_are_set(tmp_path: Path, encoding: str) -> None:
    text = "id,name\r\n1,Zoë Müßig\r\n2,Núñez\r\n"
    made = source(tmp_path, text.encode(encoding), encoding=encoding, block=5)
    assert read(made) == ([(2, "1", "Zoë Müßig"), (3, "2", "Núñez")], [])


def test_what_another_encoding_does_not_have_is_undecodable(tmp_path: Path) -> None:
    """0x81 means nothing in cp1252; two such bytes must not become a letter of UTF-8 either."""
    made = source(tmp_path, b"id,name\n1,a\n2,\x81\n3,\xe9\n", encoding="cp1252")
    assert read(made) == ([(2, "1", "a"), (4, "3", "é")], [(3, UNDECODABLE)])
    made = source(tmp_path, b"id,name\n1,\xc3\xa9\n", encoding="ascii")
    assert read(made)[1] == [(2, UNDECODABLE)]


def test_half_a_letter_at_the_end_of_utf_16_is_undecodable(tmp_path: Path) -> None:
    made = source(tmp_path, "id,name\n1,ab".encode("utf-16-le")[:-1], encoding="utf-16-le", block=3)
    assert read(made) == ([], [(2, UNDECODABLE)])


@pytest.mark.parametrize(("suffix", "pack"), [("gz", gzip.compress), ("zst", zstandard.compress)])
def test_compressed_files_are_read_and_gone_on_with(
    tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    text = "id,name\n" + "".join(f"{number},user{number}\n" for number in range(500))
    (tmp_path / f"users.csv.{suffix}").write_bytes(pack(text.encode()))
    made = CsvSource(CsvSettings(path=f"users.csv.{suffix}"), tmp_path, block_bytes=1000)
    pages = list(made.pages(["name"]))
    rest = list(made.pages(["name"], pages[3].cursor))
    assert rows(pages[:4] + rest, "name") == [(f"user{number}",) for number in range(500)]
    assert pages[-1].done == 1.0


def test_several_files_are_read_by_name_each_with_its_own_lines_and_dialect(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("name;id\nBob;2\n")
    (tmp_path / "a.csv").write_text("id,name,extra\n1,Ann,x\nbad\n")
    made = CsvSource(CsvSettings(path="?.csv"), tmp_path)
    pages = list(made.pages(["id", "name"]))
    assert rows(pages, FILE, LINE, "id", "name") == [(0, 2, "1", "Ann"), (1, 2, "2", "Bob")]
    assert pages[0].unreadable.rows() == [(3, 0, RAGGED)]


def test_a_file_of_several_that_lacks_a_field_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name\n1,Ann\n")
    (tmp_path / "b.csv").write_text("id,nom\n2,Bob\n")
    with pytest.raises(SourceError, match=r"b\.csv: unknown field 'name'.*Known: id, nom"):
        list(CsvSource(CsvSettings(path=["a.csv", "b.csv"]), tmp_path).pages(["name"]))


def test_a_later_file_that_lacks_a_field_is_named_before_anything_is_read(tmp_path: Path) -> None:
    """The first files of several may take hours."""
    (tmp_path / "a.csv").write_text("id,name,nom\n1,Ann,A\n")
    (tmp_path / "b.csv").write_text("nom,id\nB,2\n")
    made = CsvSource(CsvSettings(path="?.csv"), tmp_path)
    made.check_fields(["id", "nom"])
    with pytest.raises(SourceError, match=r"b\.csv: unknown field 'name'.*Known: id, nom"):
        made.check_fields(["id", "name"])
    (tmp_path / "b.csv").write_text("id,name,name\n2,Bob,B\n")
    with pytest.raises(SourceError, match=r"b\.csv has the field 'name' more than once"):
        made.check_fields(["id", "name"])


def test_going_on_in_a_plain_file_seeks(tmp_path: Path) -> None:
    """Nothing between the beginning and the place is read again."""
    made = source(
        tmp_path, "id,name\n" + "".join(f"{number},{'x' * 90}\n" for number in range(50_000)), block=1 << 16
    )
    pages = list(made.pages(["id"]))
    read_bytes: list[int] = []
    real = Window._read

    def spy(self: Window, wanted: int) -> None:
        real(self, wanted)
        read_bytes.append(len(self.data))

    with (
        mock.patch.object(Window, "_read", spy),
        mock.patch("connectors.sources.streams.Stream.skip") as slow,
    ):
        rest = list(made.pages(["id"], pages[-2].cursor))
    assert rows(rest, "id") == rows(pages[-1:], "id")
    assert sum(read_bytes) < 1 << 18
    slow.assert_not_called()


def test_a_cursor_beyond_the_files_is_an_error(tmp_path: Path) -> None:
    made = source(tmp_path, "id\n1\n")
    with pytest.raises(SourceError, match="fewer files"):
        list(made.pages(["id"], {"file": 1, "offset": 0, "line": 1}))


def test_a_file_without_line_ends_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    with mock.patch("connectors.sources.windows.LONGEST_RECORD", 10_000):
        made = source(tmp_path, "id,name\n" + "x" * 50_000, block=1000)
        with pytest.raises(SourceError, match="no record ends in the"):
            list(made.pages(["id"]))
    assert LONGEST_RECORD > 10_000
