"""The drill: enumerate every point of a run, kill a run at each, run it again, check the balance."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import polars as pl

from tests.faults.crash_balance import Truth, differences, read_pool
from tests.faults.crash_scene import THERE, WEATHERS, make_scene

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox
    from tests.faults.crash_nursery import Nursery
    from tests.flows.conftest import Pool

KILLED = -9
BUCKET = "drills"
"""Where the states of drills in S3 are."""
MOST_RUNS = 6
"""A run that is killed once or twice ends with its third start; more than this means that it never does."""


AGAIN = 0.25
"""Share of the killed runs that are killed a second time, at a point of their own."""


@dataclass
class Drill:
    """Kills runs of one scene in one kind of weather.

    Attributes:
        folder: an empty folder; each run has its own in it.
        weather: a name of ``WEATHERS``.
        in_s3: whether the runs' state is in S3, and each start on another machine.
        broken: name of a wrong product, or None for the real one.
        kills: where runs have died, one a kill.
        runs: starts of the command.
        found: what was not as it must be, with the points at which the run was killed.
    """

    sandbox: Sandbox
    nursery: Nursery
    folder: Path
    weather: str = "fair"
    in_s3: bool = False
    broken: str | None = None
    truth: Truth = field(default_factory=lambda: Truth(set(THERE)))
    points: list[str] = field(default_factory=list)
    kills: list[str] = field(default_factory=list)
    runs: int = 0
    found: list[str] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: count(1))

    def enumerate(self) -> list[str]:
        """Walk through one undisturbed run: its points in order, and what it leaves behind is the truth."""
        self.sandbox.update(**WEATHERS[self.weather])
        folder = self._fresh()
        pool, run_file = self._scene(folder)
        status = self._start(folder, run_file, None)
        assert status == 1, (folder / "stderr").read_text()
        (run,) = self._state(folder).glob("2*")
        verdicts = pl.read_parquet(run / "verdicts.parquet").select("source_id", "verdict", "reason")
        self.truth.verdicts, self.truth.users = list(verdicts.iter_rows()), read_pool(pool)
        self.found += differences(self.truth, pool, run.parent)
        self.points = (folder / "points").read_text().splitlines()
        return self.points

    def kill_at(self, point: str, *, again: int | None = None) -> None:
        """Kill a run at a point, the next one perhaps at its ``again``-th, and hold the end to the truth."""
        folder = self._fresh()
        pool, run_file = self._scene(folder)
        targets: Iterable[str | int | None] = iter((point, again, *[None] * MOST_RUNS))
        died = []
        while (status := self._start(folder, run_file, next(targets))) == KILLED and len(died) < MOST_RUNS:
            died.append((folder / "points").read_text().splitlines()[-1])
        self.kills += died
        try:
            wrong = [f"exit status {status}"] if status != 1 else []
            wrong += differences(self.truth, pool, self._state(folder))
            wrong += [] if json.loads((folder / "stdout").read_text())["balanced"] else ["not balanced"]
        except (OSError, ValueError) as error:
            wrong.append(f"{type(error).__name__}: {(folder / 'stderr').read_text()[-300:]}")
        self.found += [f"{self.told_as}: killed at {', '.join(died)}: {each}" for each in wrong]

    def kill_everywhere(self, points: Iterable[str], *, seed: int = 1) -> None:
        """Kill one run at each point; some are killed once more on the way."""
        chance = random.Random(seed)  # noqa: S311 - the same kills each time
        for point in points:
            second = chance.randint(1, len(self.points)) if chance.random() < AGAIN else None
            self.kill_at(point, again=second)

    @property
    def told_as(self) -> str:
        """The kind of drill."""
        return f"{self.weather}, state in S3" if self.in_s3 else self.weather

    @property
    def told(self) -> str:
        """How much was killed, in numbers."""
        places = len(set(self.kills))
        return (
            f"{len(self.kills)} kills at {places} points in {self.runs} runs, {len(self.found)} differences"
        )

    def _fresh(self) -> Path:
        folder = self.folder / f"{next(self._numbers):05d}"
        folder.mkdir()
        return folder

    def _scene(self, folder: Path) -> tuple[Pool, Path]:
        where = {"state": f"s3://{BUCKET}/{folder.parent.name}/{folder.name}"} if self.in_s3 else {}
        return make_scene(self.sandbox, folder, **where)

    def _state(self, folder: Path) -> Path:
        """Where the runs of the last start lie on its machine."""
        copy = folder / "machine" / "poolferry" / BUCKET / folder.parent.name / folder.name
        return (copy if self.in_s3 else folder / "runs") / "acme"

    def _start(self, folder: Path, run_file: Path, target: str | int | None) -> int:
        self.runs += 1
        shutil.rmtree(folder / "machine", ignore_errors=True)
        return self.nursery.run(
            arguments=["run", str(run_file), "--json"],
            folder=str(folder), log=str(folder / "points"), target=target, broken=self.broken,
            machine=str(folder / "machine"),
        )  # fmt: skip
