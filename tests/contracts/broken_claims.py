"""Broken sources that claim what they do not do, or do what they do not claim."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from connectors.records import LINE
from connectors.sources.base import SourceTraits
from tests.contracts import source_suite as suite
from tests.contracts.honest_source import Honest, HonestSql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from connectors.records import Cursor, Page
    from tests.contracts.source_suite import Specimen


class ClaimsParts(Honest):
    traits: ClassVar[SourceTraits] = SourceTraits(partitions=True)


class KeepsItsPartsToItself(HonestSql):
    traits: ClassVar[SourceTraits] = replace(HonestSql.traits, partitions=False)


class LosesTheLastOfEachPart(HonestSql):
    def turned(self, page: Page) -> Page:
        return replace(page, rows=page.rows.head(-1))


class ReadsThePartsInOneStretch(HonestSql):
    def __init__(self, real: Any) -> None:
        super().__init__(real)
        real._settings = real._settings.model_copy(update={"parallel": 1})


class GivesEachPartLinesOfItsOwn(HonestSql):
    def turned(self, page: Page) -> Page:
        here = pl.int_range(1, pl.len() + 1, dtype=pl.UInt64).alias(LINE)
        return replace(page, rows=page.rows.with_columns(here))


class GoesOnInTheFirstPartAlone(HonestSql):
    def pages(self, fields: Sequence[str], after: Cursor | None = None) -> Iterator[Page]:
        return super().pages(fields, {**after, "ranges": 1} if after else None)


class BeginsTheOtherPartsAnew(HonestSql):
    def pages(self, fields: Sequence[str], after: Cursor | None = None) -> Iterator[Page]:
        if after is None:
            return super().pages(fields)
        first = next(super().pages(fields)).cursor
        kept = {name: value for name, value in after.items() if name.endswith(("0", "s", "row"))}
        others = {name: value for name, value in first.items() if name.endswith(("1", "2"))}
        return super().pages(fields, {**others, **kept})


BROKEN_CLAIMS: list[tuple[str, type[Honest], Callable[[Specimen], None]]] = [
    ("csv", ClaimsParts, suite.parts_are_claimed_and_find_everybody_once),
    ("sql", KeepsItsPartsToItself, suite.parts_are_claimed_and_find_everybody_once),
    ("sql", LosesTheLastOfEachPart, suite.parts_are_claimed_and_find_everybody_once),
    ("sql", ReadsThePartsInOneStretch, suite.parts_are_claimed_and_find_everybody_once),
    ("sql", GivesEachPartLinesOfItsOwn, suite.parts_are_claimed_and_find_everybody_once),
    ("sql", GoesOnInTheFirstPartAlone, suite.stopping_parts_after_any_page_loses_nobody_and_repeats_nobody),
    ("sql", BeginsTheOtherPartsAnew, suite.stopping_parts_after_any_page_loses_nobody_and_repeats_nobody),
]
"""Kind of the specimen, member that stands before it, and the promise that catches that one."""
