"""White space round a value goes, as the pool would cut it off (F1.21); an empty text is no value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from connectors.records import PASSWORD
from mappings.rules_looks import CONTROL, WIDE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mappings.rules_looks import Look, Looks


def tidied(frame: pl.DataFrame, looks: Looks, names: Iterable[str]) -> dict[str, pl.Series]:
    """Trim columns and put null for an empty text; passwords are not trimmed, for a space may be meant.

    Returns:
        Those of the columns ``names`` that changed.
    """
    return {name: _tidy(frame[name]) for name in names if _is_untidy(frame[name], looks[name])}


def _tidy(values: pl.Series) -> pl.Series:
    trimmed = values if values.name == PASSWORD else values.str.strip_chars()
    return pl.select(pl.when(trimmed != "").then(trimmed)).to_series()


def _is_untidy(values: pl.Series, look: Look) -> bool:
    """Any value is empty or has white space at an end; asks the values only where the look leaves it open."""
    if not look.filled or look.clean:
        return False
    if look.shortest == 0:
        return True
    if look.has(CONTROL, WIDE):
        return bool((values.str.strip_chars().str.len_bytes() < values.str.len_bytes()).any())
    return look.has(" ") and bool((values < "!").any() or values.str.ends_with(" ").any())
