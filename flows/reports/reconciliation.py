"""What a reconciliation says to people: counts, ids of runs and names of files, never a person."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from rich.markup import escape
from rich.table import Table

from flows.reports.markdown import table
from flows.reports.units import near
from flows.steps.context import spec_of
from flows.steps.differences import KINDS, TOLD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from flows.settings import LoadedRunFile
    from flows.steps.reconciled import Reconciliation

REPAIRS: Final = {
    "missing": "Repair: they come in again. First take out of the file who was deleted on purpose.",
    "replaced": "By hand: decide whose name it is. Once the other account is gone, they are `missing`.",
    "renamed": "By hand: mend the source, or the address in the pool; where they are `changed` as well, a "
    "repair takes note of the new name.",
    "altered": "Repair: they get the source's values. To keep the pool's, mend the source first.",
    "ungrouped": "Repair: they join it. To leave them out of it, mend the source first.",
    "access": "By hand: AdminDisableUser or AdminEnableUser, or mend the source. No run changes it.",
    "extra": "Nobody deletes them: look at them by their `sub`. From the next run on they are known.",
    "new": "Repair: they come in.",
    "changed": "Repair: they get what has changed.",
    "vanished": "Nobody deletes them. A repair names them in its `vanished.csv`, and they are known.",
    "late": "Retry: they are `existing` or `updated` then, if it is them.",
}
"""What to do about each difference; ``Repair`` and ``Retry`` are the commands below."""

BY_A_REPAIR: Final = ("missing", "altered", "ungrouped", "extra", "new", "changed", "vanished")
"""Differences that a repair mends, or takes note of."""

COUNTS: Final = {
    "expected": "users whom the runs left in the pool",
    "there": "of them there now",
    "left": "of them neither in the pool nor in the source any more",
    "compared": "of them known as they were in the pool",
    "deferred": "users left to the trigger",
    "arrived": "of them there now",
    "signed_in": "of them `CONFIRMED`: signed in, or have set a password with a code",
    "not_landed": (
        "users of the source whom no run has landed, by key: each once, without lines that cannot be read"
    ),
}

ALWAYS: Final = ("expected", "there", "compared")
"""Counts that are told also where they are 0."""

GROUPS_TOLD: Final = 20
"""So many groups are told with names, those that most users lack; ``summary.json`` has all of them."""

Rows = list[tuple[str, ...]]
Part = tuple[str, tuple[str, ...], Rows]
"""Title, heads and rows of a table."""


def commands_of(loaded: LoadedRunFile, found: Reconciliation) -> list[tuple[str, str]]:
    """The commands that ``REPAIRS`` names, where there is something to do for them."""
    file = loaded.state_folder / found.run_id / found.folder / "differences.csv"
    repair = shlex.join(["poolferry", "run", str(loaded.path), "--repair", str(file)])
    state = str(loaded.state_folder.parent)
    retries = [shlex.join(["poolferry", "retry", run_id, "--state", state]) for run_id in found.late_in]
    is_needed = any(found.differences[what] for what in BY_A_REPAIR)
    return [*([("Repair", repair)] if is_needed else []), *(("Retry", line) for line in retries)]


def _parts(found: Reconciliation) -> Iterator[Part]:
    differences: Rows = [
        (what, f"{count:,}", KINDS[what], REPAIRS[what])
        for what, count in found.differences.items()
        if count and what not in TOLD
    ]
    yield "What differs", ("difference", "users", "what it means", "what to do"), differences
    counts: Rows = [(name, f"{getattr(found, name):,}", text) for name, text in COUNTS.items()]
    counts = [row for row in counts if row[0] in ALWAYS or row[1] != "0"]
    yield "Users", ("count", "users", "what it means"), counts
    attributes: Rows = [
        (name, *(f"{counts.get(side, 0):,}" for side in ("pool", "source", "altered")))
        for name, counts in found.attributes.items()
    ]
    heads = ("attribute", "moved in the pool", "moved in the source", "altered")
    yield "Attributes that have moved since a run took the users", heads, attributes
    yield "Groups that users lack", ("group", "users"), _groups(found.groups)
    yield "Statuses now", ("status", "users"), _numbers(found.statuses)
    yield "What has become of their state", ("from → to", "users"), _numbers(found.moved)


def _groups(lacked: dict[str, int]) -> Rows:
    """A name may hold any sign, and is shown as it stands."""
    counts = list(lacked.items())
    others = len(counts) - GROUPS_TOLD
    rows = [("`{}`".format(name.replace("`", "'")), f"{count:,}") for name, count in counts[:GROUPS_TOLD]]
    return [*rows, *([(f"{others:,} others, in `summary.json`", "")] if others > 0 else [])]


def _unread(loaded: LoadedRunFile, found: Reconciliation) -> list[str]:
    """What was left out, and how it is had."""
    is_unread = found.differences["ungrouped"] is None and spec_of(loaded).groups
    return ["Who is in which group was not read: `--with-groups` does it."] if is_unread else []


def _numbers(counts: dict[str, int]) -> Rows:
    return [(name, f"{count:,}") for name, count in counts.items()]


def reconciliation_markdown(loaded: LoadedRunFile, found: Reconciliation) -> str:
    """Show what was found, and the commands that repair it."""
    parts = [
        f"# {loaded.settings.name}: run {found.run_id} against {_sides(found)}",
        f"{found.sentence[0].upper()}{found.sentence[1:]}.",
        *_unread(loaded, found),
        *(f"{name}:\n\n```console\n$ {line}\n```" for name, line in commands_of(loaded, found)),
        *(f"## {title}\n\n{table(heads, rows)}" for title, heads, rows in _parts(found) if rows),
    ]
    return "\n\n".join(parts) + "\n"


def reconciliation_parts(loaded: LoadedRunFile, found: Reconciliation) -> list[RenderableType]:
    """The same for a terminal; a command stays on one line, so that it can be copied."""
    tables = [_drawn(title, heads, rows) for title, heads, rows in _parts(found) if rows]
    lines = [f"{name}: {line}" for name, line in commands_of(loaded, found)]
    head = f"Run {found.run_id} against {_sides(found)}: {found.sentence}."
    return [head, *tables, *_unread(loaded, found), *lines, *_whose(loaded, found)]


def _whose(loaded: LoadedRunFile, found: Reconciliation) -> list[str]:
    """Where it stands who differs; nowhere where nobody does."""
    folder = loaded.state_folder / found.run_id / found.folder
    return [f"Who it is: {near(folder) / 'differences.csv'}"] if any(found.differences.values()) else []


def _sides(found: Reconciliation) -> str:
    return "source and pool" if found.with_source else "the pool"


def _drawn(title: str, heads: Sequence[str], rows: Rows) -> Table:
    drawn = Table(title=title, title_justify="left")
    numbers = ("users", "moved in the pool", "moved in the source", "altered")
    for head in heads:
        drawn.add_column(head, justify="right" if head in numbers else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*map(escape, row))
    return drawn
