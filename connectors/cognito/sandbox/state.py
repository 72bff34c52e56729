"""What one running sandbox shares between its requests and its jobs.

Response classes reach it as ``self.sandbox``, a class attribute that the server sets when it
composes them: there is no global state of our own beside moto's.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from secrets import token_bytes
from threading import RLock
from typing import Any

from connectors.cognito.sandbox.faults import Strikes
from connectors.cognito.sandbox.functions import Functions
from connectors.cognito.sandbox.jobs import JobStore
from connectors.cognito.sandbox.settings import SandboxSettings


class SandboxState:
    """Settings, clock, import jobs and the outermost lock of a sandbox.

    Lock order: ``lock``, then the lock of a job, then the lock of a pool.

    Args:
        settings: what to begin with; None for the defaults.

    Attributes:
        settings: the switches in force.
        lock: held by whoever changes the settings, adds a job or lets one start.
        url: where the sandbox is reached; empty until it is served.
        secret: key of the signatures of pre-signed URLs.
        jobs: all import jobs.
        strikes: what the faults of requests have struck.
        job_strikes: what the faults of jobs have struck.
        functions: the triggers that were invoked, and their processes.
    """

    def __init__(self, settings: SandboxSettings | None = None) -> None:
        self.settings = settings or SandboxSettings()
        self.lock = RLock()
        self.url = ""
        self.secret = token_bytes(32)
        self.jobs = JobStore()
        self.strikes = Strikes()
        self.job_strikes = Strikes()
        self.functions = Functions()

    def now(self) -> datetime:
        """The sandbox's clock, UTC, shifted by ``clock_offset_seconds``."""
        return datetime.now(UTC) + timedelta(seconds=self.settings.clock_offset_seconds)

    def struck(self) -> dict[str, int]:
        """How many requests and jobs the planted faults have struck since they were set."""
        return {"faults": self.strikes.struck, "job_faults": self.job_strikes.struck}

    def update(self, changes: Any) -> SandboxSettings:  # noqa: ANN401 - the settings' model judges them
        """Replace some settings, given as a dictionary; the others stay.

        Raises:
            pydantic.ValidationError: a name is unknown or a value is wrong; nothing changed.
        """
        given = SandboxSettings.model_validate(changes)
        with self.lock:
            changed = {name: getattr(given, name) for name in given.model_fields_set}
            self.strikes = Strikes() if "faults" in changed else self.strikes
            self.job_strikes = Strikes() if "job_faults" in changed else self.job_strikes
            self.settings = self.settings.model_copy(update=changed)
            return self.settings
