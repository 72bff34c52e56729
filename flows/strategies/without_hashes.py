"""A pool that refuses jobs with hashes: who would have travelled in one goes another way (F2.2, F2.3).

Nothing tells beforehand whether a pool takes hashes. An algorithm is asked for once a run; the answer stays
in the ledger. The same error can mean a broken log role, so that a refusal counts only where the pool makes
the same job without hashes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.cognito.import_job import job_name
from connectors.records import ALGORITHM
from flows.ledger.segments import write_parquet
from flows.ledger.states import BatchState
from flows.ledger.store import BatchRecord
from flows.steps.columns import ROUTED, STRATEGY, VERDICT, WHY, outcomes
from mappings.duplicates import ORDINAL
from mappings.rules import CSV_REASON

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from connectors.errors import RefusedJobError
    from flows.settings import StrategyName
    from flows.steps.context import Context
    from flows.strategies.base import Strategy

FACT: Final = "hashes_refused"
"""Fact of a run: the algorithms that its pool refuses; of a batch: that its users went another way."""

REASON_CODE: Final = "pool_takes_no_hashes"


def are_refused(context: Context, batch: BatchRecord) -> bool:
    """Whether this run knows already that the pool refuses the batch's algorithm."""
    return batch.algorithm in context.ledger.run().facts.get(FACT, ())


def believe(context: Context, batch: BatchRecord, error: RefusedJobError) -> None:
    """Write down that the pool refuses the batch's algorithm.

    Raises:
        RefusedJobError: it makes no job at all, or the batch has no hashes: that is another trouble.
    """
    if batch.algorithm is None:
        raise error
    run = context.ledger.run()
    plain = [each for each in context.ledger.batches() if each.job_id and each.algorithm is None]
    if not plain and FACT not in run.facts:
        name = job_name(context.ledger.run_id, batch.number, 0)
        role = context.loaded.settings.target.log_role_arn or ""
        _ = context.jobs.find(name) or context.jobs.create(name, role)  # never started: it expires (F3.17)
    context.ledger.advance_run(run.state, **{FACT: sorted({*run.facts.get(FACT, ()), batch.algorithm})})


def hand_on(context: Context, batch: BatchRecord, strategies: Mapping[StrategyName, Strategy]) -> BatchRecord:
    """Give everybody of a batch another way, or the verdict that there is none; nothing of it was sent."""
    routed = _routed(context, batch, strategies)
    context.progress.note(
        f"The pool refuses import jobs with {batch.algorithm} hashes (F2.2): {batch.users:,} users of batch "
        f"{batch.number} go another way."
    )
    known = [each for each in context.ledger.batches() if each.facts.get("parent") == batch.number]
    for strategy, users in list(_children(routed, strategies))[len(known) :]:
        _add(context, batch, strategy, users)
    ended = routed.filter(pl.col(VERDICT).is_not_null())
    write_parquet(outcomes(ended), context.folder.outcomes(f"batch-{batch.number:04d}"))
    context.folder.import_file(batch.number).unlink(missing_ok=True)
    handed_on = batch.users - ended.height
    return context.ledger.advance(batch, BatchState.SETTLED, hashes_refused=True, handed_on=handed_on)


def _routed(
    context: Context, batch: BatchRecord, strategies: Mapping[StrategyName, Strategy]
) -> pl.DataFrame:
    members = pl.read_parquet(context.folder.batch_users(batch.number))
    users = context.folder.scan_users().select(ROUTED).join(members.lazy(), on=ORDINAL, how="semi").collect()
    from flows.strategies.chain import choose  # noqa: PLC0415 - the chain imports the strategy that uses this

    wish = context.spec.password_hash.without if context.spec.password_hash else None
    against = pl.lit(None if wish == "reset" else REASON_CODE, pl.String).alias(CSV_REASON)
    found = choose(users.with_columns(against, pl.lit(None, pl.String).alias(VERDICT)), strategies)
    why = pl.when(pl.col(VERDICT) == "rejected").then(pl.lit(REASON_CODE)).otherwise(WHY)
    return found.with_columns(why.alias(WHY), pl.lit(None, pl.String).alias(ALGORITHM)).sort(ORDINAL)


def _children(
    routed: pl.DataFrame, strategies: Mapping[StrategyName, Strategy]
) -> Iterator[tuple[str, pl.DataFrame]]:
    """The new batches, the same and in the same order every time."""
    travellers = routed.filter(pl.col(VERDICT).is_null())
    for name, strategy in strategies.items():
        users = travellers.filter(pl.col(STRATEGY) == name).select(ORDINAL)
        rows, _ = strategy.batch_limits()
        yield from ((name, part) for part in users.iter_slices(rows) if part.height) if rows else ()


def _add(context: Context, batch: BatchRecord, strategy: str, users: pl.DataFrame) -> None:
    number = max(other.number for other in context.ledger.batches()) + 1
    write_parquet(users, context.folder.batch_users(number))
    facts = {"parent": batch.number, "bytes": 0}
    context.ledger.add_batch(
        BatchRecord(number, strategy, None, users.height, BatchState.PLANNED, 1, None, None, None, facts)
    )
