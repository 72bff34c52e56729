"""The users of a batch, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.ledger.store import BatchRecord
    from flows.steps.context import Context


def batch_frames(context: Context, batch: BatchRecord) -> Iterator[pl.DataFrame]:
    """The users of a batch in the order of its lines, a page at a time."""
    members = pl.read_parquet(context.folder.batch_users(batch.number))
    first, last = members[ORDINAL].min(), members[ORDINAL].max()
    for page in context.ledger.pages():
        if page.first_ordinal > last or page.first_ordinal + page.users <= first:  # type: ignore[operator]
            continue
        users = pl.read_parquet(context.folder.users(page.number))
        yield users.join(members, on=ORDINAL, how="semi", maintain_order="left")
