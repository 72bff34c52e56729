"""How much memory the end of a run takes: reading the pool back, comparing it, writing the verdicts.

    python -m tests.benchmarks.ending [USERS]

The seams: everybody who travels in a file counts as imported, and the pool answers from the run's own pages
instead of by ``ListUsers``, so that nothing is measured but what Poolferry holds.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import PropertyMock, patch

import polars as pl

from connectors.cognito.users import USER_COLUMNS
from connectors.records import USERNAME
from flows.ledger.segments import scan_users, write_parquet
from flows.ledger.states import RunState
from flows.steps import proving
from flows.steps.columns import outcomes
from flows.steps.context import Context
from flows.steps.extract import extract
from flows.steps.finishing import Summary, finish
from flows.steps.route import route
from mappings.duplicates import ORDINAL
from tests.benchmarks.inputs import Input
from tests.benchmarks.measuring import cost_of
from tests.benchmarks.poolferry_batches import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

MILLION = 1_000_000
FRAME = 6_000
"""Users of a frame of ``read_back``."""


def end(source: Path, folder: Path) -> Summary:
    """Read, route, prove and finish; tells the numbers of the run."""
    with opened(source, folder) as context:
        extract(context)
        route(context)
        _import_everybody(context)

        def read_back(*_: object, **__: Any) -> Iterator[pl.DataFrame]:
            return _pool(context)

        with (
            patch.object(proving, "read_back", read_back),
            patch.object(Context, "cognito", new_callable=PropertyMock),
        ):
            proving.prove(context)
        return finish(context.folder, context.ledger)


def _import_everybody(context: Context) -> None:
    for batch in context.ledger.batches():
        users = pl.read_parquet(context.folder.batch_users(batch.number)).select(ORDINAL)
        imported = outcomes(users, verdict="imported", strategy="import_job", job_id="import-benchmark")
        write_parquet(imported, context.folder.outcomes(f"b{batch.number:04d}"))
    context.ledger.advance_run(RunState.PROVING)


def _pool(context: Context) -> Iterator[pl.DataFrame]:
    """The users as the pool would tell them, each with a ``sub`` of 36 letters."""
    told = {
        "username": pl.col(USERNAME),
        "sub": pl.col(USERNAME).str.pad_start(36, "0"),
        "status": pl.lit("CONFIRMED"),
        "enabled": pl.lit(value=True),
        "created": pl.lit(0),
        "modified": pl.lit(0),
    }
    columns = [value.cast(USER_COLUMNS[name]).alias(name) for name, value in told.items()]
    for page in context.ledger.pages():
        users = scan_users(context.folder.users(page.number)).select(*columns, *context.attributes).collect()
        yield from users.iter_slices(FRAME)


def main(users: str = str(MILLION), source: str = "", folder: str = "") -> None:
    """Measure a process of its own, or be it."""
    if folder:
        end(Path(source), Path(folder))
        return
    with tempfile.TemporaryDirectory(prefix="poolferry-benchmarks-") as scratch:
        cost = cost_of("tests.benchmarks.ending", (users, str(Input(int(users), dirt=0.0).make()), scratch))
    sys.stdout.write(f"{int(users):,} users, read, proved and finished: {cost.peak / 1e6:,.0f} MB\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
