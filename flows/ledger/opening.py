"""Where a run's ledger is: SQLite in its folder, or the PostgreSQL that ``ledger.url`` in it names."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from connectors.errors import ConfigurationError
from flows.ledger.copies import pusher_of
from flows.ledger.sqlite import open_sqlite
from flows.ledger.store import Ledger
from flows.settings import fill_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.ledger.folder import RunFolder
    from flows.ledger.store import Clock

DRIVER: Final = "postgresql+psycopg"
CONNECT_SECONDS: Final = 10
HOLD_SECONDS: Final = 10
"""A worker that stops in the middle of a transaction loses it after so long, as others wait for its rows."""
LOCK_SECONDS: Final = 30
"""How long a worker waits for a row of others before it stops and says so."""
_CONNECT: Final = {"connect_timeout": CONNECT_SECONDS, "prepare_threshold": None}
"""A statement that is prepared in one session is not there in the next one that a pooler gives."""
_EXAMPLE: Final = "It is written `postgresql+psycopg://user:${DB_PASSWORD}@host/database`."


@contextmanager
def opened_ledger_of(folder: RunFolder, clock: Clock = lambda: 0.0) -> Iterator[Ledger]:
    """Open the ledger of a run, and close it at the end.

    Raises:
        ConfigurationError: the URL, its driver or a secret in it is missing or wrong.
        StopError: the database does not answer.
    """
    ledger = _open(folder, clock)
    try:
        yield ledger
    finally:
        ledger.close()


def _open(folder: RunFolder, clock: Clock) -> Ledger:
    if not folder.is_shared:
        return Ledger(open_sqlite(folder.ledger), folder.run_id, clock, on_move=pusher_of(folder.path))
    engine = open_postgresql(folder.ledger_url.read_text(encoding="utf-8").strip(), where="ledger")
    try:
        return Ledger(engine, folder.run_id, clock, server_time=True)
    except BaseException:
        engine.dispose()
        raise


def open_postgresql(text: str, *, where: str) -> Engine:
    """Make an engine for a URL whose ``${NAME}`` are unfilled; each part is filled on its own.

    So a password may hold any sign, and needs no escapes.

    Args:
        text: the URL, or one ``${NAME}`` that holds all of it.
        where: the key that it stands at, for errors.

    Raises:
        ConfigurationError: it is no PostgreSQL URL, its driver is not installed, or a secret is not set.
    """
    url = _filled(text, where)
    try:
        engine = create_engine(url, pool_pre_ping=True, connect_args=_CONNECT, hide_parameters=True)
    except ModuleNotFoundError:
        raise ConfigurationError(
            f"{where}: PostgreSQL needs the package psycopg, which is not installed.",
            "pip install 'poolferry[postgresql]', or take the key out: then the ledger is a file.",
        ) from None
    event.listen(engine, "begin", _bound)
    return engine


def _bound(connection: Connection) -> None:
    """Bound a transaction, and no more than it: behind a pooler its session is another's the next moment.

    What is committed statement by statement holds no row while nobody works on it, and needs no bound.
    """
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql(
            f"SET LOCAL idle_in_transaction_session_timeout = '{HOLD_SECONDS}s';"
            f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"
        )


def _filled(text: str, where: str) -> URL:
    whole = str(fill_secrets(text, where=where)) if text.startswith("${") else text
    try:
        url = make_url(whole)
    except (ArgumentError, ValueError):  # its text would hold the password
        raise ConfigurationError(f"{where}: this is no database URL.", _EXAMPLE) from None
    if url.drivername not in (DRIVER, "postgresql"):
        raise ConfigurationError(f"{where}: only PostgreSQL can be shared by several workers.", _EXAMPLE)
    parts: dict[str, Any] = {
        name: fill_secrets(getattr(url, name), where=where)
        for name in ("username", "password", "host", "database")
    }
    return url.set(drivername=DRIVER, **parts)
