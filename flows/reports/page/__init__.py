"""``report.html``: a run for the browser, in one file that needs no network.

Its numbers are those of the ledger, counted by the functions that count for ``report.md`` as well.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connectors.cognito.limits import MAX_JOBS
from flows.ledger.families import DELTA
from flows.ledger.segments import write_text
from flows.reports.cards import finished_sentence
from flows.reports.delta import delta_lines, reads_sentence, unmapped_rows
from flows.reports.page.figures import parts_of, verdict_rows
from flows.reports.page.people import named_users
from flows.reports.page.quota_use import call_rows, category_rows
from flows.reports.page.rendering import rendered
from flows.reports.page.timeline import timeline
from flows.reports.sections import (
    JOB_HEAD,
    LEFT_OUT_HEAD,
    SIGN_IN_HEAD,
    drift_rows,
    drift_sentence,
    experiences,
    family_parts,
    file_rows,
    has_files,
    hashes_refused,
    id_map_sentence,
    job_rows,
    left_out_rows,
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
    values = {
        "run": _run(ledger, summary),
        "family": family_parts(folder, facts),
        "summary": summary,
        **_told_of_verdicts(summary, facts),
        **_told_of_work(ledger, summary, facts),
        **_told_of_data(summary, facts),
        **_told_of_people(folder, summary, facts, with_values=with_values),
    }
    return rendered({**values, "parts": parts_of(values), "data": _drawn(values)})


def _told_of_verdicts(summary: Summary, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "tiles": _tiles(summary),
        "verdicts": verdict_rows(summary),
        "reasons": reason_rows(summary),
        "experiences": experiences(facts),
        "sign_in_head": SIGN_IN_HEAD,
        "sign_ins": sign_in_rows(facts),
    }


def _told_of_work(ledger: Ledger, summary: Summary, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "time": timeline(ledger),
        "job_heads": [name.replace("_", " ") for name in JOB_HEAD],
        "jobs": job_rows(summary),
        "jobs_of_a_pool": MAX_JOBS,
        "refused_hashes": hashes_refused(facts, ledger),
        "calls": call_rows(facts),
        "categories": category_rows(facts),
    }


def _told_of_data(summary: Summary, facts: Mapping[str, Any]) -> dict[str, Any]:
    delta = facts.get(DELTA)
    changes = delta and {
        "since": delta["since"],
        "reads": reads_sentence(delta),
        "rows": [(text, f"{count:,}") for text, count in delta_lines(delta)],
        "gone": delta.get("vanished"),
    }
    return {
        "lacks_head": LEFT_OUT_HEAD,
        "lacks": left_out_rows(summary),
        "changes": changes,
        "unmapped": unmapped_rows(facts),
        "drift_sentence": drift_sentence(facts),
        "drift": drift_rows(facts),
        "read_back": facts.get("read_back"),
    }


def _told_of_people(
    folder: RunFolder, summary: Summary, facts: Mapping[str, Any], *, with_values: bool
) -> dict[str, Any]:
    """Nothing where the run is not finished or was purged: the files are not there, and nobody is named."""
    there = has_files(folder, facts)
    return {
        "has_files": there,
        "named": named_users(folder, summary, with_values=with_values) if there else [],
        "with_values": with_values,
        "files": file_rows(folder) if there else [],
        "id_map": id_map_sentence(folder, facts) if there else "",
    }


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
