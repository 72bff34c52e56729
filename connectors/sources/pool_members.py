"""Who is in which group of a pool: read group by group, kept on disk, looked up a page of users at a time."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TABLE = "CREATE TABLE members (username TEXT NOT NULL, member_of TEXT NOT NULL)"
_INDEX = "CREATE INDEX by_username ON members (username, member_of)"


class Members:
    """Memberships in a nameless database of SQLite's, which leaves memory as it grows and ends with it."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", check_same_thread=False)
        self._database.execute(_TABLE)

    def __enter__(self) -> Self:
        """Use it until the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove it from the disk."""
        self._database.close()

    def add(self, group: str, usernames: Iterable[str]) -> None:
        """Note members of a group."""
        self._database.executemany("INSERT INTO members VALUES (?, ?)", ((name, group) for name in usernames))

    def complete(self) -> None:
        """Say that everybody has been added: now users are found quickly."""
        self._database.execute(_INDEX)

    def groups_of(self, usernames: Sequence[str]) -> dict[str, list[str]]:
        """Username → groups by name, for each of some users; nobody is left out."""
        found: dict[str, list[str]] = {name: [] for name in usernames}
        query = "SELECT username, member_of FROM members WHERE username = ? ORDER BY member_of"
        for name in usernames:
            found[name] = [group for _, group in self._database.execute(query, (name,))]
        return found
