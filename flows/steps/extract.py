"""Read the source page by page, map it, judge it, write it down.

A page is written as one Arrow file, and the lines of its users as another, before the ledger says that it
was read; after a crash the reading goes on behind the last page that the ledger knows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from connectors.records import FILE, LINE, REASON, Page
from flows.ledger.families import RETRY
from flows.ledger.segments import write_users
from flows.ledger.states import RunState
from flows.ledger.store import PageRecord
from flows.steps.changes import Comparison, counted, left_out, pages_of
from flows.steps.columns import PARENT
from flows.steps.lines import lines_of, write_page
from flows.steps.selecting import Selection, fields_to_read
from mappings.duplicates import ORDINAL

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
    selection, comparison = Selection.of(context), Comparison.of(context)
    read = ordinal + left_out(context)
    for number, page in enumerate(_pages(context, selection, after), len(known) + 1):
        ordinal += take_page(context, page, number, ordinal, comparison)
        read += page.rows.height + page.unreadable.height
        context.progress.update(read)
    if not context.ledger.pages():
        _write_nobody(context, selection)
    context.ledger.advance_run(RunState.ROUTING, **_passed(context, selection), **counted(context))


def _pages(context: Context, selection: Selection | None, after: Cursor | None) -> Iterator[Page]:
    """The pages of the source; a retry takes only its own users out of them."""
    fields = context.mapping.fields
    if selection is None:
        return pages_of(context, after)
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
    page = Page(rows, nobody, {}, 1.0)
    if selection is not None:
        (page,) = selection.narrowed(iter([page]))
    take_page(context, page, 1, 0)


def take_page(
    context: Context, page: Page, number: int, first_ordinal: int, comparison: Comparison | None = None
) -> int:
    """Map, judge and write down one page; lines that are no rows become rejected users at its end.

    A delta run leaves out who is as before.

    Returns:
        How many users it has.
    """
    judged = context.rules.judge_closely(context.mapping.apply(page.rows), context.mapping.promises)
    if comparison:
        judged = replace(judged, frame=comparison.new_or_changed(context, judged.frame, number))
    parents = [page.rows[PARENT]] if PARENT in page.rows.columns else []
    places, lines = lines_of(context, judged)
    sized = judged.frame.with_columns(*places, *parents)
    users = pl.concat([sized, page.unreadable], how="diagonal").rechunk() if page.unreadable.height else sized
    users = users.with_row_index(ORDINAL, first_ordinal).with_columns(pl.col(ORDINAL).cast(pl.UInt64))
    write_page(lines, context.folder.lines(number))
    write_users(users, context.folder.users(number))
    context.ledger.add_page(PageRecord(number, first_ordinal, users.height, page.cursor, page.done))
    return users.height
