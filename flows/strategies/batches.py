"""The users of a batch, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.records import ENABLED, MFA, PASSWORD, PASSWORD_HASH, USERNAME
from flows.ledger.segments import scan_users
from flows.steps.columns import LINE_KIND, ROW_BYTES
from flows.steps.lines import written_lines
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connectors.cognito.import_file import WrittenLines
    from flows.ledger.store import BatchRecord, PageRecord
    from flows.steps.context import Context

SENT: Final = (PASSWORD_HASH, PASSWORD, MFA, ENABLED)
"""Columns beside the attributes that some way into the pool asks for."""


def batch_frames(context: Context, batch: BatchRecord) -> Iterator[pl.DataFrame]:
    """The users of a batch in the order of its lines, a page at a time, with what can be sent of them."""
    yield from frames_of(context, _members(context, batch), [ORDINAL, USERNAME, *SENT, *context.attributes])


def batch_lines(context: Context, batch: BatchRecord) -> Iterator[WrittenLines | pl.DataFrame]:
    """The same users as lines of an import file, or as they are where there is no line of theirs."""
    columns = [ORDINAL, USERNAME, *SENT, *context.attributes]
    for page, inside in _pages_of(context, _members(context, batch)):
        users = scan_users(context.folder.users(page.number)).select(ROW_BYTES, LINE_KIND).collect()
        lines = written_lines(context.folder.lines(page.number), users, inside, batch.algorithm)
        yield from lines or [_users(context, page, inside, columns)]


def frames_of(context: Context, members: pl.Series, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Columns of chosen users, given by rising ordinals, a page at a time; only their pages are read."""
    for page, inside in _pages_of(context, members):
        yield _users(context, page, inside, columns)


def _members(context: Context, batch: BatchRecord) -> pl.Series:
    return pl.read_parquet(context.folder.batch_users(batch.number))[ORDINAL].set_sorted()


def _pages_of(context: Context, members: pl.Series) -> Iterator[tuple[PageRecord, pl.Series]]:
    """Each page that has chosen users, and their places on it."""
    for page in context.ledger.pages():
        edges = pl.Series([page.first_ordinal, page.first_ordinal + page.users], dtype=pl.UInt64)
        start, stop = members.search_sorted(edges)
        if start < stop:
            yield page, members[start:stop] - page.first_ordinal


def _users(context: Context, page: PageRecord, inside: pl.Series, columns: Sequence[str]) -> pl.DataFrame:
    users = scan_users(context.folder.users(page.number)).select(columns).collect()
    return users if len(inside) == page.users else users[inside]
