"""A ledger in a file: SQLite, opened so that it survives ``kill -9``, and what its failures mean."""

from __future__ import annotations

import os
from pathlib import Path
from shutil import disk_usage
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, event

from connectors.errors import StopError

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy.exc import DBAPIError

_LEAST_ROOM: Final = 1 << 20
"""Bytes; with less SQLite's write-ahead log and its index find no place."""


def open_sqlite(path: Path) -> Engine:
    """An engine over a SQLite file that survives ``kill -9`` (write-ahead log, full sync).

    Where nothing can be written, as in an archive, a ledger that was closed well can be read.
    """
    if path.exists() and not os.access(path.parent, os.W_OK):
        return _open_archived(path)
    path.touch(mode=0o600)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30}, hide_parameters=True)
    event.listen(engine, "connect", _durable)
    return engine


def _open_archived(path: Path) -> Engine:
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:  # SQLite would leave out what stands there
        raise StopError(
            f"{path.parent} cannot be written, and its ledger was not closed: it cannot be read there.",
            "Copy the folder to where it can be written.",
        )
    where = quote(str(path.absolute()))
    return create_engine(f"sqlite:///file:{where}?mode=ro&immutable=1&uri=true", hide_parameters=True)


def _durable(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DB-API connection
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def failed(error: DBAPIError | sqlite3.Error, database: str | None) -> StopError:
    """Say why the ledger does not answer; SQLite tells a disk without room in more than one way."""
    code = getattr(getattr(error, "orig", error), "sqlite_errorname", "")
    disk = Path(database or "").parent
    no_room = disk.exists() and disk_usage(disk).free < _LEAST_ROOM
    if code == "SQLITE_FULL" or (code.startswith("SQLITE_IOERR") and no_room):
        return StopError(
            f"The disk that holds {disk.parent} is full.", "Make room, then run the same command again."
        )
    return StopError(
        f"The ledger cannot be read or written: {code or type(error).__name__}.",
        "See to its disk or its database; then run the same command again: it goes on from here.",
    )
