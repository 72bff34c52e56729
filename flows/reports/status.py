"""Where runs stand, read from their ledgers alone; looking never writes."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table

from connectors.errors import ConfigurationError
from flows.ledger.families import looked_at, refuse_purged
from flows.ledger.folder import find_run, runs_of
from flows.ledger.states import RunState
from flows.reports.page import write_page
from flows.reports.sections import family_parts
from flows.steps.finishing import standing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import RenderableType

    from flows.ledger.folder import RunFolder
    from flows.ledger.store import BatchRecord, Ledger


@contextmanager
def opened_ledger(name: str, state: Path) -> Iterator[tuple[RunFolder, Ledger]]:
    """Open the ledger of one run for reading."""
    folder = find_run(name, state)
    with looked_at(folder) as ledger:
        yield folder, ledger


def has_numbers(folder: RunFolder) -> bool:
    """Whether there is anything to count: a run has nothing before its users were read and judged."""
    return folder.summary.exists() or bool(folder.all("outcomes"))


@contextmanager
def ledger_with_numbers(name: str, state: Path) -> Iterator[tuple[RunFolder, Ledger]]:
    """Open the ledger of one run that a report can be made of.

    Raises:
        ConfigurationError: there is no such run, or it has read nobody yet.
    """
    with opened_ledger(name, state) as (folder, ledger):
        if not has_numbers(folder):
            raise ConfigurationError(
                f"Run {folder.run_id} has nothing to report yet: its users are being read.",
                "Look with `poolferry status`, and try again once they were judged.",
            )
        yield folder, ledger


def written_page(folder: RunFolder, ledger: Ledger, *, with_values: bool) -> Path:
    """Write the page of a run as it stands now, and tell where.

    Raises:
        ConfigurationError: values are asked for, and the run was purged.
    """
    if with_values:
        refuse_purged(folder)
    return write_page(folder, ledger, standing(folder, ledger), with_values=with_values)


def list_runs(state: Path) -> list[dict[str, Any]]:
    """All runs below a state folder, oldest first."""
    found = []
    for folder in (run for named in sorted(state.glob("*")) for run in runs_of(named)):
        with opened_ledger(str(folder.path), state) as (_, ledger):
            run = ledger.run()
            found.append(
                {"name": run.name, "run_id": run.run_id, "state": str(run.state),
                 "extracted": ledger.extracted(), "created": _time(run.created)}
            )  # fmt: skip
    return found


def runs_part(runs: list[dict[str, Any]], state: Path) -> RenderableType:
    """One line a run, or that there is none."""
    if not runs:
        return f"There are no runs in {state}. --state names another folder."
    table = Table(title="Runs", title_justify="left")
    for head in ("name", "run", "state", "users read", "begun (UTC)"):
        table.add_column(head, justify="right" if head == "users read" else "left")
    for run in runs:
        table.add_row(run["name"], run["run_id"], run["state"], f"{run['extracted']:,}", run["created"])
    return table


def run_status(name: str, state: Path) -> dict[str, Any]:
    """One run: its summary so far and every batch."""
    with opened_ledger(name, state) as (folder, ledger):
        run = ledger.run()
        summary = standing(folder, ledger) if has_numbers(folder) else None
        return {
            "run_id": run.run_id, "name": run.name, "state": str(run.state), "extracted": ledger.extracted(),
            "folder": str(folder.path), "summary": summary, "batches": [_batch(b) for b in ledger.batches()],
            "family": family_parts(folder, run.facts),
        }  # fmt: skip


def status_parts(status: dict[str, Any]) -> list[RenderableType]:
    """A headline, the verdicts, the batches."""
    parts: list[RenderableType] = [
        f"{status['name']}: run {status['run_id']} is {status['state']}; {status['extracted']:,} users read.",
    ]
    if status["summary"]:
        known = {name: count for name, count in status["summary"]["verdicts"].items() if count}
        head = "verdicts" if status["state"] == RunState.FINISHED else "verdicts so far"
        parts.append(f"{head}: " + (", ".join(f"{n} {c:,}" for n, c in known.items()) or "none"))
    return [*parts, *status["family"], batches_table(status["batches"]), f"Folder: {status['folder']}"]


def batches_table(batches: list[dict[str, Any]]) -> Table:
    """A narrow terminal breaks the two columns of two words each at their space, and no name or id."""
    table = Table(title="Batches", title_justify="left")
    for head in ("batch", "strategy, hashes", "users", "state", "job, its status"):
        table.add_column(
            head, justify="right" if head in ("batch", "users") else "left", no_wrap="," not in head
        )
    for batch in batches:
        way, job = ((batch["strategy"], batch["algorithm"]), (batch["job_id"], batch["status"]))
        table.add_row(
            str(batch["number"]), " ".join(filter(None, way)), f"{batch['users']:,}", batch["state"],
            " ".join(filter(None, job)),
        )  # fmt: skip
    return table


def _batch(batch: BatchRecord) -> dict[str, Any]:
    return {
        "number": batch.number, "strategy": batch.strategy, "algorithm": batch.algorithm,
        "users": batch.users, "state": str(batch.state), "attempt": batch.attempt, "job_id": batch.job_id,
        "status": batch.facts.get("status"),
    }  # fmt: skip


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
