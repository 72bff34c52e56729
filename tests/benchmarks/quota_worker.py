"""One worker of the quota benchmark: makes users and sets their passwords as fast as its governor allows.

    python -m tests.benchmarks.quota_worker POOL_ID PACE_FILE THREADS SECONDS NAME

It says ``ready``, begins at a line on standard input, and prints a JSON object: by operation the calls that
succeeded in time, and the usernames that it made.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from connectors import aws
from connectors.cognito.admin_users import create_user, set_permanent_password
from connectors.cognito.pace import PaceTable
from connectors.cognito.pool import read_pool
from connectors.cognito.quotas import Governor
from connectors.retry import retrying

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.records import PoolSchema


@dataclass
class Worker:
    """What the threads of one process share."""

    governor: Governor
    schema: PoolSchema
    name: str
    end: float = 0.0
    numbers: Iterator[int] = field(default_factory=count)
    waiting: SimpleQueue[str] = field(default_factory=SimpleQueue)
    made: list[str] = field(default_factory=list)
    done: dict[str, list[float]] = field(
        default_factory=lambda: {"AdminCreateUser": [], "AdminSetUserPassword": []}
    )

    def run(self, threads: int, seconds: float) -> dict[str, object]:
        """Work for some seconds; calls whose turn comes later do not count."""
        self.end = time.monotonic() + seconds
        with ThreadPoolExecutor(2 * threads) as pool:
            jobs = [pool.submit(work) for work in (self._create, self._set_password) for _ in range(threads)]
        for job in jobs:
            job.result()
        in_time = {name: sum(moment < self.end for moment in moments) for name, moments in self.done.items()}
        return {"calls": in_time, "made": self.made}

    def _create(self) -> None:
        while time.monotonic() < self.end:
            user = f"{self.name}-{next(self.numbers)}"
            retrying("AdminCreateUser")(create_user, self.governor.client, self.schema, user, {})
            self.done["AdminCreateUser"].append(time.monotonic())
            self.made.append(user)
            self.waiting.put(user)
        self.waiting.put("")

    def _set_password(self) -> None:
        while (user := self.waiting.get()) and time.monotonic() < self.end:
            client, pool_id = self.governor.client, self.schema.pool_id
            retrying("AdminSetUserPassword")(set_permanent_password, client, pool_id, user)
            self.done["AdminSetUserPassword"].append(time.monotonic())


def main(pool_id: str, pace_file: str, threads: int, seconds: float, name: str) -> None:
    client = aws.client("cognito-idp")
    governor = Governor(client, PaceTable.in_file(Path(pace_file)))
    worker = Worker(governor, read_pool(client, pool_id), name)
    governor.allowance("AdminCreateUser")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sys.stdout.write(json.dumps(worker.run(threads, seconds)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), sys.argv[5])
