"""Measure how fast and how small Poolferry is, against two floors and against a script.

    python -m tests.benchmarks [--users N] [--rounds N] [--full] [--markdown]

From a CSV of users to import files that are ready for the upload, with the mapping of the documentation.
Processor time (user and system) is that of the whole process, start of the interpreter included. The
ways are measured in turn, and medians are shown. This process imports no polars: a child's peak of
memory is never below its parent's.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.benchmarks.measuring import Cost, answer_of, cost_of, interleaved, median
from tests.benchmarks.showing import Line, markdown, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

FLOOR, RULES, OURS, SCRIPT = "bare polars", "bare rules", "Poolferry", "csv module"
MODULES: Final = {
    FLOOR: "bare_polars", RULES: "bare_rules", OURS: "poolferry_batches", SCRIPT: "row_by_row",
}  # fmt: skip
ANY_FILE: Final = (FLOOR, OURS, SCRIPT)
"""The ways that carry dirt as well."""

SAMPLE, MILLION, FULL = 20_000, 1_000_000, 5_000_000
TIDY, DIRTY = 0.0, 0.1
LEAST_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Bench:
    """One file of users, and a folder for what the ways make of it."""

    users: int
    dirt: float
    source: str
    folder: Path

    def measure(self, way: str) -> Cost:
        """Measure one way in a folder of its own; what it wrote is left there until the next time."""
        place = self.folder / MODULES[way]
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        target = place / "copy.csv" if way == FLOOR else place
        return cost_of(f"tests.benchmarks.{MODULES[way]}", (self.source, str(target)))

    def check_counts(self, *ways: str) -> None:
        """Every way must account for every user."""
        places = [self.folder / MODULES[way] for way in ways]
        targets = [
            str(place / "copy.csv" if way == FLOOR else place)
            for way, place in zip(ways, places, strict=True)
        ]
        counts = answer_of("tests.benchmarks.checking", ("count", *targets)).split()
        if counts != [str(self.users)] * len(ways):
            raise SystemExit(f"{self.users:,} users went in, and out came: {', '.join(counts)}.")


def main() -> None:
    """Measure and print."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="poolferry-benchmarks-") as folder:
        scratch = Path(folder)
        _say(f"{_check_sample(scratch):,} users ended alike on both ways.")
        lines: list[Line] = []
        for dirt in (TIDY, DIRTY):
            ways = ANY_FILE if dirt else tuple(MODULES)
            _say(f"{options.users:,} users, {dirt:.0%} of them with dirt: {len(ways)} ways in turn …")
            lines += _compared(_bench(options.users, dirt, scratch), ways, options.rounds)
        if options.full:
            _say(f"{FULL:,} users …")
            lines += _alone(_bench(FULL, DIRTY, scratch))
    _print(lines, as_markdown=options.markdown)
    _say("Password hashes, scheme by scheme …")
    sys.stdout.write(answer_of("tests.benchmarks.hashes", ()) + "\n")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description="Measure speed and memory."
    )
    parser.add_argument(
        "--users", type=int, default=MILLION, help="users of the comparison (default: 1,000,000)"
    )
    parser.add_argument(
        "--rounds", type=int, default=LEAST_ROUNDS, help="how often each way is measured (from 3)"
    )
    parser.add_argument("--full", action="store_true", help="measure 5,000,000 users as well")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    options = parser.parse_args()
    if options.rounds < LEAST_ROUNDS:
        parser.error(f"--rounds: a median needs {LEAST_ROUNDS} at least")
    return options


def _bench(users: int, dirt: float, scratch: Path) -> Bench:
    source = answer_of("tests.benchmarks.inputs", (str(users), str(dirt)))
    return Bench(users, dirt, source, scratch)


def _check_sample(scratch: Path) -> int:
    bench = _bench(SAMPLE, DIRTY, scratch)
    for way in ANY_FILE:
        bench.measure(way)
    bench.check_counts(*ANY_FILE)
    folders = (str(scratch / MODULES[SCRIPT]), str(scratch / MODULES[OURS]))
    return int(answer_of("tests.benchmarks.checking", ("compare", *folders)))


def _compared(bench: Bench, ways: Sequence[str], rounds: int) -> list[Line]:
    measured = interleaved({way: partial(bench.measure, way) for way in ways}, rounds)
    bench.check_counts(*ways)
    costs = {way: median(found) for way, found in measured.items()}
    return [
        Line(way, bench.users, bench.dirt, cost, costs[FLOOR].cpu, costs[SCRIPT].cpu)
        for way, cost in costs.items()
    ]


def _alone(bench: Bench) -> list[Line]:
    """Poolferry and the floor once, at a size at which starting up is nothing."""
    costs = {way: bench.measure(way) for way in (FLOOR, OURS)}
    bench.check_counts(*costs)
    return [Line(way, bench.users, bench.dirt, cost, costs[FLOOR].cpu, None) for way, cost in costs.items()]


def _print(lines: list[Line], *, as_markdown: bool) -> None:
    from rich.console import Console  # noqa: PLC0415 - after the measuring

    shown: RenderableType = table(lines)
    if as_markdown:
        sys.stdout.write(markdown(lines))
    else:
        Console().print(shown)


if __name__ == "__main__":
    main()
