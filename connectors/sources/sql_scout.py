"""Which table of a database has the users, and which column names one: guessed by their names, with why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from sqlalchemy import inspect

from connectors.errors import ConfigurationError
from connectors.retry import retrying
from connectors.sources.scouted import Scouted
from connectors.sources.sql_errors import database_errors
from connectors.sources.sql_groups import Ties
from connectors.sources.sql_relation import names_of
from connectors.sources.sql_source import SqlSettings, SqlSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Engine, Inspector

    from connectors.sources.sql_groups import Tie

_BEST_NAMES: Final = re.compile(
    r"(?:^|.*[_.])(?:users?|auth_?users?|asp_?net_?users|accounts?|members?|people|customers?)$"
)
_NAMED: Final = re.compile(r"user|account|member|customer|person|people|profile|login", re.IGNORECASE)
_SURELY: Final = re.compile(
    r"e?_?mail(?:_?address)?$|(?:user_?)?(?:email|login)$|user_?name$|.*password.*|.*passwd.*|user_pass$"
)
"""Columns that tables of users have, in small letters."""

_KEYS: Final = ("id", "uuid", "guid", "user_id", "userid", "uid", "username", "user_name", "login", "email")
_SYSTEM: Final = re.compile(r"^(?:pg_|information_schema$|mysql$|performance_schema$|sys$|_timescaledb)")
_SCHEMA_IS_DATABASE: Final = ("mysql", "mariadb")
_LEAST: Final = 3
"""Points from which on a table may be the users'."""

SHOWN: Final = 30
"""Names of tables at most that a text lists."""


@dataclass(frozen=True, slots=True)
class _Table:
    schema: str | None
    name: str
    columns: tuple[str, ...]

    @property
    def shown(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name

    @property
    def telling(self) -> list[str]:
        return [name for name in self.columns if _SURELY.match(name.lower())]

    @property
    def points(self) -> int:
        """A point for each telling column, three for the best names, one for a name that has it inside."""
        plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.name).lower()
        named = 3 if _BEST_NAMES.match(plain) else int(bool(_NAMED.search(plain)))
        return named + min(3, len(self.telling)) if self.telling else 0

    @property
    def why(self) -> str:
        named = "its name says so and " if _NAMED.search(self.name) else ""
        return f"{named}it has {', '.join(self.telling)}"


def scout(told: Mapping[str, object], base: Path) -> Scouted:
    """Name the users' table, if neither table nor query is told, and its key, if that is not.

    Raises:
        SourceError: the database cannot be read.
        ConfigurationError: no table looks like users; the text lists those that are there.
    """
    engine = SqlSource(SqlSettings(url=str(told["url"]), table="any"), base).engine
    return retrying("The database")(partial(_scouted, engine, told))


def _scouted(engine: Engine, told: Mapping[str, object]) -> Scouted:
    with database_errors("Looking at the tables"):
        if told.get("query"):
            return _of_query(engine, told)
        inspector = inspect(engine)
        schema = str(told["db_schema"]) if told.get("db_schema") else None
        chosen: dict[str, str] = {}
        notes: tuple[str, ...] = ()
        if not told.get("table"):
            chosen, notes = _table(list(_tables(inspector, schema)))
        table = chosen.get("table") or str(told["table"])
        schema = chosen.get("db_schema") or schema
        key: str | None = str(told["key"]) if told.get("key") else None
        if key is None:
            key, why = _key(inspector, table, schema)
            chosen, notes = {**chosen, **({"key": key} if key else {})}, (*notes, why)
        if key is None or "lists" in told:
            return Scouted(chosen, notes)
        return _with_groups(Scouted(chosen, notes), Ties(engine, inspector, schema).of(table, key))


def _with_groups(found: Scouted, tied: Sequence[Tie]) -> Scouted:
    """Add the field ``groups``, if a table ties users to groups."""
    if not tied:
        return found
    best, *others = tied
    also = f" Others like it: {', '.join(one.through for one in others)}." if others else ""
    limits = f" Mind {', '.join(best.limits)}: such a group may hold for a part alone." if best.limits else ""
    note = f"groups: {best.through} ties users to {best.groups}, {best.why}.{limits}{also}"
    return Scouted({**found.settings, "lists": {"groups": best.settings}}, (*found.notes, note))


