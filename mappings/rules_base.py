"""What a rule is, and how the rules that a page breaks become reason codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mappings.rules_looks import Looks

    Doubt = Callable[[pl.DataFrame, Looks], pl.Series | None]
    """Which rows of a page are in doubt; None stands for all of them."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be wrong with a row.

    Attributes:
        code: the reason code.
        columns: the text columns that it reads; a page that lacks one of them cannot break the rule.
        bad: Boolean expression a row; null counts as false.
        possible: says from whole-column looks whether any row of the page can be bad.
        doubt: finds, for less than ``bad`` costs, the only rows that can be bad; then ``bad`` reads
            nothing but ``columns``. Rules with the same ``doubt`` are asked together.
    """

    code: str
    columns: tuple[str, ...]
    bad: pl.Expr
    possible: Callable[[Looks], bool]
    doubt: Doubt | None = None


def write_reasons(frame: pl.DataFrame, rules: Iterable[Rule], looks: Looks, column: str) -> pl.DataFrame:
    """Fill ``column`` where it is null with the code of the first rule that a row breaks."""
    asked = [rule for rule in rules if looks.keys() >= set(rule.columns) and rule.possible(looks)]
    broken: dict[str, pl.Series] = {}
    for doubt in dict.fromkeys(rule.doubt for rule in asked):
        together = [rule for rule in asked if rule.doubt is doubt]
        broken |= _broken(frame, together, doubt(frame, looks) if doubt else None)
    if not broken:
        return frame
    given, found = frame[column], pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
    for rule in reversed(asked):
        if rule.code in broken:
            found = found.scatter(broken[rule.code].arg_true(), rule.code)
    return frame.with_columns(given.zip_with(given.is_not_null(), found).alias(column))


def _broken(frame: pl.DataFrame, rules: Sequence[Rule], doubt: pl.Series | None) -> dict[str, pl.Series]:
    """The rows that break each rule, for the rules that any row breaks."""
    if doubt is None:
        return _masks(frame, rules)
    columns = dict.fromkeys(name for rule in rules for name in rule.columns)
    places = doubt.arg_true()
    masks = _masks(frame.select(pl.col(*columns).gather(places)), rules)
    return {code: _marked(places.filter(mask), frame.height) for code, mask in masks.items()}


def _masks(frame: pl.DataFrame, rules: Sequence[Rule]) -> dict[str, pl.Series]:
    masks = frame.select(rule.bad.alias(rule.code) for rule in rules)
    return {mask.name: mask for mask in masks if mask.any()}


def _marked(places: pl.Series, height: int) -> pl.Series:
    return pl.Series([False]).new_from_index(0, height).scatter(places, values=True)
