"""The report for people as Markdown: it reads only the run's folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.ledger.segments import write_text
from flows.reports.markdown import table
from flows.steps.finishing import summarise, verdicts_of
from mappings.reasons import reason

if TYPE_CHECKING:
    from flows.ledger.folder import RunFolder
    from flows.ledger.store import Ledger
    from flows.steps.finishing import Summary


def write_report(folder: RunFolder, ledger: Ledger) -> str:
    """Write ``report.md`` and return its text."""
    text = report_text(folder, ledger)
    write_text(text, folder.report)
    return text


def report_text(folder: RunFolder, ledger: Ledger) -> str:
    """The report of a run, finished or not."""
    summary = summarise(verdicts_of(folder), ledger)
    run = ledger.run()
    parts = [
        f"# {run.name}: run {run.run_id}",
        _headline(summary),
        table(("verdict", "users"), [(name, f"{count:,}") for name, count in summary["verdicts"].items()]),
        *_reason_parts(summary),
        *_job_parts(summary),
        *_refused_parts(run.facts),
        *_drift_parts(run.facts),
    ]
    return "\n\n".join(parts) + "\n"


def _headline(summary: Summary) -> str:
    sums = "add up" if summary["balanced"] else "do not add up yet"
    return (
        f"State: {summary['state']}. {summary['extracted']:,} users were read and their verdicts {sums}. "
        f"Seconds: {summary['seconds']:,.1f}."
    )


def _reason_parts(summary: Summary) -> list[str]:
    rows = [
        (kind, code, f"{count:,}", reason(code).sentence, reason(code).mend, reason(code).fact)
        for kind, reasons in summary["reasons"].items()
        for code, count in reasons.items()
    ]
    head = ("verdict", "reason", "users", "what it means", "what to do", "fact")
    return ["## Reasons", table(head, rows)] if rows else []


def _job_parts(summary: Summary) -> list[str]:
    names = (
        "job_id", "batch", "attempt", "rest_of", "algorithm", "users", "status",
        "imported", "skipped", "failed", "seconds",
    )  # fmt: skip
    rows = [tuple("" if job[name] is None else str(job[name]) for name in names) for job in summary["jobs"]]
    return ["## Import jobs", table(names, rows)] if rows else []


def _refused_parts(facts: dict[str, object]) -> list[str]:
    """What users lack although they have landed: they are enabled, or not in a group of theirs."""
    refused = facts.get("after_work_refused")
    if not isinstance(refused, dict):
        return []
    told = {"disable": "users who stay enabled", "join": "memberships of groups"}
    rows = [(text, f"{refused[name]:,}") for name, text in told.items() if refused.get(name)]
    return (
        ["## What the pool refused for users who have landed", table(("what", "calls"), rows)] if rows else []
    )


def _drift_parts(facts: dict[str, object]) -> list[str]:
    if "read_back" not in facts:
        return ["The pool was not read back (`verify: none`), so no `sub` is known."]
    drift = facts.get("drift") or {}
    if not isinstance(drift, dict) or not drift:
        return [f"{facts['read_back']:,} users were read back; every attribute arrived as it was sent."]
    rows = [(name, f"{count:,}") for name, count in drift.items()]
    return ["## Attributes that arrived differently", table(("attribute", "users"), rows)]
