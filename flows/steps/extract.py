"""Read the source page by page, map it, judge it, write it down.

A page is written as one Parquet file before the ledger says that it was read; after a crash the
reading goes on behind the last page that the ledger knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from connectors.cognito.import_file import ImportFileFormat
from connectors.records import ALGORITHM, FILE, LINE, PASSWORD_HASH, REASON, Page
from flows.ledger.families import RETRY
from flows.ledger.segments import write_arrow
from flows.ledger.states import RunState
from flows.ledger.store import PageRecord
from flows.steps.columns import PARENT, ROW_BYTES
from flows.steps.selecting import Selection, fields_to_read
from mappings.duplicates import ORDINAL
from mappings.rules import CSV_REASON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.records import Cursor
    from flows.steps.context import Context


def extract(context: Context) -> None:
    """Read what has not been read yet."""
    if context.ledger.run().state is not RunState.READING:
        return
    known = context.ledger.pages()
    context.folder.forget_users(len(known))  # a source that lives may not give the same page again
    total = context.source.count()
    context.progress.stage("Reading and judging users", total, "users")
    after = (known[-1].cursor or None) if known else None
    ordinal = context.ledger.extracted()
    selection = Selection.of(context)
    for number, page in enumerate(_pages(context, selection, after), len(known) + 1):
        users = judge_page(context, page, ordinal)
        write_arrow(users, context.folder.users(number))
        context.ledger.add_page(PageRecord(number, ordinal, users.height, page.cursor, page.done))
        ordinal += users.height
        context.progress.update(ordinal)
    if not context.ledger.pages():
        _write_nobody(context, selection)
    context.ledger.advance_run(RunState.ROUTING, **_passed(context, selection))


def _pages(context: Context, selection: Selection | None, after: Cursor | None) -> Iterator[Page]:
    """The pages of the source; a retry takes only its own users out of them."""
    fields = context.mapping.fields
    if selection is None:
        return context.source.pages(fields, after)
    return selection.narrowed(context.source.pages(fields_to_read(fields, context.source.fields()), after))


def _passed(context: Context, selection: Selection | None) -> dict[str, Any]:
    """What a retry notes of those whom it did not find, and of rows that it was not asked for."""
    if selection is None:
        return {}
    missing = selection.wanted.height - selection.taken.len()
    if missing:
        context.progress.note(
            f"{missing:,} of {selection.wanted.height:,} users to be retried are not in the source any more."
        )
    retry = context.ledger.run().facts[RETRY]
    if retry["file"] and selection.passed:
        context.progress.note(
            f"{selection.passed:,} rows of the file are nobody who is to be retried, and were not taken: "
            "their key must be as the run knows it."
        )
    return {RETRY: {**retry, "missing": missing, "passed": selection.passed}}


def _write_nobody(context: Context, selection: Selection | None) -> None:
    """Write the one page of a source without users, so that what follows finds every column."""
    nobody = pl.DataFrame(schema={LINE: pl.UInt64, FILE: pl.UInt32, REASON: pl.String})
    rows = nobody.drop(REASON).with_columns(
        pl.lit(None, pl.String).alias(name) for name in context.mapping.fields
    )
    page = Page(rows, nobody, {})
    if selection is not None:
        (page,) = selection.narrowed(iter([page]))
    write_arrow(judge_page(context, page, 0), context.folder.users(1))
    context.ledger.add_page(PageRecord(1, 0, 0, {}, 1.0))


def judge_page(context: Context, page: Page, first_ordinal: int) -> pl.DataFrame:
    """Map and judge one page; lines that are no rows become rejected users at its end."""
    judged = context.rules.judge(context.mapping.apply(page.rows))
    parents = [page.rows[PARENT]] if PARENT in page.rows.columns else []
    sized = judged.with_columns(_sizes(context, judged).alias(ROW_BYTES), *parents)
    users = pl.concat([sized, page.unreadable], how="diagonal") if page.unreadable.height else sized
    return users.with_row_index(ORDINAL, first_ordinal).with_columns(pl.col(ORDINAL).cast(pl.UInt64))


def _sizes(context: Context, judged: pl.DataFrame) -> pl.Series:
    """Bytes of every line in the import file that the user would travel in; 0 where none can carry them."""
    travels = judged[REASON].is_null() & judged[CSV_REASON].is_null()
    rows = judged.filter(travels) if not travels.all() else judged
    attributes = [name for name in rows.columns if name.startswith("@") or name in context.schema.csv_header]
    plain = ImportFileFormat(context.schema, None).row_bytes(rows.select(attributes))
    hashed = (
        pl.col(PASSWORD_HASH).str.len_bytes() + pl.col(PASSWORD_HASH).str.count_matches(",", literal=True) + 1
    )
    extra = pl.when(pl.col(ALGORITHM).is_not_null()).then(hashed).otherwise(0)
    sizes = rows.select((pl.lit(plain) + extra).cast(pl.UInt32)).to_series()
    return (
        sizes
        if rows is judged
        else pl.zeros(judged.height, pl.UInt32, eager=True).scatter(travels.arg_true(), sizes)
    )
