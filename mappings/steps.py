"""One step on a value's way, and the columns that a page has on that way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mappings.verbs import Run

_CLEAN = "@clean:"


def clean(field: str) -> str:
    """Name of the column in which a field's empty and blank texts are null."""
    return f"{_CLEAN}{field}"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a rule: text in, text out.

    Attributes:
        label: the step as the mapping calls it.
        run: the expression.
        checks: text in and null out is a bad value, and not just no value.
        minds_blanks: it must not be given empty or blank texts.
    """

    label: str
    run: Run
    checks: bool = False
    minds_blanks: bool = True
