"""How long is waited for a database that has gone silent; a query that merely takes long is not ended.

PostgreSQL's library notices a peer whose network is gone, however long a query takes. PyMySQL has no such
thing: there a silence of half an hour is the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import URL, Engine

CONNECTING = 30
"""Seconds for a connection and each answer of the login."""

ANSWERING = 1_800
"""Seconds for each further answer of MySQL; a page's query may sort for minutes before its first row."""


def bounded(url: URL) -> URL:
    """Put the bounds into a URL, but for those that it has of its own."""
    return url.update_query_dict(
        {name: str(value) for name, value in _bounds(url.get_driver_name()).items() if name not in url.query}
    )


def _bounds(driver: str) -> Mapping[str, int]:
    if driver in ("psycopg", "psycopg2"):
        alive = {"keepalives_idle": 60, "keepalives_interval": 15, "keepalives_count": 4}
        return {"connect_timeout": CONNECTING, **alive, "tcp_user_timeout": 120_000}
    if driver == "pymysql":
        return dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), CONNECTING)
    return {"connect_timeout": CONNECTING} if driver == "mysqldb" else {}


def wait_longer_for_answers(engine: Engine) -> Engine:
    """Let PyMySQL wait for a query as long as it may take; it has one bound for that and the login."""
    if engine.driver == "pymysql":
        event.listen(engine, "connect", _wait_longer)
    return engine


def _wait_longer(connection: Any, _record: object) -> None:  # noqa: ANN401 - PyMySQL's
    if connection._read_timeout == CONNECTING:  # noqa: SLF001 - it can be set nowhere else
        connection._read_timeout = ANSWERING  # noqa: SLF001 - same
