"""Give every user a way into the pool, or an outcome that needs no way.

Here duplicates inside the source and users who are in the pool already are found, the ordered
strategies are asked, and full batches are cut. Only keys and sizes are held in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from connectors.records import REASON
from flows.ledger.segments import write_parquet
from flows.ledger.states import RunState
from flows.steps.columns import ROUTED, ROW_BYTES, VERDICT, outcomes
from flows.steps.cutting import Cutter
from flows.steps.existing import Existing
from flows.steps.losers import find_losers
from flows.steps.pool_keys import KEY_COLUMNS
from flows.steps.selecting import landed_names
from flows.strategies.chain import choose, strategies_of
from mappings.duplicates import CODES, KEY_USERNAME, ORDINAL

if TYPE_CHECKING:
    from flows.steps.context import Context

COLUMNS = [*ROUTED, ROW_BYTES, *KEY_COLUMNS]


def route(context: Context) -> None:
    """Route every user that was read; nothing is sent."""
    if context.ledger.run().state is not RunState.ROUTING:
        return
    existing = Existing.read(context)
    losers = find_losers(context, existing)
    taken = landed_names(context)
    strategies = strategies_of(context.loaded.settings, context.spec)
    cutter = Cutter(context, strategies)
    context.ledger.forget_batches()
    context.progress.stage("Choosing ways and cutting batches", context.ledger.extracted(), "users")
    for page in context.ledger.pages():
        users = pl.scan_ipc(context.folder.users(page.number)).select(COLUMNS).collect()
        routed = choose(existing.settle(_reject_losers(_reject_doubles(users, taken), losers)), strategies)
        early = routed.filter(pl.col(VERDICT).is_not_null())
        write_parquet(outcomes(early), context.folder.outcomes(f"route-{page.number:05d}"))
        cutter.add(routed)
        context.progress.update(page.first_ordinal + page.users)
    cutter.finish()
    context.ledger.advance_run(RunState.SENDING)


def _reject_doubles(users: pl.DataFrame, taken: pl.Series) -> pl.DataFrame:
    """Who wants the name of somebody whom the family has landed is their double, and not ``existing``."""
    if taken.is_empty():
        return users
    is_double = pl.col(REASON).is_null() & pl.col(KEY_USERNAME).is_in(taken.implode())
    return users.with_columns(
        pl.when(is_double).then(pl.lit(CODES[KEY_USERNAME])).otherwise(pl.col(REASON)).alias(REASON)
    )


def _reject_losers(users: pl.DataFrame, losers: pl.DataFrame) -> pl.DataFrame:
    if not losers.height:
        return users
    lost = losers.select(ORDINAL, pl.col(REASON).alias("@lost"))
    joined = users.join(lost, on=ORDINAL, how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce(REASON, "@lost").alias(REASON)).drop("@lost")
