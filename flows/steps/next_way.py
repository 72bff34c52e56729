"""Whom one way into the pool refuses goes on to the next way of the run file that can take them.

A user tries each way once at most, since only the ways behind the refused one are asked. The last word
counts: verdict, reason and strategy are those of the way that the user came to last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.records import ALGORITHM, ENABLED, PASSWORD, PASSWORD_HASH, REASON
from flows.steps.columns import ROW_BYTES, STRATEGY, VERDICT, WHY, outcomes
from flows.steps.cutting import Cutter
from flows.strategies.batches import frames_of
from mappings.duplicates import ORDINAL
from mappings.rules import CSV_REASON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.ledger.store import BatchRecord
    from flows.settings import StrategyName
    from flows.steps.context import Context
    from flows.strategies.base import Strategy

COLUMNS: Final = [ORDINAL, REASON, CSV_REASON, ALGORITHM, PASSWORD, PASSWORD_HASH, ENABLED, ROW_BYTES]
"""What the strategies' refusals and the cutting of batches read."""

REFUSED_IN: Final = "refused_in"
"""Under this name a batch's facts keep the number of the batch that its users were refused in."""

NO_WAY_HELPS: Final = (
    "username_exists", "alias_taken", "user_not_found", "unsupported_user_state", "not_settled",
)  # fmt: skip
"""Refusals that speak of the pool's users and not of the way: somebody else has the name, or nobody knows."""

FOR_THE_TRIGGER_TOO: Final = (*NO_WAY_HELPS, "invalid_parameter")
"""Refusals that the migration trigger would meet as well: it hands over the same attributes."""


@dataclass(frozen=True, slots=True)
class HandedOn:
    """Where refused users go.

    Attributes:
        outcomes: one row for each; a null verdict means that the user travels on.
        batches: of those who travel on; the ledger does not know them yet.
    """

    outcomes: pl.DataFrame
    batches: list[BatchRecord]


def hand_on(context: Context, batch: BatchRecord, refused: pl.DataFrame, job_id: str | None) -> HandedOn:
    """Find the next way for the users whom a way has refused.

    Args:
        context: the run.
        batch: the batch in which they were refused.
        refused: ``ORDINAL`` and ``reason``.
        job_id: of the import job that refused them, if it was one.

    Returns:
        Their outcomes, and the batches to add before this one is settled.
    """
    later = _later(context, batch)
    if refused.is_empty() or not later:
        return HandedOn(_failed(refused, batch, job_id), [])
    routed = _routed(context, refused, later)
    ways: dict[str, Strategy] = {str(name): way for name, way in later.items()}
    cutter = Cutter(context, ways, facts={REFUSED_IN: batch.number})
    cutter.number = max(other.number for other in context.ledger.batches())
    cutter.add(routed)
    is_last = pl.col(VERDICT) == "rejected"
    parts = [
        _failed(routed.filter(is_last), batch, job_id),
        outcomes(routed.filter(~is_last.fill_null(value=False)).drop(WHY)),
    ]
    batches = cutter.finish()
    for made in batches:
        way = f"{made.strategy}, batch {made.number}"
        context.progress.note(f"{made.users:,} users whom batch {batch.number} refused go on to {way}")
    return HandedOn(pl.concat(parts).sort(ORDINAL), batches)


def has_child(context: Context, batch: BatchRecord) -> bool:
    """Whether users of a batch travel on already: then it was all but settled when a crash came."""
    return any(
        batch.number in (other.facts.get("parent"), other.facts.get(REFUSED_IN))
        for other in context.ledger.batches()
    )


def _later(context: Context, batch: BatchRecord) -> dict[StrategyName, Strategy]:
    """The ways behind the one that refused."""
    from flows.strategies.chain import strategies_of  # noqa: PLC0415 - the strategies import this file

    ways = strategies_of(context.loaded.settings, context.spec)
    names = list(ways)
    behind = names[names.index(batch.strategy) + 1 :] if batch.strategy in names else []
    return {name: ways[name] for name in behind}


def _routed(context: Context, refused: pl.DataFrame, later: Mapping[StrategyName, Strategy]) -> pl.DataFrame:
    """Ask the ways for each user; who finds none is ``rejected`` with the reason of the refusal."""
    from flows.strategies.chain import choose  # noqa: PLC0415 - the strategies import this file

    users = pl.concat(frames_of(context, refused[ORDINAL].sort().set_sorted(), COLUMNS))
    asked = users.drop(REASON).join(
        refused.select(ORDINAL, pl.col(WHY).alias("@refused")), on=ORDINAL, how="left", maintain_order="left"
    )
    no_way, no_trigger = (pl.col("@refused").is_in(codes) for codes in (NO_WAY_HELPS, FOR_THE_TRIGGER_TOO))
    silent: dict[StrategyName, Strategy] = {
        name: way for name, way in later.items() if name != "migration_trigger"
    }
    choices: list[tuple[pl.Expr, Mapping[StrategyName, Strategy]]] = [
        (no_way, {}), (no_trigger & ~no_way, silent), (~no_trigger, later)
    ]  # fmt: skip
    parts = []
    for chosen, ways in choices:
        some = asked.filter(chosen).with_columns(
            pl.lit(None, pl.String).alias(REASON), pl.lit(None, pl.String).alias(VERDICT)
        )
        if some.height:
            parts.append(choose(some, ways) if ways else _without_way(some))
    routed = pl.concat(parts, how="diagonal").sort(ORDINAL)
    return routed.with_columns(pl.col("@refused").alias(WHY)).drop("@refused")


def _without_way(users: pl.DataFrame) -> pl.DataFrame:
    return users.with_columns(pl.lit("rejected").alias(VERDICT), pl.lit(None, pl.String).alias(STRATEGY))


def _failed(refused: pl.DataFrame, batch: BatchRecord, job_id: str | None) -> pl.DataFrame:
    told = refused.select(ORDINAL, WHY).with_columns(pl.lit("failed").alias(VERDICT))
    return outcomes(told, strategy=batch.strategy, job_id=job_id)
