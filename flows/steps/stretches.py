"""Work for the users of one batch, one call or a few each, written down every few seconds.

What is done lies in small files of its own until the batch is settled; a start after a crash reads them
and goes on behind them, so that only what was done in the last seconds is gone through again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from flows.ledger.segments import write_parquet
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flows.ledger.store import BatchRecord
    from flows.steps.context import Context
    from flows.steps.crew import Crew

    Row = dict[str, Any]
    Schema = Mapping[str, pl.DataType | type[pl.DataType]]

THREADS = 12
"""Calls under way at once where the run file does not say it: 25 a second at half a second each."""


def work_off(
    context: Context,
    batch: BatchRecord,
    users: pl.DataFrame,
    work: Callable[[Row], Row],
    schema: Schema,
    crew: Crew[Row, Row],
) -> pl.DataFrame:
    """Do the work for every user for whom no earlier start has done it.

    Args:
        context: the run.
        batch: the users' batch.
        users: ``ORDINAL`` and what the work reads.
        work: takes a user's row and gives a row of ``schema``; called from several threads.
        schema: columns of what is done, ``ORDINAL`` among them.
        crew: the threads, used up by this.

    Returns:
        What is done for all of them, by rising ``ORDINAL``.
    """
    done = _earlier(context, batch, schema)
    todo = users.join(done, on=ORDINAL, how="anti", maintain_order="left")
    number, count = len(context.folder.parts(batch.number)), done.height
    context.progress.update(count)
    for number, rows in enumerate(crew.chunks(work, todo.iter_rows(named=True)), number + 1):  # noqa: B020
        part = pl.DataFrame(rows, schema=dict(schema))
        write_parquet(part, context.folder.part(batch.number, number))
        count += part.height
        context.progress.update(count)
    return _earlier(context, batch, schema).sort(ORDINAL)


def forget_parts(context: Context, batch: BatchRecord) -> None:
    """Remove what a settled batch does not need any more."""
    for path in context.folder.parts(batch.number):
        path.unlink()


def _earlier(context: Context, batch: BatchRecord, schema: Schema) -> pl.DataFrame:
    (context.folder.path / "parts").mkdir(mode=0o700, exist_ok=True)
    parts = [pl.read_parquet(path) for path in context.folder.parts(batch.number)]
    return pl.concat([pl.DataFrame(schema=dict(schema)), *parts])
