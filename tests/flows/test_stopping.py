"""A run that was stopped goes on: nobody is lost, nobody doubled, nobody gets a wrong verdict."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from connectors.errors import ConfigurationError
from flows.ledger.states import BatchState
from flows.migrate import migrate_users
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.progress import Silence
from flows.steps.running import migrate, opened
from flows.steps.sending import _waiting
from tests.flows.conftest import Pool, person
from tests.flows.journeys import At

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PEOPLE = [person(n) for n in range(60)]
SLOW = {"rows_per_second": 3.0}


@pytest.fixture
def slow(pool: Pool) -> Iterator[Pool]:
    """A pool whose jobs take so long that there is time to stop them, also on a busy machine."""
    pool.sandbox.update(**SLOW)
    yield pool
    pool.sandbox.update(rows_per_second=None)


def start(run_file: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "flows.cli", "run", str(run_file), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def jobs_of(pool: Pool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pool.client.list_user_import_jobs(UserPoolId=pool.pool_id, MaxResults=50)[
        "UserImportJobs"
    ]
    return found


def wait_until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def interrupt() -> None:
    raise KeyboardInterrupt


def finish(run_file: Path) -> tuple[pl.DataFrame, dict[str, Any]]:
    folder, summary = migrate(load_run_file(run_file), Worker())
    return pl.read_parquet(folder.verdicts), summary


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_stops_the_job_and_the_next_start_goes_on(slow: Pool, how: signal.Signals) -> None:
    run_file = slow.run_file(PEOPLE)
    process = start(run_file)
    wait_until(lambda: any(job["Status"] == "InProgress" for job in jobs_of(slow)))
    process.send_signal(how)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "goes on from here" in told
    assert jobs_of(slow)[0]["Status"] == "Stopped"
    slow.sandbox.update(rows_per_second=None)
    verdicts, summary = finish(run_file)
    assert summary["verdicts"]["imported"] == len(PEOPLE)
    assert verdicts["username"].n_unique() == len(PEOPLE)
    assert next(job["users"] for job in summary["jobs"]) == len(PEOPLE)
    assert len(jobs_of(slow)) == 2


def test_a_killed_run_goes_on_with_the_same_job(slow: Pool) -> None:
    """Whom the killed run's job has created is imported, not existing."""
    run_file = slow.run_file(PEOPLE)
    process = start(run_file)
    wait_until(lambda: any(job["Status"] == "InProgress" for job in jobs_of(slow)))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    slow.sandbox.update(rows_per_second=None)
    _, summary = finish(run_file)
    assert summary["verdicts"]["imported"] == len(PEOPLE)
    assert len(jobs_of(slow)) == 1


def test_another_run_is_refused_only_while_a_process_works_on_the_last_one(slow: Pool) -> None:
    """Two runs at once would drive one pool; a run that was killed keeps nobody waiting."""
    run_file = slow.run_file(PEOPLE)
    process = start(run_file)
    wait_until(lambda: any(job["Status"] == "InProgress" for job in jobs_of(slow)))
    begun = list(run_file.parent.glob("runs/acme/*"))
    with pytest.raises(ConfigurationError, match="is under way") as refused:
        migrate(load_run_file(run_file), Worker(), new=True)
    assert "without --new" in refused.value.mend
    with pytest.raises(ConfigurationError, match="is under way"):
        migrate_users.fn(str(run_file), new=True)
    assert list(run_file.parent.glob("runs/acme/*")) == begun
    process.kill()
    process.communicate(timeout=30)
    slow.sandbox.update(rows_per_second=None)
    folder, summary = migrate(load_run_file(run_file), Worker(), new=True)
    assert folder.path not in begun
    assert summary["extracted"] == len(PEOPLE)
    assert summary["balanced"]


class Strangers(Silence):
    """Makes users in the pool after the run has looked who is there, and before it sends."""

    def __init__(self, pool: Pool, names: list[str]) -> None:
        self._pool = pool
        self._names = names

    def stage(self, title: str, total: float | None, unit: str) -> None:
        """The first upload is the moment."""
        if title.startswith("Uploading") and self._names:
            for name in self._names:
                self._pool.client.admin_create_user(
                    UserPoolId=self._pool.pool_id, Username=name, MessageAction="SUPPRESS"
                )
            self._names = []


def test_users_of_a_job_that_fails_half_way_travel_on(pool: Pool) -> None:
    """Strangers in the pool fail the job as a whole; its good users arrive all the same."""
    run_file = pool.run_file(PEOPLE, jobs={"poll_seconds": 0.1, "log_patience_seconds": 1})
    pool.sandbox.update(too_many_share=0.0, too_many_early_after_rows=1)
    try:
        worker = Worker(Strangers(pool, ["u00020", "u00040"]))
        _, summary = migrate(load_run_file(run_file), worker)
    finally:
        pool.sandbox.update(too_many_share=0.5, too_many_early_after_rows=100)
    assert summary["balanced"]
    assert summary["verdicts"]["imported"] == len(PEOPLE) - 2
    assert summary["verdicts"]["existing"] == 2
    assert [job["status"] for job in summary["jobs"]][:: len(summary["jobs"]) - 1] == ["Failed", "Succeeded"]


def test_who_looks_late_for_something_to_send_leaves_the_work_after_it_alone(pool: Pool) -> None:
    """Another worker may have cut it since the last look: it is no batch that a strategy could send."""
    loaded = load_run_file(pool.run_file([person(1, roles="staff")]))
    with pytest.raises(KeyboardInterrupt):
        migrate(loaded, Worker(At("Joining groups", interrupt)))
    with opened(loaded, Worker()) as context:
        assert [batch.strategy for batch in context.ledger.batches()] == ["import_job", "after_work"]
        assert context.ledger.batches()[-1].state is not BatchState.SETTLED
        assert _waiting(context) == []
    assert finish(loaded.path)[1]["verdicts"]["imported"] == 1
