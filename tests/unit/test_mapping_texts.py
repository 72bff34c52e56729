"""Whole columns of text: blanks, spaces, distinct values."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.texts import (
    by_distinct,
    composed,
    null_where,
    refused,
    settled,
    tidy_spaces,
    without_blanks,
)

WHITE = " \t\n\u00a0\u2003\u3000"
TEXTS = st.lists(st.none() | st.text(alphabet=f"ab{WHITE}\u00fc\U0001f600", max_size=6), max_size=12)


def series(*texts: str | None) -> pl.Series:
    return pl.Series("t", texts, dtype=pl.String)


@settings(max_examples=80, deadline=None)
@given(TEXTS)
def test_without_blanks_takes_away_exactly_what_is_empty_after_trimming(texts: list[str | None]) -> None:
    expected = [text if text is not None and text.strip(WHITE) else None for text in texts]
    assert without_blanks(series(*texts)).to_list() == expected


@settings(max_examples=80, deadline=None)
@given(TEXTS)
def test_tidy_spaces_joins_the_words_by_single_spaces(texts: list[str | None]) -> None:
    words = [
        None if text is None else [word for word in re.split(f"[{WHITE}]+", text) if word] for text in texts
    ]
    assert tidy_spaces(series(*texts)).to_list() == [" ".join(w) if w else None for w in words]


def test_null_where_keeps_a_row_whose_mask_is_unknown() -> None:
    mask = pl.Series([True, False, None])
    assert null_where(series("a", "b", "c"), mask).to_list() == [None, "b", "c"]


def test_composed_leaves_ascii_and_nulls_alone() -> None:
    assert composed(series("abc", "Zoe\u0308", None)).to_list() == ["abc", "Zo\u00eb", None]
    assert composed(series("abc", None)).to_list() == ["abc", None]


@pytest.mark.parametrize("kinds", [0, 1, 3, 20, 200], ids=lambda kinds: f"{kinds} distinct")
@pytest.mark.parametrize("dtype", [pl.String, pl.List(pl.String)], ids=str)
def test_by_distinct_answers_as_if_every_row_were_converted(kinds: int, dtype: pl.DataType) -> None:
    """A handful of values, many values and a null among them take three ways to the same answer."""
    texts = series(*[None if at % 7 == 0 or not kinds else f"v{at % kinds}" for at in range(400)])

    def convert(some: pl.Series) -> pl.Series:
        upper = some.str.to_uppercase()
        return upper if dtype == pl.String else upper.str.split("V")

    assert by_distinct(texts, convert).to_list() == convert(texts).to_list()


def test_by_distinct_converts_each_value_once() -> None:
    asked: list[str | None] = []

    def convert(some: pl.Series) -> pl.Series:
        asked.extend(some.to_list())
        return some

    by_distinct(series(*["a", "b"] * 50), convert)
    by_distinct(series(*[f"v{at % 30}" for at in range(300)]), convert)
    assert len(asked) == len(set(asked)) == 32


def test_by_distinct_finds_a_value_that_a_glance_at_the_first_rows_missed() -> None:
    texts = series(*["a"] * 500, "b")
    assert by_distinct(texts, lambda some: some + "!").to_list() == ["a!"] * 500 + ["b!"]


def test_settled_never_converts_what_is_fine() -> None:
    """What is fine stays even where most rows are not, since converting it might change it."""
    texts = series("ok", "x", "y", "z", None)
    out = settled(texts, texts == "ok", lambda some: some.str.replace_all(".", "!"))
    assert out.to_list() == ["ok", "!", "!", "!", None]
    assert texts.to_list() == ["ok", "x", "y", "z", None]


def test_refused_speaks_of_values_and_not_of_blanks() -> None:
    before = series("x", " ", "", None, "y")
    assert refused(before, series(None, None, None, None, "y")).to_list() == [
        True,
        False,
        False,
        False,
        False,
    ]
    assert refused(before, series("x", None, None, None, "y")) is None
    assert refused(before, before) is None
