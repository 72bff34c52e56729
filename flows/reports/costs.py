"""What a forecast says that a run takes: time, messages and money, as rows of texts for every page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.cognito.limits import MAU_PRICES, PRICES_AS_OF
from flows.reports.units import duration
from mappings.reasons import reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.steps.forecast import Forecast


def cost_rows(forecast: Forecast) -> list[tuple[str, str]]:
    """What it is, and how much."""
    return [*_times(forecast), *_counts(forecast), *_prices(forecast), *_warnings(forecast)]


def _times(forecast: Forecast) -> Iterator[tuple[str, str]]:
    if jobs_seconds := forecast.seconds["import_job"]:
        yield "import_job, at the slowest pace AWS has published (F3.39)", duration(jobs_seconds)
    for call in forecast.calls:
        pace = f"{call.limit * call.share:,.6g} of {call.limit:,.6g} a second ({call.origin}, F4.1)"
        label = f"{call.operation}, {call.calls:,} calls, {pace}"
        yield label, duration(forecast.seconds[call.operation])
    for call in forecast.calls:
        if call.note:
            yield f"  the limit of {call.category} is taken from", f"its default: {call.note}"


def _counts(forecast: Forecast) -> Iterator[tuple[str, str]]:
    jobs = sum(batch.strategy == "import_job" for batch in forecast.batches)
    yield "import jobs, of the 1,000 that a pool has in its life (F3.15)", f"{jobs:,}"
    yield "messages sent to users", f"{forecast.messages:,}"


def _prices(forecast: Forecast) -> Iterator[tuple[str, str]]:
    """An upper bound: the free users of a month are not taken off, and whom AWS is silent about is in."""
    whose, most = "their price", forecast.active_users + forecast.active_unknown
    yield (
        "users who become billable this month by the run itself (F8.2, F8.3)",
        f"{forecast.active_users:,}",
    )
    if forecast.active_unknown:
        whose = "the price of both"
        yield (
            "users of whom AWS does not say whether they become billable (F8.5)",
            f"{forecast.active_unknown:,}",
        )
    for price in MAU_PRICES:
        label = f"  {whose} in the {price.tier} plan, as noted on {PRICES_AS_OF} (F8.8)"
        yield label, f"at most ${most * price.usd:,.2f}"


def _warnings(forecast: Forecast) -> Iterator[tuple[str, str]]:
    """What is told only where there is somebody."""
    if forecast.aliases_taken:
        label = "users who take a sign-in name away from another user of the pool (F5.8)"
        yield label, f"{forecast.aliases_taken:,}"
    for code, users in forecast.left_out.items():
        if users:
            yield f"users of whom something is left out: {reason(code).sentence}", f"{users:,}"
