"""Values in the form of the API."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings import convert

if TYPE_CHECKING:
    from mappings.texts import Convert


def column(*texts: str | None) -> pl.Series:
    return pl.Series("t", texts, dtype=pl.String)


@pytest.mark.parametrize(
    ("words", "answer"), [(convert.TRUE, "true"), (convert.FALSE, "false")], ids=["true", "false"]
)
def test_booleans_are_understood_in_any_case_and_with_white_space(
    words: tuple[str, ...], answer: str
) -> None:
    spellings = [form for word in words for form in (word, word.upper(), word.title(), f" {word}\t")]
    assert set(convert.booleans(column(*spellings)).to_list()) == {answer}


def test_what_is_no_boolean_has_no_answer() -> None:
    assert convert.booleans(column("true", "maybe", "2", "", " ", None)).to_list() == ["true", *[None] * 5]


def test_mfa_takes_its_words_and_booleans() -> None:
    texts = column("SMS", "totp", " email ", "on", "off", "TRUE", "no", "phone", None)
    assert convert.mfa_states(texts).to_list() == [
        "sms",
        "totp",
        "email",
        "on",
        "off",
        "on",
        "off",
        None,
        None,
    ]


def test_integers_lose_plus_sign_and_leading_zeros() -> None:
    texts = column("42", "+42", " 007 ", "-5", "1.0", "1e3", "12a", "", "9" * 30, None)
    assert convert.integers(texts).to_list() == ["42", "42", "7", "-5", *[None] * 6]


@pytest.mark.parametrize("text", ["+-1", "-+1", "--1", "++1", "+ 1", "- 1", "+-1.5", "+-007", "+", "-"])
@pytest.mark.parametrize("convert_column", [convert.integers, convert.numbers])
def test_a_number_has_one_sign_at_most(convert_column: Convert, text: str) -> None:
    assert convert_column(column(text)).to_list() == [None]


def test_numbers_keep_their_decimals() -> None:
    texts = column("3.50", "+3.5", "-007.25", "0.5", "00", "1,5", "1e3", ".5", "5.", "inf", None)
    assert convert.numbers(texts).to_list() == ["3.50", "3.5", "-7.25", "0.5", "0", *[None] * 6]


DAYS = st.dates(min_value=date(1, 1, 1), max_value=date(9999, 12, 31))


@settings(max_examples=150, deadline=None)
@given(DAYS)
def test_every_day_of_the_calendar_passes_unchanged(day: date) -> None:
    assert convert.dates("%Y-%m-%d")(column(day.isoformat())).to_list() == [day.isoformat()]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32))
def test_only_days_of_the_calendar_pass(year: int, month: int, day: int) -> None:
    """The pattern of the fast path knows the months and the leap years as the calendar does."""
    text = f"{year:04}-{month:02}-{day:02}"
    try:
        expected = date(year, month, day).isoformat()
    except ValueError:
        expected = None
    assert convert.dates("%Y-%m-%d")(column(text)).to_list() == [expected]


@pytest.mark.parametrize(
    ("written", "text", "expected"),
    [
        ("%d.%m.%Y", "10.12.1815", "1815-12-10"),
        ("%d.%m.%Y", "1.2.1990", "1990-02-01"),
        ("%m/%d/%Y", "02/01/1985", "1985-02-01"),
        ("%Y-%m-%d", " 1990-2-1", "1990-02-01"),
        ("%Y-%m-%d", "1990-02-01T00:00:00", None),
        ("%d.%m.%Y", "31.02.1990", None),
        ("iso", "1990-02-01", "1990-02-01"),
        ("iso", "1990-02-01T23:30:00-08:00", "1990-02-01"),
        ("iso", "1990-02-01 10:00:00.25", "1990-02-01"),
        ("iso", "1990-02-01T23:30-08:00", "1990-02-01"),
        ("iso", "1990-02-01 10:00", "1990-02-01"),
        ("iso", "yesterday", None),
        ("seconds", "-86400", "1969-12-31"),
        ("milliseconds", "633830400000", "1990-02-01"),
        ("filetime", "122783040000000000", "1990-02-01"),
        ("filetime", "9223372036854775807", None),
        ("%Y-%m-%d", "-001-02-03", None),
        ("%d.%m.%Y", "1.2.85", None),
        ("%d.%m.%Y", "1.2.985", None),
        ("%d.%m.%Y", "1.2.0985", "0985-02-01"),
        ("%m/%d/%Y", "02/01/85", None),
        ("%d.%m.%y", "1.2.85", "1985-02-01"),
        ("iso", "60-01-02", None),
        ("iso", "60-01-02T10:00:00Z", None),
        ("iso", "0060-01-02", "0060-01-02"),
    ],
)
def test_days_from_other_forms(written: str, text: str, expected: str | None) -> None:
    assert convert.dates(written)(column(text, None)).to_list() == [expected, None]


@pytest.mark.parametrize(
    ("written", "text", "expected"),
    [
        ("seconds", "1471453471", "1471453471"),
        ("seconds", " 1471453471.9 ", "1471453471"),
        ("seconds", "007", "7"),
        ("seconds", "12345678901234", None),
        ("milliseconds", "1471453471999", "1471453471"),
        ("filetime", "131159270719990000", "1471453471"),
        ("filetime", "0", None),
        ("iso", "2016-08-17T17:04:31Z", "1471453471"),
        ("iso", "2016-08-17T19:04:31.5+02:00", "1471453471"),
        ("iso", "2016-08-17 17:04:31", "1471453471"),
        ("iso", "2016-08-17T17:04Z", "1471453440"),
        ("iso", "2016-08-17T19:04+02:00", "1471453440"),
        ("iso", "2016-08-17T17:04", "1471453440"),
        ("iso", "2016-08-17 19:04+02:00", "1471453440"),
        ("iso", "2016-08-17 17:04", "1471453440"),
        ("iso", "2016-08-17T17", None),
        ("iso", "2016-08-17T17:04 noon", None),
        ("%d.%m.%Y %H:%M:%S", "17.08.2016 17:04:31", "1471453471"),
        ("%Y-%m-%d", "1970-01-02", "86400"),
        ("%Y-%m-%d", "70-01-02", None),
        ("iso", "70-01-02 10:00:00", None),
        ("seconds", "-62000000000", "-62000000000"),
        ("iso", "soon", None),
    ],
)
def test_seconds_since_1970(written: str, text: str, expected: str | None) -> None:
    assert convert.epochs(written)(column(text, None)).to_list() == [expected, None]


def test_years_of_two_digits_are_read_by_the_format_that_says_so() -> None:
    texts = column("01.02.1985", "01.02.85", "01.02.0085", None)
    days = convert.dates_in(["%d.%m.%Y", "%d.%m.%y"])(texts)
    assert days.to_list() == ["1985-02-01", "1985-02-01", "0085-02-01", None]


def test_one_column_may_hold_several_forms_of_iso() -> None:
    texts = column("1970-01-02", "1970-01-02T00:00:00Z", "1970-01-02 00:00:00", None)
    assert convert.epochs("iso")(texts).to_list() == ["86400", "86400", "86400", None]


@pytest.mark.parametrize(
    "written", ["%Y-%m-%d", "%d.%m.%y", "%d %B %Y", "%Y-%j", "%Y-%m-%dT%H:%M:%S%z", "iso"]
)
def test_formats_that_hold_a_whole_day(written: str) -> None:
    assert convert.understands(written)


@pytest.mark.parametrize("written", ["", "%Y", "%Y-%m", "%H:%M", "DD.MM.YYYY", "%Q", "%s"])
def test_formats_that_do_not(written: str) -> None:
    """A missing day would be made up, and a format of another kind would refuse everybody."""
    assert not convert.understands(written)


def test_many_days_take_the_same_way_as_one() -> None:
    days = [(date(1950, 1, 1) + timedelta(days=at)).strftime("%d.%m.%Y") for at in range(300)]
    texts = column(*days, *days, None)
    one_by_one = [convert.dates("%d.%m.%Y")(column(text)).item() for text in days]
    assert convert.dates("%d.%m.%Y")(texts).to_list() == [*one_by_one, *one_by_one, None]
