"""One local Cognito for the tests of faults, in a process of its own; retries do not wait."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from connectors import retry
from connectors.cognito import import_log
from connectors.cognito.import_jobs import ImportJobs
from connectors.cognito.sandbox import launch
from flows.steps import reading_pool
from tests.faults.crash_site import drills, pytest_terminal_summary, site
from tests.faults.table import CLOCK, DISK
from tests.flows.journeys import lead_to

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox


__all__ = ["drills", "pytest_terminal_summary", "site"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with launch() as started:
        yield started


@pytest.fixture
def _local(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients are led to the local Cognito; a retry pauses for hundredths of a second."""
    lead_to(sandbox, monkeypatch)
    monkeypatch.setattr(retry._SlowerWhenThrottled, "_first", 0.02)
    monkeypatch.setattr(import_log, "PAUSE_SECONDS", 0.3)
    monkeypatch.setattr(reading_pool, "LAG_SECONDS", 0.3)
    monkeypatch.setitem(CLOCK, "ahead", 0.0)
    ahead = lambda: datetime.now(UTC) + timedelta(seconds=CLOCK["ahead"])  # noqa: E731 - one clock for all
    monkeypatch.setitem(ImportJobs.__init__.__kwdefaults__, "clock", ahead)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one MB in memory, which needs the right to mount."""
    place = tmp_path / DISK
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("a full disk is tried on a tmpfs of its own, and only root may mount one")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)
