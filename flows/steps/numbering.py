"""Numbers for batches that are made while others are sent: two workers may make one at the same moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.ledger.segments import write_new
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    import polars as pl

    from flows.steps.context import Context


def write_members(context: Context, users: pl.DataFrame) -> int:
    """Write the users of a new batch under a number that is nobody else's, and tell the number.

    A number is taken by whoever makes its file. One whose worker was killed before the ledger knew of the
    batch stays unused.
    """
    number = max((batch.number for batch in context.ledger.batches()), default=0) + 1
    while not write_new(users.select(ORDINAL), context.folder.batch_users(number)):
        number += 1
    return number