def _tables(inspector: Inspector, schema: str | None) -> Iterator[_Table]:
    """Tables and views of a schema; of all but the system's own, where none is named.

    A schema of MySQL is a database, perhaps of another application: none but the one of the URL is looked at.
    """
    default = inspector.default_schema_name
    named = schema or (default if inspector.dialect.name in _SCHEMA_IS_DATABASE else None)
    schemas = [named] if named else [one for one in inspector.get_schema_names() if not _SYSTEM.match(one)]
    for one in schemas:
        place = None if one == default else one
        for name in (*inspector.get_table_names(place), *inspector.get_view_names(place)):
            yield _Table(
                place, str(name), tuple(str(each["name"]) for each in inspector.get_columns(name, place))
            )


def _table(tables: Sequence[_Table]) -> tuple[dict[str, str], tuple[str, ...]]:
    likely = sorted(
        (one for one in tables if one.points >= _LEAST),
        key=lambda one: (-one.points, len(one.name), one.shown),
    )
    if not likely:
        raise ConfigurationError(
            f"No table looks like users by its name and columns. There are: {_listed(tables)}.",
            "Name it: --set table=NAME (and --set db_schema=SCHEMA), or --set query='SELECT …' --set key=ID.",
        )
    best, others = likely[0], likely[1:]
    also = f" Others that might be: {_listed(others)} (--set table=NAME)." if others else ""
    place = {"table": best.name} | ({"db_schema": best.schema} if best.schema else {})
    return place, (f"table {best.shown}, of {len(tables):,}: {best.why}.{also}",)


def _listed(tables: Sequence[_Table]) -> str:
    more = f" and {len(tables) - SHOWN:,} more" if len(tables) > SHOWN else ""
    return (", ".join(one.shown for one in tables[:SHOWN]) or "none") + more


def _key(inspector: Inspector, table: str, schema: str | None) -> tuple[str | None, str]:
    """A column that the database itself holds to be unique, and why it is that one."""
    primary = inspector.get_pk_constraint(table, schema)["constrained_columns"] if table else []
    if len(primary) == 1:
        return str(primary[0]), f"key {primary[0]}: it is the primary key."
    columns = inspector.get_columns(table, schema)
    never_null = {each["name"] for each in columns if not each["nullable"]}
    unique: list[Sequence[str | None]] = [
        each["column_names"] for each in inspector.get_unique_constraints(table, schema)
    ]
    unique += [each["column_names"] for each in inspector.get_indexes(table, schema) if each["unique"]]
    single = sorted({str(names[0]) for names in unique if len(names) == 1} & never_null, key=_rank)
    if single:
        return single[0], f"key {single[0]}: it is unique and never null."
    usual = sorted((str(each["name"]) for each in columns if str(each["name"]).lower() in _KEYS), key=_rank)
    if usual:
        return usual[
            0
        ], f"key {usual[0]}: by its name alone; `check` proves that everybody has one of their own."
    return None, "key: no column names a user; name one with --set key=COLUMN."


def _of_query(engine: Engine, told: Mapping[str, object]) -> Scouted:
    if told.get("key"):
        return Scouted()
    names = names_of(engine, str(told["query"]))
    usual = sorted((name for name in names if name.lower() in _KEYS), key=_rank)
    if not usual:
        raise ConfigurationError(
            "No column of the query names a user by the usual names.",
            f"Name a unique one with --set key=COLUMN: {', '.join(names)}.",
        )
    return Scouted({"key": usual[0]}, (f"key {usual[0]}: by its name; `check` proves that it is unique.",))


def _rank(name: str) -> tuple[int, str]:
    plain = name.lower()
    return (_KEYS.index(plain) if plain in _KEYS else len(_KEYS), name)
