"""How much of the account's request rates a run has used; live sign-ins draw on the same ones (F4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flows.steps.calls import CALLS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHORTEST: Final = 1.0
"""Seconds that calls must be spread over at least, or there is no average to tell."""


def call_rows(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row an operation: its name, what the ledger notes of it, and its ``rate``; the most calls first."""
    noted: dict[str, dict[str, Any]] = facts.get(CALLS, {})
    rows = [{"operation": name, **use, "rate": average([use])} for name, use in noted.items()]
    return sorted(rows, key=lambda row: (-row["calls"], row["operation"]))


def category_rows(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row a category that has an average: ``rate`` and ``limit`` in calls a second.

    ``used`` is the part of the limit that was used, ``share`` what the run takes at most, both in percent.
    """
    by_category: dict[str, list[dict[str, Any]]] = {}
    for use in facts.get(CALLS, {}).values():
        by_category.setdefault(use["category"], []).append(use)
    rows = [
        {
            "category": category,
            "rate": rate,
            "limit": uses[0]["limit"],
            "share": 100 * uses[0]["share"],
            "used": 100 * rate / uses[0]["limit"],
        }
        for category, uses in by_category.items()
        if (rate := average(uses)) is not None
    ]
    return sorted(rows, key=lambda row: -row["used"])


def average(uses: Sequence[Mapping[str, Any]]) -> float | None:
    """Calls a second from the first call to the last; each but the first has come after an interval."""
    seconds = max(use["last"] for use in uses) - min(use["first"] for use in uses)
    calls = sum(use["calls"] for use in uses)
    return (calls - 1) / seconds if seconds >= SHORTEST else None
