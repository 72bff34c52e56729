"""The users of a batch, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.records import ENABLED, MFA, PASSWORD, PASSWORD_HASH, USERNAME
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flows.ledger.store import BatchRecord
    from flows.steps.context import Context

SENT: Final = (PASSWORD_HASH, PASSWORD, MFA, ENABLED)
"""Columns beside the attributes that some way into the pool asks for."""


def batch_frames(context: Context, batch: BatchRecord) -> Iterator[pl.DataFrame]:
    """The users of a batch in the order of its lines, a page at a time, with what can be sent of them."""
    members = pl.read_parquet(context.folder.batch_users(batch.number))[ORDINAL].set_sorted()
    yield from frames_of(context, members, [ORDINAL, USERNAME, *SENT, *context.attributes])


def frames_of(context: Context, members: pl.Series, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Columns of chosen users, given by rising ordinals, a page at a time; only their pages are read."""
    for page in context.ledger.pages():
        edges = pl.Series([page.first_ordinal, page.first_ordinal + page.users], dtype=pl.UInt64)
        start, stop = members.search_sorted(edges)
        if start < stop:
            users = pl.scan_ipc(context.folder.users(page.number)).select(columns).collect()
            inside = members[start:stop] - page.first_ordinal
            yield users if len(inside) == page.users else users[inside]
