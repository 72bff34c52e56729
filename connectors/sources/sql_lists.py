"""Fields that hold a list, read by a query of their own: the groups of a user, for example."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from connectors.errors import SourceError
from connectors.sources.sql_cells import text_of
from connectors.sources.sql_errors import database_errors
from connectors.sources.sql_relation import bound, query_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Engine, Select

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
        users: gives whose lists they are.
    """

    def __init__(
        self, engine: Engine, settings: dict[str, ListSettings], users: Callable[[], Relation]
    ) -> None:
        self._settings = settings
        self._relations: dict[str, Relation] = {}
        self._engine = engine
        self._users = users

    def __contains__(self, field: object) -> bool:
        """Whether a field is one of the lists."""
        return field in self._settings

    def names(self) -> list[str]:
        """Names of the fields."""
        return list(self._settings)

    def check(self) -> None:
        """Ask for an element of every list."""
        for field in self._settings:
            with database_errors(f"source.lists.{field}"), self._engine.connect() as connection:
                for row in connection.execute(self._asked(field).order_by(None).limit(1)):
                    self._refuse_other_type(field, row)

    def of(self, connection: Connection, field: str, keys: Sequence[Any]) -> list[str]:
        """One JSON list for each key, in the order of the keys, which are sorted as the database sorts.

        The database tells whose it is, by the user's own key: to it 'Bob' and 'bob' may be equal.
        """
        key = self._users().column(self._users().key)
        query = self._asked(field).where(key >= bound(keys[0]), key <= bound(keys[-1]))
        found: dict[Any, list[Any]] = defaultdict(list)
        with database_errors(f"source.lists.{field}"):
            for row in connection.execute(query):
                self._refuse_other_type(field, row)
                found[row[0]].append(text_of(row[2]))
        return [json.dumps(found.get(key, []), ensure_ascii=False, separators=(",", ":")) for key in keys]

    def _asked(self, field: str) -> Select[Any]:
        return self._users().beside(self._relation(field), self._settings[field].value)

    def _refuse_other_type(self, field: str, row: Sequence[Any]) -> None:
        """MySQL compares a number with a text after rounding both, and would give a user another's groups."""
        if isinstance(row[0], str) is not isinstance(row[1], str):
            one = self._settings[field]
            raise SourceError(
                f"source.lists.{field}: {one.user} is a text and the users' key is none, or the reverse.",
                f"Let its query have CAST({one.user} AS …) of the key's type.",
            )

    def _relation(self, field: str) -> Relation:
        if field not in self._relations:
            one = self._settings[field]
            self._relations[field] = query_of(self._engine, one.query, one.user, "poolferry_list")
        return self._relations[field]
