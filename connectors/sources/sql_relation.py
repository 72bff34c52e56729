"""What is read of a database: a table or view as it is there, or the result of a query."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    MetaData,
    Table,
    bindparam,
    column,
    false,
    func,
    inspect,
    select,
    text,
    type_coerce,
)
from sqlalchemy.types import NullType

from connectors.errors import SourceError
from connectors.sources.fields import not_there
from connectors.sources.sql_errors import database_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Engine, FromClause, Select

_PARAMETER: Final = re.compile(r"(?<![:\w\\]):(?=\w)")

_BY_INDEX: Final = 0x100 | 0x800
"""Flags by which MySQL and MariaDB tell that a column is an ENUM or a SET."""

KEY: Final = "poolferry_key"
"""What the key is called in a page."""


@dataclass(frozen=True)
class Relation:
    """Columns by name, with what they come from and the one that names a user.

    Attributes:
        origin: the table, view or query.
        columns: its columns by their names.
        key: name of the column that orders the users.
        proven: whether the database itself holds that the key is unique and never null.
    """

    origin: FromClause
    columns: Mapping[str, ColumnElement[Any]]
    key: str
    proven: bool

    def column(self, name: str) -> ColumnElement[Any]:
        """A column.

        Raises:
            SourceError: there is none of that name; the text lists those that are there.
        """
        if name not in self.columns:
            raise not_there("field", name, list(self.columns), "source")
        return self.columns[name]

    def page(self, names: Sequence[str], low: Any, high: Any, most: int) -> Select[Any]:  # noqa: ANN401 - keys of any type
        """Ask for some columns and the key behind them, of rows above ``low`` up to and with ``high``.

        Args:
            names: of the columns.
            low: a key; None: from the first on.
            high: a key; None: to the last.
            most: rows.
        """
        key = self.column(self.key)
        asked = select(*(self.column(name) for name in names), key.label(KEY)).select_from(self.origin)
        bounds = [key > bound(low)] if low is not None else []
        bounds += [key <= bound(high)] if high is not None else []
        return asked.where(*bounds).order_by(key).limit(most)

    def beside(self, other: Relation, value: str) -> Select[Any]:
        """Ask for the keys here, the equal ones of another relation, and a column that stands there."""
        key, owner = self.column(self.key), other.column(other.key)
        asked = select(key.label(KEY), owner.label("owner"), other.column(value).label("element"))
        joined = self.origin.join(other.origin, key == owner)
        return asked.select_from(joined).order_by(key, other.column(value))


def bound(key: Any) -> ColumnElement[Any]:  # noqa: ANN401 - a key of any type
    """A key to compare the column with, of no type of its own, so that the database takes the column's.

    Of a ``citext`` it would compare a ``varchar`` by case, and order it without.
    """
    return bindparam(None, key, NullType())


def table_of(engine: Engine, name: str, schema: str | None, key: str | None) -> Relation:
    """Look a table or view up in the database.

    Raises:
        SourceError: it is not there, or has no primary key of one column and none is named.
    """
    with database_errors(f"source.table {name!r}"):
        table = Table(name, MetaData(), schema=schema, autoload_with=engine, resolve_fks=False)
        keys = [column.name for column in table.primary_key.columns]
        unique = inspect(engine).get_unique_constraints(name, schema) if key and key not in keys else []
    chosen = key or (keys[0] if len(keys) == 1 else None)
    if chosen is None:
        raise SourceError(
            f"source.table {name!r} has no primary key of one column.", "Name a unique one in source.key."
        )
    if chosen not in table.columns:
        raise not_there("column", chosen, list(table.columns.keys()), "source.key")
    is_unique = keys == [chosen] or any(each["column_names"] == [chosen] for each in unique)
    proven = is_unique and not table.columns[chosen].nullable
    return Relation(table, {str(each.name): _raw(each) for each in table.columns}, str(chosen), proven)


def _raw(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The column as the driver gives it: SQLAlchemy's own conversions refuse odd dates in SQLite."""
    return type_coerce(column, NullType())


def query_of(engine: Engine, query: str, key: str | None, name: str = "users") -> Relation:
    """Ask the database which columns a query has.

    Args:
        engine: the database.
        query: as the run file has it.
        key: the column that names a user.
        name: what it is called inside other queries.

    Raises:
        SourceError: the query is refused, or the key is none of its columns.
    """
    names = names_of(engine, query)
    if key is None:
        raise SourceError("source.key is missing.", f"Name a unique column of the query: {', '.join(names)}.")
    if key not in names:
        raise not_there("column", key, names, "source.key")
    asked = text(f"{_bare(query)}\n").columns(*(column(name) for name in names)).subquery(name)
    return Relation(asked, {name: asked.c[name] for name in names}, key, proven=False)


def names_of(engine: Engine, query: str) -> list[str]:
    """Names of a query's columns.

    Raises:
        SourceError: the query is refused.
    """
    nobody = text(f"SELECT * FROM ({_bare(query)}\n) users WHERE 1 = 0")  # noqa: S608 - the run file's own query
    with database_errors("source.query"), engine.connect() as connection:
        return list(connection.execute(nobody).keys())


def _bare(query: str) -> str:
    """The query as it stands within another; what looks like a parameter to SQLAlchemy is a text's own."""
    return _PARAMETER.sub(r"\\:", query.strip().rstrip(";"))


def refuse_bad_key(engine: Engine, relation: Relation) -> None:
    """Prove that the key is unique and never null, since whoever shares or lacks one would be lost.

    Raises:
        SourceError: it is not; the text says how many rows. Or the database orders it in one way and compares
            it in another.
    """
    _refuse_ordered_by_index(engine, relation)
    if relation.proven:
        return
    key = relation.column(relation.key)
    missing = select(func.count()).select_from(relation.origin).where(key.is_(None))
    shared = select(key).select_from(relation.origin).group_by(key).having(func.count() > 1).limit(1)
    with database_errors("source.key"), engine.connect() as connection:
        nulls = int(connection.execute(missing).scalar_one())
        twice = connection.execute(shared).first() is not None
    if nulls or twice:
        said = f"{nulls:,} rows have none" if nulls else "some rows share one"
        raise SourceError(
            f"source.key: {relation.key} does not name every user: {said}.",
            "Name a column that is unique and never null, or leave those rows out by a query.",
        )


def _refuse_ordered_by_index(engine: Engine, relation: Relation) -> None:
    """An ENUM is ordered by its place among the allowed values, and compared by its text."""
    if engine.dialect.name not in ("mysql", "mariadb"):
        return
    nobody = select(relation.column(relation.key)).select_from(relation.origin).where(false())
    with database_errors("source.key"), engine.connect() as connection:
        # PyMySQL's, which tells flags here alone; other drivers have no such thing.
        answer = getattr(connection.execute(nobody).cursor, "_result", None)
    if any(each.flags & _BY_INDEX for each in getattr(answer, "fields", None) or ()):
        raise SourceError(
            f"source.key: {relation.key} is an ENUM or SET, which cannot order the users.",
            f"Name another column, or a query that has CAST({relation.key} AS CHAR) for it.",
        )
