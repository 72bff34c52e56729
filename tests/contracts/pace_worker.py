"""One of several processes that share a pace: takes leave with some threads, and prints when it got it.

    python -m tests.contracts.pace_worker WHERE RATE THREADS SECONDS

It says ``ready``, begins at a line on standard input, and prints the times as JSON. WHERE is a file, a
PostgreSQL URL, or nothing: then it keeps its pace for itself alone.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import create_engine

from connectors.cognito.pace import PaceTable, Queue


def main(where: str, rate: float, threads: int, seconds: float) -> None:
    table = table_of(where)
    table.reserve("another", rate, 1)  # to connect takes a while
    queue = Queue(table, "shared", rate)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    end = time.time() + seconds
    with ThreadPoolExecutor(threads) as pool:
        taken = list(pool.map(lambda _: _take(queue, end), range(threads)))
    sys.stdout.write(json.dumps([moment for each in taken for moment in each]))


def table_of(where: str) -> PaceTable:
    """The rows in a file, at a PostgreSQL URL, or for this process alone."""
    if not where:
        return PaceTable.in_memory()
    return PaceTable(create_engine(where)) if "://" in where else PaceTable.in_file(Path(where))


def _take(queue: Queue, end: float) -> list[float]:
    moments = []
    while time.time() < end:
        queue.wait()
        moments.append(time.time())
    return [moment for moment in moments if moment < end]


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
