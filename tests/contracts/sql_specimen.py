"""The people of the contract in a SQLite file, and the same in any database."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from connectors.sources.sql_source import SqlSettings, SqlSource
from tests.contracts.source_suite import PEOPLE, Specimen

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.sources.base import Source

GROUPS = {"query": "SELECT person, name FROM members", "user": "person", "value": "name"}


def sql_specimen(folder: Path) -> Specimen:
    """SQLite; the last row holds bytes that are no text."""
    file = folder / "app.db"
    people = sorted(PEOPLE, key=lambda person: str(person["id"]).encode())
    with sqlite3.connect(file) as database:
        database.execute(
            "CREATE TABLE users "
            "(id TEXT PRIMARY KEY NOT NULL, name TEXT, plan TEXT, note BLOB, updated_at INTEGER)"
        )
        database.executemany("INSERT INTO users VALUES (:id, :name, :plan, :note, 1)", people[:-1])
        database.executemany("INSERT INTO users VALUES (:id, :name, :plan, :note, 2)", people[-1:])
        database.execute("INSERT INTO users VALUES ('~bad', 'n', 'p', x'ff', 1)")
        database.execute("CREATE TABLE members (person TEXT, name TEXT)")
        database.execute("INSERT INTO members VALUES ('00123', 'staff')")
        database.execute("CREATE TABLE grown (id TEXT PRIMARY KEY NOT NULL, name TEXT)")
        database.execute("CREATE VIEW twice AS SELECT 'same' AS id UNION ALL SELECT 'same'")
    database.close()

    def source(
        table: str = "users", rows: int = 3, url: str = "sqlite:///app.db", **more: object
    ) -> SqlSource:
        given = {"url": url, "table": table, "page_rows": rows, "lists": {"groups": GROUPS}, **more}
        return SqlSource(SqlSettings.model_validate(given), folder, sleep=lambda _: None)

    def write(*statements: str) -> None:
        with sqlite3.connect(file) as opened:
            for statement in statements:
                opened.execute(statement)
        opened.close()

    def grown(size: int) -> Source:
        rows = ", ".join(f"('u{number:05d}', 'n')" for number in range(size))
        write("DELETE FROM grown", f"INSERT INTO grown VALUES {rows}")  # noqa: S608 - numbers alone
        return source("grown", 50)

    def change() -> None:
        """The new ones come before others: who forgets on resuming that he reads changes reads old ones."""
        write("INSERT INTO users VALUES (' more' || (SELECT count(*) FROM users), 'n', 'p', '', 3)")

    return Specimen(
        source,
        [(number, 0, dict(person)) for number, person in enumerate(people, 1)],
        unreadable=[(len(people) + 1, 0, "line_undecodable")],
        change=change,
        failing=[
            lambda: source("nobody").check(),
            lambda: source("twice", key="id").check(),
            lambda: source(table=None, query="SELECT * FROM users", rows=3).check(),
            lambda: source(url="nothing://").check(),
            lambda: source(url="mysql+pymysql://root:hush@127.0.0.1:1/app").check(),
            lambda: list(source().pages(["nmae"])),
        ],
        grown=grown,
        changing=lambda: source(updated_at="updated_at"),
        delivered={"groups": "groups"},
        parts=lambda parts: source(rows=2, parallel=parts),
    )
