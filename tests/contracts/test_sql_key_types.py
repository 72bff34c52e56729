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


TIED = {"groups": {"query": "SELECT member, role FROM tied", "user": "member", "value": "role"}}


def tied(url: str, kind: str, *members: str) -> None:
    """Make a table of groups whose column of the member is of a type."""
    rows = ", ".join(f"({member}, 'staff')" for member in members)
    made = f"CREATE TABLE tied (member {kind}, role varchar(20))"
    run(url, "DROP TABLE IF EXISTS tied", made, f"INSERT INTO tied VALUES {rows}")  # noqa: S608 - same


@pytest.mark.parametrize("server", ["postgresql", "mariadb"])
def test_groups_are_of_whom_the_database_holds_for_the_same(
    server: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url: str = request.getfixturevalue(f"{server}_url")
    if server == "postgresql":
        run(url, "CREATE EXTENSION IF NOT EXISTS citext")
    kind = "citext" if server == "postgresql" else "varchar(20)"
    keyed(url, kind, ["'Bob'", "'alice'", "'Carl'", "'Zoe'"])
    tied(url, kind, "'bob'", "'ALICE'", "'Carl'", "'nobody'")
    for more in ({}, {"query": "SELECT name FROM keyed"}):
        one = source(url, tmp_path, page_rows=2, lists=TIED, **more)
        one.check()
        told = dict(read(one, "name", "groups"))
        assert told == {"alice": '["staff"]', "Bob": '["staff"]', "Carl": '["staff"]', "Zoe": "[]"}


@pytest.mark.parametrize("server", ["postgresql", "mariadb"])
def test_members_of_another_type_than_the_key_are_refused_with_the_way_out(
    server: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """MariaDB would give the groups of the one user to the other: as doubles both numbers are the same."""
    url: str = request.getfixturevalue(f"{server}_url")
    keyed(url, "bigint", ["9007199254740993"])
    tied(url, "varchar(20)", "'9007199254740992'", "'9007199254740993'")
    for ask in (SqlSource.check, lambda one: read(one, "groups")):
        with pytest.raises(SourceError, match="CAST"):
            ask(source(url, tmp_path, lists=TIED))
    number = "bigint" if server == "postgresql" else "signed"
    cast = {**TIED["groups"], "query": f"SELECT CAST(member AS {number}) AS member, role FROM tied"}  # noqa: S608
    assert read(source(url, tmp_path, lists={"groups": cast}), "groups") == [('["staff"]',)]
