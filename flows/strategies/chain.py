"""The ordered strategies: each user takes the first way that can carry them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from connectors.records import REASON
from flows.steps.columns import FORCED, STRATEGY, VERDICT, WHY
from flows.steps.updating import UPDATE
from flows.strategies.admin_create_user import AdminCreateUser
from flows.strategies.import_job import ImportJob
from flows.strategies.migration_trigger import MigrationTrigger
from flows.strategies.update_existing import UpdateExisting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.settings import RunFile, StrategyName
    from flows.strategies.base import Strategy
    from mappings.spec import MappingSpec


def strategies_of(settings: RunFile, spec: MappingSpec) -> dict[StrategyName, Strategy]:
    """The run file's strategies in its order."""
    made: Mapping[StrategyName, Strategy] = {
        "import_job": ImportJob(settings),
        "admin_create_user": AdminCreateUser(spec),
        "migration_trigger": MigrationTrigger(),
    }
    return {name: made[name] for name in settings.strategies}


def with_updates(strategies: Mapping[StrategyName, Strategy]) -> dict[str, Strategy]:
    """The ways that batches go: the run file's strategies, and the one of users who are there already."""
    return {**{str(name): strategy for name, strategy in strategies.items()}, UPDATE: UpdateExisting()}


def choose(users: pl.DataFrame, strategies: Mapping[StrategyName, Strategy]) -> pl.DataFrame:
    """Add ``strategy``, ``verdict`` and ``reason`` to users who have no outcome yet.

    Users with a reason keep it. Who is refused by every strategy is rejected with the reason of
    the first, since that is the way the run file prefers. Who is left to the migration trigger is
    deferred at once: nothing is sent for them.
    """
    first = next(iter(strategies))
    rows = users.select(~_takes_the_first_way(users, strategies[first])).to_series().arg_true()
    if rows.len() == users.height or first == "migration_trigger":  # whose users have a verdict at once
        return users.with_columns(_chosen(users, strategies))
    chosen, usual = _chosen(users[rows], strategies), {WHY: None, STRATEGY: first, VERDICT: None}
    return users.with_columns(
        pl.Series(name, [value], dtype=pl.String).new_from_index(0, users.height).scatter(rows, chosen[name])
        for name, value in usual.items()
    )


def _takes_the_first_way(users: pl.DataFrame, first: Strategy) -> pl.Expr:
    """True for those, mostly nearly all, for whom nothing else need be asked."""
    free = pl.col(VERDICT).is_null() & pl.col(REASON).is_null() & first.refusal().is_null()
    return (free & ~pl.col(FORCED)).fill_null(value=False) if FORCED in users.columns else free


def _chosen(users: pl.DataFrame, strategies: Mapping[StrategyName, Strategy]) -> pl.DataFrame:
    refusals = [strategy.refusal().alias(f"@no_{name}") for name, strategy in strategies.items()]
    asked = users.with_columns(refusals)
    names = list(strategies)
    way = pl.coalesce([pl.when(pl.col(f"@no_{name}").is_null()).then(pl.lit(name)) for name in names])
    if FORCED in users.columns:  # only AdminCreateUser can take an alias away (F5.8)
        way = pl.when(FORCED).then(pl.lit("admin_create_user")).otherwise(way)
    why = pl.coalesce(REASON, pl.when(way.is_null()).then(pl.col(f"@no_{names[0]}")))
    free = pl.col(VERDICT).is_null() & why.is_null()
    ways = asked.select(VERDICT, why.alias(WHY), pl.when(free).then(way).alias(STRATEGY))
    verdict = (
        pl.when(pl.col(VERDICT).is_not_null())
        .then(pl.col(VERDICT))
        .when(pl.col(WHY).is_not_null())
        .then(pl.lit("rejected"))
        .when(pl.col(STRATEGY) == "migration_trigger")
        .then(pl.lit("deferred"))
    )
    return ways.select(WHY, STRATEGY, verdict.alias(VERDICT))
