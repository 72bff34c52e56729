"""What a run's page in Prefect says: counts, reason codes and ids of runs and jobs, never a person."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any, Final

from rich.filesize import decimal

from flows.reports.costs import cost_rows
from flows.reports.delta import delta_parts, unmapped_parts
from flows.reports.markdown import table
from flows.reports.rollback_reasons import ROLLBACK_REASONS
from flows.reports.sections import SIGN_IN_HEAD
from flows.steps.columns import IN_THE_POOL
from mappings.reasons import reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.ledger.folder import RunFolder
    from flows.steps.finishing import Summary
    from flows.steps.forecast import Forecast
    from flows.steps.purging import Purge
    from flows.steps.rolling_back import Rollback


def finished_sentence(summary: Summary) -> str:
    """Say how a run ended: ``finished: 2,988 of 3,000 landed``."""
    verdicts = summary["verdicts"]
    landed = sum(verdicts[name] for name in IN_THE_POOL)
    later = f", {verdicts['deferred']:,} left to their first sign-in" if verdicts["deferred"] else ""
    return f"{summary['state']}: {landed:,} of {summary['extracted']:,} landed{later}"


def summary_sentence(summary: Summary) -> str:
    """Say it with what did not go well; the text under an artifact's title."""
    verdicts = summary["verdicts"]
    refused = f"{verdicts['rejected']:,} rejected, {verdicts['failed']:,} failed"
    return f"Run {summary['run_id']} {finished_sentence(summary)}; {refused}."


def reason_rows(summary: Summary) -> list[dict[str, Any]]:
    """One row a reason: how many users, what it means and what to do."""
    return [
        {"verdict": verdict, **_reason_row(code, users)}
        for verdict, reasons in summary["reasons"].items()
        for code, users in reasons.items()
    ]


def forecast_sentence(forecast: Forecast) -> str:
    """Say in one line what a run would do."""
    going = sum(forecast.ways.values())
    return (
        f"{going:,} of {forecast.extracted:,} users would travel in {len(forecast.batches):,} batches; "
        f"{forecast.existing:,} are in the pool already, {forecast.rejected:,} would be rejected."
    )


def forecast_markdown(name: str, forecast: Forecast) -> str:
    """Show a forecast without its examples, which name users."""
    parts = [
        f"# {name}: what a run would do",
        forecast_sentence(forecast),
        _way_table(forecast),
        *_hash_parts(forecast),
        "## Batches",
        _batch_table(forecast),
        "## What it takes",
        table(("what", "value"), cost_rows(forecast)),
        *delta_parts({"delta": forecast.delta} if forecast.delta else {}),
        *unmapped_parts({"unmapped": forecast.unread}),
    ]
    return "\n\n".join(parts) + "\n"


def _way_table(forecast: Forecast) -> str:
    ways = {**forecast.ways, "existing": forecast.existing, "rejected": forecast.rejected}
    counts = {**ways, "extracted": forecast.extracted}
    return table(("way", "users"), [(way, f"{users:,}") for way, users in counts.items()])


def _batch_table(forecast: Forecast) -> str:
    rows = [
        (str(b.number), b.strategy, b.algorithm or "", f"{b.users:,}", decimal(b.bytes) if b.bytes else "")
        for b in forecast.batches
    ]
    return table(("batch", "strategy", "hashes", "users", "size"), rows)


def _hash_parts(forecast: Forecast) -> list[str]:
    if not forecast.hashes:
        return []
    rows = [
        (row.scheme, row.parameters, f"{row.users:,}", row.way, row.reason, row.experience)
        for row in forecast.hashes
    ]
    notes = "\n".join(f"- {note}" for note in forecast.notes)
    return ["## Password hashes and first sign-ins", table(SIGN_IN_HEAD, rows), *([notes] if notes else [])]


def forecast_reason_rows(forecast: Forecast) -> list[dict[str, Any]]:
    """One row a reason of a forecast, without its examples."""
    return [{"way": item.way, **_reason_row(item.reason, item.users)} for item in forecast.reasons]


def forecast_counts(forecast: Forecast) -> dict[str, Any]:
    """A forecast as JSON without its examples."""
    counts = forecast.to_json()
    reasons = [{key: each[key] for key in ("way", "reason", "users")} for each in counts["reasons"]]
    return {**counts, "reasons": reasons}


def rollback_markdown(name: str, found: Rollback) -> str:
    """Show what a rollback has done, or would do; counts alone."""
    rows = [
        (code, f"{users:,}", ROLLBACK_REASONS[code].sentence, ROLLBACK_REASONS[code].mend)
        for code, users in found.refused.items()
    ]
    left = ["## Left alone", table(("reason", "users", "what it means", "what to do"), rows)] if rows else []
    return "\n\n".join([f"# {name}: rollback", found.sentence, *left]) + "\n"


def purge_markdown(name: str, found: Sequence[Purge]) -> str:
    """Show what a purge has removed, or would remove, from a run and its retries; counts alone."""
    rows = [(one.run_id, f"{one.users:,}", f"{one.files:,}", f"{one.bytes:,}") for one in found]
    verb = "were" if all(one.done for one in found) else "would be"
    parts = [
        f"# {name}: purge",
        f"What {verb} removed:",
        table(("run", "users", "files", "bytes"), rows),
    ]
    return "\n\n".join(parts) + "\n"


def where_to_look(folder: RunFolder) -> str:
    """Say where the report and the lists of people lie, which nobody finds in Prefect."""
    parts = [
        "\n## Where to look",
        f"This report is `{folder.report}` on `{socket.gethostname()}`.",
        "Files beside it name people, and can be read by their owner alone.",
        f"```console\n$ poolferry report {folder.path}\n$ poolferry explain {folder.path} USER\n```",
    ]
    return "\n\n".join(parts) + "\n"


CONSOLES: Final = {"cn": "amazonaws.cn", "us-gov": "amazonaws-us-gov.com"}
"""Where the console of a partition is; everywhere else it is at ``aws.amazon.com``."""


def console_link(pool_id: str) -> tuple[str, str, str]:
    """Link, text and description of a pool's page in the AWS console; the id begins with its Region."""
    region = pool_id.partition("_")[0]
    hosts = (host for partition, host in CONSOLES.items() if region.startswith(f"{partition}-"))
    domain = next(hosts, "aws.amazon.com")
    link = f"https://{region}.console.{domain}/cognito/v2/idp/user-pools/{pool_id}/users?region={region}"
    aside = " This run went to AWS_ENDPOINT_URL instead." if "AWS_ENDPOINT_URL" in os.environ else ""
    return link, f"Users of {pool_id}", f"The pool {pool_id} in the AWS console.{aside}"


def _counted(title: str, head: str, counts: dict[str, int]) -> list[str]:
    rows = [(name, f"{count:,}") for name, count in counts.items()]
    return [f"## {title}", table((head, "users"), rows)] if rows else []


def _reason_row(code: str, users: int) -> dict[str, Any]:
    said = reason(code)
    return {"reason": code, "users": users, "meaning": said.sentence, "mend": said.mend}
