"""The report for people as Markdown: it reads only the run's folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from flows.ledger.families import ancestors_of, looked_at
from flows.ledger.segments import write_text
from flows.reports.delta import delta_parts, unmapped_parts
from flows.reports.markdown import table
from flows.reports.sections import (
    JOB_HEAD,
    LEFT_OUT_HEAD,
    REASON_HEAD,
    SIGN_IN_HEAD,
    drift_rows,
    drift_sentence,
    family_parts,
    file_rows,
    has_files,
    hashes_refused,
    headline,
    id_map_sentence,
    job_rows,
    left_out_rows,
    reason_rows,
    sign_in_rows,
)
from flows.reports.tables import write_id_map, write_tables
from flows.steps.family_verdicts import still_there
from flows.steps.finishing import standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.ledger.folder import RunFolder
    from flows.ledger.store import Ledger
    from flows.steps.finishing import Summary


def write_report(folder: RunFolder, ledger: Ledger) -> str:
    """Write ``report.html``, ``report.md`` and the CSV files beside them, and return the Markdown.

    A retry also brings the reports and the maps of ids of the runs that it retries up to date. The
    Markdown is written last: it stands for all of them.
    """
    write_tables(folder, pl.scan_parquet(folder.verdicts))
    text = write_texts(folder, ledger)
    for ancestor in ancestors_of(folder):
        retell(ancestor)
    return text


def retell(folder: RunFolder) -> None:
    """Bring the reports and the map of ids of a finished run up to date, after what came behind it."""
    with looked_at(folder) as ledger:
        if has_files(folder, ledger.run().facts):
            write_id_map(folder, still_there(folder))
            write_texts(folder, ledger)


def write_texts(folder: RunFolder, ledger: Ledger) -> str:
    """Write ``report.html`` and ``report.md`` alone, and return the Markdown."""
    from flows.reports.page import write_page  # noqa: PLC0415 - a template engine, needed at a run's end alone

    summary = standing(folder, ledger)
    write_page(folder, ledger, summary)
    text = _markdown(folder, ledger, summary)
    write_text(text, folder.report)
    return text


def report_text(folder: RunFolder, ledger: Ledger) -> str:
    """The report of a run, finished or not."""
    return _markdown(folder, ledger, standing(folder, ledger))


def _markdown(folder: RunFolder, ledger: Ledger, summary: Summary) -> str:
    run = ledger.run()
    parts = [
        f"# {run.name}: run {run.run_id}",
        headline(summary),
        *family_parts(folder, run.facts),
        table(("verdict", "users"), [(name, f"{count:,}") for name, count in summary["verdicts"].items()]),
        *_reason_parts(summary),
        *_job_parts(summary),
        *hashes_refused(run.facts, ledger),
        *_sign_in_parts(run.facts),
        *_left_out_parts(summary),
        *delta_parts(run.facts),
        *unmapped_parts(run.facts),
        *_drift_parts(run.facts),
        *_file_parts(folder, run.facts),
    ]
    return "\n\n".join(parts) + "\n"


def _file_parts(folder: RunFolder, facts: Mapping[str, Any]) -> list[str]:
    """The files beside the report, and how complete the map of ids is."""
    if not has_files(folder, facts):
        return []
    rows = [(f"`{name}`", text) for name, text in file_rows(folder)]
    return [
        "## Files beside this report",
        table(("file", "what is in it"), rows),
        id_map_sentence(folder, facts),
    ]


def _reason_parts(summary: Summary) -> list[str]:
    rows = reason_rows(summary)
    return ["## Reasons", table(REASON_HEAD, rows)] if rows else []


def _job_parts(summary: Summary) -> list[str]:
    rows = job_rows(summary)
    return ["## Import jobs", table(JOB_HEAD, rows)] if rows else []


def _sign_in_parts(facts: Mapping[str, Any]) -> list[str]:
    rows = sign_in_rows(facts)
    return ["## Password hashes and first sign-ins", table(SIGN_IN_HEAD, rows)] if rows else []


def _left_out_parts(summary: Summary) -> list[str]:
    """What users lack although they are in the pool."""
    rows = left_out_rows(summary)
    if not rows:
        return []
    return [
        "## What users lack although they are in the pool",
        table(LEFT_OUT_HEAD, rows),
        "`left_out.parquet` in the run's folder says who: `source_id`, `username`, `step`, `reason`.",
    ]


def _drift_parts(facts: Mapping[str, Any]) -> list[str]:
    if sentence := drift_sentence(facts):
        return [sentence]
    return ["## Attributes that arrived differently", table(("attribute", "users"), drift_rows(facts))]
