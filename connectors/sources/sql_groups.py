"""Groups or roles of users in a database: the table that ties users to them, told by its foreign keys."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import column, select, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine, Inspector
    from sqlalchemy.engine.interfaces import ReflectedForeignKeyConstraint

_GROUPS: Final = ("group", "role", "team")
"""Words in the names of tables of groups, the likelier one first."""

_NAMES: Final = ("name", "title", "slug", "code", "key")
"""Names of the column with a group's name, in small letters."""


@dataclass(frozen=True, slots=True)
class Tie:
    """A table with a row for each group of each user.

    Attributes:
        through: its name.
        groups: the table of the groups.
        settings: the field as ``source.lists`` has it.
    """

    through: str
    groups: str
    settings: dict[str, str]


def ties(engine: Engine, inspector: Inspector, users: str, key: str, schema: str | None) -> list[Tie]:
    """Find the tables that tie users to groups, the likeliest first.

    Args:
        engine: the database, whose way of writing names a query needs.
        inspector: a look into it.
        users: the users' table.
        key: its column that the others name users by.
        schema: the schema of them all; None: the login's own.
    """
    found = []
    for through in inspector.get_table_names(schema):
        keys = [each for each in inspector.get_foreign_keys(through, schema) if _is_single(each)]
        to_users = [each for each in keys if _leads_to(each, users) and each["referred_columns"] == [key]]
        for owner in to_users[:1]:
            found += [(at, tie) for at, tie in _of(engine, inspector, through, owner, keys, schema)]
    return [tie for _, tie in sorted(found, key=lambda one: (one[0], one[1].through))]


def _of(
    engine: Engine,
    inspector: Inspector,
    through: str,
    owner: ReflectedForeignKeyConstraint,
    keys: list[ReflectedForeignKeyConstraint],
    schema: str | None,
) -> Iterator[tuple[int, Tie]]:
    for other in keys:
        groups = str(other["referred_table"])
        rank = next((at for at, word in enumerate(_GROUPS) if re.search(word, groups, re.IGNORECASE)), None)
        if other is owner or rank is None:
            continue
        columns = {
            str(each["name"]).lower(): str(each["name"]) for each in inspector.get_columns(groups, schema)
        }
        name = next((columns[each] for each in _NAMES if each in columns), None)
        if name is not None:
            yield rank, Tie(through, groups, _list(engine, through, owner, other, name, schema))


def _list(
    engine: Engine,
    through: str,
    owner: ReflectedForeignKeyConstraint,
    other: ReflectedForeignKeyConstraint,
    name: str,
    schema: str | None,
) -> dict[str, str]:
    user, group, place = (
        str(each)
        for each in (
            owner["constrained_columns"][0],
            other["constrained_columns"][0],
            other["referred_columns"][0],
        )
    )
    tie = table(through, column(user), column(group), schema=schema)
    groups = table(
        str(other["referred_table"]), *(column(each) for each in dict.fromkeys((place, name))), schema=schema
    )
    query = select(tie.c[user].label("member"), groups.c[name].label("of")).select_from(
        tie.join(groups, groups.c[place] == tie.c[group])
    )
    text = " ".join(str(query.compile(dialect=engine.dialect)).split())
    return {"query": text, "user": "member", "value": "of"}


def _is_single(key: ReflectedForeignKeyConstraint) -> bool:
    return len(key["constrained_columns"]) == len(key["referred_columns"]) == 1


def _leads_to(key: ReflectedForeignKeyConstraint, users: str) -> bool:
    return str(key["referred_table"]) == users
