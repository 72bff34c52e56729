"""The queries of ``kind: sql`` in the words of databases that no test can start: SQL Server and Oracle."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import Column, Dialect, MetaData, String, Table, column, text
from sqlalchemy.dialects import mssql, oracle

from connectors.sources.sql_relation import Relation

NAMES = ("id", "email")


def relation(*, is_query: bool) -> Relation:
    if is_query:
        origin = text("SELECT id, email FROM app.users").columns(*map(column, NAMES)).subquery("users")
        return Relation(origin, {name: origin.c[name] for name in NAMES}, "id", proven=False)
    table = Table("people", MetaData(), *(Column(name, String(40)) for name in NAMES))
    return Relation(table, {name: table.c[name] for name in NAMES}, "id", proven=True)


DIALECTS: dict[str, tuple[Dialect, str]] = {
    "SQL Server": (mssql.dialect(), r"^SELECT TOP __\[POSTCOMPILE_\w+\] .* ORDER BY \w+\.id$"),
    "Oracle": (oracle.dialect(), r" ORDER BY \w+\.id FETCH FIRST __\[POSTCOMPILE_\w+\] ROWS ONLY$"),
}


@pytest.mark.parametrize("is_query", [False, True], ids=["table", "query"])
@pytest.mark.parametrize("name", DIALECTS)
def test_a_page_is_asked_for_in_the_database_s_own_words(name: str, is_query: bool) -> None:  # noqa: FBT001 - a case
    dialect, ends = DIALECTS[name]
    said = str(relation(is_query=is_query).page(NAMES, "a", "z", 500).compile(dialect=dialect))
    said = re.sub(r"\s+", " ", said)
    assert re.search(ends, said), said
    assert " LIMIT " not in said
    assert "id > " in said
    assert "id <= " in said
    assert (" AS users" in said) is (is_query and name != "Oracle"), (
        "Oracle takes no AS before a table's name"
    )
