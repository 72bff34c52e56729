"""Fields that hold a list, read by a query of their own: the groups of a user, for example."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from connectors.sources.sql_cells import text_of
from connectors.sources.sql_errors import database_errors
from connectors.sources.sql_relation import query_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine

    from connectors.sources.sql_relation import Relation


class ListSettings(BaseModel):
    """One field with a list: a query that has a row for each element."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    query: str = Field(description="Query with a row for each element of each user.")
    user: str = Field(description="Its column with the user's key.")
    value: str = Field(description="Its column with the element.")


class Lists:
    """The lists of a source by the name of their field.

    Args:
        engine: the database.
        settings: the run file's part.
    """

    def __init__(self, engine: Engine, settings: dict[str, ListSettings]) -> None:
        self._settings = settings
        self._relations: dict[str, Relation] = {}
        self._engine = engine

    def __contains__(self, field: object) -> bool:
        """Whether a field is one of the lists."""
        return field in self._settings

    def names(self) -> list[str]:
        """Names of the fields."""
        return list(self._settings)

    def check(self) -> None:
        """Ask for the columns of every query."""
        for field in self._settings:
            self._relation(field)

    def of(self, connection: Connection, field: str, keys: Sequence[Any]) -> list[str]:
        """One JSON list for each key, in the order of the keys, which are sorted as the database sorts."""
        one, relation = self._settings[field], self._relation(field)
        user, value = relation.column(one.user), relation.column(one.value)
        query = select(user, value).select_from(relation.origin).where(user >= keys[0], user <= keys[-1])
        found: dict[Any, list[Any]] = defaultdict(list)
        with database_errors(f"source.lists.{field}"):
            for owner, element in connection.execute(query.order_by(user, value)):
                found[owner].append(text_of(element))
        return [json.dumps(found.get(key, []), ensure_ascii=False, separators=(",", ":")) for key in keys]

    def _relation(self, field: str) -> Relation:
        if field not in self._relations:
            one = self._settings[field]
            self._relations[field] = query_of(self._engine, one.query, one.user)
        return self._relations[field]
