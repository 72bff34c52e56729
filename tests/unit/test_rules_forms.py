"""The forms of values: each short way to see that a column is fine agrees with the form itself."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.records import PoolAttribute
from mappings.rules_forms import DATE, EMAIL, PHONE_NUMBER, form_of, matching
from tests.unit.pool_rules import attribute

VALUE = pl.col("value")


def clean_and_bad(pattern: str, values: list[str | None]) -> tuple[list[bool | None], list[bool | None]]:
    form = matching(VALUE, pattern)
    frame = pl.DataFrame({"value": values}, schema={"value": pl.String})
    judged = frame.select(form.clean.alias("clean"), form.bad.alias("bad"))
    return judged["clean"].to_list(), judged["bad"].to_list()


def is_a_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def test_every_real_day_is_a_date_and_no_other() -> None:
    """F1.37: two centuries hold every case of the calendar; beside them the first and the last years."""
    years = [*range(1, 5), *range(1896, 2105), *range(9996, 10_000)]
    days = [(year, month, day) for year in years for month in range(14) for day in range(33)]
    clean, bad = clean_and_bad(DATE, [f"{year:04}-{month:02}-{day:02}" for year, month, day in days])
    assert clean == [is_a_day(*each) for each in days]
    assert bad == [not each for each in clean]


@pytest.mark.parametrize(
    "text", ["0000-01-01", "2024-1-01", " 2024-01-01", "2024-01-01\n", "20240-01-01", "٢٠٢٤-01-01"]
)
def test_what_only_resembles_a_date_is_none(text: str) -> None:
    assert clean_and_bad(DATE, [text]) == ([False], [True])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.none() | st.text(alphabet="+0123456789 -_.eE()٣\n", max_size=18), max_size=6))
def test_the_short_way_for_phone_numbers_says_what_the_pattern_says(values: list[str | None]) -> None:
    """F1.36; the null of a missing value counts as fine on either way."""
    clean, bad = clean_and_bad(PHONE_NUMBER, values)
    assert [each is not False for each in clean] == [not each for each in bad]


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="0123456789", min_size=1, max_size=17).map(lambda digits: f"+{digits}"))
def test_the_short_way_for_phone_numbers_counts_the_digits(value: str) -> None:
    clean, bad = clean_and_bad(PHONE_NUMBER, [value])
    assert clean == [value[1] in "123456789" and 2 <= len(value) - 1 <= 15]
    assert bad == [not each for each in clean]


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="aZ09.-_+'@é \"\\,;:<>()[]\n", max_size=12).map(lambda text: f"{text}@a.example"))
def test_a_usual_address_is_an_address_that_nobody_minds(value: str) -> None:
    """What is clean needs no trimming and no escape in a CSV."""
    (clean,), (bad,) = clean_and_bad(EMAIL, [value])
    assert not (clean and bad)
    assert not clean or not set(value) & set(' "\\,\n')


@pytest.mark.parametrize(
    ("name", "pool_type", "good", "wrong"),
    [
        ("custom:n", "Number", ["0", "-1", "12.50"], ["1.", ".5", "1e3", "+1", "1 ", "٣"]),
        ("custom:b", "Boolean", ["true", "false"], ["True", "1", "yes"]),
        ("custom:t", "DateTime", ["1471453471", "2024-02-29", "2024-02-29T10:00:00.5+01:00"],
         ["10:00", "2023-02-29"]),
        ("custom:s", "String", [], []),
    ],
)  # fmt: skip
def test_a_custom_attribute_has_the_form_of_its_type(
    name: str, pool_type: str, good: list[str], wrong: list[str]
) -> None:
    """F1.41."""
    form = form_of(PoolAttribute(name, pool_type))  # type: ignore[arg-type]
    assert (form is None) == (pool_type == "String")
    if form is not None:
        frame = pl.DataFrame({name: good + wrong})
        assert frame.select(form.bad).to_series().to_list() == [False] * len(good) + [True] * len(wrong)
        assert frame.select(form.clean).to_series().to_list() == [True] * len(good) + [False] * len(wrong)


@pytest.mark.parametrize("name", ["email", "phone_number", "birthdate", "updated_at", "email_verified"])
def test_standard_attributes_have_their_forms(name: str) -> None:
    assert form_of(attribute(name)) is not None
    assert form_of(attribute("nickname")) is None
