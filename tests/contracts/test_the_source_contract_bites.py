"""Broken sources, each caught by the promise that it breaks: the suite is not vacuous."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl
import pytest
from _pytest.outcomes import Failed

from connectors.errors import SourceError
from connectors.records import LINE, REASON, Cursor, Page
from connectors.sources.base import SourceTraits
from tests.contracts import source_suite as suite
from tests.contracts.broken_claims import BROKEN_CLAIMS
from tests.contracts.honest_source import Honest, HonestSql, wrapped
from tests.contracts.source_specimens import SPECIMENS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.contracts.source_suite import Specimen


class LosesTheLastRowOfAPage(Honest):
    def turned(self, page: Page) -> Page:
        return replace(page, rows=page.rows.head(-1))


class TurnsTextIntoNumbers(Honest):
    def turned(self, page: Page) -> Page:
        number = pl.col("id").cast(pl.Int64, strict=False).cast(pl.String)
        return replace(page, rows=page.rows.with_columns(pl.coalesce(number, "id").alias("id")))


class DeliversNumbers(Honest):
    def turned(self, page: Page) -> Page:
        return replace(page, rows=page.rows.with_columns(pl.col("id").cast(pl.Float64, strict=False)))


class Trims(Honest):
    def turned(self, page: Page) -> Page:
        return replace(page, rows=page.rows.with_columns(pl.col(pl.String).str.strip_chars()))


class TakesEmptyForMissing(Honest):
    def turned(self, page: Page) -> Page:
        return replace(page, rows=page.rows.with_columns(pl.col(pl.String).replace("", None)))


class RepeatsAPageOnResume(Honest):
    def pages(self, fields: Sequence[str], after: Cursor | None = None) -> Iterator[Page]:
        before = None
        for page in self.real.pages(fields):
            if after is None or after in (before, page.cursor):
                yield page
                after = None
            before = page.cursor


class SkipsAPageOnResume(Honest):
    def pages(self, fields: Sequence[str], after: Cursor | None = None) -> Iterator[Page]:
        rest = super().pages(fields, after)
        if after is not None:
            next(rest, None)
        yield from rest


class ForgetsUnreadableLinesOnResume(Honest):
    def pages(self, fields: Sequence[str], after: Cursor | None = None) -> Iterator[Page]:
        for page in super().pages(fields, after):
            yield page if after is None else replace(page, unreadable=page.unreadable.clear())


class DeliversUnaskedFields(Honest):
    def pages(self, fields: Sequence[str], after: Cursor | None = None) -> Iterator[Page]:
        return super().pages(list(dict.fromkeys([*fields, "name"])), after)


class DeliversInItsOwnOrder(Honest):
    def turned(self, page: Page) -> Page:
        own, others = page.rows.columns[:2], page.rows.columns[2:]
        return replace(page, rows=page.rows.select(*own, *sorted(others)))


class CountsLinesFromZero(Honest):
    def turned(self, page: Page) -> Page:
        return replace(page, rows=page.rows.with_columns(pl.col(LINE) - 1))


class CountsUnreadableLinesFromZero(Honest):
    def turned(self, page: Page) -> Page:
        return replace(page, unreadable=page.unreadable.with_columns(pl.col(LINE) - 1))


class CountsLinesAnewOnEachPage(Honest):
    def turned(self, page: Page) -> Page:
        here = pl.int_range(1, pl.len() + 1, dtype=pl.UInt64).alias(LINE)
        return replace(page, rows=page.rows.with_columns(here))


class DropsUnreadableLines(Honest):
    def turned(self, page: Page) -> Page:
        return replace(page, unreadable=page.unreadable.clear())


class GivesOneReasonForEverything(Honest):
    def turned(self, page: Page) -> Page:
        return replace(page, unreadable=page.unreadable.with_columns(pl.lit("line_ragged").alias(REASON)))


class NeverArrives(Honest):
    def turned(self, page: Page) -> Page:
        return replace(page, done=(page.done or 0) / 2)


class HidesAField(Honest):
    def fields(self) -> list[str]:
        return super().fields()[1:]


class ListsAFieldThatIsNotThere(Honest):
    def pages(self, fields: Sequence[str], after: Cursor | None = None) -> Iterator[Page]:
        return super().pages([name for name in fields if name != "note"], after)


class MakesUpFields(Honest):
    def pages(self, fields: Sequence[str], after: Cursor | None = None) -> Iterator[Page]:
        known = [name for name in fields if name in self.fields()]
        for page in super().pages(known, after):
            missing = [pl.lit(None, pl.String).alias(name) for name in fields if name not in known]
            yield replace(page, rows=page.rows.with_columns(missing))


class CountsWrongly(Honest):
    traits: ClassVar[SourceTraits] = SourceTraits(counts=True)

    def count(self) -> int:
        return 7


class IsNeverTheSame(Honest):
    def fingerprint(self) -> str:
        return f"{super().fingerprint()}{id(self)}"


class IsAlwaysTheSame(Honest):
    def fingerprint(self) -> str:
        return "0"


class FailsItsCheck(Honest):
    def check(self) -> None:
        raise SourceError("It cannot be read.")


class ReadsEverythingIntoOnePage(Honest):
    def pages(self, fields: Sequence[str], after: Cursor | None = None) -> Iterator[Page]:
        pages = list(super().pages(fields, after))
        lost = pl.concat(page.unreadable for page in pages)
        yield replace(pages[-1], rows=pl.concat(page.rows for page in pages), unreadable=lost)


BROKEN: list[tuple[type[Honest], Callable[[Specimen], None]]] = [
    (LosesTheLastRowOfAPage, suite.everybody_arrives_as_text_exactly_as_written),
    (LosesTheLastRowOfAPage, suite.nobody_stands_at_two_places),
    (TurnsTextIntoNumbers, suite.everybody_arrives_as_text_exactly_as_written),
    (DeliversNumbers, suite.pages_have_the_agreed_columns),
    (Trims, suite.everybody_arrives_as_text_exactly_as_written),
    (TakesEmptyForMissing, suite.everybody_arrives_as_text_exactly_as_written),
    (RepeatsAPageOnResume, suite.stopping_after_any_page_loses_nobody_and_repeats_nobody),
    (SkipsAPageOnResume, suite.stopping_after_any_page_loses_nobody_and_repeats_nobody),
    (ForgetsUnreadableLinesOnResume, suite.stopping_after_any_page_loses_nobody_and_repeats_nobody),
    (ReadsEverythingIntoOnePage, suite.stopping_after_any_page_loses_nobody_and_repeats_nobody),
    (DeliversUnaskedFields, suite.only_what_is_asked_for_is_delivered_in_that_order),
    (DeliversInItsOwnOrder, suite.only_what_is_asked_for_is_delivered_in_that_order),
    (CountsLinesFromZero, suite.everybody_arrives_as_text_exactly_as_written),
    (CountsUnreadableLinesFromZero, suite.lines_that_are_no_people_are_told_with_their_place_and_reason),
    (CountsLinesAnewOnEachPage, suite.nobody_stands_at_two_places),
    (DropsUnreadableLines, suite.lines_that_are_no_people_are_told_with_their_place_and_reason),
    (GivesOneReasonForEverything, suite.lines_that_are_no_people_are_told_with_their_place_and_reason),
    (NeverArrives, suite.progress_grows_to_one),
    (HidesAField, suite.all_listed_fields_can_be_asked_for),
    (ListsAFieldThatIsNotThere, suite.all_listed_fields_can_be_asked_for),
    (MakesUpFields, suite.a_field_that_does_not_exist_is_named_or_null),
    (CountsWrongly, suite.a_count_is_exact_where_the_source_claims_to_count),
    (IsNeverTheSame, suite.a_fingerprint_stays_until_the_content_changes_unless_that_is_alive),
    (IsAlwaysTheSame, suite.a_fingerprint_stays_until_the_content_changes_unless_that_is_alive),
    (FailsItsCheck, suite.a_source_that_can_be_read_passes_its_check),
    (ReadsEverythingIntoOnePage, suite.pages_stay_as_small_however_many_people_there_are),
]


CASES = [
    *(("csv", member, promise) for member, promise in BROKEN),
    *BROKEN_CLAIMS,
]
"""Kind of the specimen, member that stands before it, and the promise that catches that one."""


@pytest.mark.parametrize(("kind", "member"), [("csv", Honest), ("sql", HonestSql)])
@pytest.mark.parametrize("promise", suite.PROMISES, ids=lambda promise: promise.__name__)
def test_an_honest_member_passes(
    promise: Callable[[Specimen], None], kind: str, member: type[Honest], tmp_path: Path
) -> None:
    """The wrapping itself breaks nothing."""
    promise(wrapped(SPECIMENS[kind](tmp_path), member))


@pytest.mark.parametrize(
    ("kind", "member", "promise"), CASES, ids=lambda each: each if isinstance(each, str) else each.__name__
)
def test_a_broken_member_is_caught(
    kind: str, member: type[Honest], promise: Callable[[Specimen], None], tmp_path: Path
) -> None:
    with pytest.raises((AssertionError, Failed, SourceError)):
        promise(wrapped(SPECIMENS[kind](tmp_path), member))


@pytest.mark.parametrize(
    ("left_out", "promise"),
    [
        ({"parts": None}, suite.parts_are_claimed_and_find_everybody_once),
        ({"changing": None}, suite.changes_are_claimed_and_hold_whoever_is_new_and_not_everybody),
        ({"delivered": {}}, suite.what_is_claimed_to_be_delivered_arrives),
    ],
    ids=["parts", "changing", "delivered"],
)
def test_a_specimen_that_shows_less_than_its_kind_claims_is_caught(
    left_out: dict[str, Any], promise: Callable[[Specimen], None], tmp_path: Path
) -> None:
    with pytest.raises(AssertionError):
        promise(replace(SPECIMENS["sql"](tmp_path), **left_out))


def _shows_a_value(specimen: Specimen) -> None:
    raise SourceError(f"Cannot read {specimen.people[0][2]['name']!r}.")


def _raises_another_tree(_: Specimen) -> None:
    raise ValueError("bad")


def _chains_the_cause(specimen: Specimen) -> None:
    raise SourceError("Cannot read.") from ValueError(specimen.people[0][2]["name"])


@pytest.mark.parametrize("fails", [_shows_a_value, _raises_another_tree, _chains_the_cause, lambda _: None])
def test_an_error_that_tells_too_much_is_caught(fails: Callable[[Specimen], None], tmp_path: Path) -> None:
    specimen = SPECIMENS["csv"](tmp_path)
    with pytest.raises((AssertionError, Failed, ValueError)):
        suite.errors_are_of_our_tree_and_hold_no_value(replace(specimen, failing=[partial(fails, specimen)]))


def test_every_promise_is_broken_by_somebody() -> None:
    """A promise that no broken member breaks may be one that cannot fail."""
    proved = {promise for *_, promise in CASES} | {suite.errors_are_of_our_tree_and_hold_no_value}
    assert set(suite.PROMISES) == proved
