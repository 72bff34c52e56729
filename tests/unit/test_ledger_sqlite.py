"""A ledger in a file: what it tells when it fails, and that an archive can be read."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from connectors.errors import StopError
from flows.ledger import sqlite
from flows.ledger.sqlite import failed, open_sqlite
from flows.ledger.store import Ledger, PageRecord

if TYPE_CHECKING:
    from pathlib import Path

PAGE = PageRecord(1, 0, 10, {"after": "somebody@example.com"}, None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a ledger that knows a page and was closed."""
    path = tmp_path / "ledger.db"
    ledger = Ledger(open_sqlite(path), "r1", lambda: 1.0)
    ledger.add_page(PAGE)
    ledger.close()
    return path


@pytest.fixture
def archived(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be written anywhere (the owner of the machine could, whatever a folder's mode says)."""
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)


def test_a_locked_ledger_tells_nobodys_place_in_the_source(path: Path) -> None:
    ledger = Ledger(open_sqlite(path), "r1", lambda: 1.0)
    event.listen(ledger.engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=1"))
    ledger.engine.dispose()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StopError, match="SQLITE_BUSY") as told:
            ledger.add_page(PageRecord(2, 10, 10, PAGE.cursor, None))
    assert "somebody" not in str(told.value)
    ledger.close()


@pytest.mark.usefixtures("archived")
def test_a_ledger_in_an_archive_is_read_and_left_alone(path: Path) -> None:
    before = {one.name: one.read_bytes() for one in path.parent.iterdir()}
    ledger = Ledger(open_sqlite(path), "r1", lambda: 1.0)
    assert ledger.pages() == [PAGE]
    with pytest.raises(StopError, match="SQLITE_READONLY"):
        ledger.add_page(PageRecord(2, 10, 10, {}, None))
    ledger.close()
    assert {one.name: one.read_bytes() for one in path.parent.iterdir()} == before


@pytest.mark.usefixtures("archived")
def test_a_ledger_that_was_not_closed_is_not_read_in_part(path: Path) -> None:
    path.with_name("ledger.db-wal").write_bytes(b"what was done last")
    with pytest.raises(StopError, match="was not closed"):
        open_sqlite(path)


@pytest.mark.parametrize(
    ("code", "free", "told"),
    [
        ("SQLITE_FULL", 1 << 30, "is full"),
        ("SQLITE_IOERR_SHMSIZE", 0, "is full"),
        ("SQLITE_IOERR_READ", 1 << 30, "SQLITE_IOERR_READ"),
        ("SQLITE_CORRUPT", 0, "SQLITE_CORRUPT"),
    ],
)
def test_a_full_disk_is_told_as_one(
    code: str, free: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error: Any = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = code
    monkeypatch.setattr(sqlite, "disk_usage", lambda _: type("Usage", (), {"free": free}))
    assert told in str(failed(error, str(tmp_path / "ledger.db")))
