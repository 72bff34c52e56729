"""When the next call may be sent: one row of a small table for each queue, shared by all who call.

This is the generic cell rate algorithm: a queue's row holds the next moment at which a call may be sent,
and whoever takes it moves it on by one interval. Moments are evenly spaced and nothing is saved up, since
AWS does not say in which window it counts. A moment can be used a tenth of a second late, so that a busy
machine loses none; thus any W seconds have at most ``rate`` x (W + 0.1) calls, rounded up. One conditional
write takes one or several moments, so threads, processes and machines can share a row: SQLite on one
machine, PostgreSQL on several. The database commits it by itself, so that a process which is stopped at
any instant, as by a machine that falls asleep, holds no row that others wait for.

When the service throttles, the rate is multiplied down, once for all calls that were on their way; then
it climbs back by a constant amount a second (AIMD). That is computed from the row, so nobody has to write
while it climbs.
"""

from __future__ import annotations

import math
import sqlite3
import time
import weakref
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Self

from sqlalchemy import (
    Column,
    ColumnElement,
    Engine,
    Float,
    MetaData,
    StaticPool,
    Table,
    Text,
    Update,
    bindparam,
    case,
    cast,
    create_engine,
    event,
    func,
    insert,
    update,
)
from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError
from sqlalchemy.schema import CreateTable

from connectors.errors import ConfigurationError, RetryError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SLOWER: Final = 0.7
"""What the rate is multiplied by when the service throttles."""
CLIMB_SECONDS: Final = 120.0
"""How long the climb from standing still to the whole rate would take: after one throttle, 36 seconds."""
FLOOR: Final = 0.05
"""The share of the rate that is never gone below, so that work goes on whatever others take."""
AHEAD_SECONDS: Final = 0.1
"""A process whose threads queue up for longer takes the moments of so many seconds in one write."""
LATE_SECONDS: Final = 0.1
"""A moment that was missed by more is given up: making up for more lost time would be a burst."""
HORIZON_SECONDS: Final = 600.0
"""A row that says later than this was written under another clock, and says nothing."""

_FULL: Final = "database or disk is full"
"""How SQLite tells a full disk; its error has no number."""

PACES: Final = Table(
    "paces",
    MetaData(),
    Column("queue", Text, primary_key=True),
    Column("next_at", Float, nullable=False),
    Column("slowed_to", Float),
    Column("slowed_at", Float, nullable=False),
)
"""By queue: from when on a call may be sent, and the rate after the last throttle with its time; all in
seconds since 1970 and calls a second."""

_OWN_CLOCK: Final = "postgresql"
"""The database whose clock is used instead of the machine's."""
_CEILING: Final = bindparam("ceiling", type_=Float)


class PaceTable:
    """The rows, wherever they are kept.

    Args:
        engine: the database; PostgreSQL's own clock is used there, so that machines need not agree.
        clock: seconds since 1970 that all processes of this machine share; for SQLite.

    Attributes:
        engine: the same database, which commits each statement by itself.

    Raises:
        RetryError: in every method, where the database does not answer.
    """

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self.engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._dialect = engine.dialect.name
        self._clock = clock
        self._lock = Lock()
        self._made = False

    @classmethod
    def in_memory(cls, clock: Callable[[], float] = time.time) -> Self:
        """Rows for this process alone."""
        engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        return cls._owner(engine, clock)

    @classmethod
    def in_file(cls, path: Path, clock: Callable[[], float] = time.time) -> Self:
        """Rows in a SQLite file for all processes of this machine; made where it is missing.

        Raises:
            ConfigurationError: this user may not write it.
        """
        try:
            path.touch(mode=0o600)
        except OSError as error:
            raise ConfigurationError(
                f"{path}: cannot be written ({type(error).__name__}).",
                "All who work below one state folder need the right to write in it.",
            ) from None
        engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
        event.listen(engine, "connect", _quick)
        return cls._owner(engine, clock)

    @classmethod
    def _owner(cls, engine: Engine, clock: Callable[[], float]) -> Self:
        table = cls(engine, clock)
        weakref.finalize(table, engine.dispose)  # a client has no end of its own that could close it
        return table

    def reserve(self, queue: str, ceiling: float, moments: int) -> tuple[float, float]:
        """Take the next moments of a queue, which nobody else gets then.

        Args:
            queue: its name.
            ceiling: calls a second that are never gone above.
            moments: how many.

        Returns:
            Seconds until the first one, below zero where it is a little late already; and from each to
            the next.
        """
        wanted = {"name": queue, "ceiling": ceiling, "moments": float(moments)}
        row = self._write(_taking(self._dialect), wanted)
        while row is None:
            self._add(queue)
            row = self._write(_taking(self._dialect), wanted)
        seconds, speed = (float(value) for value in row)
        return seconds - moments / speed, 1 / speed

    def slow_down(self, queue: str, ceiling: float, taken_ago: float) -> bool:
        """Multiply a queue's rate down, unless that has happened since the throttled call took its moment.

        Args:
            queue: its name.
            ceiling: calls a second that are never gone above.
            taken_ago: seconds since the call took its moment.

        Returns:
            Whether it was slowed down now.
        """
        throttled = {"name": queue, "ceiling": ceiling, "ago": taken_ago}
        return self._write(_slowing(self._dialect), throttled) is not None

    def _write(self, statement: Any, values: dict[str, Any]) -> Any:  # noqa: ANN401 - an update, and its row
        if self._dialect != _OWN_CLOCK:
            values = {**values, "now": self._clock()}
        try:
            with self._lock:
                self._make()
                with self.engine.connect() as connection:
                    return connection.execute(statement, values).first()
        except SQLAlchemyError as error:
            if _FULL in str(error):  # waiting makes no room: who runs tells it of the whole folder
                raise
            raise _no_answer(values["name"], error) from None

    def _make(self) -> None:
        if self._made:
            return
        with suppress(IntegrityError, ProgrammingError), self.engine.connect() as connection:
            # PostgreSQL may refuse it where another worker makes the table at this very moment.
            connection.execute(CreateTable(PACES, if_not_exists=True))
        self._made = True

    def _add(self, queue: str) -> None:
        try:
            with self._lock, self.engine.connect() as connection:
                connection.execute(insert(PACES).values(queue=queue, next_at=0.0, slowed_at=0.0))
        except IntegrityError:
            return  # another worker was quicker
        except SQLAlchemyError as error:
            if _FULL in str(error):
                raise
            raise _no_answer(queue, error) from None


