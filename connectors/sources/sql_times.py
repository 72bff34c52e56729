"""Times of PostgreSQL that Python has no value for: ``infinity``, years before 1 or beyond 9999."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

_TYPES: Final = ("date", "timestamp", "timestamptz")


class OddTime(str):
    """Such a time as the database writes it, of a type of its own: no key or watermark is made of it."""

    __slots__ = ()


def taking_odd_times(engine: Engine) -> Engine:
    """Let such times be read as texts; psycopg raises, and a single one would hide everybody's page."""
    if engine.driver == "psycopg":
        event.listen(engine, "connect", _register)
    return engine


def _register(connection: Any, _record: object) -> None:  # noqa: ANN401 - psycopg's, which need not be installed
    from psycopg import DataError, adapters  # noqa: PLC0415 - same
    from psycopg.adapt import Loader  # noqa: PLC0415 - same
    from psycopg.pq import Format  # noqa: PLC0415 - same

    class Lenient(Loader):
        def __init__(self, oid: int, context: Any) -> None:  # noqa: ANN401 - psycopg's
            super().__init__(oid, context)
            usual = adapters.get_loader(oid, Format.TEXT)
            self._usual: Callable[[Any], Any] = usual(oid, context).load if usual else bytes

        def load(self, data: Any) -> Any:  # noqa: ANN401 - a buffer
            try:
                return self._usual(data)
            except DataError:
                return OddTime(bytes(data).decode())

    for name in _TYPES:
        connection.adapters.register_loader(name, Lenient)
