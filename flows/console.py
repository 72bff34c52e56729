"""What people see in a terminal: progress while it runs, tables at the end. Numbers and ids only."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.filesize import decimal
from rich.live import Live
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table
from rich.text import Text

from flows.logs import is_json
from flows.reports.costs import cost_rows
from flows.reports.delta import delta_lines, percent
from flows.reports.rollback_reasons import ROLLBACK_REASONS
from mappings.reasons import reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from flows.steps.finishing import Summary
    from flows.steps.forecast import Forecast
    from flows.steps.rolling_back import Rollback

_log = logging.getLogger(__name__)

WIDTH_WITHOUT_TERMINAL = 140
"""Columns of a table that goes into a file or a pipe, where ``COLUMNS`` does not say otherwise."""


def _console(*, stderr: bool) -> Console:
    """Texts stand there as they are: in an id or a value, brackets and colons are no mark-up."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDTH_WITHOUT_TERMINAL
    return Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


OUT = _console(stderr=False)
"""Results go to standard output."""

ERR = _console(stderr=True)
"""Progress, notes and errors go to standard error, so that ``--json`` stays clean."""


_LEVEL_OF = {"bold red": logging.ERROR, "yellow": logging.WARNING}
"""How grave it is what is said in a style; everything else is for information."""


def say(text: str, *, style: str | None = None) -> None:
    """Tell people something that is no result; long lines stay whole, so that they can be copied."""
    if is_json():
        _log.log(_LEVEL_OF.get(style or "", logging.INFO), "%s", text)
        return
    ERR.print(text, style=style, soft_wrap=True)


GOOD = {"imported", "created", "updated", "existing", "deferred"}

EXAMPLE_CHARACTERS = 24
"""Longest id that is shown as an example."""

SHOWN_STAGES = 12
"""Finished stages that stay above the running one; a run of a thousand jobs has thousands."""


NARROW = 100
"""Columns of a terminal below which bars are short and nothing tells the rate, so that no row breaks."""


class AmountColumn(ProgressColumn):
    """``2,281 / 3,000 users``; bytes as people read them."""

    def render(self, task: Task) -> Text:
        """Draw what is done, and of how much where that is known."""
        unit = str(task.fields.get("unit", ""))
        known = task.total is not None and not task.finished
        of = f" / {_amount(task.total or 0, unit)}" if known else ""
        return Text(f"{_amount(task.completed, unit)}{of}{_behind(unit)}")


class RateColumn(ProgressColumn):
    """Units a second since the stage began."""

    def render(self, task: Task) -> Text:
        """Draw the rate once there is something to divide."""
        seconds = task.finished_time or task.elapsed
        if not seconds or not task.completed:
            return Text("")
        unit = str(task.fields.get("unit", ""))
        return Text(f"{_amount(task.completed / seconds, unit)}{_behind(unit)}/s", style="dim")


def _amount(value: float, unit: str) -> str:
    return decimal(int(value)) if unit == "bytes" else f"{value:,.0f}"


def _behind(unit: str) -> str:
    """The unit behind a number; bytes have their own behind them already, as in ``279.6 kB``."""
    return "" if unit in ("", "bytes") else f" {unit}"


def _bars(console: Console) -> Progress:
    wide = console.width >= NARROW
    return Progress(
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20 if wide else 8),
        AmountColumn(Column(no_wrap=True)),
        *([RateColumn(Column(no_wrap=True))] if wide else []),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        console=console,
    )


class TerminalProgress:
    """One bar a stage; finished stages stay above with the time they took.

    Without a terminal (a log file, CI) each stage is one line at its beginning; where the log is JSON, it is
    one record.
    """

    def __init__(self, console: Console = ERR) -> None:
        self._console = console
        self._bars = _bars(console)
        self._live = Live(Group(self._bars), console=console, refresh_per_second=8)
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Show the bars, if somebody looks."""
        if self._console.is_terminal and not is_json():
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bars as they are at the end."""
        if kind is None:
            self._finish()
        self._live.stop()

    def stage(self, title: str, total: float | None, unit: str) -> None:
        """Begin a new bar."""
        self._finish()
        for old in self._bars.task_ids[:-SHOWN_STAGES]:
            self._bars.remove_task(old)
        self._task = self._bars.add_task(title, total=total, unit=unit)
        if is_json():
            _log.info("%s", title, extra={"stage": title, "total": total, "unit": unit})
        elif not self._console.is_terminal:
            self._console.print(f"{title} …")

    def update(self, done: float) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bars.update(self._task, completed=done)

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        if is_json():
            _log.info("%s", text)
            return
        self._console.print(text, style="dim", soft_wrap=True)

    def _finish(self) -> None:
        if self._task is None:
            return
        done = next(task.completed for task in self._bars.tasks if task.id == self._task)
        self._bars.update(self._task, total=done, completed=done)
        self._task = None


class _Retries(logging.Handler):
    """Shows each pause of ``connectors.retry``, and each wait for a lock."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say what is tried again, and when; a JSON log has the record itself."""
        if not is_json():
            say(record.getMessage(), style="dim")


@contextmanager
def retries_shown() -> Iterator[None]:
    """Say on standard error what is tried again and when: a silent wait looks like a hang."""
    shown = _Retries(logging.INFO)
    logs = [logging.getLogger(name) for name in ("connectors.retry", "flows.ledger.s3_lock")]
    before = [log.level for log in logs]
    for log in logs:
        log.addHandler(shown)
        log.setLevel(logging.INFO)
    try:
        yield
    finally:
        for log, level in zip(logs, before, strict=True):
            log.removeHandler(shown)
            log.setLevel(level)


