"""``report.html``: a run for the browser, in one file that needs no network.

Its numbers are those of the ledger, counted by the functions that count for ``report.md`` as well.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connectors.cognito.limits import MAX_JOBS
from flows.ledger.segments import write_text
from flows.reports.cards import finished_sentence
from flows.reports.page.figures import verdict_rows
from flows.reports.page.people import named_users
from flows.reports.page.quota_use import call_rows, category_rows
from flows.reports.page.rendering import rendered
from flows.reports.page.timeline import timeline
from flows.reports.sections import (
    JOB_HEAD,
    SIGN_IN_HEAD,
    experiences,
    family_parts,
    has_files,
    hashes_refused,
    job_rows,
    reason_rows,
    sign_in_rows,
)
from flows.reports.units import duration
from flows.steps.columns import IN_THE_POOL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from flows.ledger.folder import RunFolder
    from flows.ledger.store import Ledger
    from flows.steps.finishing import Summary


def write_page(folder: RunFolder, ledger: Ledger, summary: Summary, *, with_values: bool = False) -> Path:
    """Write ``report.html`` into the run's folder, readable by its owner only.

    Args:
        folder: the run's folder.
        ledger: its ledger.
        summary: its numbers, as they are now.
        with_values: whether the page shows the attributes of the users whom it names. It is another file
            then, ``report-with-values.html``, so that nobody hands it on by mistake.
    """
    path = folder.page_with_values if with_values else folder.page
    write_text(page(folder, ledger, summary, with_values=with_values), path)
    return path


def page(folder: RunFolder, ledger: Ledger, summary: Summary, *, with_values: bool = False) -> str:
    """The page of a run, finished or not."""
    facts = ledger.run().facts
    named = named_users(folder, summary, with_values=with_values) if has_files(folder, facts) else []
    values = {
        "run": _run(ledger, summary),
        "tiles": _tiles(summary),
        "family": family_parts(folder, facts),
        "verdicts": verdict_rows(summary),
        "summary": summary,
        "reasons": reason_rows(summary),
        "named": named,
        "with_values": with_values,
        "time": timeline(ledger),
        "job_heads": [name.replace("_", " ") for name in JOB_HEAD],
        "jobs": job_rows(summary),
        "jobs_of_a_pool": MAX_JOBS,
        "calls": call_rows(facts),
        "categories": category_rows(facts),
        "experiences": experiences(facts),
        "sign_in_head": SIGN_IN_HEAD,
        "sign_ins": sign_in_rows(facts),
        "refused_hashes": hashes_refused(facts, ledger),
    }
    return rendered({**values, "data": _drawn(values)})


def _drawn(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the scripts draw: charts, and tables that are long."""
    return {
        "verdicts": [{"name": row["name"], "users": row["users"]} for row in values["verdicts"]],
        "reasons": [
            {"verdict": verdict, "code": code, "users": count}
            for verdict, reasons in values["summary"]["reasons"].items()
            for code, count in reasons.items()
        ],
        "categories": values["categories"],
        "experiences": list(values["experiences"].items()),
        "spans": values["time"]["spans"],
        "named": {each.verdict: each.rows for each in values["named"]},
    }


def _run(ledger: Ledger, summary: Summary) -> dict[str, Any]:
    run = ledger.run()
    return {
        "name": run.name, "id": run.run_id, "state": str(run.state), "pool": run.pool_id,
        "begun": _moment(run.created), "ended": _moment(run.finished), "sentence": finished_sentence(summary),
    }  # fmt: skip


def _tiles(summary: Summary) -> list[tuple[str, str, str]]:
    """Kind, number and label of what is seen first."""
    verdicts = summary["verdicts"]
    landed = sum(verdicts[name] for name in IN_THE_POOL)
    return [
        ("read", f"{summary['extracted']:,}", "read from the source"),
        ("imported", f"{landed:,}", "are in the pool"),
        ("deferred", f"{verdicts['deferred']:,}", "left to their first sign-in"),
        ("rejected", f"{verdicts['rejected']:,}", "rejected"),
        ("failed", f"{verdicts['failed']:,}", "failed"),
        ("time", duration(summary["seconds"]), "from start to end"),
    ]


def _moment(seconds: float | None) -> str:
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
