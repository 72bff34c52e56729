"""Broken sources that claim what they do not do, or do what they do not claim."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from connectors.records import LINE
from connectors.sources.auth0_export import Auth0ExportSource
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


class ClaimsChanges(Honest):
    traits: ClassVar[SourceTraits] = SourceTraits(changed_since=True)


class TellsChangesUnclaimed(Honest):
    def changed(self, fields: Sequence[str], since: Cursor, after: Cursor | None = None) -> Iterator[Page]:
        del since
        return self.pages(fields, after)


class KeepsItsChangesToItself(HonestSql):
    traits: ClassVar[SourceTraits] = replace(HonestSql.traits, changed_since=False)


class KnowsNoMoment(HonestSql):
    def watermark(self) -> Cursor | None:
        return None


class MovesItsMomentOn(HonestSql):
    def changed(self, fields: Sequence[str], since: Cursor, after: Cursor | None = None) -> Iterator[Page]:
        return super().changed(fields, {**since, "updated_at": "int:4"}, after)


class TakesEverybodyForChanged(HonestSql):
    def changed(self, fields: Sequence[str], since: Cursor, after: Cursor | None = None) -> Iterator[Page]:
        del since
        return self.pages(fields, after)


class TellsTheFirstChangesAlone(HonestSql):
    def changed(self, fields: Sequence[str], since: Cursor, after: Cursor | None = None) -> Iterator[Page]:
        return islice(super().changed(fields, since, after), 1)


class BeginsChangesAnew(HonestSql):
    def changed(self, fields: Sequence[str], since: Cursor, after: Cursor | None = None) -> Iterator[Page]:
        del after
        return super().changed(fields, since)


class SkipsAPageOfChangesOnResume(HonestSql):
    def changed(self, fields: Sequence[str], since: Cursor, after: Cursor | None = None) -> Iterator[Page]:
        return islice(super().changed(fields, since, after), 1 if after else 0, None)


class GoesOnAmongEverybody(HonestSql):
    def changed(self, fields: Sequence[str], since: Cursor, after: Cursor | None = None) -> Iterator[Page]:
        return self.pages(fields, after) if after else super().changed(fields, since)


class ClaimsGroups(Honest):
    traits: ClassVar[SourceTraits] = SourceTraits(delivers=frozenset({"groups"}))


class KeepsItsGroupsToItself(HonestSql):
    traits: ClassVar[SourceTraits] = replace(HonestSql.traits, delivers=frozenset())


class HidesItsGroups(HonestSql):
    def fields(self) -> list[str]:
        return [name for name in super().fields() if name != "groups"]


class FindsNobodyInAGroup(HonestSql):
    def turned(self, page: Page) -> Page:
        nobody = pl.lit("[]").alias("groups")
        return replace(page, rows=page.rows.with_columns([nobody] if "groups" in page.rows.columns else []))


class HandsOutHashesUnclaimed(Honest):
    def fields(self) -> list[str]:
        return [*super().fields(), "credentials[0].passwordHash"]


class KeepsItsHashesToItself(Honest):
    traits: ClassVar[SourceTraits] = Auth0ExportSource.traits

    def fields(self) -> list[str]:
        return [name for name in super().fields() if name != "passwordHash"]


class LosesTheHashes(Honest):
    traits: ClassVar[SourceTraits] = Auth0ExportSource.traits

    def turned(self, page: Page) -> Page:
        return replace(page, rows=page.rows.with_columns(pl.lit(None, pl.String).alias("passwordHash")))


BROKEN_CLAIMS: list[tuple[str, type[Honest], Callable[[Specimen], None]]] = [
    ("csv", ClaimsParts, suite.parts_are_claimed_and_find_everybody_once),
    ("sql", KeepsItsPartsToItself, suite.parts_are_claimed_and_find_everybody_once),
    ("sql", LosesTheLastOfEachPart, suite.parts_are_claimed_and_find_everybody_once),
    ("sql", ReadsThePartsInOneStretch, suite.parts_are_claimed_and_find_everybody_once),
    ("sql", GivesEachPartLinesOfItsOwn, suite.parts_are_claimed_and_find_everybody_once),
    ("sql", GoesOnInTheFirstPartAlone, suite.stopping_parts_after_any_page_loses_nobody_and_repeats_nobody),
    ("sql", BeginsTheOtherPartsAnew, suite.stopping_parts_after_any_page_loses_nobody_and_repeats_nobody),
    ("csv", ClaimsChanges, suite.changes_are_claimed_and_hold_whoever_is_new_and_not_everybody),
    ("csv", TellsChangesUnclaimed, suite.changes_are_claimed_and_hold_whoever_is_new_and_not_everybody),
    ("sql", KeepsItsChangesToItself, suite.changes_are_claimed_and_hold_whoever_is_new_and_not_everybody),
    ("sql", KnowsNoMoment, suite.changes_are_claimed_and_hold_whoever_is_new_and_not_everybody),
    ("sql", MovesItsMomentOn, suite.changes_are_claimed_and_hold_whoever_is_new_and_not_everybody),
    ("sql", TakesEverybodyForChanged, suite.changes_are_claimed_and_hold_whoever_is_new_and_not_everybody),
    ("sql", TellsTheFirstChangesAlone, suite.changes_are_claimed_and_hold_whoever_is_new_and_not_everybody),
    ("sql", BeginsChangesAnew, suite.changes_go_on_behind_any_page),
    ("sql", SkipsAPageOfChangesOnResume, suite.changes_go_on_behind_any_page),
    ("sql", GoesOnAmongEverybody, suite.changes_go_on_behind_any_page),
    ("csv", ClaimsGroups, suite.what_is_claimed_to_be_delivered_arrives),
    ("sql", KeepsItsGroupsToItself, suite.what_is_claimed_to_be_delivered_arrives),
    ("sql", HidesItsGroups, suite.what_is_claimed_to_be_delivered_arrives),
    ("sql", FindsNobodyInAGroup, suite.what_is_claimed_to_be_delivered_arrives),
    ("auth0_export", LosesTheHashes, suite.what_is_claimed_to_be_delivered_arrives),
    ("csv", HandsOutHashesUnclaimed, suite.hashes_come_from_nobody_who_does_not_claim_them),
    ("auth0_export", KeepsItsHashesToItself, suite.hashes_come_from_nobody_who_does_not_claim_them),
]
"""Kind of the specimen, member that stands before it, and the promise that catches that one."""
