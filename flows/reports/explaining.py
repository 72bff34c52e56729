"""How one user travelled: verdict and reason from the ledger, and the mapping's steps from the source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl
from rich.table import Table

from connectors.errors import ConfigurationError
from connectors.records import FILE, LINE, SOURCE_ID
from flows.ledger.families import DELTA, record_of, refuse_purged
from flows.ledger.folder import find_run
from flows.reports.sections import LACKS
from flows.steps.context import known_fields, source_of, spec_of
from flows.steps.corrected import as_it_stood, corrected_file, with_corrected
from flows.steps.family_verdicts import after_retries, in_the_end
from flows.steps.finishing import verdicts_of
from mappings.duplicates import ORDINAL
from mappings.engine import compile_mapping
from mappings.explain import Trace, explain
from mappings.reasons import reason
from mappings.rules import CSV_REASON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import RenderableType

    from flows.ledger.folder import RunFolder

ROW = "@row"
_ENDS: Final = {"deleted": "deleted", "gone_already": "was gone already", "refused": "left alone"}


def explain_user(name: str, user: str, state: Path, *, with_values: bool) -> Iterator[RenderableType]:
    """Tell the story of one user of a run.

    Args:
        name: the run.
        user: the user's id in the source.
        state: the folder of the runs.
        with_values: whether values are shown; passwords and hashes never are.

    Raises:
        ConfigurationError: there is no such run or user, or the run file has moved.
    """
    folder = find_run(name, state)
    refuse_purged(folder)
    rows = verdicts_of(folder).with_row_index(ROW).filter(pl.col("source_id") == user)
    if rows.is_empty():
        since = (record_of(folder).facts.get(DELTA) or {}).get("since")
        before = f" Who was unchanged is in run {since}, or in one before it." if since else ""
        raise ConfigurationError(
            "The run has no user of that id.",
            f"Give the id as the source writes it (`source_id` in verdicts.parquet).{before}",
        )
    for number, verdict in enumerate(rows.iter_rows(named=True)):
        table = _verdict_table(verdict, _why_not_by_job(folder, user, number))
        for step, code in _lacks(folder, user):
            table.add_row(f"lacks {LACKS.get(step, step)}", f"{code}: {reason(code).sentence}")
        yield table
        yield from _after_retries(folder, verdict[ROW])
        yield from _after_a_rollback(folder, verdict[ROW])
        yield steps_table(_traces(folder, user, number, with_values=with_values))


def _lacks(folder: RunFolder, user: str) -> list[tuple[str, str]]:
    """Step and reason of what the user lacks although they are in the pool."""
    if not folder.left_out.exists():
        return []
    mine = pl.scan_parquet(folder.left_out).filter(pl.col("source_id") == user)
    return mine.select("step", "reason").collect().rows()


def _after_retries(folder: RunFolder, row: int) -> Iterator[str]:
    """What retries have made of the user, where there are any."""
    if after_retries(folder) is None:
        return
    end = in_the_end(folder).slice(row, 1).collect().row(0, named=True)
    why = f", {end['reason']}" if end["reason"] else ""
    yield f"After retries: {end['verdict']}{why}."


def _after_a_rollback(folder: RunFolder, row: int) -> Iterator[str]:
    """What a rollback has made of the user, where it was the run that created them."""
    if not folder.rolled_back.exists():
        return
    ends = pl.scan_parquet(folder.rolled_back).filter(pl.col(ORDINAL) == row).select("end", "reason")
    for end, why in ends.collect().iter_rows():
        yield f"Rolled back: {_ENDS[end]}{f', {why}' if why else ''}."


def _why_not_by_job(folder: RunFolder, user: str, number: int) -> str | None:
    found = folder.scan_users().filter(pl.col(SOURCE_ID) == user).select(CSV_REASON).collect()
    code = found[CSV_REASON][number]
    return None if code is None else f"{code}: {reason(code).sentence}"


def _verdict_table(verdict: dict[str, Any], why_not_by_job: str | None) -> Table:
    table = Table(title="What became of the user", title_justify="left", show_header=False)
    for key in ("verdict", "reason", "strategy", "job_id", "file", "line", "sub"):
        table.add_row(key, "" if verdict[key] is None else str(verdict[key]))
    if why_not_by_job:
        table.add_row("not by an import job", why_not_by_job)
    if verdict["reason"]:
        text = reason(verdict["reason"])
        table.add_row("what it means", f"{text.sentence} {text.fact}".strip())
        table.add_row("what to do", text.mend)
    return table


def _traces(folder: RunFolder, user: str, number: int, *, with_values: bool) -> tuple[Trace, ...]:
    places = folder.scan_users().filter(pl.col(SOURCE_ID) == user).select(FILE, LINE)
    file, line = places.collect().row(number)
    loaded = as_it_stood(folder)
    if corrected := corrected_file(record_of(folder)):
        loaded = with_corrected(loaded, corrected)
    source, spec = source_of(loaded), spec_of(loaded)
    mapping = compile_mapping(
        spec,
        key=loaded.settings.source.get("key"),
        known_fields=known_fields(source, spec, loaded),
        base=loaded.base,
        where=str(loaded.path),
    )
    is_it = (pl.col(FILE) == file) & (pl.col(LINE) == line)
    if source.traits.live and mapping.key:  # where people come and go, somebody else may be in that line
        is_it = pl.col(mapping.key) == user
    for page in source.pages(mapping.fields):
        found = page.rows.filter(is_it)
        if found.height:
            return explain(mapping, found.select(mapping.fields).row(0, named=True), show=with_values)
    raise ConfigurationError(
        "The source no longer has the line that the user stood in.", "Put it back as it was."
    )


def steps_table(traces: tuple[Trace, ...]) -> Table:
    """A rule is named by what it fills, as in ``email`` or ``identities[0]``."""
    table = Table(title="Which rule gave which value", title_justify="left")
    for head in ("fills", "steps", "outcome", "value"):
        table.add_column(head, overflow="fold", no_wrap=head == "fills")
    for trace in traces:
        steps = " → ".join(f"{step.label}{' ✗' if step.bad else ''}" for step in trace.steps)
        table.add_row(trace.rule.removeprefix("attributes."), steps, trace.outcome, trace.text or "")
    return table
