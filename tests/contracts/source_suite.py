"""What every source must do; ``test_sources.py`` runs it on each kind that is registered, and the broken
members in ``test_the_source_contract_bites.py`` show that each promise can be broken.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl
import pytest

from connectors.errors import PoolferryError, SourceError
from connectors.records import FILE, LINE, REASON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from connectors.records import Cursor, Page
    from connectors.sources.base import ChangingSource, Delivers, Source

FIELDS = ("id", "name", "plan", "note")

PEOPLE: tuple[dict[str, str | None], ...] = (
    {"id": "00123", "name": "Ann Example", "plan": "pro", "note": " padded "},
    {"id": "1e5", "name": "Zoë Beispiel", "plan": "", "note": "007.0"},
    {"id": "007.0", "name": "=1+2", "plan": "none", "note": ""},
    {"id": "-0", "name": 'Muñoz; Peña, "Pep"', "plan": "free", "note": "two\nlines"},
    {"id": "18446744073709551617", "name": "NULL", "plan": "free", "note": "true"},
    {"id": "2020-01-02", "name": "李小龙", "plan": None, "note": None},
    {"id": "1.10", "name": "N/A", "plan": "pro", "note": "\ttab"},
    {"id": " 9", "name": "O'Neil-Example", "plan": "pro", "note": "[1, 2]"},
)
"""Texts that careless readers turn into numbers, dates, nothing or something else; None: not there."""

PARTS = 3
"""Parts that a source is read in which claims to read several at once."""

EMPTY = {None, "", "[]", "{}"}
"""What a field says of somebody who has nothing there."""

NEWCOMERS = 7
"""People who come after a watermark: more than two pages of them, where a specimen's pages hold three."""

HASHES = re.compile(r"(hash(es)?|digest|password|passwd|pwd|credentials?)(\[0\])?$", re.IGNORECASE)
"""How the names of fields end that hold hashes, in all systems that hand out any."""


@dataclass(frozen=True)
class Specimen:
    """A kind of source with known people in it.

    Attributes:
        source: makes the source anew, with pages so small that there are at least three.
        people: line, file and values of each readable person, in the order of the source.
        unreadable: line, file and reason of every line that is no person.
        change: changes what the source reads, as little as somebody could; where there is ``changing``, each
            call adds somebody who is new.
        failing: calls that must raise, among them reading what is broken or not there.
        grown: makes a source of so many people.
        schema: whether a field that does not exist is an error; else it is null for everybody.
        parts: makes the same source, reading so many parts at once; None where it claims no such thing.
        changing: makes the same source, able to tell who has changed, with no overlap behind its watermark;
            None where it claims no such thing.
        delivered: field by what it carries, of all that the source claims to deliver; somebody has each.
        close: ends what the specimen has started.
    """

    source: Callable[[], Source]
    people: Sequence[tuple[int, int, dict[str, str | None]]]
    change: Callable[[], object]
    failing: Sequence[Callable[[], object]]
    grown: Callable[[int], Source]
    unreadable: Sequence[tuple[int, int, str]] = ()
    schema: bool = True
    names: Sequence[str] = field(default=FIELDS)
    parts: Callable[[int], Source] | None = None
    changing: Callable[[], ChangingSource] | None = None
    delivered: Mapping[Delivers, str] = field(default_factory=dict)
    close: Callable[[], object] = lambda: None


def pages_of(source: Source, fields: Sequence[str], after: Page | None = None) -> list[Page]:
    """Read pages, from behind a page where one is given; its cursor travels as JSON, as in a ledger."""
    return list(source.pages(fields, json.loads(json.dumps(after.cursor)) if after else None))


def rows_of(pages: Sequence[Page]) -> list[tuple[object, ...]]:
    return [row for page in pages for row in page.rows.iter_rows()]


def unreadable_of(pages: Sequence[Page]) -> list[tuple[object, ...]]:
    return [row for page in pages for row in page.unreadable.iter_rows()]


def everybody_arrives_as_text_exactly_as_written(specimen: Specimen) -> None:
    found = rows_of(pages_of(specimen.source(), specimen.names))
    assert found == [
        (line, file, *(person[name] for name in specimen.names)) for line, file, person in specimen.people
    ]


def pages_have_the_agreed_columns(specimen: Specimen) -> None:
    for page in pages_of(specimen.source(), specimen.names):
        texts = dict.fromkeys(specimen.names, pl.String)
        assert dict(page.rows.schema) == {LINE: pl.UInt64, FILE: pl.UInt32, **texts}
        assert dict(page.unreadable.schema) == {LINE: pl.UInt64, FILE: pl.UInt32, REASON: pl.String}
        assert tuple(page.unreadable.columns) == (LINE, FILE, REASON)


