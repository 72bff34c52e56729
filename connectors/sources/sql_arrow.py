"""Pages of PostgreSQL column by column, through ADBC: a sixth of the time that rows of objects take.

Only types are read so of which both ways give the very same texts; the database makes the text. Whatever ADBC
refuses is read in the usual way, which knows what an error means and whether to try again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import Text, bindparam, cast, false, select, text
from sqlalchemy.dialects.postgresql import UUID as UUID_TYPE
from sqlalchemy.dialects.postgresql.base import PGDialect

from connectors.sources.sql_cells import Part
from connectors.sources.sql_errors import database_errors
from connectors.sources.sql_relation import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import polars as pl
    from sqlalchemy import ColumnElement, Dialect, Engine, Select

    from connectors.sources.sql_ranges import Range
    from connectors.sources.sql_relation import Relation

_AS_THEY_ARE: Final = (25, 1043, 1042, 19)
"""OIDs of ``text``, ``varchar``, ``bpchar`` and ``name``."""
_BY_CAST: Final = (16, 20, 21, 23, 1082, 1700, 2950)
"""OIDs of ``bool``, ``int8``, ``int2``, ``int4``, ``date``, ``numeric`` and ``uuid``."""
_KEYS: Final[Mapping[int, Callable[[str], Any]]] = {
    **dict.fromkeys((20, 21, 23), int),
    **dict.fromkeys((25, 1043), str),
    2950: UUID,
}
"""How a key of a type is made of its text; a key of another type is read in the usual way."""
_NUMBERED: Final[Dialect] = PGDialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy's
_SESSION: Final = {"client_encoding": "UTF8", "options": "-cdatestyle=ISO"}


@dataclass
class ArrowReader:
    """Reads pages of one relation, over connections that are kept until ``close``: each takes long to open.

    Attributes:
        url: of libpq.
        relation: what is read.
        types: OID of each of its columns.
        refused: whether ADBC has refused a page on a new connection; it is not tried again.
    """

    url: str
    relation: Relation
    types: Mapping[str, int]
    refused: bool = False
    _idle: list[Any] = field(default_factory=list)

    def can(self, fields: Sequence[str]) -> bool:
        """Whether all of the columns are of types that it reads."""
        return not self.refused and all(self.types[name] in (*_AS_THEY_ARE, *_BY_CAST) for name in fields)

    def read(self, fields: Sequence[str], one: Range, most: int) -> Part | None:
        """Read one page behind a key; None where ADBC refuses, for whatever reason."""
        asked = self._query(fields, one, most).compile(dialect=_NUMBERED)
        values = [asked.params[name] for name in asked.positiontup or ()]
        while True:
            kept = bool(self._idle)
            found = self._asked(str(asked), values)
            if found is not None:
                return Part(found.drop(KEY), found[KEY], _KEYS[self.types[self.relation.key]])
            if not kept:  # an old connection may have been cut in the meantime
                self.refused = True
                return None

    def close(self) -> None:
        """Close all connections."""
        while self._idle:
            self._idle.pop().close()

    def _asked(self, query: str, values: Sequence[Any]) -> pl.DataFrame | None:
        from adbc_driver_manager import Error  # noqa: PLC0415 - an extra of its own
        from adbc_driver_postgresql import dbapi  # noqa: PLC0415 - same

        connection: Any = None
        try:
            connection = self._idle.pop() if self._idle else dbapi.connect(self.url, autocommit=True)
            with connection.cursor() as cursor:
                cursor.execute(query, values)
                found: pl.DataFrame = cursor.fetch_polars()
        except Error:
            if connection is not None:
                connection.close()
            return None
        self._idle.append(connection)
        return found

    def _query(self, fields: Sequence[str], one: Range, most: int) -> Select[Any]:
        key = self.relation.column(self.relation.key)
        columns = [self._text(name).label(name) for name in fields]
        bounds = [key > self._bound(one.low)] if one.low is not None else []
        bounds += [key <= self._bound(one.high)] if one.high is not None else []
        told = select(*columns, cast(key, Text).label(KEY)).select_from(self.relation.origin)
        return told.where(*bounds).order_by(key).limit(most)

    def _text(self, name: str) -> ColumnElement[Any]:
        """A cast would strip what pads a ``char(n)``."""
        column = self.relation.column(name)
        return column if self.types[name] in _AS_THEY_ARE else cast(column, Text)

    def _bound(self, key: Any) -> ColumnElement[Any]:  # noqa: ANN401 - a key of any type
        if isinstance(key, UUID):
            return cast(bindparam(None, str(key), Text), UUID_TYPE)
        return bindparam(None, key)


def arrow_reader(engine: Engine, relation: Relation) -> ArrowReader | None:
    """The reader of a relation; None where the database, its key or this machine has not what it takes."""
    if engine.dialect.name != "postgresql" or find_spec("adbc_driver_postgresql") is None:
        return None
    nobody = select(*relation.columns.values()).select_from(relation.origin).where(false())
    with database_errors("Asking for the types of the columns"), engine.connect() as connection:
        told: Any = connection.execute(nobody).cursor
        types = {name: each[1] for name, each in zip(relation.columns, told.description, strict=True)}
        encoding = connection.execute(text("SHOW server_encoding")).scalar()
    if encoding != "UTF8" or types[relation.key] not in _KEYS:
        return None
    url = engine.url.set(drivername="postgresql").update_query_dict(_SESSION, append=True)
    return ArrowReader(url.render_as_string(hide_password=False), relation, types)
