"""The source that a preset brings: how its users are read from the database of their application.

A preset whose users lie in more than one table, or whose table needs the database's clock, says so below
``source``; ``poolferry init`` puts it into the run file in place of the table that it has found:

    source:
      table: users                    # the table that was found; the preset's source stands for no other
      key: id
      adds: which locks are over      # what that table alone does not tell, besides the lists
      query: SELECT u.id{more} FROM users u
      lists: {groups: {query: …, user: user_id, value: name}}

``query`` is a text for every database, or a map of texts by SQLAlchemy's name of the database (``mysql``
stands for MariaDB as well); without one the table is read. In it ``u`` is the table of users, and ``{more}``
stands where its other columns go. ``{prefix}`` in any text is what the name of the table begins with.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection

MORE: Final = "{more}"
_PREFIX: Final = "{prefix}"


class PresetSource(BaseModel):
    """How the users of a preset are read, with ``kind: sql``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str = Field(description="Table of the users that this is for.")
    db_schema: str | None = Field(default=None, description="Its schema; none: the login's own.")
    key: str = Field(description="Column that names a user, in the table and in the query.")
    adds: str = Field(default="", description="What the query tells and the table does not, in words.")
    query: str | dict[str, str] | None = Field(
        default=None, description="Query with a row for each user; or one for each kind of database."
    )
    lists: dict[str, dict[str, str]] = Field(default_factory=dict, description="As in a run file.")

    @property
    def place(self) -> str:
        """The table as people write it."""
        table = self.table.replace(_PREFIX, "PREFIX_")
        return f"{self.db_schema}.{table}" if self.db_schema else table

    def all_it_adds_to(self, lists: Collection[str]) -> str:
        """What the table and some lists do not tell, in words: that of the query, and the other lists."""
        return " or ".join(one for one in (self.adds, *self.lists) if one and one not in lists)

    def prefix_of(self, table: str) -> str | None:
        """What the name of a table begins with; None: it is none of this preset's."""
        pattern = re.escape(self.table).replace(re.escape(_PREFIX), r"(\w*)")
        found = re.fullmatch(pattern, table)
        return "".join(found.groups()) if found else None

    def query_for(self, backend: str, prefix: str) -> str | None:
        """The query for a kind of database, with ``MORE`` in it; None: there is none.

        Args:
            backend: SQLAlchemy's name of it: ``postgresql``, ``mysql``.
            prefix: see ``prefix_of``.
        """
        known = "mysql" if backend == "mariadb" else backend
        text = self.query.get(known) if isinstance(self.query, dict) else self.query
        return None if text is None else str(text).replace(_PREFIX, prefix)

    def lists_with(self, prefix: str) -> dict[str, dict[str, str]]:
        """``lists`` as a run file has them."""
        return {
            field: {key: str(text).replace(_PREFIX, prefix) for key, text in one.items()}
            for field, one in self.lists.items()
        }


def parse_source(told: object, where: str) -> PresetSource | None:
    """Read the part of a preset's file.

    Raises:
        ConfigurationError: it is no map, or a key is missing, unknown or of another form.
    """
    if told is None:
        return None
    if not isinstance(told, Mapping):
        raise ConfigurationError(f"{where}: source: it is a map with {', '.join(PresetSource.model_fields)}.")
    try:
        return PresetSource.model_validate(dict(told))
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        said = " ".join(f"{'.'.join(map(str, ('source', *each['loc'])))}: {each['msg']}." for each in faults)
        known = ", ".join(PresetSource.model_fields)
        raise ConfigurationError(f"{where}: {said}", f"Its keys: {known}.") from None
