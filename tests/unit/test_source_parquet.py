"""Parquet columns of every type as text, by name or path."""

from __future__ import annotations

import datetime as dt
import gzip
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from connectors.errors import SourceError
from connectors.records import LINE
from connectors.sources.parquet_files import ParquetSettings, ParquetSource

if TYPE_CHECKING:
    from pathlib import Path

UTC = dt.UTC
WHEN = dt.datetime(2020, 7, 2, 3, 4, 5, 678000, tzinfo=UTC)


def source(folder: Path, columns: dict[str, Any], rows: int = 100) -> ParquetSource:
    pl.DataFrame(columns).write_parquet(folder / "u.parquet")
    return ParquetSource(ParquetSettings(path="u.parquet"), folder, page_rows=rows)


def texts(made: ParquetSource, *fields: str) -> list[tuple[Any, ...]]:
    return [row[2:] for page in made.pages(fields) for row in page.rows.iter_rows()]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (pl.Series(["00123"]), "00123"),
        (pl.Series([""]), ""),
        (pl.Series([None], dtype=pl.String), None),
        (pl.Series([None], dtype=pl.Null), None),
        (pl.Series([2**63 - 1]), "9223372036854775807"),
        (pl.Series([2**64 - 1], dtype=pl.UInt64), "18446744073709551615"),
        (pl.Series([1.5]), "1.5"),
        (pl.Series([30231250420.0]), "30231250420"),
        (pl.Series([42.0], dtype=pl.Float32), "42"),
        (pl.Series([-(2.0**53)]), "-9007199254740992"),
        (pl.Series([2.0**60]), "1.152921504606847e+18"),
        (pl.Series([float("nan")]), "NaN"),
        (pl.Series([float("inf")]), "inf"),
        (pl.Series([0.1], dtype=pl.Float32), "0.1"),
        (pl.Series([Decimal("1.10")]), "1.10"),
        (pl.Series([True]), "true"),
        (pl.Series([dt.date(2020, 1, 2)]), "2020-01-02"),
        (pl.Series([dt.time(1, 2, 3)]), "01:02:03"),
        (pl.Series([WHEN]), "2020-07-02T03:04:05.678000+00:00"),
        (pl.Series([WHEN]).dt.convert_time_zone("Europe/Berlin"), "2020-07-02T05:04:05.678000+02:00"),
        (pl.Series([WHEN.replace(tzinfo=None)], dtype=pl.Datetime("ms")), "2020-07-02T03:04:05.678"),
        (pl.Series([dt.timedelta(days=1, seconds=3)]), "P1DT3S"),
        (pl.Series([b"bytes"]), "bytes"),
        (pl.Series(["a"], dtype=pl.Categorical), "a"),
        (pl.Series([["a", 'é"', None]]), '["a","é\\"",null]'),
        (pl.Series([[]], dtype=pl.List(pl.Int8)), "[]"),
        (pl.Series([None], dtype=pl.List(pl.Int8)), None),
        (pl.Series([[1, 2]], dtype=pl.Array(pl.Int8, 2)), "[1,2]"),
        (pl.Series([{"x": 1, "y": [{"z": "}"}]}]), '{"x":1,"y":[{"z":"}"}]}'),
        (pl.Series([[dt.date(2020, 1, 2)]]), '["2020-01-02"]'),
    ],
    ids=lambda value: str(getattr(value, "dtype", "")),
)
def test_every_type_has_its_text(tmp_path: Path, column: pl.Series, text: str | None) -> None:
    assert texts(source(tmp_path, {"v": column}), "v") == [(text,)]


NESTED = {
    "m": [{"plan": "pro", "a": {"b": [1, 2]}}, {"plan": None, "a": None}, None],
    "emails": [[{"value": "x"}, {"value": "y"}], [], None],
    "m.plan": ["dotted", "wins", None],
    "^x$": ["a", "b", "c"],
    "*": ["star", "*", ""],
}


