"""Which users of the source lose a name or an alias to an earlier user of the same source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from connectors.records import REASON
from flows.steps.pool_keys import KEY_COLUMNS
from mappings.duplicates import ORDINAL, confirm_duplicates, suspects

if TYPE_CHECKING:
    from pathlib import Path

    from flows.steps.context import Context


def find_losers(context: Context) -> pl.DataFrame:
    """``ORDINAL`` and ``REASON`` of every loser; only keys of users without a reason are held.

    The keys are 64-bit hashes, so whoever shares one is looked at again with the real names.
    """
    nobody = pl.DataFrame(schema={ORDINAL: pl.UInt64, REASON: pl.String})
    paths = context.folder.all("users")
    if not paths:
        return nobody
    keys = pl.scan_parquet(paths).filter(pl.col(REASON).is_null()).select(ORDINAL, *KEY_COLUMNS).collect()
    doubtful = suspects(keys)
    if doubtful.is_empty():
        return nobody
    return confirm_duplicates(pl.concat([_names(context, page, doubtful) for page in paths]))


def _names(context: Context, page: Path, doubtful: pl.Series) -> pl.DataFrame:
    rows = pl.scan_parquet(page).join(doubtful.to_frame().lazy(), on=ORDINAL, how="semi").collect()
    return rows.select(ORDINAL).hstack(context.rules.key_values(rows))