def summary_table(summary: Summary) -> Table:
    """Verdicts that add up, one a line."""
    table = Table(title=f"Run {summary['run_id']}", title_justify="left", show_footer=True)
    table.add_column("verdict", footer="extracted")
    table.add_column("users", justify="right", footer=f"{summary['extracted']:,}")
    table.add_column("share", justify="right", footer="")
    total = summary["extracted"] or 1
    for name, count in summary["verdicts"].items():
        style = "dim" if not count else "green" if name in GOOD else "red"
        table.add_row(name, f"{count:,}", f"{count / total:.1%}", style=style)
    return table


def reasons_table(summary: Summary) -> Table | None:
    """Why users were rejected or failed, and what to do."""
    rows = [(kind, code, n) for kind, codes in summary["reasons"].items() for code, n in codes.items()]
    if not rows:
        return None
    table = Table(title="Reasons", title_justify="left")
    for head in ("verdict", "reason", "users", "what to do"):
        prose = head == "what to do"  # codes are copied, so only prose breaks
        table.add_column(
            head, justify="right" if head == "users" else "left", overflow="fold", no_wrap=not prose
        )
    for kind, code, count in rows:
        table.add_row(kind, code, f"{count:,}", reason(code).mend)
    return table


def rollback_table(found: Rollback) -> Table | None:
    """Why a rollback leaves users alone, and what to do."""
    if not found.refused:
        return None
    table = Table(title="Left alone", title_justify="left")
    for head in ("reason", "users", "what it means", "what to do"):
        prose = head.startswith("what")
        table.add_column(
            head, justify="right" if head == "users" else "left", overflow="fold", no_wrap=not prose
        )
    for code, users in found.refused.items():
        said = ROLLBACK_REASONS[code]
        table.add_row(code, f"{users:,}", said.sentence, said.mend)
    return table


def forecast_tables(forecast: Forecast) -> list[Table]:
    """The plan: ways, reasons with examples, batches, time, messages and cost."""
    made = (_ways(forecast), _why(forecast), _hashes(forecast), _batches(forecast), _price(forecast))
    return [table for table in made if table.row_count]


def _ways(forecast: Forecast) -> Table:
    table = Table(title="Where users would go", title_justify="left", show_footer=True)
    table.add_column("way", footer="extracted")
    table.add_column("users", justify="right", footer=f"{forecast.extracted:,}")
    for name, count in {
        **forecast.ways,
        "existing": forecast.existing,
        "rejected": forecast.rejected,
    }.items():
        table.add_row(name, f"{count:,}")
    return table


def _why(forecast: Forecast) -> Table:
    title = "Why users are rejected, or do not go by the first way"
    table = _stacked(title, "way", "users", "reason, examples, and what it means")
    for item in forecast.reasons:
        text = reason(item.reason)
        fact = f" ({text.fact})" if text.fact else ""
        examples = ", ".join(_short(example) for example in item.examples)
        lines = (item.reason, f"for example {examples}", text.sentence + fact)
        table.add_row(item.way, f"{item.users:,}", "\n".join(lines))
    return table


def _hashes(forecast: Forecast) -> Table:
    table = _stacked("Password hashes and first sign-ins", "scheme", "users", "way, and first sign-in")
    table.caption = "\n".join(f"· {note}" for note in forecast.notes) or None
    for row in forecast.hashes:
        lines = (row.way, row.reason and f"not with the hash: {row.reason}", row.experience)
        scheme = "\n".join(filter(None, (row.scheme, row.parameters)))
        table.add_row(scheme, f"{row.users:,}", "\n".join(filter(None, lines)))
    return table


def _stacked(title: str, key: str, count: str, prose: str) -> Table:
    """A table whose prose stands under what it explains: in columns of their own it would break to bits."""
    table = Table(title=title, title_justify="left", caption_justify="left", show_lines=True)
    table.add_column(key, no_wrap=True)
    table.add_column(count, justify="right", no_wrap=True)
    table.add_column(prose, overflow="fold")
    return table


def _short(example: str) -> str:
    return example if len(example) <= EXAMPLE_CHARACTERS else f"{example[: EXAMPLE_CHARACTERS - 1]}…"


def _batches(forecast: Forecast) -> Table:
    table = Table(title="Batches", title_justify="left")
    for head in ("batch", "strategy", "hashes", "users", "size"):
        table.add_column(head, justify="right" if head in ("batch", "users", "size") else "left")
    for batch in forecast.batches:
        size = decimal(batch.bytes) if batch.bytes else ""
        table.add_row(str(batch.number), batch.strategy, batch.algorithm or "", f"{batch.users:,}", size)
    return table


def _price(forecast: Forecast) -> Table:
    table = Table(title="What it takes", title_justify="left")
    table.add_column("what")
    table.add_column("value", justify="right")
    for label, value in cost_rows(forecast):
        table.add_row(label, value)
    for name, count in delta_lines(forecast.delta):
        table.add_row(name, f"{count:,}")
    for field, share in forecast.unread.items():
        table.add_row("nothing is taken from the field, which is filled for", f"{field}: {percent(share)}")
    return table
