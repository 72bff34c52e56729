"""One table of what was measured, for a terminal or as Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from tests.benchmarks.measuring import Cost

HEADS: Final = ("way", "users", "dirty", "CPU s", "wall s", "peak MB", "to polars", "csv to it")
NOTES: Final = (
    "CPU: processor seconds of the whole process in user and system mode; all numbers are medians.",
    "dirty: share of the users with something that must be mended or refused.",
    "to polars: its CPU seconds over those of a bare polars copy of the same file.",
    "csv to it: CPU seconds of the csv-module script over its own.",
    "bare rules: one polars query that maps, judges and writes the lines of tidy users, and keeps nothing.",
)


@dataclass(frozen=True, slots=True)
class Line:
    """Medians of one way.

    Attributes:
        way: its name.
        users: how many it carried.
        dirt: share of them with something to mend.
        cost: the medians.
        floor: CPU seconds of bare polars on the same file.
        script: CPU seconds of the csv module, or None where it was not measured.
    """

    way: str
    users: int
    dirt: float
    cost: Cost
    floor: float
    script: float | None

    def cells(self) -> tuple[str, ...]:
        """One text for each of ``HEADS``."""
        return (
            self.way,
            f"{self.users:,}",
            f"{self.dirt:.0%}",
            f"{self.cost.cpu:.2f}",
            f"{self.cost.wall:.2f}",
            f"{self.cost.peak / 1e6:,.0f}",
            f"{self.cost.cpu / self.floor:.2f} x",
            "" if self.script is None else f"{self.script / self.cost.cpu:.1f} x",
        )


def table(lines: Sequence[Line]) -> Table:
    """For a terminal."""
    from rich.table import Table  # noqa: PLC0415 - after the measuring

    made = Table(title="From a CSV of users to import files", caption="\n".join(NOTES),
                 title_justify="left", caption_justify="left")  # fmt: skip
    for head in HEADS:
        made.add_column(head, justify="left" if head == "way" else "right")
    for line in lines:
        made.add_row(*line.cells(), end_section=line.way == "csv module")
    return made


def markdown(lines: Sequence[Line]) -> str:
    """For a document."""
    rule = ("---", *("---:" for _ in HEADS[1:]))
    rows = (HEADS, rule, *(line.cells() for line in lines))
    notes = "".join(f"- {note}\n" for note in NOTES)
    return "".join(f"| {' | '.join(row)} |\n" for row in rows) + "\n" + notes
