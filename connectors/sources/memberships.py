"""Who is in which group, for systems that list the members of a group and not the groups of a user.

The pairs lie in a temporary database of SQLite's own that has no name in any folder and is gone with the
process: memory stays flat however many members there are.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from typing import TYPE_CHECKING, Any

from connectors.errors import AbsentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_log = logging.getLogger(__name__)

_AT_ONCE = 500
"""Ids in one question: SQLite takes at least 999 variables."""


class Memberships:
    """Groups by the id of a user.

    Args:
        found: each group as its users shall show it, a text or an object, and the ids of some of its
            members; a group may come several times. Members that raise ``AbsentError`` are those of a group
            that is gone since it was listed: it is left out, also where some of them were told already.
    """

    def __init__(self, found: Iterable[tuple[Mapping[str, str] | str, Iterable[str]]]) -> None:
        self._base = sqlite3.connect("", check_same_thread=False)
        self._base.execute("CREATE TABLE pair (user TEXT, team TEXT, PRIMARY KEY (user, team)) WITHOUT ROWID")
        kept = [self._keep(json.dumps(group, ensure_ascii=False), members) for group, members in found]
        if gone := kept.count(False):
            _log.warning("%d groups were deleted while they were read, and are left out.", gone)

    def _keep(self, group: str, members: Iterable[str]) -> bool:
        """Note the members of a group, all of them or none; False where it is gone."""
        try:
            with self._base:  # rolled back where an error ends it
                rows = ((member, group) for member in members)
                self._base.executemany("INSERT OR IGNORE INTO pair VALUES (?, ?)", rows)
        except AbsentError:
            return False
        return True

    def close(self) -> None:
        """Remove it from the disk."""
        self._base.close()

    def add_to(self, records: Sequence[object], key: str = "id") -> None:
        """Put each record's groups into it as the list ``groups``, which is empty where there are none."""
        known = {str(each[key]): each for each in records if isinstance(each, dict) and key in each}
        for one, groups in self.groups_of(list(known)).items():
            known[one]["groups"] = groups

    def groups_of(self, ids: Sequence[str]) -> dict[str, list[Any]]:
        """Id → groups in order, for each of some users; nobody is left out."""
        found: dict[str, list[Any]] = {one: [] for one in ids}
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            query = f"SELECT user, team FROM pair WHERE user IN ({marks}) ORDER BY user, team"  # noqa: S608 - marks
            for user, team in self._base.execute(query, some):
                found[user].append(json.loads(team))
        return found
