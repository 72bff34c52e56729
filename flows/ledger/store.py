"""The run's durable record: which pages were read and where each batch is.

SQLite in the run's folder by default, PostgreSQL by URL when several workers share a run;
SQLAlchemy Core serves both with the same statements. Every move of a batch is one conditional
write, so two workers can never move the same batch, and no state is ever left backwards.

A statement that stands alone is committed by the database itself: a worker that is stopped at any
instant, as by a machine that falls asleep, holds no row that others wait for.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Engine, Float, cast, delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from connectors.errors import ConfigurationError, TakenOverError
from flows.ledger.sqlite import failed
from flows.ledger.states import BatchState, RunState
from flows.ledger.tables import BATCHES, METADATA, PAGES, RUNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from connectors.records import Cursor, HashAlgorithm

_log = logging.getLogger(__name__)

Clock = Callable[[], float]

STAGE: Final = None
"""What is claimed by the one worker who may read, route, prove or finish; batches are claimed by number."""

CAME: Final = "came"
"""Fact of a run: state → when the run came to it, seconds since 1970 in UTC; it began with ``reading``."""

_MAKING_TABLES: Final = 7_066_311
"""Any number, the same for all workers: PostgreSQL's lock while tables are made."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One row of ``runs``; times are seconds since 1970 in UTC."""

    run_id: str
    name: str
    state: RunState
    run_file_sha256: str
    source_fingerprint: str
    pool_id: str
    created: float
    finished: float | None
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PageRecord:
    """One page that was read, mapped, judged and written."""

    number: int
    first_ordinal: int
    users: int
    cursor: Cursor
    done: float | None


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """One batch; ``facts`` holds counters, times and messages, never a person."""

    number: int
    strategy: str
    algorithm: HashAlgorithm | None
    users: int
    state: BatchState
    attempt: int
    owner: str | None
    lease_until: float | None
    job_id: str | None
    facts: dict[str, Any]


