"""How much of the account's request rates a run has used: kept in its ledger by every process that works.

What a process has called since it last told is lost when it is killed, so that the counts are a lower bound.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from flows.ledger.states import RunState

if TYPE_CHECKING:
    from connectors.cognito.quotas import Governor
    from connectors.cognito.use import Use
    from flows.steps.context import Context

CALLS: Final = "calls"
"""Fact of a run: operation → ``calls``, ``throttled``, ``first`` and ``last`` (seconds since 1970 in UTC),
``category``, ``limit`` (requests a second of the account), ``share`` (what part the run takes) and ``origin``
(where the limit is known from)."""


def note_calls(context: Context) -> None:
    """Add to the ledger what this process has called of the pool since it last did.

    What comes after a run, as a rollback or a look at the pool, is no use of its.
    """
    if context.ledger.run().state is RunState.FINISHED:
        return
    governor = context.governor
    told = {operation: _noted(governor, operation, use) for operation, use in governor.tally.taken().items()}
    if told:
        context.ledger.change_fact(CALLS, lambda known: added(known or {}, told))


def _noted(governor: Governor, operation: str, use: Use) -> dict[str, Any]:
    allowance = governor.allowance(operation)
    return {
        **asdict(use), "category": allowance.category, "limit": allowance.limit, "share": allowance.share,
        "origin": allowance.origin,
    }  # fmt: skip


def added(known: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """What is known of calls, with what another process or another stretch tells."""
    return {**known, **{name: _sum(known.get(name), more) for name, more in told.items()}}


def _sum(one: dict[str, Any] | None, more: dict[str, Any]) -> dict[str, Any]:
    if one is None:
        return more
    return {
        **more,
        "calls": one["calls"] + more["calls"],
        "throttled": one["throttled"] + more["throttled"],
        "first": min(one["first"], more["first"]),
        "last": max(one["last"], more["last"]),
    }
