"""Measure how quickly and with how much memory people are read from real systems, against the naive way.

    python -m tests.benchmarks.sources [--system NAME] [--share X] [--markdown]

Each system runs on this machine in a process of its own and is full of invented people. The naive way is one
``SELECT`` into a list, one LDAP search without paging, one loop over an API; both ways are whole processes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table

from tests.benchmarks.measuring import Cost, cost_of, interleaved, median

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

USERS: Final = {
    "SQLite": 300_000,
    "PostgreSQL": 300_000,
    "MariaDB": 300_000,
    "OpenLDAP": 30_000,
    "Active Directory (Samba)": 1_500,
    "SCIM (scim2-server)": 3_000,
    "DynamoDB (moto)": 20_000,
    "Cognito (local)": 5_000,
}
"""By system, how many people it is filled with; servers on Python are slow to fill and slower to read."""
WAYS: Final = ("Poolferry", "naive")
HEADS: Final = ("system", "users", "way", "read", "users/s", "CPU s", "peak MB")
ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Line:
    """Medians of one way of reading a system.

    Attributes:
        system: its name.
        users: how many people it holds.
        way: how they were read.
        read: how many of them came.
        cost: the medians.
    """

    system: str
    users: int
    way: str
    read: int
    cost: Cost

    def cells(self) -> tuple[str, ...]:
        """One text for each of ``HEADS``."""
        return (
            self.system,
            f"{self.users:,}",
            self.way,
            f"{self.read:,}",
            f"{self.read / self.cost.wall:,.0f}",
            f"{self.cost.cpu:.2f}",
            f"{self.cost.peak / 1e6:,.0f}",
        )


@contextmanager
def running(system: str, users: int, folder: Path) -> Iterator[dict[str, Any]]:
    """Run a system in a process of its own; gives what it says of itself."""
    command = [sys.executable, "-m", "tests.benchmarks.systems", system, str(users), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as keeper:
        told = keeper.stdout.readline() if keeper.stdout else ""
        if not told:
            raise SystemExit(f"{system} did not start.")
        yield json.loads(told)
        keeper.communicate("")


def measure(system: str, users: int) -> list[Line]:
    """Fill a system and read it in both ways; no lines, and a word, where it is not installed."""
    with tempfile.TemporaryDirectory(prefix="poolferry-sources-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)  # database servers run as somebody else
        with running(system, users, Path(made)) as told:
            if "missing" in told:
                _say(f"{system} is left out: {told['missing']}")
                return []
            os.environ.update(told["environment"])
            return _both(system, users, json.dumps(told["settings"]))


def _both(system: str, users: int, settings: str) -> list[Line]:
    with tempfile.TemporaryDirectory(prefix="poolferry-sources-") as folder:
        files = {way: Path(folder) / way for way in WAYS}
        costs = interleaved(
            {
                way: partial(cost_of, "tests.benchmarks.readers", (way, settings, str(file)))
                for way, file in files.items()
            },
            ROUNDS,
        )
        read = {way: int(file.read_text(encoding="utf-8")) for way, file in files.items()}
    if read["Poolferry"] != users:
        raise SystemExit(f"{system} holds {users:,} users, and Poolferry read {read['Poolferry']:,}.")
    return [Line(system, users, way, read[way], median(costs[way])) for way in WAYS]


def markdown(lines: Sequence[Line]) -> str:
    """For a document."""
    rule = ("---", "---:", "---", *("---:" for _ in HEADS[3:]))
    return "".join(f"| {' | '.join(row)} |\n" for row in (HEADS, rule, *(line.cells() for line in lines)))


def table(lines: Sequence[Line]) -> Table:
    """For a terminal."""
    made = Table(title="Reading people from real systems", title_justify="left")
    for head in HEADS:
        made.add_column(head, justify="left" if head in {"system", "way"} else "right")
    for line in lines:
        made.add_row(*line.cells(), end_section=line.way == WAYS[-1])
    return made


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.sources", description="Measure reading."
    )
    parser.add_argument("--system", choices=tuple(USERS), help="only this one")
    parser.add_argument("--share", type=float, default=1.0, help="share of the usual number of people")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    options = _options()
    lines: list[Line] = []
    for system in [options.system] if options.system else USERS:
        users = round(USERS[system] * options.share)
        _say(f"{system}: {users:,} users …")
        lines += measure(system, users)
    if options.markdown:
        sys.stdout.write(markdown(lines))
    else:
        Console().print(table(lines))


if __name__ == "__main__":
    main()