def only_what_is_asked_for_is_delivered_in_that_order(specimen: Specimen) -> None:
    asked = [specimen.names[2], specimen.names[0]]
    for page in pages_of(specimen.source(), asked):
        assert page.rows.columns == [LINE, FILE, *asked]


def stopping_after_any_page_loses_nobody_and_repeats_nobody(specimen: Specimen) -> None:
    pages = pages_of(specimen.source(), specimen.names)
    assert len(pages) > 2, "the specimen's pages are too large to show anything"
    for number, page in enumerate(pages, 1):
        rest = pages_of(specimen.source(), specimen.names, after=page)
        assert rows_of(pages[:number]) + rows_of(rest) == rows_of(pages)
        assert unreadable_of(pages[:number]) + unreadable_of(rest) == unreadable_of(pages)


def nobody_stands_at_two_places(specimen: Specimen) -> None:
    pages = pages_of(specimen.source(), specimen.names)
    places = [row[:2] for row in rows_of(pages) + unreadable_of(pages)]
    assert len(set(places)) == len(places) == len(specimen.people) + len(specimen.unreadable)
    ids = [row[2] for row in rows_of(pages)]
    assert len(set(ids)) == len(ids)


def lines_that_are_no_people_are_told_with_their_place_and_reason(specimen: Specimen) -> None:
    assert unreadable_of(pages_of(specimen.source(), specimen.names)) == list(specimen.unreadable)


def progress_grows_to_one(specimen: Specimen) -> None:
    done = [page.done for page in pages_of(specimen.source(), specimen.names)]
    told = [share for share in done if share is not None]
    assert told == sorted(told)
    assert not told or (len(told) == len(done) and told[0] > 0 and told[-1] == 1.0)


def all_listed_fields_can_be_asked_for(specimen: Specimen) -> None:
    source = specimen.source()
    assert set(specimen.names) <= set(source.fields())
    for page in source.pages(source.fields()):
        assert page.rows.columns == [LINE, FILE, *source.fields()]


def a_field_that_does_not_exist_is_named_or_null(specimen: Specimen) -> None:
    if specimen.schema:
        with pytest.raises(SourceError, match=rf"'nmae'.*{specimen.names[1]}"):
            pages_of(specimen.source(), ["nmae"])
    else:
        assert {row[2] for row in rows_of(pages_of(specimen.source(), ["nmae"]))} == {None}


def a_count_is_exact_where_the_source_claims_to_count(specimen: Specimen) -> None:
    source = specimen.source()
    everybody = len(specimen.people) + len(specimen.unreadable)
    assert source.count() == (everybody if source.traits.counts else None)


def a_fingerprint_stays_until_the_content_changes_unless_that_is_alive(specimen: Specimen) -> None:
    before = specimen.source().fingerprint()
    assert specimen.source().fingerprint() == before
    specimen.change()
    assert (specimen.source().fingerprint() != before) is not specimen.source().traits.live


def a_source_that_can_be_read_passes_its_check(specimen: Specimen) -> None:
    specimen.source().check()


def errors_are_of_our_tree_and_hold_no_value(specimen: Specimen) -> None:
    assert specimen.failing
    values = {text for *_, person in specimen.people for text in person.values() if text and len(text) > 3}
    for call in specimen.failing:
        with pytest.raises(PoolferryError) as caught:
            call()
        assert not [text for text in values if text in str(caught.value)]
        assert caught.value.__cause__ is None, "a chained error would show its own text"


def pages_stay_as_small_however_many_people_there_are(specimen: Specimen) -> None:
    few, many = (max(page.rows.height for page in specimen.grown(size).pages(["id"])) for size in (200, 1600))
    assert many <= few + few // 2


def parts_are_claimed_and_find_everybody_once(specimen: Specimen) -> None:
    assert specimen.source().traits.partitions is (specimen.parts is not None)
    if specimen.parts is None:
        return
    pages = pages_of(specimen.parts(PARTS), specimen.names)
    _holds_everybody_once(specimen, pages)
    at_once = pages_of(specimen.parts(1), specimen.names)
    assert pages[-1].cursor != at_once[-1].cursor, (
        "three parts must be told from one, to go on in all of them"
    )


def stopping_parts_after_any_page_loses_nobody_and_repeats_nobody(specimen: Specimen) -> None:
    if specimen.parts is None:
        return
    pages = pages_of(specimen.parts(PARTS), specimen.names)
    for number, page in enumerate(pages, 1):
        rest = pages_of(specimen.parts(PARTS), specimen.names, after=page)
        _holds_everybody_once(specimen, [*pages[:number], *rest])


