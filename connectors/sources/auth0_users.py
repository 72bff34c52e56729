"""What both kinds of Auth0 have in common: the fields of a user, and the file of password hashes.

Auth0 gives hashes by no API: its support sends a file of one JSON object a line, whose ``alt_id`` or else
``_id`` is the user's id in the database connection named there. ``passwordHash`` is joined from it.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from connectors.errors import SourceError
from connectors.sources.base import SourceSettings
from connectors.sources.json_files import JsonLinesSettings, JsonLinesSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DECLARED: Final = (
    "user_id", "email", "email_verified", "username", "phone_number", "phone_verified", "name", "given_name",
    "family_name", "nickname", "picture", "created_at", "updated_at", "last_login", "logins_count", "blocked",
    "multifactor", "locale", "identities", "user_metadata", "app_metadata",
)  # fmt: skip
"""Fields that every user may have."""

HASH: Final = "passwordHash"

_DATABASE: Final = "auth0"
"""``provider`` of an identity whose password Auth0 keeps."""

_COLUMNS: Final = ("alt_id", "_id.$oid", "connection", HASH)


class Auth0Part(SourceSettings):
    """The part of the settings that both kinds share."""

    hashes: str | list[str] | None = Field(
        default=None,
        description="The file of password hashes that Auth0's support sends, decrypted: one JSON object a "
        "line; files and patterns as for `path`. Gives the field `passwordHash`.",
    )


class PasswordHashes:
    """The file of hashes, by connection and id; kept in a nameless temporary database and not in memory.

    Args:
        path: which files.
        base: the folder that relative paths begin at.
    """

    def __init__(self, path: str | list[str], base: Path) -> None:
        self._source = JsonLinesSource(JsonLinesSettings(path=path), base)
        self._stored: sqlite3.Connection | None = None

    def fingerprint(self) -> str:
        """Hash of what the files are."""
        return self._source.fingerprint()

    def check(self) -> None:
        """Prove that the file can be read whole."""
        self._loaded()

    def joined(self, record: object) -> object:
        """Add the hash to a user who has one.

        Raises:
            SourceError: the file cannot be read, or is of another form.
        """
        if not isinstance(record, dict):
            return record
        loaded = self._loaded()
        for connection, user in _databases(record):
            asked = "SELECT hash FROM hashes WHERE user = ? AND connection IN (?, '')"
            if found := loaded.execute(asked, (user, connection)).fetchone():
                return {**record, HASH: found[0]}
        return record

    def _loaded(self) -> sqlite3.Connection:
        if self._stored is None:
            made = sqlite3.connect("", check_same_thread=False)
            made.execute(
                "CREATE TABLE hashes (user TEXT, connection TEXT, hash TEXT, PRIMARY KEY (user, connection)) "
                "WITHOUT ROWID"
            )
            made.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?)", self._read())
            made.commit()
            self._stored = made
        return self._stored

    def _read(self) -> Iterator[tuple[str, str, str]]:
        for page in self._source.pages(_COLUMNS):
            for line, *_ in page.unreadable.iter_rows():
                raise _not_of_this_form(int(line))
            for line, _, own, plain, connection, value in page.rows.iter_rows():
                if not (own or plain):
                    raise _not_of_this_form(int(line))
                if value:
                    yield own or plain, connection or "", value


def _not_of_this_form(line: int) -> SourceError:
    return SourceError(
        f"hashes: line {line} is no user of Auth0's file of password hashes.",
        "Decrypt the file; each line is a JSON object with `_id` and `passwordHash`.",
    )


def _databases(record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Connection and id of each identity with a password, the user's first one first."""
    listed = record.get("identities")
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict) and each.get("provider") == _DATABASE:
            yield str(each.get("connection", "")), str(each.get("user_id", ""))
    provider, _, own = str(record.get("user_id", "")).partition("|")
    if provider == _DATABASE and not listed:
        yield "", own
