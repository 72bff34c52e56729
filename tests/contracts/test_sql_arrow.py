"""PostgreSQL read column by column gives the very texts of the usual way, or leaves a page to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, text

from connectors.sources.sql_source import SqlSettings, SqlSource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.system

COLUMNS = {
    "nr": "bigint PRIMARY KEY",
    "uid": "uuid UNIQUE NOT NULL",
    "name": "varchar(80) UNIQUE NOT NULL",
    "padded": "char(9)",
    "small": "smallint",
    "whole": "integer",
    "active": "boolean",
    "born": "date",
    "balance": "numeric",
    "system": "name",
    "extra": "jsonb",
    "at": "timestamptz",
}
READ = tuple(COLUMNS)[:10]
"""Columns of types that are read by ADBC; the last two are not."""
ROWS: tuple[tuple[Any, ...], ...] = (
    (-9_000_000_000, "00000000-0000-4000-8000-00000000000a", "O'Neil 50% \\ :x", " a", -1, 0, True,
     "1990-02-03", "1.10", "n", '{"a": [1, "é"]}', "2026-01-02 03:04:05+02"),
    (0, "00000000-0000-4000-8000-00000000000b", "李小龙\ttab\nline", "", 0, -5, False,
     "infinity", "-0.0000000001", "", "[]", "infinity"),
    (7, "ffffffff-0000-4000-8000-00000000000c", "", None, None, None, None, None, None, None, None, None),
    (8, "ffffffff-0000-4000-8000-00000000000d", "=1+2", "full nine", 32767, 2147483647, True,
     "0044-03-15 BC", "123456789012345678901234567890", "z", "{}", "1999-12-31 23:59:59.5+00"),
    (9_000_000_000, "ffffffff-0000-4000-8000-00000000000e", "plain", "x", 1, 1, False,
     "9999-12-31", "NaN", "q", "null", "2026-01-01 00:00:00+00"),
)  # fmt: skip


@pytest.fixture(scope="module")
def url(postgresql_url: str) -> str:
    engine = create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS arrows"))
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        connection.execute(text(f"CREATE TABLE arrows ({columns})"))
        places = ", ".join(f":{name}" for name in COLUMNS)
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]
        connection.execute(text(f"INSERT INTO arrows VALUES ({places})"), rows)  # noqa: S608 - the test's own
    engine.dispose()
    return postgresql_url


def source(url: str, folder: Path, **more: object) -> SqlSource:
    given = {"url": url, "table": "arrows", "key": "nr", "page_rows": 2, **more}
    return SqlSource(SqlSettings.model_validate(given), folder, sleep=lambda _: None)


def read(one: SqlSource, fields: Sequence[str]) -> list[tuple[Any, ...]]:
    return [row for page in one.pages(fields) for row in page.rows.iter_rows()]


def slow(one: SqlSource) -> SqlSource:
    """The usual way alone."""
    one.__dict__["_arrow"] = None
    return one


def fast(one: SqlSource, monkeypatch: pytest.MonkeyPatch) -> SqlSource:
    """The new way alone."""

    def fail(*_: object) -> None:
        pytest.fail("this page was left to the usual way")

    monkeypatch.setattr(one, "_rows_of", fail)
    return one


@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("key", ["nr", "uid", "name"])
def test_both_ways_give_the_same_texts_in_the_same_order(
    url: str, tmp_path: Path, key: str, parallel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = fast(source(url, tmp_path, key=key, parallel=parallel), monkeypatch)
    usual = slow(source(url, tmp_path, key=key, parallel=parallel))
    found, told = read(quick, READ), read(usual, READ)
    assert len(told) == len(ROWS)
    if parallel > 1:  # whichever part is quicker comes first
        found, told = (sorted(row[2:] for row in rows) for rows in (found, told))
    assert found == told


def test_lists_are_put_beside_what_was_read_so(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = {"groups": {"query": "SELECT nr, name FROM arrows", "user": "nr", "value": "name"}}
    fields = ("groups", "name")
    found = read(fast(source(url, tmp_path, lists=lists), monkeypatch), fields)
    assert found == read(slow(source(url, tmp_path, lists=lists)), fields)


@pytest.mark.parametrize("fields", [("extra", "nr"), ("at",)])
def test_other_types_are_read_in_the_usual_way(
    url: str, tmp_path: Path, fields: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = source(url, tmp_path)
    assert one._arrow is not None
    monkeypatch.setattr(one._arrow, "read", lambda *_: pytest.fail("it cannot read this"))
    assert read(one, fields) == read(slow(source(url, tmp_path)), fields)


def test_a_connection_that_was_cut_costs_nothing_but_a_new_one(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = fast(source(url, tmp_path), monkeypatch)
    pages = one.pages(READ)
    rows = list(next(pages).rows["nr"])
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        )
    engine.dispose()
    rows += [nr for page in pages for nr in page.rows["nr"]]
    assert rows == [str(row[0]) for row in ROWS]


def test_what_adbc_refuses_is_read_in_the_usual_way(url: str, tmp_path: Path) -> None:
    one = source(url, tmp_path)
    assert one._arrow is not None
    one._arrow.url = "postgresql://127.0.0.1:1/nobody"
    assert read(one, READ) == read(slow(source(url, tmp_path)), READ)
    assert one._arrow.refused


def test_a_database_of_unknown_letters_is_read_in_the_usual_way(url: str, tmp_path: Path) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS letters"))
        connection.execute(
            text(
                "CREATE DATABASE letters ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
            )
        )
    engine.dispose()
    other = url.rpartition("/")[0] + "/letters"
    engine = create_engine(f"{other}?client_encoding=utf8")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE arrows (nr bigint PRIMARY KEY, name text)"))
        connection.execute(text(r"INSERT INTO arrows VALUES (1, 'Ann'), (2, E'\xff'), (3, 'Zoë')"))
    engine.dispose()
    one = source(other, tmp_path)
    assert one._arrow is None
    assert [row[2:] for row in read(one, ("nr", "name"))] == [("1", "Ann"), ("3", "Zoë")]
    lost = [row for page in one.pages(["name"]) for row in page.unreadable.iter_rows()]
    assert lost == [(2, 0, "line_undecodable")]