def _holds_everybody_once(specimen: Specimen, pages: Sequence[Page]) -> None:
    """In any order; places are numbers of the order, and nobody shares one."""
    people = [tuple(person[name] for name in specimen.names) for *_, person in specimen.people]
    assert Counter(row[2:] for row in rows_of(pages)) == Counter(people)
    reasons = Counter(reason for *_, reason in specimen.unreadable)
    assert Counter(row[2] for row in unreadable_of(pages)) == reasons
    places = [row[:2] for row in rows_of(pages) + unreadable_of(pages)]
    assert len(set(places)) == len(places)


def changes_are_claimed_and_hold_whoever_is_new_and_not_everybody(specimen: Specimen) -> None:
    source = specimen.source()
    assert source.traits.changed_since is (specimen.changing is not None)
    if specimen.changing is None:
        assert not hasattr(source, "changed")
        assert not hasattr(source, "watermark")
        return
    before, watermark = _names_in(pages_of(source, specimen.names)), _watermark(specimen)
    assert _names_in(_changed(specimen, watermark)) < before
    new = _newcomers(specimen, before)
    changed = _names_in(_changed(specimen, watermark))
    assert new <= changed
    assert not before <= changed


def changes_go_on_behind_any_page(specimen: Specimen) -> None:
    if specimen.changing is None:
        return
    watermark = _watermark(specimen)
    _newcomers(specimen, _names_in(pages_of(specimen.source(), specimen.names)))
    pages = _changed(specimen, watermark)
    assert len(pages) > 2, "the pages of changes are too large to show anything"
    for number, page in enumerate(pages, 1):
        rest = _changed(specimen, watermark, after=page)
        assert rows_of(pages[:number]) + rows_of(rest) == rows_of(pages)


def _watermark(specimen: Specimen) -> Cursor:
    """The present moment, as a ledger keeps it."""
    assert specimen.changing is not None
    mark = specimen.changing().watermark()
    assert mark is not None
    kept: Cursor = json.loads(json.dumps(mark))
    return kept


def _changed(specimen: Specimen, since: Cursor, after: Page | None = None) -> list[Page]:
    assert specimen.changing is not None
    place = json.loads(json.dumps(after.cursor)) if after else None
    return list(specimen.changing().changed(specimen.names, since, place))


def _newcomers(specimen: Specimen, before: set[object]) -> set[object]:
    """Let people come, and name them."""
    for _ in range(NEWCOMERS):
        specimen.change()
    new = _names_in(pages_of(specimen.source(), specimen.names)) - before
    assert len(new) == NEWCOMERS
    return new


def _names_in(pages: Sequence[Page]) -> set[object]:
    """What the first field says, by which the specimen's people differ."""
    return {row[2] for row in rows_of(pages)}


def what_is_claimed_to_be_delivered_arrives(specimen: Specimen) -> None:
    source, fields = specimen.source(), list(specimen.delivered.values())
    assert specimen.delivered.keys() == source.traits.delivers
    assert set(fields) <= set(source.fields())
    rows = rows_of(pages_of(source, fields)) if fields else []
    for at, name in enumerate(fields, 2):
        assert {row[at] for row in rows} - EMPTY, f"nobody has anything in {name}"


def hashes_come_from_nobody_who_does_not_claim_them(specimen: Specimen) -> None:
    source = specimen.source()
    named = {name for name in source.fields() if HASHES.search(name)}
    if "hashes" in source.traits.delivers:
        assert specimen.delivered["hashes"] in named
    else:
        assert not named


PROMISES: tuple[Callable[[Specimen], None], ...] = (
    everybody_arrives_as_text_exactly_as_written,
    pages_have_the_agreed_columns,
    only_what_is_asked_for_is_delivered_in_that_order,
    stopping_after_any_page_loses_nobody_and_repeats_nobody,
    nobody_stands_at_two_places,
    lines_that_are_no_people_are_told_with_their_place_and_reason,
    progress_grows_to_one,
    all_listed_fields_can_be_asked_for,
    a_field_that_does_not_exist_is_named_or_null,
    a_count_is_exact_where_the_source_claims_to_count,
    a_fingerprint_stays_until_the_content_changes_unless_that_is_alive,
    a_source_that_can_be_read_passes_its_check,
    errors_are_of_our_tree_and_hold_no_value,
    pages_stay_as_small_however_many_people_there_are,
    parts_are_claimed_and_find_everybody_once,
    stopping_parts_after_any_page_loses_nobody_and_repeats_nobody,
    changes_are_claimed_and_hold_whoever_is_new_and_not_everybody,
    changes_go_on_behind_any_page,
    what_is_claimed_to_be_delivered_arrives,
    hashes_come_from_nobody_who_does_not_claim_them,
)
