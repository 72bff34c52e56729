"""Seconds that nothing holds up: they go on while the machine sleeps, as those of all others do."""

from __future__ import annotations

import time
from typing import Final

_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux's ``CLOCK_MONOTONIC``, which is ``time.monotonic``, stands still in a suspended machine."""


def elapsed() -> float:
    """Seconds since some moment, only ever forward; to measure a lease that lapses for everybody else."""
    return time.clock_gettime(_CLOCK)
