"""Which users of the source lose a name or an alias to an earlier user of the same source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from connectors.records import REASON, USERNAME
from flows.steps.pool_keys import KEY_COLUMNS
from mappings.duplicates import ORDINAL, confirm_duplicates, suspects

if TYPE_CHECKING:
    from flows.steps.context import Context
    from flows.steps.existing import Existing


def find_losers(context: Context, existing: Existing) -> pl.DataFrame:
    """``ORDINAL`` and ``REASON`` of every loser; only keys of users without a reason are held.

    The keys are 64-bit hashes, so whoever shares one is looked at again with the real names.
    """
    nobody = pl.DataFrame(schema={ORDINAL: pl.UInt64, REASON: pl.String})
    keys = (
        context.folder.scan_users().filter(pl.col(REASON).is_null()).select(ORDINAL, *KEY_COLUMNS).collect()
    )
    is_forced = context.loaded.settings.admin_create_user.alias_clash == "force"
    keys = existing.contest(keys, force=is_forced)
    doubtful = keys.join(suspects(keys).to_frame(), on=ORDINAL, how="semi")
    if doubtful.is_empty():
        return nobody
    return confirm_duplicates(_names(context, doubtful))


def _names(context: Context, doubtful: pl.DataFrame) -> pl.DataFrame:
    """The names that the doubtful users contend for."""
    attributes = (name for name in context.rules.key_columns if name in context.attributes)
    columns = [ORDINAL, REASON, USERNAME, *attributes]
    users = context.folder.scan_users().select(columns)
    rows = users.filter(pl.col(ORDINAL).is_in(doubtful[ORDINAL].implode())).collect()
    names = rows.select(ORDINAL).hstack(context.rules.key_values(rows))
    marks = {key: f"{key} is wanted" for key in KEY_COLUMNS}
    wanted = doubtful.select(ORDINAL, *(pl.col(key).is_not_null().alias(mark) for key, mark in marks.items()))
    return names.join(wanted, on=ORDINAL).select(
        ORDINAL, *(pl.when(mark).then(pl.col(key)).alias(key) for key, mark in marks.items())
    )
