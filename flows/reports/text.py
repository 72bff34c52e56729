"""The report for people as Markdown: it reads only the run's folder."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from flows.ledger.families import PURGED, PURGING, RETRY, ancestors_of, looked_at
from flows.ledger.segments import write_text
from flows.reports.delta import delta_parts, unmapped_parts
from flows.reports.markdown import table
from flows.reports.tables import check_id_map, write_id_map, write_tables
from flows.steps.family_verdicts import after_retries, in_the_end, retries_sentence
from flows.steps.finishing import standing
from mappings.reasons import reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.ledger.folder import RunFolder
    from flows.ledger.store import Ledger
    from flows.reports.tables import IdMap
    from flows.steps.finishing import Summary


def write_report(folder: RunFolder, ledger: Ledger) -> str:
    """Write ``report.md`` and the CSV files beside it, and return the text.

    A retry also brings the reports and the maps of ids of the runs that it retries up to date.
    """
    write_tables(folder, pl.scan_parquet(folder.verdicts))
    text = report_text(folder, ledger)
    write_text(text, folder.report)
    for ancestor in ancestors_of(folder):
        with looked_at(ancestor) as its_ledger:
            write_id_map(ancestor, in_the_end(ancestor))
            write_text(report_text(ancestor, its_ledger), ancestor.report)
    return text


def report_text(folder: RunFolder, ledger: Ledger) -> str:
    """The report of a run, finished or not."""
    summary = standing(folder, ledger)
    run = ledger.run()
    parts = [
        f"# {run.name}: run {run.run_id}",
        _headline(summary),
        *family_parts(folder, run.facts),
        table(("verdict", "users"), [(name, f"{count:,}") for name, count in summary["verdicts"].items()]),
        *_reason_parts(summary),
        *_job_parts(summary),
        *_hash_parts(run.facts, ledger),
        *_left_out_parts(summary),
        *delta_parts(run.facts),
        *unmapped_parts(run.facts),
        *_drift_parts(run.facts),
        *_file_parts(folder, run.facts),
    ]
    return "\n\n".join(parts) + "\n"


def _headline(summary: Summary) -> str:
    sums = "add up" if summary["balanced"] else "do not add up yet"
    return (
        f"State: {summary['state']}. {summary['extracted']:,} users were read and their verdicts {sums}. "
        f"Seconds: {summary['seconds']:,.1f}."
    )


def family_parts(folder: RunFolder, facts: Mapping[str, Any]) -> list[str]:
    """What came after the run or before it: a parent, retries, a rollback, a purge."""
    retry, rollback = facts.get(RETRY), facts.get("rollback") or {}
    ends = facts.get("after_retries") if PURGING in facts else after_retries(folder)
    parts = []
    if retry:
        missing = f", {retry['missing']:,} of whom the source has no more" if retry.get("missing") else ""
        parts.append(
            f"A retry of run {retry['parent']}: {retry['users']:,} users were to be retried{missing}."
        )
    if ends:
        parts.append(f"With its retries ({', '.join(ends['retries'])}), {retries_sentence(ends)}.")
    if counts := rollback.get("counts"):
        left = sum(counts["refused"].values())
        parts.append(
            f"Rolled back: {counts['deleted']:,} users were deleted, {counts['gone_already']:,} were gone "
            f"already, {left:,} were left alone."
        )
    elif rollback:
        parts.append("A rollback has begun and is not done: `poolferry rollback` goes on with it.")
    if PURGED in facts:
        parts.append("Purged: the run knows counts and reasons, and nobody any more.")
    return parts


def _file_parts(folder: RunFolder, facts: Mapping[str, Any]) -> list[str]:
    """The files beside the report, and how complete the map of ids is."""
    if PURGING in facts or not folder.verdicts.exists():
        return []
    ids = check_id_map(in_the_end(folder))
    rows = [
        *FILES.items(),
        *([("`rollback.csv`", "what the last rollback did")] if folder.rolled_back.exists() else []),
        *([("`vanished.csv`", "who has left the source")] if folder.vanished.exists() else []),
    ]
    return [
        "## Files beside this report",
        table(("file", "what is in it"), rows),
        _id_map_sentence(ids, facts),
    ]


def _id_map_sentence(ids: IdMap, facts: Mapping[str, Any]) -> str:
    if ids.is_complete:
        return f"`id_map.csv` is complete: all {ids.in_pool:,} users in the pool, each with their own `sub`."
    parts = [
        f"`id_map.csv` is not complete: of {ids.in_pool:,} users in the pool {ids.known:,} have a `sub`."
    ]
    if ids.in_pool > ids.known:
        read = facts.get("read_back")
        why = "the pool was not read back" if read is None else f"only {read:,} users were read back"
        parts.append(f"Of the others it is not, since {why}: `verify: full` reads everybody.")
    if ids.repeated:
        parts.append(f"{ids.repeated:,} rows have a `sub` that another row has: please report it.")
    return " ".join(parts)


FILES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "`reasons.csv`": "how many users have each reason, the most frequent first, and what to do",
        "`rejected.csv`": "who is rejected, and why",
        "`failed.csv`": "who has failed, and why",
        "`existing.csv`": "who was in the pool already",
        "`id_map.csv`": "old id, username and new `sub` of everybody in the pool, retries included",
        "`verdicts.parquet`": "one row a source user",
    }
)
"""Files that a run leaves beside its report."""


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


def _hash_parts(facts: dict[str, object], ledger: Ledger) -> list[str]:
    """Whom the pool did not take with a hash: they went another way, which their verdicts tell."""
    algorithms = facts.get("hashes_refused")
    if not isinstance(algorithms, list) or not algorithms:
        return []
    users = sum(batch.users for batch in ledger.batches() if batch.facts.get("hashes_refused"))
    told = (
        f"The pool refused import jobs with {', '.join(algorithms)} hashes (F2.2): {users:,} users went "
        "another way than with their hash, or are rejected as `pool_takes_no_hashes`."
    )
    return [told]


LACKS: Final = {
    "password": "the password",
    "disable": "being disabled",
    "link": "links to other providers",
    "mfa": "the second factor",
    "groups": "memberships of groups",
    "attributes": "changed attributes",
}
"""Step of the run → what a user lacks who is in the pool without it."""


def _left_out_parts(summary: Summary) -> list[str]:
    """What users lack although they are in the pool."""
    rows = [
        (LACKS.get(step, step), code, f"{count:,}", reason(code).sentence, reason(code).mend)
        for step, reasons in summary["left_out"].items()
        for code, count in reasons.items()
    ]
    if not rows:
        return []
    head = ("what is missing", "reason", "how often", "what it means", "what to do")
    return [
        "## What users lack although they are in the pool",
        table(head, rows),
        "`left_out.parquet` in the run's folder says who: `source_id`, `username`, `step`, `reason`.",
    ]


def _drift_parts(facts: dict[str, object]) -> list[str]:
    if "read_back" not in facts:
        return ["The pool was not read back (`verify: none`), so no `sub` is known."]
    drift = facts.get("drift") or {}
    if not isinstance(drift, dict) or not drift:
        return [f"{facts['read_back']:,} users were read back; every attribute arrived as it was sent."]
    rows = [(name, f"{count:,}") for name, count in drift.items()]
    return ["## Attributes that arrived differently", table(("attribute", "users"), rows)]
