"""What databases hold and their drivers raise on or alter: odd times of PostgreSQL, bytes that are no text.

Times are ``infinity`` and years before 1 or beyond 9999. Bytes that are no UTF-8 are found in databases whose
encoding is ``SQL_ASCII``, which takes whatever it is given. Of MySQL these are bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import event

from connectors.json_text import DECODER

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

_TIMES: Final = ("date", "timestamp", "timestamptz")
_BIT: Final = 16
"""MySQL's number of the type."""

_JSON: Final = ("json", "jsonb")
_TEXTS: Final = ("text", "varchar", "bpchar", "name")


class OddTime(str):
    """Such a time as the database writes it, of a type of its own: no key or watermark is made of it."""

    __slots__ = ()


def lenient(engine: Engine) -> Engine:
    """Let such values be read; psycopg raises, and a single one would hide everybody's page."""
    if engine.driver == "psycopg":
        event.listen(engine, "connect", _register, insert=True)  # before SQLAlchemy asks for the version
    if engine.driver == "pymysql":
        event.listen(engine, "connect", _number_bits)
    return engine


def _number_bits(connection: Any, _record: object) -> None:  # noqa: ANN401 - PyMySQL's, same
    """A BIT is read as the number it is compared as; PyMySQL gives its bytes, which look like odd letters."""
    connection.decoders[_BIT] = int.from_bytes


def _register(connection: Any, _record: object) -> None:  # noqa: ANN401 - psycopg's, which need not be installed
    from psycopg import DataError  # noqa: PLC0415 - same

    for name in _JSON:
        connection.adapters.register_loader(name, _json_loader())
    times = _loader(DataError, lambda data: OddTime(data.decode()))
    for name in _TIMES:
        connection.adapters.register_loader(name, times)
    if connection.info.encoding == "ascii":  # of a database in SQL_ASCII, where psycopg gives bytes
        texts = _loader(UnicodeDecodeError, lambda data: data, bytes.decode)
        for name in _TEXTS:
            connection.adapters.register_loader(name, texts)


def _json_loader() -> Any:  # noqa: ANN401 - psycopg's
    """A loader that keeps numbers as they are written; psycopg makes 1.1 of 1.10, and rounds long ones."""
    from psycopg.adapt import Loader  # noqa: PLC0415 - same

    class Exact(Loader):
        def load(self, data: Any) -> Any:  # noqa: ANN401 - a buffer
            return DECODER.decode(bytes(data).decode())

    return Exact


def _loader(
    error: type[Exception],
    instead: Callable[[bytes], Any],
    decode: Callable[[bytes], str] | None = None,
) -> Any:  # noqa: ANN401 - psycopg's
    """A loader that gives something else where ``decode``, or psycopg's own, raises."""
    from psycopg import adapters  # noqa: PLC0415 - same
    from psycopg.adapt import Loader  # noqa: PLC0415 - same
    from psycopg.pq import Format  # noqa: PLC0415 - same

    class Lenient(Loader):
        def __init__(self, oid: int, context: Any) -> None:  # noqa: ANN401 - psycopg's
            super().__init__(oid, context)
            usual = adapters.get_loader(oid, Format.TEXT)
            self._load: Callable[[Any], Any] = decode or (usual(oid, context).load if usual else bytes)

        def load(self, data: Any) -> Any:  # noqa: ANN401 - a buffer
            whole = bytes(data)
            try:
                return self._load(whole)
            except error:
                return instead(whole)

    return Lenient
