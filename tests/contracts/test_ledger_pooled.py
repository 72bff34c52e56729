"""A ledger behind a pooler that gives every transaction another session, as PgBouncer does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from flows.ledger.opening import open_postgresql
from flows.ledger.store import Ledger, PageRecord
from flows.ledger.tables import METADATA
from tests.contracts.ledger_suite import RUN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Clock

pytestmark = pytest.mark.system

WORKERS, PAGES = 6, 20
"""More workers than the pooler has sessions, and more pages than a driver sees before it prepares."""


@pytest.fixture
def engines(pgbouncer_url: str) -> Iterator[list[Engine]]:
    made = [open_postgresql(pgbouncer_url, where="ledger") for _ in range(WORKERS)]
    METADATA.drop_all(made[0])
    yield made
    for engine in made:
        engine.dispose()


def test_workers_share_a_ledger_through_it(engines: list[Engine], clock: Clock) -> None:
    ledgers = [Ledger(engine, "r1", clock, server_time=True) for engine in engines]
    ledgers[0].open_run(RUN)

    def work(worker: int) -> None:
        for page in range(PAGES):
            number = worker * PAGES + page
            ledgers[worker].add_page(PageRecord(number, number, 1, {}, 1.0))
            ledgers[worker].change_fact(f"worker {worker}", lambda _, page=page: page)

    with ThreadPoolExecutor(WORKERS) as crew:
        list(crew.map(work, range(WORKERS)))
    assert [page.number for page in ledgers[0].pages()] == list(range(WORKERS * PAGES))
    facts = ledgers[0].run().facts
    assert {facts[f"worker {worker}"] for worker in range(WORKERS)} == {PAGES - 1}


def test_bounds_hold_for_our_transactions_and_for_nobody_else_s(
    engines: list[Engine], pgbouncer_url: str
) -> None:
    ask = text(
        "SELECT current_setting('idle_in_transaction_session_timeout'), current_setting('lock_timeout')"
    )
    for engine in engines:
        with engine.begin() as connection:
            assert connection.execute(ask).one() == ("10s", "30s")
    stranger = create_engine(pgbouncer_url, connect_args={"prepare_threshold": None})
    with stranger.begin() as connection:
        assert connection.execute(ask).one() == ("0", "0")
    stranger.dispose()


def test_a_driver_that_prepares_statements_fails_behind_it(pgbouncer_url: str) -> None:
    """Why the engine is made as it is: the same statements, by engines as they come."""
    engines = [create_engine(pgbouncer_url) for _ in range(WORKERS)]

    def work(engine: Engine) -> None:
        for number in range(PAGES):
            with engine.begin() as connection:
                connection.execute(text("SELECT CAST(:number AS integer)"), {"number": number})

    with ThreadPoolExecutor(WORKERS) as crew, pytest.raises(DBAPIError, match="prepared statement"):
        list(crew.map(work, engines))
    for engine in engines:
        engine.dispose()