def test_paths_reach_into_structs_and_lists(tmp_path: Path) -> None:
    made = source(tmp_path, NESTED)
    assert texts(made, "m.a.b[1]", "emails[1].value", "m.a", "emails[0]") == [
        ("2", "y", '{"b":[1,2]}', '{"value":"x"}'),
        (None, None, None, None),
        (None, None, None, None),
    ]


def test_a_column_s_own_name_wins_over_a_path_and_is_no_pattern(tmp_path: Path) -> None:
    made = source(tmp_path, NESTED)
    assert texts(made, "m.plan", "^x$", "*") == [("dotted", "a", "star"), ("wins", "b", "*"), (None, "c", "")]


def test_fields_are_the_paths_of_the_schema(tmp_path: Path) -> None:
    assert source(tmp_path, NESTED).fields() == [
        "m.plan", "m.a.b", "m.a.b[0]", "emails", "emails[0].value", "m.plan", "^x$", "*",
    ]  # fmt: skip


def test_bytes_that_are_no_text_make_their_row_unreadable(tmp_path: Path) -> None:
    made = source(tmp_path, {"id": [1, 2, 3], "b": [b"ok", b"\xff", None]})
    (page,) = made.pages(["id", "b"])
    assert page.rows.select(LINE, "id", "b").rows() == [(1, "1", "ok"), (3, "3", None)]
    assert page.unreadable.rows() == [(2, 0, "line_undecodable")]
    (page,) = made.pages(["id"])
    assert page.rows.height == 3


def test_bytes_inside_a_list_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="'b' holds bytes in a list or struct"):
        texts(source(tmp_path, {"b": [[b"x"]]}), "b")


def test_a_later_file_that_lacks_a_field_is_named_before_anything_is_read(tmp_path: Path) -> None:
    for name, columns in (("a", ["id", "name"]), ("b", ["name", "id"]), ("c", ["id"])):
        pl.DataFrame({column: ["1"] for column in columns}).write_parquet(tmp_path / f"{name}.parquet")
    ParquetSource(ParquetSettings(path="[ab].parquet"), tmp_path).check_fields(["id", "name"])
    with pytest.raises(SourceError, match=r"c\.parquet: unknown field 'name'"):
        ParquetSource(ParquetSettings(path="?.parquet"), tmp_path).check_fields(["id", "name"])


@pytest.mark.parametrize("path", ["nope", "m.nope", "emails.value", "m[0]", "emails[0].nope"])
def test_a_path_that_is_not_in_the_schema_is_named(tmp_path: Path, path: str) -> None:
    with pytest.raises(SourceError, match=r"u\.parquet: unknown field .*Known: "):
        texts(source(tmp_path, {"m": NESTED["m"], "emails": NESTED["emails"]}), path)


def test_pages_are_numbered_through_and_gone_on_with(tmp_path: Path) -> None:
    made = source(tmp_path, {"id": range(250)}, rows=100)
    pages = list(made.pages(["id"]))
    assert [page.rows.height for page in pages] == [100, 100, 50]
    assert [page.rows[LINE][0] for page in pages] == [1, 101, 201]
    assert [page.done for page in pages] == sorted(page.done or 0 for page in pages)
    (rest,) = made.pages(["id"], pages[1].cursor)
    assert rest.rows.equals(pages[2].rows)


def test_an_empty_file_has_nobody(tmp_path: Path) -> None:
    made = source(tmp_path, {"id": []})
    assert made.count() == 0
    assert list(made.pages(["id"])) == []


def test_a_compressed_file_is_read_too(tmp_path: Path) -> None:
    made = source(tmp_path, {"id": ["a"]})
    (tmp_path / "u.parquet.gz").write_bytes(gzip.compress((tmp_path / "u.parquet").read_bytes()))
    made = ParquetSource(ParquetSettings(path="u.parquet.gz"), tmp_path)
    assert texts(made, "id") == [("a",)]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"id,name\n1,Ann Example\n" * 10])
def test_what_is_no_parquet_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "u.parquet").write_bytes(content)
    with pytest.raises(SourceError, match=r"u\.parquet is no Parquet file that can be read") as caught:
        ParquetSource(ParquetSettings(path="u.parquet"), tmp_path).check()
    assert "Ann" not in str(caught.value)
