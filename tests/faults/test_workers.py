"""Several real processes on one run, their ledger in a real PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from connectors.errors import ConfigurationError
from flows.reports.status import run_status
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.running import migrate
from tests.faults.crash_balance import differences
from tests.faults.crash_scene import make_scene

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.crash_drill import Drill
    from tests.faults.crash_site import Drills
    from tests.flows.conftest import Pool

pytestmark = [pytest.mark.faults, pytest.mark.system]

LEASE = 3.0
LONG_LEASE = 15.0
"""Longer than a process takes to start on a busy machine."""

SLOW = 6.0
"""Users a second: a job of eight takes long enough to be killed in the middle."""


def shared(drills: Drills, ledger: str, folder: Path, lease: float) -> tuple[Drill, Pool, Path]:
    """A drill that knows the truth, and a scene of its kind with slow jobs and a ledger to share."""
    drill = drills("fair")
    drill.sandbox.update(rows_per_second=SLOW)
    return drill, *make_scene(drill.sandbox, folder, ledger=ledger, lease_seconds=lease)


def start(run_file: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "flows.cli", "run", str(run_file), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def job_runs(pool: Pool) -> bool:
    jobs = pool.client.list_user_import_jobs(UserPoolId=pool.pool_id, MaxResults=50)["UserImportJobs"]
    return any(job["Status"] == "InProgress" and job["ImportedUsers"] for job in jobs)


def ended(worker: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
    """The summary that a worker printed, and what it told on the way."""
    out, told = worker.communicate(timeout=120)
    assert worker.returncode == 1, told
    return json.loads(out), told


def test_two_workers_share_a_run(drills: Drills, postgresql_url: str, tmp_path: Path) -> None:
    """They begin one run, not two; both work, and both tell the same end."""
    drill, pool, run_file = shared(drills, postgresql_url, tmp_path, LEASE)
    (one, told), (other, also_told) = [ended(worker) for worker in (start(run_file), start(run_file))]
    assert one == other
    assert "batch " in told
    assert "batch " in also_told
    assert list(differences(drill.truth, pool, tmp_path / "runs" / "acme")) == []


def test_a_dead_workers_batch_is_taken_over_after_its_lease(
    drills: Drills, postgresql_url: str, tmp_path: Path
) -> None:
    drill, pool, run_file = shared(drills, postgresql_url, tmp_path, LONG_LEASE)
    state = tmp_path / "runs"
    dead = start(run_file)
    wait_until(lambda: job_runs(pool))
    os.kill(dead.pid, signal.SIGKILL)
    dead.communicate(timeout=30)
    held = [batch for batch in run_status("acme", state)["batches"] if batch["state"] == "started"]
    summary, told = ended(start(run_file))
    assert len(held) == 1
    assert "Waiting until the other workers" in told
    assert summary["verdicts"]["imported"] == 26
    assert list(differences(drill.truth, pool, state / "acme")) == []


def test_another_run_is_refused_only_while_a_worker_is_alive(
    drills: Drills, postgresql_url: str, tmp_path: Path
) -> None:
    """Whoever was killed holds nothing, although its lease has not lapsed."""
    _, pool, run_file = shared(drills, postgresql_url, tmp_path, LONG_LEASE)
    workers = [start(run_file), start(run_file)]
    wait_until(lambda: job_runs(pool))
    for worker in workers:
        with pytest.raises(ConfigurationError, match="is under way"):
            migrate(load_run_file(run_file), Worker(), new=True)
        worker.kill()
        worker.communicate(timeout=30)
    _, summary = migrate(load_run_file(run_file), Worker(), new=True)
    assert summary["balanced"]
    assert len(list((tmp_path / "runs" / "acme").glob("*/run.yaml"))) == 2


def test_a_worker_that_lost_its_lease_leaves_the_batch_alone(
    drills: Drills, postgresql_url: str, tmp_path: Path
) -> None:
    """It is stopped as a machine that sleeps is, wakes up after another one took over, and does no harm."""
    drill, pool, run_file = shared(drills, postgresql_url, tmp_path, LEASE)
    sleeper = start(run_file)
    wait_until(lambda: job_runs(pool))
    os.kill(sleeper.pid, signal.SIGSTOP)
    try:
        folder, summary = migrate(load_run_file(run_file), Worker())
    finally:
        os.kill(sleeper.pid, signal.SIGCONT)
    late, told = ended(sleeper)
    assert late == summary
    assert "lease has lapsed" in told or "moved by another worker" in told
    assert list(differences(drill.truth, pool, folder.path.parent)) == []
