"""Markdown tables of cells that are text already."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


_NUMBER: Final = re.compile(r"[\d,.]+( ?%)?")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a table, columns of numbers to the right; a ``|`` in a cell stays in its cell."""
    body = list(rows)
    aligned = [_aligned([row[at] for row in body]) for at in range(len(head))]
    lines = [head, aligned, *body]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _aligned(cells: Sequence[str]) -> str:
    """What stands below a head; who has no number in a column of numbers has an empty cell."""
    filled = [cell for cell in cells if cell]
    return "---:" if filled and all(_NUMBER.fullmatch(cell) for cell in filled) else "---"
