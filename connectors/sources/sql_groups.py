"""Groups or roles of users in a database: the table that ties users to them, by its keys or columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from sqlalchemy import column, select, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine, Inspector

_GROUPS: Final = ("group", "role", "team")
"""Words in the names of tables of groups, the likelier one first."""

_NAMES: Final = ("name", "title", "slug", "code", "key")
"""Names of the column with a group's name, in small letters."""

_ID: Final = re.compile(r"(.+?)_?id$", re.IGNORECASE)
"""How a column is called that names a row of another table: ``role_id``, ``RoleId``."""

_LIMIT: Final = re.compile(
    r"(?:resource|tenant|team|org\w*|scope|model|site|client|project)_?(?:id|type)$", re.IGNORECASE
)
"""Columns that limit a group to a part of the application."""


@dataclass(frozen=True, slots=True)
class Tie:
    """A table with a row for each group of each user.

    Attributes:
        through: its name.
        groups: the table of the groups.
        why: how it was told.
        limits: columns by which a group may hold for a part alone: one shop, one forum.
        settings: the field as ``source.lists`` has it.
    """

    through: str
    groups: str
    why: str
    limits: tuple[str, ...]
    settings: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Link:
    """A column that names a row of another table, by a column there."""

    column: str
    table: str
    place: str
    why: str


@dataclass(frozen=True)
class Ties:
    """Looks for tables that tie users to groups.

    Args:
        engine: the database, whose way of writing names a query needs.
        inspector: a look into it.
        schema: the schema of all tables; None: the login's own.
    """

    engine: Engine
    inspector: Inspector
    schema: str | None

    def of(self, users: str, key: str) -> list[Tie]:
        """The ties of a users' table by its key, the likeliest first."""
        found = [one for name in self._tables for one in self._of(name, users, key)]
        return [tie for _, tie in sorted(found, key=lambda one: (one[0], one[1].through))]

    @cached_property
    def _tables(self) -> list[str]:
        return [str(name) for name in self.inspector.get_table_names(self.schema)]

    def _of(self, through: str, users: str, key: str) -> Iterator[tuple[int, Tie]]:
        links = list(self._by_keys(through)) or list(self._by_columns(through))
        owners = [link for link in links if (link.table, link.place) == (users, key)]
        for link in links if owners else ():
            rank = next((at for at, word in enumerate(_GROUPS) if word in link.table.lower()), None)
            name = self._name_of(link.table)
            if rank is not None and name is not None and link.table != users:
                query = self._list(through, owners[0], link, name)
                yield rank, Tie(through, link.table, link.why, self._limits(through, link), query)

    def _by_keys(self, through: str) -> Iterator[_Link]:
        for each in self.inspector.get_foreign_keys(through, self.schema):
            if len(each["constrained_columns"]) == len(each["referred_columns"]) == 1:
                own, place = str(each["constrained_columns"][0]), str(each["referred_columns"][0])
                yield _Link(own, str(each["referred_table"]), place, "by its foreign keys")

    def _by_columns(self, through: str) -> Iterator[_Link]:
        """Where a database has no foreign keys, as with many a Rails application."""
        plain = {name.lower(): name for name in self._tables}
        for name in self._columns(through):
            stem = found[1].lower() if (found := _ID.fullmatch(name)) else ""
            other = next((plain[one] for one in (stem, f"{stem}s") if one in plain and stem), None)
            key = self.inspector.get_pk_constraint(other, self.schema)["constrained_columns"] if other else []
            if other and len(key) == 1:
                yield _Link(name, other, str(key[0]), "by the names of its columns")

    def _limits(self, through: str, link: _Link) -> tuple[str, ...]:
        columns = [*self._columns(through), *self._columns(link.table)]
        return tuple(name for name in dict.fromkeys(columns) if _LIMIT.search(name) and name != link.column)

    def _columns(self, name: str) -> list[str]:
        return [str(each["name"]) for each in self.inspector.get_columns(name, self.schema)]

    def _name_of(self, groups: str) -> str | None:
        columns = {name.lower(): name for name in self._columns(groups)}
        return next((columns[name] for name in _NAMES if name in columns), None)

    def _list(self, through: str, owner: _Link, link: _Link, name: str) -> dict[str, str]:
        tie = table(through, column(owner.column), column(link.column), schema=self.schema)
        places = dict.fromkeys((link.place, name))
        groups = table(link.table, *(column(each) for each in places), schema=self.schema)
        named = select(tie.c[owner.column].label("member"), groups.c[name].label("of"))
        query = named.select_from(tie.join(groups, groups.c[link.place] == tie.c[link.column]))
        text = " ".join(str(query.compile(dialect=self.engine.dialect)).split())
        return {"query": text, "user": "member", "value": "of"}
