"""Measure how much of its allowance Poolferry uses, at the real limits of the local Cognito.

    python -m tests.benchmarks.quotas [--seconds N] [--markdown]

One worker, then two that share a state folder, make users and set their passwords for five minutes. The
local Cognito refuses what is above the limits of F4.1, and is asked in the end whether everybody is there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from rich.console import Console
from rich.table import Table

from connectors.cognito.limits import SHARE, quota_of
from connectors.cognito.sandbox import SandboxSettings, launch

if TYPE_CHECKING:
    from connectors.cognito.sandbox import Sandbox

OPERATIONS: Final = ("AdminCreateUser", "AdminSetUserPassword")
FIVE_MINUTES: Final = 300.0
THREADS: Final = 12
"""Of one worker and operation."""
HEADS: Final = (
    "workers", "operation", "category", "limit/s", "share", "allowed/s", "reached/s", "reached", "throttled"
)  # fmt: skip


WIDTH: Final = 120
"""Columns of the table where it goes into a file or a pipe."""


@dataclass(frozen=True, slots=True)
class Line:
    """What was reached in one operation.

    Attributes:
        workers: processes that shared the allowance.
        operation: the API's name.
        calls: those that succeeded in time.
        throttled: calls that were refused.
        seconds: how long it was tried.
    """

    workers: int
    operation: str
    calls: int
    throttled: int
    seconds: float

    @property
    def reached(self) -> float:
        """Share of the allowance that was used."""
        return self.calls / self.seconds / (quota_of(self.operation).default_rps * SHARE)

    def cells(self) -> tuple[str, ...]:
        """One text for each of ``HEADS``."""
        quota = quota_of(self.operation)
        return (
            str(self.workers),
            self.operation,
            quota.category,
            str(quota.default_rps),
            f"{SHARE:.0%}",
            f"{quota.default_rps * SHARE:g}",
            f"{self.calls / self.seconds:.2f}",
            f"{self.reached:.2%}",
            f"{self.throttled / max(1, self.calls + self.throttled):.2%}",
        )


def main() -> None:
    """Measure and print."""
    options = _options()
    with launch(SandboxSettings(throttle=True)) as sandbox:
        os.environ.update(sandbox.environment)
        lines = [line for workers in (1, 2) for line in measured(sandbox, workers, options.seconds)]
    if options.markdown:
        rule = ("---:", "---", "---", *("---:" for _ in HEADS[3:]))
        rows = (HEADS, rule, *(line.cells() for line in lines))
        sys.stdout.write("".join(f"| {' | '.join(row)} |\n" for row in rows))
    else:
        width = None if sys.stdout.isatty() else WIDTH
        Console(width=width).print(_table(lines, options.seconds))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.quotas", description="Measure how much of the quotas is used."
    )
    parser.add_argument(
        "--seconds", type=float, default=FIVE_MINUTES, help="how long for one worker, and for two (300)"
    )
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    return parser.parse_args()


def measured(sandbox: Sandbox, workers: int, seconds: float) -> list[Line]:
    """Let some workers share one allowance, and make sure that everybody whom they made is there."""
    sys.stderr.write(f"{workers} worker(s), {seconds:,.0f} s …\n")
    client = boto3.client("cognito-idp")
    pool_id = client.create_user_pool(PoolName=f"workers-{workers}")["UserPool"]["Id"]
    before = sandbox.counters()["throttled"]
    with tempfile.TemporaryDirectory(prefix="poolferry-quotas-") as folder:
        pace = str(Path(folder) / "pace.db")
        given = [pool_id, pace, str(THREADS), str(seconds)]
        answers = _run([[*given, f"w{number}"] for number in range(workers)])
    after = sandbox.counters()["throttled"]
    _check_nobody_is_lost(pool_id, {user for answer in answers for user in answer["made"]})
    return [
        Line(
            workers,
            name,
            sum(answer["calls"][name] for answer in answers),
            after.get(quota_of(name).category, 0) - before.get(quota_of(name).category, 0),
            seconds,
        )
        for name in OPERATIONS
    ]


def _run(arguments: list[list[str]]) -> list[dict[str, Any]]:
    """Start the workers, let them begin together, and return what each has printed."""
    command = [sys.executable, "-m", "tests.benchmarks.quota_worker"]
    children = [
        subprocess.Popen([*command, *each], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for each in arguments
    ]
    for child in children:
        assert child.stdout
        if child.stdout.readline() != "ready\n":
            raise SystemExit("A worker did not start; its own text is above.")
    for child in children:
        assert child.stdin
        child.stdin.write("go\n")
        child.stdin.flush()
    return [json.loads(child.communicate()[0]) for child in children]


def _check_nobody_is_lost(pool_id: str, made: set[str]) -> None:
    sys.stderr.write(f"{len(made):,} users were made; reading the pool back …\n")
    there: set[str] = set()
    client = boto3.client("cognito-idp", config=Config(retries={"total_max_attempts": 10}))
    for page in client.get_paginator("list_users").paginate(UserPoolId=pool_id):
        there |= {user["Username"] for user in page["Users"]}
    if there != made:
        raise SystemExit(f"{len(made - there):,} users are missing, {len(there - made):,} are there besides.")


def _table(lines: list[Line], seconds: float) -> Table:
    made = Table(title=f"Calls at the limits of an account, {seconds:,.0f} s each", title_justify="left")
    for head in HEADS:
        made.add_column(head, justify="left" if head in ("operation", "category") else "right")
    for line in lines:
        made.add_row(*line.cells())
    return made


if __name__ == "__main__":
    main()
