"""Send every batch, one import job at a time, the next file written meanwhile.

``send_batch`` brings one batch from wherever it stands to ``settled``; a crash, a stop or another
worker's lease makes the next call go on from what the ledger says. Several workers share the batches.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING

from connectors.errors import TakenOverError
from flows.ledger.states import BatchState, RunState
from flows.steps.after_work import AFTER_WORK
from flows.strategies.chain import strategies_of, with_updates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from flows.ledger.store import BatchRecord
    from flows.steps.context import Context


def send(context: Context, send_one: Callable[[Context, int], None] | None = None) -> None:
    """Send what is not settled, as far as no other worker has it, and wait for the others.

    ``send_one`` is what a flow wraps in a task. What goes wrong in the clerk is told by the batch itself,
    which writes a missing file first.
    """
    if context.ledger.run().state is not RunState.SENDING:
        return
    send_one = send_one or send_batch
    looks = 0
    with ThreadPoolExecutor(1, "next-file") as clerk:
        while waiting := _waiting(context):
            batch = take_batch(context, waiting)
            looks = 0 if batch else looks + 1
            if batch is None:
                wait_for_others(context, "until the other workers have sent their batches", looks)
                continue
            with context.leases.held(batch.number), left_to_others(context):
                following = _write_following_file(context, batch, clerk)
                send_one(context, batch.number)
                wait(following)  # or a late clerk would lay a file there again that its job has taken
    context.folder.forget_import_files()
    context.folder.forget_lines()
    context.ledger.advance_run(RunState.PROVING)


def _waiting(context: Context) -> list[BatchRecord]:
    """Batches that are not settled: those with a job under way first, then in order.

    Who looks late may find that the others have sent everything and cut the work that comes after: that is
    no batch to be sent.
    """
    batches = [
        batch for batch in context.ledger.batches()
        if batch.state is not BatchState.SETTLED and batch.strategy != AFTER_WORK
    ]  # fmt: skip
    return sorted(batches, key=lambda batch: (not batch.state.in_flight, batch.number))


def take_batch(context: Context, waiting: Sequence[BatchRecord]) -> BatchRecord | None:
    """Claim the first batch that no other worker has.

    An account has one active import job (F3.14), so of all batches that travel by one only the first
    can be taken: it is the one whose job runs, or the next.
    """
    by_job = [batch for batch in waiting if batch.strategy == "import_job"]
    for batch in waiting:
        if batch not in by_job[1:] and context.leases.take(batch.number):
            return batch
    return None


@contextmanager
def left_to_others(context: Context) -> Iterator[None]:
    """Go on with something else where another worker has taken the work over."""
    try:
        yield
    except TakenOverError as error:
        context.progress.note(str(error))


def wait_for_others(context: Context, what: str, looks: int) -> None:
    """Say at the first of several looks what is waited for, and wait a moment."""
    if looks == 1:
        context.progress.stage(f"Waiting {what}", None, "")
    context.leases.pause()


def send_batch(context: Context, number: int) -> None:
    """Claim one batch and bring it to ``settled``."""
    if not context.leases.take(number):
        raise TakenOverError(
            f"Batch {number} is held by another worker.", "Run again once its lease has ended."
        )
    with context.leases.held(number):
        batch = context.ledger.batch(number)
        context.progress.note(f"batch {number} of {len(context.ledger.batches())}: {batch.users:,} users")
        ways = with_updates(strategies_of(context.loaded.settings, context.spec))
        ways[batch.strategy].send(context, number)


def _write_following_file(
    context: Context, now: BatchRecord, clerk: ThreadPoolExecutor
) -> list[Future[None]]:
    from flows.strategies.import_job import write_file  # noqa: PLC0415 - the strategy imports this file's context

    for batch in context.ledger.batches() if now.strategy == "import_job" else ():
        if batch.number > now.number and batch.state is BatchState.PLANNED and batch.strategy == "import_job":
            return [clerk.submit(write_file, context, batch)]
    return []
