"""Every ledger store keeps the same promises, and the suite notices stores that break them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, delete, update

from connectors.errors import StopError
from flows.ledger import opening
from flows.ledger.opening import open_postgresql
from flows.ledger.sqlite import open_sqlite
from flows.ledger.states import RunState
from flows.ledger.store import BatchRecord, Ledger
from flows.ledger.tables import BATCHES, METADATA
from tests.contracts.ledger_suite import (
    PROMISES,
    RUN,
    a_batch_never_moves_back,
    a_claim_is_exclusive_until_its_lease_ends,
    a_lease_can_be_renewed_by_its_owner_alone,
    batches_of_a_run_that_sends_are_never_forgotten,
    no_change_of_a_fact_is_lost,
    one_statement_keeps_nobody_waiting,
    only_one_of_two_workers_moves_a_batch,
    whoever_lost_a_lease_moves_the_batch_no_more,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from flows.ledger.states import BatchState
    from flows.ledger.store import RunRecord
    from tests.conftest import Clock

Promise = "Callable[[Ledger, Clock], None]"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An engine over a fresh store of each kind."""
    if request.param == "sqlite":
        made = open_sqlite(tmp_path / "ledger.db")
    else:
        made = create_engine(request.getfixturevalue("postgresql_url"))
    METADATA.drop_all(made)
    yield made
    made.dispose()


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_a_store_keeps_its_promise(promise: Any, engine: Engine, clock: Clock) -> None:
    promise(Ledger(engine, "r1", clock), clock)


class ForgetsLeases(Ledger):
    """Broken: claims whatever it is asked for."""

    def claim(self, what: int | None, owner: str, lease_seconds: float) -> bool:
        super().claim(what, owner, lease_seconds)
        self._write(update(BATCHES).values(owner=owner))
        return True


class MovesBlindly(Ledger):
    """Broken: moves a batch wherever it stands."""

    def advance(self, batch: BatchRecord, state: BatchState, **facts: Any) -> BatchRecord:
        self._write(update(BATCHES).where(BATCHES.c.number == batch.number).values(state=state))
        return self.batch(batch.number)


class ForgetsItsOwner(Ledger):
    """Broken: does not remember what it has claimed."""

    def claim(self, what: int | None, owner: str, lease_seconds: float) -> bool:
        taken = super().claim(what, owner, lease_seconds)
        self._mine.clear()
        return taken


class RenewsForAnybody(Ledger):
    """Broken: makes a lease longer, whoever has it."""

    def renew(self, what: int | None, owner: str, lease_seconds: float) -> bool:
        super().renew(what, owner, lease_seconds)
        return True


class HoldsOn(Ledger):
    """Broken: leaves each statement's end to the process."""

    def _write(self, statement: Any) -> int:
        with self._connected(together=True) as connection:
            return int(connection.execute(statement).rowcount)


class ReadsWithoutLocks(Ledger):
    """Broken: what it has read may be old by the time that it writes."""

    def _run(self, connection: Connection, **_: bool) -> RunRecord:
        return super()._run(connection, locked=False)


class ForgetsEverything(Ledger):
    """Broken: drops batches that were sent."""

    def forget_batches(self) -> None:
        self._write(delete(BATCHES))


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (ForgetsLeases, a_claim_is_exclusive_until_its_lease_ends),
        (MovesBlindly, a_batch_never_moves_back),
        (MovesBlindly, only_one_of_two_workers_moves_a_batch),
        (ForgetsItsOwner, whoever_lost_a_lease_moves_the_batch_no_more),
        (RenewsForAnybody, a_lease_can_be_renewed_by_its_owner_alone),
        (ForgetsEverything, batches_of_a_run_that_sends_are_never_forgotten),
        (HoldsOn, one_statement_keeps_nobody_waiting),
        (ReadsWithoutLocks, no_change_of_a_fact_is_lost),
    ],
)
def test_the_suite_bites(broken: type[Ledger], promise: Any, tmp_path: Path, clock: Clock) -> None:
    """A store that breaks a promise is caught by that promise's test."""
    ledger = broken(open_sqlite(tmp_path / "ledger.db"), "r1", clock)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        promise(ledger, clock)
    ledger.close()


@pytest.mark.system
def test_who_stops_inside_a_transaction_loses_it(
    postgresql_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker whose machine falls asleep there keeps the others waiting for seconds, and not for ever."""
    monkeypatch.setattr(opening, "HOLD_SECONDS", 1)
    engines = [open_postgresql(postgresql_url, where="ledger") for _ in range(2)]
    METADATA.drop_all(engines[0])
    sleeper, other = (Ledger(engine, "r1", clock, server_time=True) for engine in engines)
    sleeper.open_run(RUN)

    def sleep(_: object) -> str:
        other.advance_run(RunState.SENDING)
        return "never written"

    with pytest.raises(StopError, match="The ledger cannot be"):
        sleeper.change_fact("late", sleep)
    assert other.run().state is RunState.SENDING
    assert "late" not in other.run().facts
    for ledger in (sleeper, other):
        ledger.close()
