"""What every ledger store must do; ``test_ledgers.py`` runs it on each, and on broken ones."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import event

from connectors.errors import ConfigurationError, TakenOverError
from flows.ledger.states import BatchState, RunState
from flows.ledger.store import STAGE, BatchRecord, PageRecord, RunRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from flows.ledger.store import Ledger
    from tests.conftest import Clock

RUN = RunRecord("r1", "acme", RunState.READING, "sha", "print", "eu-west-1_x", 1.0, None, {"a": 1})


def new_batch(number: int = 1) -> BatchRecord:
    return BatchRecord(
        number, "import_job", "BCRYPT", 7, BatchState.PLANNED, 1, None, None, None, {"bytes": 9}
    )


def a_run_is_kept_and_only_moves_forward(ledger: Ledger, clock: Clock) -> None:
    ledger.open_run(RUN)
    ledger.advance_run(RunState.SENDING, b=2)
    ledger.advance_run(RunState.ROUTING)
    assert ledger.run().state is RunState.SENDING
    assert ledger.run().facts == {"a": 1, "b": 2, "came": {"sending": clock.now}}
    clock.now += 5
    ledger.advance_run(RunState.FINISHED)
    assert ledger.run().finished == clock.now


def a_run_cannot_be_opened_twice(ledger: Ledger, _clock: Clock) -> None:
    ledger.open_run(RUN)
    with pytest.raises(ConfigurationError):
        ledger.open_run(RUN)


def pages_come_back_in_order_and_add_up(ledger: Ledger, _clock: Clock) -> None:
    first, second = PageRecord(1, 0, 10, {"offset": 5}, 0.5), PageRecord(2, 10, 3, {"offset": 9}, 1.0)
    ledger.add_page(second)
    ledger.add_page(first)
    assert ledger.pages() == [first, second]
    assert ledger.extracted() == 13


def a_page_is_written_by_one_worker(ledger: Ledger, _clock: Clock) -> None:
    page = PageRecord(1, 0, 10, {"after": "somebody@example.com"}, None)
    ledger.add_page(page)
    with pytest.raises(TakenOverError) as told:
        ledger.add_page(page)
    assert "somebody" not in str(told.value)


def a_batch_is_written_by_one_worker(ledger: Ledger, _clock: Clock) -> None:
    ledger.add_batches([new_batch(1)])
    with pytest.raises(TakenOverError):
        ledger.add_batches([new_batch(2), new_batch(1)])
    assert [batch.number for batch in ledger.batches()] == [1]


def no_change_of_a_fact_is_lost(ledger: Ledger, _clock: Clock) -> None:
    ledger.open_run(RUN)

    def slowly(count: int | None) -> int:
        time.sleep(0.1)
        return (count or 0) + 1

    with ThreadPoolExecutor(3) as crew:
        list(crew.map(lambda _: ledger.change_fact("calls", slowly), range(3)))
    assert ledger.run().facts["calls"] == 3


def a_batch_keeps_everything_it_was_given(ledger: Ledger, _clock: Clock) -> None:
    ledger.add_batches([new_batch()])
    assert ledger.batches() == [new_batch()]


def a_batch_moves_forward_and_gathers_facts(ledger: Ledger, _clock: Clock) -> None:
    ledger.add_batches([new_batch()])
    moved = ledger.advance(ledger.batch(1), BatchState.CREATED, job_id="import-1", status="Created")
    assert (moved.state, moved.job_id) == (BatchState.CREATED, "import-1")
    assert moved.facts == {"bytes": 9, "status": "Created"}


def a_batch_never_moves_back(ledger: Ledger, _clock: Clock) -> None:
    ledger.add_batches([new_batch()])
    moved = ledger.advance(ledger.batch(1), BatchState.STARTED)
    with pytest.raises(ConfigurationError):
        ledger.advance(moved, BatchState.CREATING)
    assert ledger.batch(1).state is BatchState.STARTED


def a_new_attempt_goes_back_to_creating_without_the_old_job(ledger: Ledger, _clock: Clock) -> None:
    ledger.add_batches([new_batch()])
    moved = ledger.advance(ledger.batch(1), BatchState.ENDED, job_id="import-1")
    again = ledger.advance(moved, BatchState.CREATING, attempt=2)
    assert (again.state, again.attempt, again.job_id) == (BatchState.CREATING, 2, None)


def only_one_of_two_workers_moves_a_batch(ledger: Ledger, _clock: Clock) -> None:
    ledger.add_batches([new_batch()])
    seen_by_both = ledger.batch(1)
    ledger.advance(seen_by_both, BatchState.CREATING)
    with pytest.raises(TakenOverError):
        ledger.advance(seen_by_both, BatchState.CREATING)


def a_claim_is_exclusive_until_its_lease_ends(ledger: Ledger, clock: Clock) -> None:
    ledger.add_batches([new_batch()])
    assert ledger.claim(1, "a", 60)
    assert ledger.claim(1, "a", 60)
    assert not ledger.claim(1, "b", 60)
    clock.now += 61
    assert ledger.claim(1, "b", 60)
    ledger.release(1, "a")
    assert ledger.batch(1).owner == "b"
    ledger.release(1, "b")
    assert ledger.claim(1, "c", 60)


def a_stage_is_claimed_like_a_batch(ledger: Ledger, clock: Clock) -> None:
    ledger.open_run(RUN)
    assert ledger.claim(STAGE, "a", 60)
    assert not ledger.claim(STAGE, "b", 60)
    clock.now += 61
    assert ledger.claim(STAGE, "b", 60)
    ledger.release(STAGE, "b")
    assert ledger.claim(STAGE, "a", 60)


def a_lease_can_be_renewed_by_its_owner_alone(ledger: Ledger, clock: Clock) -> None:
    ledger.add_batches([new_batch()])
    ledger.claim(1, "a", 60)
    clock.now += 50
    assert ledger.renew(1, "a", 60)
    clock.now += 50
    assert not ledger.claim(1, "b", 60)
    clock.now += 11
    assert ledger.claim(1, "b", 60)
    assert not ledger.renew(1, "a", 60)


def whoever_lost_a_lease_moves_the_batch_no_more(ledger: Ledger, clock: Clock) -> None:
    """Also where the new owner has not moved it yet."""
    ledger.add_batches([new_batch()])
    ledger.claim(1, "a", 60)
    clock.now += 61
    other = type(ledger)(ledger._engine, "r1", clock)
    assert other.claim(1, "b", 60)
    with pytest.raises(TakenOverError):
        ledger.advance(ledger.batch(1), BatchState.CREATING)
    assert other.advance(other.batch(1), BatchState.CREATING).state is BatchState.CREATING


def batches_of_a_run_that_sends_are_never_forgotten(ledger: Ledger, _clock: Clock) -> None:
    """A worker that slept through the routing and wakes up in it does no harm."""
    ledger.open_run(RUN)
    ledger.add_batches([new_batch()])
    ledger.advance_run(RunState.SENDING)
    ledger.forget_batches()
    assert ledger.batches() == [new_batch()]


def a_settled_batch_is_nobodys_work(ledger: Ledger, _clock: Clock) -> None:
    ledger.add_batches([new_batch()])
    ledger.advance(ledger.batch(1), BatchState.SETTLED)
    assert not ledger.claim(1, "a", 60)


def forgetting_batches_leaves_other_runs_alone(ledger: Ledger, _clock: Clock) -> None:
    ledger.add_batches([new_batch()])
    ledger.run_id = "other"
    ledger.add_batches([new_batch()])
    ledger.forget_batches()
    ledger.run_id = "r1"
    assert ledger.batches() == [new_batch()]


def one_statement_keeps_nobody_waiting(ledger: Ledger, _clock: Clock) -> None:
    """Whoever stops right behind it, as a machine that falls asleep does, holds no row."""
    ledger.add_batches([new_batch()])
    held: list[bool] = []
    event.listen(ledger.engine, "after_cursor_execute", lambda connection, *_: held.append(holds(connection)))
    ledger.open_run(RUN)
    ledger.add_page(PageRecord(1, 0, 10, {}, None))
    assert ledger.claim(1, "a", 60)
    assert ledger.renew(1, "a", 60)
    ledger.advance(ledger.batch(1), BatchState.CREATING)
    ledger.release(1, "a")
    assert len(held) >= 6
    assert not any(held)


def holds(connection: Any) -> bool:
    """Whether a connection is inside a transaction, whose rows nobody else can write."""
    raw = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        return bool(raw.in_transaction)
    return bool(raw.info.transaction_status is not TransactionStatus.IDLE)


PROMISES: list[Callable[[Ledger, Clock], None]] = [
    a_run_is_kept_and_only_moves_forward,
    a_run_cannot_be_opened_twice,
    pages_come_back_in_order_and_add_up,
    a_page_is_written_by_one_worker,
    a_batch_is_written_by_one_worker,
    no_change_of_a_fact_is_lost,
    a_batch_keeps_everything_it_was_given,
    a_batch_moves_forward_and_gathers_facts,
    a_batch_never_moves_back,
    a_new_attempt_goes_back_to_creating_without_the_old_job,
    only_one_of_two_workers_moves_a_batch,
    a_claim_is_exclusive_until_its_lease_ends,
    a_stage_is_claimed_like_a_batch,
    a_lease_can_be_renewed_by_its_owner_alone,
    whoever_lost_a_lease_moves_the_batch_no_more,
    batches_of_a_run_that_sends_are_never_forgotten,
    a_settled_batch_is_nobodys_work,
    forgetting_batches_leaves_other_runs_alone,
    one_statement_keeps_nobody_waiting,
]
