"""Measure a whole child process: processor time in user and system mode, and the peak of its memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_MEMORY_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes of one unit of ``ru_maxrss``."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took: seconds of processors, seconds on the clock, and bytes at the peak."""

    cpu: float
    wall: float
    peak: int


def cost_of(module: str, arguments: Iterable[str]) -> Cost:
    """Run ``python -m module arguments`` and tell what it cost, start of the interpreter included.

    Raises:
        subprocess.CalledProcessError: it failed; its own text is on standard error.
    """
    command = [sys.executable, "-m", module, *arguments]
    environment = _as_installed()
    began = perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return Cost(usage.ru_utime + usage.ru_stime, perf_counter() - began, usage.ru_maxrss * _MEMORY_UNIT)


def _as_installed() -> dict[str, str]:
    """Let every way find its modules compiled, as an installed package has them."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    bytecode = Path(tempfile.gettempdir()) / "poolferry-benchmarks" / "bytecode"
    return kept | {"PYTHONPYCACHEPREFIX": str(bytecode)}


def interleaved(ways: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, list[Cost]]:
    """Measure several ways in turn, A B C A B C, so that a slow minute of the machine meets them all."""
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, measure in ways.items():
            costs[name].append(measure())
    return costs


def median(costs: Sequence[Cost]) -> Cost:
    """The median of each number by itself."""
    return Cost(
        statistics.median(cost.cpu for cost in costs),
        statistics.median(cost.wall for cost in costs),
        int(statistics.median(cost.peak for cost in costs)),
    )


def answer_of(module: str, arguments: Iterable[str]) -> str:
    """What ``python -m module arguments`` prints, without the line's end.

    Raises:
        subprocess.CalledProcessError: it failed; its own text is on standard error.
    """
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
