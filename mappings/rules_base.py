"""What a rule is, and how the rules that a page breaks become reason codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mappings.rules_looks import Looks


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be wrong with a row.

    Attributes:
        code: the reason code.
        columns: the text columns that it reads; a page that lacks one of them cannot break the rule.
        bad: Boolean expression a row; null counts as false.
        possible: says from whole-column looks whether any row of the page can be bad.
    """

    code: str
    columns: tuple[str, ...]
    bad: pl.Expr
    possible: Callable[[Looks], bool]


def write_reasons(frame: pl.DataFrame, rules: Iterable[Rule], looks: Looks, column: str) -> pl.DataFrame:
    """Fill ``column`` where it is null with the code of the first rule that a row breaks."""
    asked = [rule for rule in rules if looks.keys() >= set(rule.columns) and rule.possible(looks)]
    if not asked:
        return frame
    masks = frame.select(rule.bad.alias(str(number)) for number, rule in enumerate(asked))
    broken = [(rule.code, mask) for rule, mask in zip(asked, masks, strict=True) if mask.any()]
    return fill(frame, broken, column)


def fill(frame: pl.DataFrame, broken: Iterable[tuple[str, pl.Series]], column: str) -> pl.DataFrame:
    """Fill ``column`` where it is null with the first code whose mask is true."""
    codes = [pl.when(pl.lit(mask)).then(pl.lit(code)) for code, mask in broken]
    return frame.with_columns(pl.coalesce(column, *codes)) if codes else frame