class Ledger:
    """The tables of one run.

    Args:
        engine: where the tables are.
        run_id: which run this object speaks of.
        clock: seconds since 1970.
        server_time: whether leases are measured with the database's clock, which all workers share,
            and not with ``clock``.
        on_move: called after each move of the run or a batch, and before what follows from it is done.
    """

    def __init__(
        self,
        engine: Engine,
        run_id: str,
        clock: Clock,
        *,
        server_time: bool = False,
        on_move: Callable[[], None] | None = None,
    ) -> None:
        self._engine = engine
        self._alone = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._clock = clock
        self._server_time = server_time
        self._moved = on_move or (lambda: None)
        self._mine: dict[int | None, str] = {}
        self.run_id = run_id
        with self._connected(together=True) as connection:
            if connection.dialect.name == "postgresql":  # two workers may come at the same moment
                connection.execute(select(func.pg_advisory_xact_lock(_MAKING_TABLES)))
            METADATA.create_all(connection)

    @property
    def engine(self) -> Engine:
        """Where the tables are; workers who share them can share others there too."""
        return self._engine

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()

    # the run ---------------------------------------------------------------------------------

    def open_run(self, record: RunRecord) -> None:
        """Write the run's row; a second call with the same id is refused."""
        values = {name: getattr(record, name) for name in record.__slots__}
        try:
            self._write(insert(RUNS).values(values))
        except IntegrityError:
            raise ConfigurationError(f"Run {record.run_id} is in the ledger already.") from None
        self._moved()

    def run(self) -> RunRecord:
        """The run's row."""
        with self._connected() as connection:
            return self._run(connection)

    def _run(self, connection: Connection, *, locked: bool = False) -> RunRecord:
        query = select(*(RUNS.c[name] for name in RunRecord.__slots__)).where(RUNS.c.run_id == self.run_id)
        if locked and connection.dialect.name == "sqlite":  # it knows no FOR UPDATE: a write takes its lock
            same = {"run_id": RUNS.c.run_id}
            connection.execute(update(RUNS).where(RUNS.c.run_id == self.run_id).values(same))
        row = connection.execute(query.with_for_update() if locked else query).mappings().one()
        return RunRecord(**{**row, "state": RunState(row["state"])})

    def advance_run(self, state: RunState, **facts: Any) -> None:  # noqa: ANN401 - JSON values
        """Move the run forward (never back) and add facts to it, also when it came to where it is."""
        with self._connected(together=True) as connection:
            run = self._run(connection, locked=True)
            new = max(run.state, state, key=lambda item: item.rank)
            finished = self._clock() if new is RunState.FINISHED and run.finished is None else run.finished
            came = {} if new is run.state else {CAME: {**run.facts.get(CAME, {}), new: self._clock()}}
            change = {"state": new, "finished": finished, "facts": {**run.facts, **facts, **came}}
            connection.execute(update(RUNS).where(RUNS.c.run_id == self.run_id).values(change))
        self._moved()
        if new is not run.state:
            _log.info("run is %s", new, extra={"run_id": self.run_id, "state": str(new)})

    def change_fact(self, name: str, change: Callable[[Any], Any]) -> None:
        """Put in the place of one fact of the run (None: it has none) what ``change`` makes of it; atomic."""
        with self._connected(together=True) as connection:
            facts = self._run(connection, locked=True).facts
            where = RUNS.c.run_id == self.run_id
            new = {**facts, name: change(facts.get(name))}
            connection.execute(update(RUNS).where(where).values(facts=new))
        self._moved()

    # pages -----------------------------------------------------------------------------------

    def add_page(self, page: PageRecord) -> None:
        """Write down that a page's file is complete."""
        values = {name: getattr(page, name) for name in page.__slots__}
        with _first(f"Page {page.number}"):
            self._write(insert(PAGES).values(run_id=self.run_id, **values))
        self._moved()

    def pages(self) -> list[PageRecord]:
        """All pages in order."""
        query = select(PAGES).where(PAGES.c.run_id == self.run_id).order_by(PAGES.c.number)
        with self._connected() as connection:
            rows = connection.execute(query).all()
        return [PageRecord(r.number, r.first_ordinal, r.users, r.cursor, r.done) for r in rows]

    def extracted(self) -> int:
        """Number of source users that have been read so far."""
        query = select(func.coalesce(func.sum(PAGES.c.users), 0)).where(PAGES.c.run_id == self.run_id)
        with self._connected() as connection:
            return int(connection.execute(query).scalar_one())

    def forget_places(self) -> None:
        """Forget where in the source each page ended, which may name a person; a file keeps no trace."""
        self._write(update(PAGES).where(PAGES.c.run_id == self.run_id).values(cursor={}))
        if self._engine.dialect.name == "sqlite":
            with self._alone.connect() as connection:
                for statement in ("PRAGMA secure_delete=ON", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                    connection.execute(text(statement))

    # batches ---------------------------------------------------------------------------------

    def add_batches(self, batches: Sequence[BatchRecord]) -> None:
        """Write new batches, all or none; their users' files are complete already."""
        rows = [
            {"run_id": self.run_id, **{name: getattr(batch, name) for name in batch.__slots__}}
            for batch in batches
        ]
        if rows:
            with _first("A batch"), self._connected(together=True) as connection:
                connection.execute(insert(BATCHES), rows)
            self._moved()

    def forget_batches(self) -> None:
        """Drop batches that a routing which never ended has cut; nothing of them was sent.

        Nothing happens once the run is sending, also where a worker that slept for long asks for it.
        """
        routed = [state for state in RunState if state.rank > RunState.ROUTING.rank]
        sending = select(RUNS.c.run_id).where(RUNS.c.state.in_(routed))
        where = (BATCHES.c.run_id == self.run_id, BATCHES.c.run_id.not_in(sending))
        self._write(delete(BATCHES).where(*where))

    def batches(self) -> list[BatchRecord]:
        """All batches in order."""
        query = select(BATCHES).where(BATCHES.c.run_id == self.run_id).order_by(BATCHES.c.number)
        with self._connected() as connection:
            rows = connection.execute(query).mappings().all()
        return [_batch(row) for row in rows]

    def batch(self, number: int) -> BatchRecord:
        """One batch."""
        query = select(BATCHES).where(BATCHES.c.run_id == self.run_id, BATCHES.c.number == number)
        with self._connected() as connection:
            return _batch(connection.execute(query).mappings().one())

    # claims ----------------------------------------------------------------------------------

    def claim(self, what: int | None, owner: str, lease_seconds: float) -> bool:
        """Take a batch, or the run's ``STAGE``, for ``owner``; one conditional write.

        It can be taken where it is free, the owner's already, or its lease has lapsed.
        """
        now = self._now()
        table, *which = self._claimed(what)
        free = table.c.owner.is_(None) | (table.c.owner == owner) | (table.c.lease_until < now)
        change = {"owner": owner, "lease_until": now + lease_seconds}
        taken = self._write(update(table).where(*which, free).values(change)) == 1
        if taken:
            self._mine[what] = owner
        return taken

    def renew(self, what: int | None, owner: str, lease_seconds: float) -> bool:
        """Make a lease longer; False where another worker has taken over meanwhile."""
        table, *which = self._claimed(what)
        change = {"lease_until": self._now() + lease_seconds}
        return self._write(update(table).where(*which, table.c.owner == owner).values(change)) == 1

    def release(self, what: int | None, owner: str) -> None:
        """Give back what was claimed; nothing happens where somebody else has it."""
        self._mine.pop(what, None)
        table, *which = self._claimed(what, settled=True)
        self._write(update(table).where(*which, table.c.owner == owner).values(owner=None, lease_until=None))

    def free_claims(self) -> None:
        """Void every claim; only for whoever knows that no other worker is alive."""
        for table in (RUNS, BATCHES):
            where = table.c.run_id == self.run_id
            self._write(update(table).where(where).values(owner=None, lease_until=None))

    def _claimed(self, what: int | None, *, settled: bool = False) -> tuple[Any, ...]:
        """The table and the row of what is claimed; a settled batch is nobody's work."""
        if what is STAGE:
            return RUNS, RUNS.c.run_id == self.run_id
        which = (BATCHES.c.run_id == self.run_id, BATCHES.c.number == what)
        return (BATCHES, *which) if settled else (BATCHES, *which, BATCHES.c.state != BatchState.SETTLED)

    def _now(self) -> Any:  # noqa: ANN401 - a number, or an expression for one
        return (
            cast(func.extract("epoch", func.clock_timestamp()), Float) if self._server_time else self._clock()
        )

    def advance(
        self,
        batch: BatchRecord,
        state: BatchState,
        *,
        job_id: str | None = None,
        attempt: int | None = None,
        **facts: Any,  # noqa: ANN401 - JSON values
    ) -> BatchRecord:
        """Move a batch forward if it still is where ``batch`` says it is.

        A new ``attempt`` is the one way back to ``creating``: the job of the last attempt is lost
        or spent, and its outcome is written down.

        Raises:
            TakenOverError: another worker has moved the batch, or has it now.
            ConfigurationError: the move goes backwards.
        """
        if state.rank < batch.state.rank and attempt is None:
            raise ConfigurationError(f"Batch {batch.number} cannot go from {batch.state} back to {state}.")
        change: dict[str, Any] = {"state": state, "facts": {**batch.facts, **facts}}
        change |= {"job_id": job_id} if job_id is not None else {}
        change |= {"attempt": attempt, "job_id": None} if attempt is not None else {}
        where = [
            BATCHES.c.run_id == self.run_id,
            BATCHES.c.number == batch.number,
            BATCHES.c.state == batch.state,
            BATCHES.c.attempt == batch.attempt,
        ]
        if owner := self._mine.get(batch.number):  # a lease that was lost forbids the move
            where.append(BATCHES.c.owner == owner)
        if self._write(update(BATCHES).where(*where).values(change)) != 1:
            raise TakenOverError(
                f"Batch {batch.number} was moved by another worker.",
                "Run the command again: it goes on from there.",
            )
        self._moved()
        now = self.batch(batch.number)
        ids = {"batch": now.number, "job_id": now.job_id}
        _log.info("batch %d is %s", now.number, now.state, extra={**ids, "state": str(now.state)})
        return now

    def _write(self, statement: Any) -> int:  # noqa: ANN401 - any SQLAlchemy write
        with self._connected() as connection:
            return int(connection.execute(statement).rowcount)

    @contextmanager
    def _connected(self, *, together: bool = False) -> Iterator[Connection]:
        """A connection; several statements ``together`` are one transaction, else each is its own.

        What a database says when it fails may hold its password or a person's place in the source, so it
        is not told.
        """
        try:
            with self._engine.begin() if together else self._alone.connect() as connection:
                yield connection
        except IntegrityError:
            raise
        except (DBAPIError, sqlite3.Error) as error:
            raise failed(error, self._engine.url.database) from None


@contextmanager
def _first(what: str) -> Iterator[None]:
    """Find out that another worker was first."""
    try:
        yield
    except IntegrityError:
        raise TakenOverError(
            f"{what} was written by another worker.", "Run the command again: it goes on from there."
        ) from None


def _batch(row: Any) -> BatchRecord:  # noqa: ANN401 - a SQLAlchemy row mapping
    values = {name: row[name] for name in BatchRecord.__slots__}
    return BatchRecord(**{**values, "state": BatchState(row["state"])})
