"""One step on a value's way, and the columns that a page has on that way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from typing import TYPE_CHECKING

import polars as pl

from mappings.texts import where_touched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mappings.texts import Bytes
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
        touches: the bytes that a text must hold, if it is not empty, for the step to change it; None
            where any text may change.
    """

    label: str
    run: Run
    checks: bool = False
    minds_blanks: bool = True
    touches: Bytes | None = None


def chained(steps: Sequence[Step], value: pl.Expr) -> pl.Expr:
    """Do steps that do not check, one after the other; those that touch little, to what they touch only."""
    for touches, together in groupby(steps, key=lambda step: step.touches is not None):
        found = list(together)
        value = _touching(found, value) if touches else _one_by_one(found, value)
    return value


def _touching(steps: Sequence[Step], value: pl.Expr) -> pl.Expr:
    touches = tuple(stretch for step in steps for stretch in step.touches or ())

    def convert(texts: pl.Series) -> pl.Series:
        return texts.to_frame("text").select(_one_by_one(steps, pl.col("text"))).to_series()

    return value.map_batches(
        lambda texts: where_touched(texts, touches, convert), return_dtype=pl.String, is_elementwise=True
    )


def _one_by_one(steps: Sequence[Step], value: pl.Expr) -> pl.Expr:
    return reduce(lambda expr, step: step.run(expr), steps, value)
