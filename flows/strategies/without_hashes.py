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
from flows.steps.columns import ROUTED, ROW_BYTES, VERDICT, WHY, outcomes
from flows.steps.cutting import Cutter
from flows.steps.next_way import REFUSED_IN, has_child
from mappings.duplicates import ORDINAL
from mappings.rules import CSV_REASON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.errors import RefusedJobError
    from flows.ledger.store import BatchRecord
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
    if not has_child(context, batch):
        context.progress.note(
            f"The pool refuses import jobs with {batch.algorithm} hashes (F2.2): {batch.users:,} users of "
            f"batch {batch.number} go another way."
        )
        routed = _routed(context, batch, strategies)
        ways: dict[str, Strategy] = {str(name): way for name, way in strategies.items()}
        cutter = Cutter(context, ways, facts={REFUSED_IN: batch.number}, is_first=False)
        cutter.add(routed)
        ended = routed.filter(pl.col(VERDICT).is_not_null())
        write_parquet(outcomes(ended), context.folder.outcomes(f"batch-{batch.number:04d}"))
        context.ledger.add_batches(cutter.finish())
    context.folder.import_file(batch.number).unlink(missing_ok=True)
    return context.ledger.advance(batch, BatchState.SETTLED, hashes_refused=True)


def _routed(
    context: Context, batch: BatchRecord, strategies: Mapping[StrategyName, Strategy]
) -> pl.DataFrame:
    members = pl.read_parquet(context.folder.batch_users(batch.number))
    users = (
        context.folder.scan_users()
        .select(*ROUTED, ROW_BYTES)
        .join(members.lazy(), on=ORDINAL, how="semi")
        .collect()
    )
    from flows.strategies.chain import choose  # noqa: PLC0415 - the chain imports the strategy that uses this

    wish = context.spec.password_hash.without if context.spec.password_hash else None
    against = pl.lit(None if wish == "reset" else REASON_CODE, pl.String).alias(CSV_REASON)
    found = choose(users.with_columns(against, pl.lit(None, pl.String).alias(VERDICT)), strategies)
    why = pl.when(pl.col(VERDICT) == "rejected").then(pl.lit(REASON_CODE)).otherwise(WHY)
    return found.with_columns(why.alias(WHY), pl.lit(None, pl.String).alias(ALGORITHM)).sort(ORDINAL)
