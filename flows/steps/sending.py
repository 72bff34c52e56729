"""Send every batch, one import job at a time, the next file written meanwhile.

``send_batch`` brings one batch from wherever it stands to ``settled``; a crash, a stop or another
worker's lease makes the next call go on from what the ledger says.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from connectors.errors import TargetError
from flows.ledger.states import BatchState, RunState
from flows.strategies.chain import strategies_of, with_updates

if TYPE_CHECKING:
    from collections.abc import Callable

    from flows.ledger.store import BatchRecord
    from flows.steps.context import Context

LEASE_SECONDS = 900.0


def send(context: Context, send_one: Callable[[Context, int], None] | None = None) -> None:
    """Send what is not settled; ``send_one`` is what a flow wraps in a task.

    What goes wrong in the clerk is told by the batch itself, which writes a missing file first.
    """
    if context.ledger.run().state is not RunState.SENDING:
        return
    send_one = send_one or send_batch
    with ThreadPoolExecutor(1, "next-file") as clerk:
        while batch := next_batch(context):
            following = _write_following_file(context, batch, clerk)
            send_one(context, batch.number)
            wait(following)  # or a late clerk would lay a file there again that its job has taken
    context.folder.forget_import_files()
    context.ledger.advance_run(RunState.PROVING)


def next_batch(context: Context) -> BatchRecord | None:
    """The batch to work on now: one with a job under way first, then in order."""
    waiting = [batch for batch in context.ledger.batches() if batch.state is not BatchState.SETTLED]
    return min(waiting, key=lambda batch: (not batch.state.in_flight, batch.number), default=None)


def send_batch(context: Context, number: int) -> None:
    """Claim one batch and bring it to ``settled``."""
    owner = context.worker.name
    if not context.ledger.claim(number, owner, LEASE_SECONDS):
        raise TargetError(f"Batch {number} is held by another worker.", "Run again once its lease has ended.")
    batch = context.ledger.batch(number)
    context.progress.note(f"batch {number} of {len(context.ledger.batches())}: {batch.users:,} users")
    ways = with_updates(strategies_of(context.loaded.settings, context.spec))
    try:
        ways[batch.strategy].send(context, number)
    finally:
        context.ledger.release(number, owner)


def _write_following_file(
    context: Context, now: BatchRecord, clerk: ThreadPoolExecutor
) -> list[Future[None]]:
    from flows.strategies.import_job import write_file  # noqa: PLC0415 - the strategy imports this file's context

    for batch in context.ledger.batches():
        if batch.number > now.number and batch.state is BatchState.PLANNED and batch.strategy == "import_job":
            return [clerk.submit(write_file, context, batch)]
    return []
