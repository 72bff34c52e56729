"""Give every user a way into the pool, or an outcome that needs no way.

Here duplicates inside the source and users who are in the pool already are found, the ordered
strategies are asked, and full batches are cut. Only keys and sizes are held in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from connectors.cognito.limits import MAX_GROUPS
from connectors.errors import ConfigurationError
from connectors.records import GROUPS, REASON
from flows.ledger.segments import scan_users, write_parquet
from flows.ledger.states import RunState
from flows.steps.changes import held_names
from flows.steps.columns import FORCED, ROUTED, ROW_BYTES, VERDICT, outcomes
from flows.steps.cutting import Cutter
from flows.steps.existing import Existing
from flows.steps.losers import find_losers
from flows.steps.pool_keys import KEY_COLUMNS
from flows.steps.selecting import landed_names
from flows.steps.updating import Updates
from flows.strategies.chain import choose, strategies_of, with_updates
from mappings.duplicates import CODES, KEY_USERNAME, ORDINAL
from mappings.rules_lists import joinable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.settings import StrategyName
    from flows.steps.context import Context
    from flows.strategies.base import Strategy

COLUMNS = [*ROUTED, ROW_BYTES, *KEY_COLUMNS]


def route(context: Context) -> None:
    """Route every user that was read; nothing is sent."""
    if context.ledger.run().state is not RunState.ROUTING:
        return
    _refuse_too_many_groups(context)
    existing = Existing.read(context)
    updates = Updates.of_run(context, existing) if context.loaded.settings.existing == "update" else None
    losers = find_losers(context, existing)
    taken = pl.concat([landed_names(context), held_names(context)])
    strategies = strategies_of(context.loaded.settings, context.spec)
    cutter = Cutter(context, with_updates(strategies))
    takes, forced = _takes_aliases(context, strategies), 0
    context.ledger.forget_batches()
    context.progress.stage("Choosing ways and cutting batches", context.ledger.extracted(), "users")
    for page in context.ledger.pages():
        users = scan_users(context.folder.users(page.number)).select(COLUMNS).collect()
        settled = existing.settle(_reject_losers(_reject_doubles(users, taken), losers), takes)
        forced += int(settled[FORCED].sum())
        routed = choose(settled, strategies)
        if updates:
            known = scan_users(context.folder.users(page.number)).select(updates.columns).collect()
            routed = updates.reroute(routed, known)
        early = routed.filter(pl.col(VERDICT).is_not_null())
        write_parquet(outcomes(early), context.folder.outcomes(f"route-{page.number:05d}"))
        cutter.add(routed)
        context.progress.update(page.first_ordinal + page.users)
    context.ledger.add_batches(cutter.finish())
    context.ledger.advance_run(RunState.SENDING, aliases_taken=forced)


def _takes_aliases(context: Context, strategies: Mapping[StrategyName, Strategy]) -> pl.Expr | None:
    """True for users who get another's alias: the run file says so, and AdminCreateUser can take them."""
    way = strategies.get("admin_create_user")
    if way is None or context.loaded.settings.admin_create_user.alias_clash != "force":
        return None
    return way.refusal().is_null()


def _refuse_too_many_groups(context: Context) -> None:
    """Stop before anything is sent where the source has more groups than a pool can hold."""
    if not context.spec.groups:
        return
    named = joinable(pl.col(GROUPS)).explode().drop_nulls()
    groups = context.folder.scan_users().select(named.n_unique())
    found = int(groups.collect(engine="streaming").item())
    if found > MAX_GROUPS:
        raise ConfigurationError(
            f"The source names {found:,} groups, and a pool can have {MAX_GROUPS:,}.",
            "Map roles to fewer groups, or leave `groups` out of the mapping.",
        )


def _reject_doubles(users: pl.DataFrame, taken: pl.Series) -> pl.DataFrame:
    """Who wants the name of somebody whom another run has landed is their double, and not ``existing``."""
    if taken.is_empty():
        return users
    is_double = pl.col(REASON).is_null() & pl.col(KEY_USERNAME).is_in(taken.implode())
    return users.with_columns(
        pl.when(is_double).then(pl.lit(CODES[KEY_USERNAME])).otherwise(pl.col(REASON)).alias(REASON)
    )


def _reject_losers(users: pl.DataFrame, losers: pl.DataFrame) -> pl.DataFrame:
    """Give the losers of a page, whose ordinals follow one another, the reason that they have lost for."""
    if not losers.height or not users.height:
        return users
    first, last = users[ORDINAL][0], users[ORDINAL][-1]
    lost = losers.filter(pl.col(ORDINAL).is_between(first, last))
    rows = lost[ORDINAL] - first
    judged = users[REASON].gather(rows)
    reasons = users[REASON].clone().scatter(rows, judged.zip_with(judged.is_not_null(), lost[REASON]))
    return users.with_columns(reasons.alias(REASON))
