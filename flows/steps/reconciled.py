"""What a reconciliation has found: counted, and written down for people and for the run that repairs it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from flows.ledger.segments import write_once, write_text
from flows.reports.cells import write_cells
from flows.reports.reconciliation import reconciliation_markdown
from flows.steps.columns import IN_THE_POOL, VERDICT
from flows.steps.comparing import pool_column
from flows.steps.differences import ALTERED, COMPARED, KINDS, LACKS, MOVED, SPOKE, TOLD, VALUES, not_landed
from flows.steps.fingerprints import GONE
from flows.steps.three_ways import HERE, STATUS

if TYPE_CHECKING:
    from pathlib import Path

    from flows.steps.context import Context
    from flows.steps.three_ways import Sides

EXPORTS: Final = "reconcile-"
"""How the folder of a reconciliation begins, in the folder of the newest run."""

FOUND: Final = "found"
"""The same folder while it is being made."""

_IN_WORDS: Final = {"access": "enabled on one side alone", "ungrouped": "lacking a group"}

OF_THE_SOURCE: Final = ("new", "changed", "vanished")
"""Differences that only the source can tell."""

OF_GROUPS: Final = ("ungrouped",)
"""Differences that only the members of groups can tell."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What was found; counts of users unless it says otherwise.

    Attributes:
        run_id: the newest finished run; those that it goes on from are held against the pool with it.
        checked: when, ISO 8601 in UTC.
        folder: the folder of the files, in the run's folder.
        with_source: whether the source was read.
        expected: users whom the runs left in the pool.
        there: those of them who are there now.
        left: those of them who are neither in the pool nor in the source any more.
        compared: those who are there and of whom a run knows what they looked like in the pool.
        differences: by kind, see ``flows.steps.differences.KINDS``; null where the source, or who
            is in which group, was not read.
        late_in: the runs that called the ``late`` ones failed: a retry of each settles them.
        attributes: by attribute, users whose value has moved in the ``pool`` or in the ``source`` since a run
            took them, and those of the former whose value contradicts the source (``altered``).
        groups: by group, users who lack it; the most first.
        deferred: users whom the runs left to the migration trigger.
        arrived: those of them who are in the pool now.
        signed_in: those of them who are ``CONFIRMED``: by the old password, or by a new one that they set
            with a code; the status does not tell which.
        not_landed: users of the source whom no run has landed, by key: each once, without lines that cannot
            be read.
        statuses: users who are there, by ``UserStatus``.
        moved: users by what became of their state: ``RESET_REQUIRED → CONFIRMED``, ``enabled → disabled``.
    """

    run_id: str
    checked: str
    folder: str
    with_source: bool
    expected: int
    there: int
    left: int
    compared: int
    differences: dict[str, int | None]
    late_in: list[str]
    attributes: dict[str, dict[str, int]]
    groups: dict[str, int]
    deferred: int
    arrived: int
    signed_in: int
    not_landed: int
    statuses: dict[str, int]
    moved: dict[str, int]

    @property
    def exit_status(self) -> int:
        """0 where nothing needs a hand, else 1."""
        return int(any(count for what, count in self.differences.items() if what not in TOLD))

    @property
    def sentence(self) -> str:
        """The finding in one line."""
        late = f"; {self.arrived:,} of {self.deferred:,} deferred users have arrived" if self.deferred else ""
        if not self.exit_status:
            return f"all {self.there:,} users are there, unchanged{late}"
        wrong = [
            f"{count:,} {_IN_WORDS.get(what, what)}"
            for what, count in self.differences.items()
            if count and what not in TOLD
        ]
        return f"{self.there:,} of {self.expected:,} users are there; {', '.join(wrong)}{late}"

    def to_json(self) -> dict[str, Any]:
        """The finding as a JSON object."""
        return asdict(self)


@dataclass
class Tally:
    """Counts what the comparison of attributes and groups tells, share by share."""

    attributes: dict[str, Counter[str]] = field(default_factory=dict)
    groups: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    people: int = 0
    compared: int = 0
    ungrouped: int = 0

    def add(self, sides: Sides, share: pl.DataFrame) -> None:
        """Add some people who were judged."""
        for name in sides.attributes:
            counts = {
                side: int(share[prefix + name].sum())
                for side, prefix in (("pool", MOVED), ("source", SPOKE), ("altered", ALTERED))
            }
            self.attributes.setdefault(name, Counter()).update(counts)
        self.people += share.height
        self.compared += int(share[COMPARED].sum())
        self.ungrouped += int((share[LACKS].list.len() > 0).sum())
        self.groups.update(share[LACKS].explode().drop_nulls().to_list())
        there = share.filter(HERE).filter(pl.col(VERDICT).is_in(IN_THE_POOL))
        counted = there[pool_column(STATUS)].value_counts().iter_rows()
        self.statuses.update({str(status): int(count) for status, count in counted})


def written(sides: Sides, tally: Tally, *, with_values: bool) -> Reconciliation:
    """Write the files of a reconciliation; their folder gets its name when all of them are there."""
    made = sides.folder / FOUND
    _write_rows(made, "differences", _ordered(sides))
    if with_values:
        values = sides.scan("values-*.parquet", VALUES)
        _write_rows(made, "values", values)
    found = _counted(sides, tally)
    write_text(json.dumps(found.to_json(), indent=1, ensure_ascii=False) + "\n", made / "summary.json")
    write_text(reconciliation_markdown(sides.context.loaded, found), made / "report.md")
    made.rename(sides.context.folder.path / found.folder)
    return found


def _write_rows(folder: Path, name: str, rows: pl.LazyFrame) -> None:
    write_once(folder / f"{name}.parquet", lambda file: rows.sink_parquet(file, compression="zstd"))
    write_cells(pl.scan_parquet(folder / f"{name}.parquet"), folder / f"{name}.csv")


def _ordered(sides: Sides) -> pl.LazyFrame:
    """What needs a hand comes first."""
    rows = sides.scan("differs-*.parquet")
    return pl.concat([rows.filter(pl.col("what") == what) for what in KINDS])


def _counted(sides: Sides, tally: Tally) -> Reconciliation:
    context, people = sides.context, sides.people()
    rows = pl.scan_parquet(sides.folder / FOUND / "differences.parquet")
    kinds = _numbers(rows, "what") | {"ungrouped": tally.ungrouped}
    unread = {*(OF_THE_SOURCE if sides.source is None else ()), *(() if sides.with_groups else OF_GROUPS)}
    landed = people.filter(pl.col(VERDICT).is_in(IN_THE_POOL))
    deferred = people.filter(pl.col(VERDICT) == "deferred")
    arrived = rows.filter(pl.col("what") == "arrived")
    moved = rows.filter(pl.col("what") == "state").select(pl.format("{} → {}", "from", "to").alias("@moved"))
    return Reconciliation(
        run_id=context.folder.run_id,
        checked=now_of(context).isoformat(timespec="seconds"),
        folder=sides.folder.name.removeprefix("."),
        with_source=sides.source is not None,
        expected=_number(landed),
        there=_number(landed.filter(HERE)),
        left=_number(landed.filter(pl.col(HERE).is_null() & pl.col(GONE).is_not_null())),
        compared=tally.compared,
        differences={what: None if what in unread else kinds.get(what, 0) for what in KINDS},
        late_in=sorted(_numbers(rows.filter(pl.col("what") == "late"), "run_id")),
        attributes={name: dict(counts) for name, counts in tally.attributes.items() if counts.total()},
        groups=dict(sorted(tally.groups.items(), key=lambda each: (-each[1], each[0]))),
        deferred=_number(deferred),
        arrived=kinds.get("arrived", 0),
        signed_in=_number(arrived.filter(pl.col("to") == "CONFIRMED")),
        not_landed=not_landed(sides),
        statuses=dict(tally.statuses.most_common()),
        moved=dict(Counter(_numbers(moved, "@moved")).most_common()),
    )


def _numbers(rows: pl.LazyFrame, name: str) -> dict[str, int]:
    counted = rows.group_by(name).len().collect(engine="streaming")
    return {str(value): int(count) for value, count in counted.iter_rows()}


def _number(rows: pl.LazyFrame) -> int:
    return int(rows.select(pl.len()).collect(engine="streaming").item())


def now_of(context: Context) -> datetime:
    """The time by the worker's clock."""
    return datetime.fromtimestamp(context.worker.clock(), UTC)
