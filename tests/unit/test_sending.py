"""Who sends looks only at what is sent, whatever other workers do meanwhile."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

from connectors.cognito.use import Tally
from flows.ledger.states import BatchState, RunState
from flows.ledger.store import BatchRecord
from flows.steps.after_work import AFTER_WORK
from flows.steps.sending import send


def batch(number: int, strategy: str, state: BatchState) -> BatchRecord:
    return BatchRecord(number, strategy, None, 8, state, 1, None, None, None, {})


def test_what_another_worker_has_cut_for_landed_users_is_not_sent() -> None:
    """It waited for the last batch, and the other one was quicker to go on."""
    batches = [
        batch(1, "import_job", BatchState.SETTLED),
        batch(2, AFTER_WORK, BatchState.PLANNED),
    ]
    ledger = Mock(batches=lambda: batches, run=lambda: SimpleNamespace(state=RunState.SENDING))
    context: Any = SimpleNamespace(ledger=ledger, folder=Mock(), leases=Mock())
    sent = Mock()
    send(context, sent)
    sent.assert_not_called()
    ledger.advance_run.assert_called_once_with(RunState.PROVING)


def test_what_is_not_settled_is_sent() -> None:
    batches = [batch(1, "import_job", BatchState.PLANNED)]

    def settle(_: object, number: int) -> None:
        batches[number - 1] = batch(number, "import_job", BatchState.SETTLED)

    ledger = Mock(batches=lambda: batches, run=lambda: SimpleNamespace(state=RunState.SENDING))
    leases = Mock(held=lambda _: nullcontext())
    leases.take.return_value = True
    governor = SimpleNamespace(tally=Tally())
    context: Any = SimpleNamespace(ledger=ledger, folder=Mock(), leases=leases, governor=governor)
    send(context, settle)
    assert batches[0].state is BatchState.SETTLED