@cache
def _taking(dialect: str) -> Update:
    """Move a row on by some moments; made once, for to put it together takes longer than to run it."""
    now, moments = _now(dialect), bindparam("moments", type_=Float)
    is_usable = (PACES.c.next_at > now - LATE_SECONDS) & (PACES.c.next_at < now + HORIZON_SECONDS)
    first = case((is_usable, PACES.c.next_at), else_=now)
    return _of_a_queue(next_at=first + moments / _rate(now)).returning(PACES.c.next_at - now, _rate(now))


@cache
def _slowing(dialect: str) -> Update:
    """Multiply the rate of a row down, unless it was since a throttled call took its moment."""
    now = _now(dialect)
    slower, least = _rate(now) * SLOWER, _CEILING * FLOOR
    statement = _of_a_queue(slowed_to=case((slower > least, slower), else_=least), slowed_at=now)
    earlier = PACES.c.slowed_at < now - bindparam("ago", type_=Float)
    return statement.where(earlier).returning(PACES.c.slowed_at)


def _of_a_queue(**values: ColumnElement[Any]) -> Update:
    return update(PACES).where(PACES.c.queue == bindparam("name")).values(values)


def _rate(now: ColumnElement[float]) -> ColumnElement[float]:
    """Calls a second now: what was left after the last throttle, and what has been climbed since."""
    climbed = PACES.c.slowed_to + (now - PACES.c.slowed_at) * _CEILING / CLIMB_SECONDS
    return case((climbed < _CEILING, climbed), else_=_CEILING)


def _now(dialect: str) -> ColumnElement[float]:
    if dialect == _OWN_CLOCK:
        return cast(func.extract("epoch", func.statement_timestamp()), Float)
    return bindparam("now", type_=Float)


def _quick(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DB-API connection
    """Keep writers from waiting for the disk: after a power cut the last second's pace matters to nobody."""
    with suppress(sqlite3.OperationalError):  # busy: another process makes it so, once for all
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _no_answer(queue: str, error: SQLAlchemyError) -> RetryError:
    return RetryError(
        f"The pace of {queue.rsplit('/', 1)[-1]} cannot be kept: {type(error).__name__} of its database.",
        "Look at the disk of the state folder, or at the PostgreSQL server.",
    )


@dataclass(frozen=True, slots=True)
class Leave:
    """The leave to make one call; ``at`` and ``taken`` (when it was asked for) are on the queue's clock."""

    at: float
    taken: float


class Queue:
    """Hands moments of one row to the threads of this process, each to one.

    Args:
        table: where the row is.
        name: the row's name.
        ceiling: calls a second that are never gone above.
        clock: seconds that only go forward.
        sleep: takes seconds.
    """

    def __init__(
        self,
        table: PaceTable,
        name: str,
        ceiling: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.ceiling = ceiling
        self._table, self._name, self._clock, self._sleep = table, name, clock, sleep
        self._lock = Lock()
        self._ahead: deque[Leave] = deque()
        self._last = -math.inf

    def wait(self) -> Leave:
        """Return at the next free moment; one that this thread has slept through is given up."""
        while True:
            leave = self._next()
            pause = leave.at - self._clock()
            if pause > 0:
                self._sleep(pause)
            if self._clock() - leave.at <= LATE_SECONDS:
                return leave

    def slow_down(self, leave: Leave) -> bool:
        """Say that the call of a leave was throttled; returns whether that has made the queue slower."""
        return self._table.slow_down(self._name, self.ceiling, self._clock() - leave.taken)

    def _next(self) -> Leave:
        with self._lock:
            now = self._clock()
            while self._ahead and now - self._ahead[0].at > LATE_SECONDS:
                self._ahead.popleft()
            if not self._ahead:
                self._reserve(now)
            return self._ahead.popleft()

    def _reserve(self, now: float) -> None:
        """Take one moment, or several where threads wait for so long that those will find takers."""
        crowded = self._last - now > AHEAD_SECONDS
        moments = max(1, round(AHEAD_SECONDS * self.ceiling)) if crowded else 1
        delay, interval = self._table.reserve(self._name, self.ceiling, moments)
        taken = self._clock()
        self._ahead.extend(Leave(taken + delay + number * interval, taken) for number in range(moments))
        self._last = self._ahead[-1].at
