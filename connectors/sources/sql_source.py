"""Users in a SQL database, by keyset paging: a page asks for the keys behind the last one before it.

A page is one short query on the key's index and a connection of its own: no transaction or connection stays
open for the night, no server-side cursor is lost, and a stopped run goes on behind any page.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import polars as pl
from pydantic import Field, model_validator
from sqlalchemy import create_engine, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from connectors.errors import ConfigurationError, SourceError
from connectors.retry import retrying
from connectors.sources.base import SourceSettings, SourceTraits
from connectors.sources.fields import asked_once
from connectors.sources.record_source import ROW
from connectors.sources.side_by_side import side_by_side
from connectors.sources.sql_arrow import ArrowReader, arrow_reader
from connectors.sources.sql_cells import Part, from_cursor, page_of, part_of, to_cursor, uuids_in
from connectors.sources.sql_errors import database_errors
from connectors.sources.sql_lenient import OddTime, lenient
from connectors.sources.sql_lists import Lists, ListSettings
from connectors.sources.sql_ranges import Range, cursor_of, from_ranges, ranges_of
from connectors.sources.sql_relation import Relation, query_of, refuse_bad_key, table_of
from connectors.sources.sql_waiting import bounded, wait_longer_for_answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Self

    from sqlalchemy import ColumnElement, Engine

    from connectors.records import Cursor, Page


class SqlSettings(SourceSettings):
    """Settings of ``kind: sql``."""

    kind: Literal["sql"] = "sql"
    url: str = Field(
        description="SQLAlchemy's URL of the database, its password as `${NAME}`.",
        examples=["postgresql+psycopg://reader:${DB_PASSWORD}@db/app"],
    )
    table: str | None = Field(default=None, description="Table or view with a row for each user.")
    db_schema: str | None = Field(default=None, description="Schema of the table; default: the login's own.")
    query: str | None = Field(default=None, description="Query with a row for each user, instead of a table.")
    lists: dict[str, ListSettings] = Field(
        default_factory=dict, description="More fields, each with a list: `query`, `user` and `value`."
    )
    updated_at: str | None = Field(
        default=None, description="Column with the time of a user's last change, for `mode: delta`."
    )
    overlap_seconds: float = Field(
        default=600.0, ge=0, description="How far `mode: delta` looks back, for changes committed late."
    )
    page_rows: int = Field(default=20_000, ge=1, le=200_000, description="Users a page.")
    parallel: int = Field(default=1, ge=1, le=16, description="Stretches of keys that are read at once.")

    @model_validator(mode="after")
    def _table_or_query(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("name a `table` or a `query`, one of the two")
        return self


class SqlSource:
    """Reads users from a database.

    Args:
        settings: where, and what.
        base: the folder that the path of a SQLite file begins at.
        sleep: takes seconds; tests give one that does not sleep.
    """

    traits: ClassVar[SourceTraits] = SourceTraits(
        resumable=True,
        counts=True,
        changed_since=True,
        partitions=True,
        live=True,
        delivers=frozenset({"groups"}),
    )

    def __init__(
        self, settings: SqlSettings, base: Path, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._settings = settings
        self._base = base
        self._sleep = sleep

    @cached_property
    def _engine(self) -> Engine:
        try:
            url = make_url(self._settings.url)
            if url.get_backend_name() == "sqlite" and url.database:
                url = url.set(database=str(self._base / url.database))
            engine = create_engine(bounded(url), poolclass=NullPool, hide_parameters=True)
            return wait_longer_for_answers(lenient(engine))
        except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
            missing = f" Install the package {error.name}." if isinstance(error, ImportError) else ""
            raise ConfigurationError(
                f"source.url: no database can be opened with it ({type(error).__name__}).{missing}",
                "It is written DIALECT+DRIVER://USER:PASSWORD@HOST/DATABASE, as in postgresql+psycopg://…",
            ) from None

    @property
    def engine(self) -> Engine:
        """The database.

        Raises:
            ConfigurationError: there is none at the URL; SQLite would make a new one there.
        """
        url = make_url(self._settings.url) if self._settings.url.startswith("sqlite") else None
        file = url.database if url is not None else None
        if file and not file.startswith((":memory:", "file:")) and not (self._base / file).is_file():
            raise ConfigurationError(
                f"source.url: there is no file {file} in {self._base}.", "Check the path."
            )
        return self._engine

    @cached_property
    def _lists(self) -> Lists:
        return Lists(self._engine, self._settings.lists, lambda: self._relation)

    @cached_property
    def _arrow(self) -> ArrowReader | None:
        reader: ArrowReader | None = self._tried(partial(arrow_reader, self._engine, self._relation))
        return reader

    @cached_property
    def _relation(self) -> Relation:
        told = self._settings
        if told.query is not None:
            look_up = partial(query_of, self.engine, told.query, told.key)
        else:
            look_up = partial(table_of, self.engine, told.table or "", told.db_schema, told.key)
        found: Relation = self._tried(look_up)
        self._tried(partial(refuse_bad_key, self._engine, found))
        return found

    def _tried(self, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the call gives
        return retrying("The database", sleep=self._sleep)(call)

    def check(self) -> None:
        """Look the table up, prove its key, and ask for one user and for every list."""
        next(iter(self.pages([self._relation.key])), None)
        self._tried(self._lists.check)
        if self._settings.updated_at:
            self._relation.column(self._settings.updated_at)

    def fields(self) -> list[str]:
        """Names of the columns and of the lists."""
        return [*self._relation.columns, *self._lists.names()]

    def count(self) -> int | None:
        """Ask the database."""
        return int(self._scalar(select(func.count()).select_from(self._relation.origin)))

    def fingerprint(self) -> str:
        """Hash of the place: dialect, host, database and what is read there; no password, no content."""
        url, told = make_url(self._settings.url), self._settings
        place = (url.get_backend_name(), url.host, url.port, url.database)
        said = repr((*place, told.db_schema, told.table, told.query, told.key))
        return hashlib.sha256(said.encode()).hexdigest()

    def pages(self, fields: Sequence[str], after: Cursor | None = None) -> Iterator[Page]:
        """Yield pages from the beginning, or behind the page that had the cursor ``after``.

        Raises:
            SourceError: the database refuses, or has no such column.
            RetryError: it could not be reached, in spite of several tries.
        """
        yield from self._read(fields, after, None)

    def watermark(self) -> Cursor | None:
        """The latest change now, less the overlap; None where ``updated_at`` is not named.

        Raises:
            SourceError: ``updated_at`` is no column of times or numbers, or has a time without end.
        """
        if self._settings.updated_at is None:
            return None
        latest = self._scalar(select(func.max(self._changed_at())).select_from(self._relation.origin))
        if isinstance(latest, OddTime):  # behind it no later run would find anybody
            raise SourceError(
                "source.updated_at: the latest change is beyond the year 9999.",
                "Name another column, or leave such times out by a query.",
            )
        if isinstance(latest, datetime):
            latest -= timedelta(seconds=self._settings.overlap_seconds)
        return {"updated_at": to_cursor(latest)} if latest is not None else {}

    def changed(self, fields: Sequence[str], since: Cursor, after: Cursor | None = None) -> Iterator[Page]:
        """Yield pages of whoever has changed since a watermark, or has no time of a change."""
        if "updated_at" not in since:
            yield from self.pages(fields, after)
            return
        column = self._changed_at()
        moved = (column >= from_cursor(str(since["updated_at"]))) | column.is_(None)
        yield from self._read(fields, after, moved)

    def _changed_at(self) -> ColumnElement[Any]:
        if self._settings.updated_at is None:
            raise SourceError(
                "source.updated_at is missing.", "Name the column with the time of the last change."
            )
        return self._relation.column(self._settings.updated_at)

    def _read(
        self, fields: Sequence[str], after: Cursor | None, only: ColumnElement[bool] | None
    ) -> Iterator[Page]:
        asked = asked_once(fields)
        for name in asked:
            _ = name in self._lists or self._relation.column(name)
        ranges = from_ranges(after) if after else ranges_of(self._bounds())
        read, total = int(after[ROW]) if after else 0, self.count() if only is None else None
        fetch = partial(self._fetch, asked, only)
        fast = closing(self._arrow) if self._arrow else nullcontext()
        with fast, closing(side_by_side(ranges, fetch)) as parts:
            for part, places in parts:
                if not part:
                    continue
                first, read = read + 1, read + len(part)
                done = min(1.0, read / total) if total else None
                yield page_of(part, first, {**cursor_of(places), ROW: read}, done)

    def _fetch(
        self, fields: Sequence[str], only: ColumnElement[bool] | None, one: Range
    ) -> tuple[Part, Range | None]:
        """A page of a range, and its rest."""
        part: Part = self._tried(partial(self._fetch_once, fields, only, one))
        if part and part.last == one.low:  # nobody is above it: the same page would come for ever
            raise SourceError(
                f"source.key: the database orders {self._relation.key} otherwise than it compares it.",
                "Name another column, or a query that casts it to a plain text or number.",
            )
        return part, Range(part.last, one.high) if part else None

    def _fetch_once(self, fields: Sequence[str], only: ColumnElement[bool] | None, one: Range) -> Part:
        columns = [name for name in fields if name not in self._lists]
        fast = self._arrow if only is None and self._arrow and self._arrow.can(columns) else None
        found = fast.read(columns, one, self._settings.page_rows) if fast else None
        part = self._rows_of(columns, only, one) if found is None else found
        lists = [name for name in fields if name in self._lists]
        if not lists or not part:
            return part
        with database_errors("Reading lists"), self._engine.connect() as connection:
            added = [
                pl.Series(name, self._lists.of(connection, name, part.keys), dtype=pl.String)
                for name in lists
            ]
        every = {each.name: each for each in [*part.texts.get_columns(), *added]}
        return replace(part, texts=pl.DataFrame([every[name] for name in fields]))

    def _rows_of(self, columns: Sequence[str], only: ColumnElement[bool] | None, one: Range) -> Part:
        query = self._relation.page(columns, one.low, one.high, self._settings.page_rows)
        query = query if only is None else query.where(only)
        with database_errors("Reading users"), self._engine.connect() as connection:
            answer = connection.execute(query)
            is_mysql, told = self._engine.name in ("mysql", "mariadb"), answer.cursor.description
            return part_of([tuple(row) for row in answer], columns, uuids_in(told) if is_mysql else ())

    def _bounds(self) -> list[Any]:
        """Keys that cut the users into stretches of the same size."""
        key, total = self._relation.column(self._relation.key), self.count() or 0
        parts = self._settings.parallel
        steps = sorted({total * part // parts for part in range(1, parts)} - {0})
        keys = select(key).select_from(self._relation.origin).order_by(key).limit(1)
        return [self._scalar(keys.offset(step - 1)) for step in steps]

    def _scalar(self, query: Any) -> Any:  # noqa: ANN401 - a select of one value
        def once() -> Any:  # noqa: ANN401
            with database_errors("Asking the database"), self._engine.connect() as connection:
                return connection.execute(query).scalar()

        return self._tried(once)
