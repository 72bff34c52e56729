"""A run in a folder of its own whose numbers a test chooses, for what is read of a run's folder alone."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from connectors.records import FILE, LINE, SOURCE_ID, USERNAME
from flows.ledger.folder import RunFolder
from flows.ledger.segments import write_parquet, write_users
from flows.ledger.sqlite import open_sqlite
from flows.ledger.states import BatchState, RunState
from flows.ledger.store import BatchRecord, Ledger, PageRecord, RunRecord
from flows.reports.text import write_report
from flows.steps.columns import JOB_ID, STRATEGY, VERDICT, WHY, outcomes
from flows.steps.finishing import finish
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

BEGUN = 1_795_702_800.0
"""When the runs of tests begin."""


@dataclass
class MadeRun:
    """A run that was read and settled; ``end`` adds it up."""

    folder: RunFolder
    ledger: Ledger
    now: list[float]

    def end(self, after: float = 60.0) -> str:
        """Finish the run so many seconds after its begin, and return its page."""
        self.now[0] = BEGUN + after
        finish(self.folder, self.ledger)
        write_report(self.folder, self.ledger)
        return self.folder.page.read_text(encoding="utf-8")

    def come(self, state: RunState, after: float) -> None:
        """Let the run come to a state so many seconds after its begin."""
        self.now[0] = BEGUN + after
        self.ledger.advance_run(state)

    def job(self, number: int, users: int, begun: float, ended: float, **facts: Any) -> None:
        """Add the batch of an import job; times are seconds after the run's begin."""
        told = {
            "status": "Succeeded", "message": "", "imported": users, "skipped": 0, "failed": 0,
            "started": BEGUN + begun, "ended": BEGUN + ended, **facts,
        }  # fmt: skip
        record = BatchRecord(
            number, "import_job", None, users, BatchState.SETTLED, 1, None, None, f"import-{number}", told
        )
        self.ledger.add_batches([record])


@contextmanager
def made_run(
    state: Path,
    users: Sequence[tuple[str, str, str | None]] | pl.DataFrame,
    *,
    name: str = "acme",
    state_now: RunState = RunState.PROVING,
    columns: dict[str, Any] | None = None,
    **facts: Any,
) -> Iterator[MadeRun]:
    """A run of users with source id, verdict and reason.

    Args:
        state: the folder of the runs.
        users: source id, verdict, reason; of many a frame of ``id``, ``verdict`` and ``reason``.
        name: the run's.
        state_now: where the run is.
        columns: more columns of the users as they were mapped.
        facts: the run's.
    """
    folder = RunFolder(state / name / "20261126T142000Z-0a1b2c").make()
    now = [BEGUN]
    ledger = Ledger(open_sqlite(folder.ledger), folder.run_id, lambda: now[0])
    ledger.open_run(
        RunRecord(folder.run_id, name, state_now, "", "", "eu-west-1_Example01", BEGUN, None, dict(facts))
    )
    ledger.add_page(PageRecord(1, 0, len(users), {}, 1.0))
    frame = _frame(users).with_row_index("n")
    _write_users(folder, frame, columns or {})
    settled = frame.with_columns(
        pl.col("n").cast(pl.UInt64).alias(ORDINAL),
        pl.when(pl.col(VERDICT) == "imported").then(pl.lit("import_job")).alias(STRATEGY),
        pl.when(pl.col(VERDICT) == "imported").then(pl.lit("import-1")).alias(JOB_ID),
    )
    write_parquet(outcomes(settled), folder.outcomes("all"))
    folder.run_file.write_text(f"name: {name}\n", encoding="utf-8")
    try:
        yield MadeRun(folder, ledger, now)
    finally:
        ledger.close()


def _frame(users: Sequence[tuple[str, str, str | None]] | pl.DataFrame) -> pl.DataFrame:
    schema = dict.fromkeys(("id", VERDICT, WHY), pl.String)
    return users if isinstance(users, pl.DataFrame) else pl.DataFrame(users, schema=schema, orient="row")


def _write_users(folder: RunFolder, frame: pl.DataFrame, columns: dict[str, Any]) -> None:
    made = frame.select(
        pl.col("n").cast(pl.UInt64).alias(ORDINAL),
        pl.col("id").alias(SOURCE_ID),
        pl.col("id").alias(USERNAME),
        pl.lit(0, pl.UInt32).alias(FILE),
        (pl.col("n") + 2).cast(pl.UInt64).alias(LINE),
    )
    write_users(
        made.with_columns(**{name: pl.lit(value) for name, value in columns.items()}), folder.users(1)
    )
