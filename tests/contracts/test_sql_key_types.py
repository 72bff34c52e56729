"""Keys that a database orders and compares by rules of its own: nobody is lost, nobody is read twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, text

from connectors.errors import SourceError
from connectors.sources import sql_relation
from connectors.sources.sql_source import SqlSettings, SqlSource

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.system

PEOPLE = 60
FIRST = ("Al", "bE", "Zo", "xa", "Me", "na")
NAMES = sorted(f"{FIRST[nr % 6]}{nr}{'xY'[nr % 2]}" for nr in range(PEOPLE))


def run(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def keyed(url: str, kind: str, keys: list[str]) -> None:
    """Make a table whose key is of a type."""
    rows = ", ".join(f"({key}, {nr})" for nr, key in enumerate(keys))
    run(
        url,
        "DROP TABLE IF EXISTS keyed",
        f"CREATE TABLE keyed (name {kind} PRIMARY KEY, nr integer)",
        f"INSERT INTO keyed VALUES {rows}",  # noqa: S608 - texts of this file
    )


def source(url: str, folder: Path, **more: object) -> SqlSource:
    place = {} if "query" in more else {"table": "keyed"}
    given = {"url": url, "key": "name", "page_rows": 7, **place, **more}
    return SqlSource(SqlSettings.model_validate(given), folder, sleep=lambda _: None)


def read(one: SqlSource, *fields: str) -> list[tuple[Any, ...]]:
    return [row[2:] for page in one.pages(fields) for row in page.rows.iter_rows()]


@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("query", [None, "SELECT name, nr FROM keyed"], ids=["table", "query"])
@pytest.mark.parametrize("kind", ["citext", "no_case", "text COLLATE any_case", "char(12)", "name"])
def test_keys_that_postgresql_compares_by_rules_of_their_own_lose_nobody(
    postgresql_url: str, tmp_path: Path, kind: str, query: str | None, parallel: int
) -> None:
    run(
        postgresql_url,
        "DROP TABLE IF EXISTS keyed", "DROP DOMAIN IF EXISTS no_case", "DROP COLLATION IF EXISTS any_case",
        "CREATE EXTENSION IF NOT EXISTS citext", "CREATE DOMAIN no_case AS citext",
        "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
    )  # fmt: skip
    keyed(postgresql_url, kind, [f"'{name}'" for name in NAMES])
    more = {"parallel": parallel, **({"query": query} if query else {})}
    found = read(source(postgresql_url, tmp_path, **more), "name")
    assert sorted(row[0].strip() for row in found) == NAMES


@pytest.mark.parametrize("query", [None, "SELECT name, nr FROM keyed"], ids=["table", "query"])
@pytest.mark.parametrize("kind", ["enum", "set"])
def test_a_key_that_mariadb_orders_by_its_place_in_a_list_is_refused(
    mariadb_url: str, tmp_path: Path, kind: str, query: str | None
) -> None:
    allowed = ", ".join(f"'{nr * 7 % 20}'" for nr in range(20))
    keyed(mariadb_url, f"{kind}({allowed})", [f"'{nr}'" for nr in range(20)])
    with pytest.raises(SourceError, match=r"CAST\(name AS CHAR\)"):
        read(source(mariadb_url, tmp_path, **({"query": query} if query else {})), "nr")
    cast = "SELECT CAST(name AS CHAR) AS name, nr FROM keyed"
    assert len(set(read(source(mariadb_url, tmp_path, query=cast), "nr"))) == 20


def test_a_page_that_comes_again_ends_the_reading(
    mariadb_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyed(mariadb_url, "varchar(9)", ["'a'", "'b'"])
    monkeypatch.setattr(sql_relation, "bound", lambda _: text("''"))
    with pytest.raises(SourceError, match="otherwise than it compares"):
        read(source(mariadb_url, tmp_path), "nr")
