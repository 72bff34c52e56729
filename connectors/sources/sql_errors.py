"""What an error of a database means: try again, or let a person mend it; its own text may hold values."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DBAPIError, NoSuchTableError, SQLAlchemyError

from connectors.errors import PoolferryError, RetryError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOGIN: Final = "Check user, password and database in source.url."
_RIGHT: Final = "Give the database user the right to SELECT from the table and its columns."
_NAMES: Final = "Check the names in source.table, source.query and source.key."
_TYPES: Final = (
    "Two columns cannot be compared: CAST the one of the query to the type, or COLLATE it as the other."
)
_BY_CODE: Final = {
    "28000": _LOGIN, "28P01": _LOGIN, "3D000": _LOGIN, "1044": _LOGIN, "1045": _LOGIN, "1049": _LOGIN,
    "18456": _LOGIN, "42501": _RIGHT, "1142": _RIGHT, "1143": _RIGHT, "229": _RIGHT,
    "42P01": _NAMES, "42703": _NAMES, "42601": _NAMES, "1146": _NAMES, "1054": _NAMES, "1064": _NAMES,
    "208": _NAMES, "42883": _TYPES, "42P22": _TYPES, "1267": _TYPES,
}  # fmt: skip
"""SQLSTATE of PostgreSQL, numbers of MySQL, MariaDB and SQL Server; each with what a person does about it."""

_CANCELLED: Final = (
    "The database ended the query: raise the limit of time that it sets for this login, or lower page_rows."
)
_REACH: Final = "Check that the database can be reached; resume later."
_TOO_LONG: Final = dict.fromkeys(("57014", "1317", "1969", "3024"), _CANCELLED)
"""Codes of a query that was cancelled, by hand or by a limit of time."""

_REFUSED: Final = (
    "authentication failed", "does not exist", "no pg_hba.conf entry", "not permitted to log in",
    "no password supplied", "permission denied", "no such database", "no such user",
)  # fmt: skip
"""What PostgreSQL and PgBouncer say where they refuse a login for good."""

_PASSING: Final = (
    "08", "53", "55P03", "57P", "40",  # PostgreSQL: connection, resources, lock, shutdown, serialisation
    "1040", "1205", "1213", "2002", "2003", "2006", "2013",  # MySQL: connections, locks, network
)  # fmt: skip


@contextmanager
def database_errors(what: str) -> Iterator[None]:
    """Let only errors of Poolferry's tree leave the block.

    Raises:
        RetryError: the connection was lost, or the database is busy.
        SourceError: it refuses the login, the right or the names, or anything else.
    """
    try:
        yield
    except NoSuchTableError:
        raise SourceError(f"{what}: there is no such table.", _NAMES) from None
    except SQLAlchemyError as error:
        raise _meaning(error, what) from None


def _meaning(error: SQLAlchemyError, what: str) -> PoolferryError:
    code = _code_of(error)
    said = f"{what}: {type(error).__name__}{f' {code}' if code else ''}."
    if code in _BY_CODE or _is_refused_login(error):
        return SourceError(said, _BY_CODE.get(code, _LOGIN))
    if _is_passing(error, code):
        return RetryError(said, _TOO_LONG.get(code, _REACH))
    return SourceError(said, _NAMES)


def _is_refused_login(error: SQLAlchemyError) -> bool:
    """PostgreSQL's driver gives no SQLSTATE for a refused connection; its text is read, never shown."""
    said = str(getattr(error, "orig", ""))
    return not _code_of(error) and any(word in said for word in _REFUSED)


def _code_of(error: SQLAlchemyError) -> str:
    """The database's code: SQLSTATE, number or name; never its text."""
    original = error.orig if isinstance(error, DBAPIError) else None
    first = original.args[0] if original is not None and original.args else None
    if isinstance(first, int):
        return str(first)
    return str(getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None) or "")


def _is_passing(error: SQLAlchemyError, code: str) -> bool:
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if code:
        return code.startswith(_PASSING) or code in (*_TOO_LONG, "SQLITE_BUSY", "SQLITE_LOCKED")
    name = type(getattr(error, "orig", None)).__name__  # psycopg gives no SQLSTATE where nobody answered
    return name in ("OperationalError", "ConnectionTimeout", "InterfaceError")
