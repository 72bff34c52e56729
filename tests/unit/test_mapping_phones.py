"""Telephone numbers: the fast path, the library, and the line between them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import phonenumbers
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings import phones
from mappings.phones import is_e164, library_number, phone_numbers

if TYPE_CHECKING:
    import pytest

SHAPE = re.compile(r"\+[1-9][0-9]{6,14}")


def column(*texts: str | None) -> pl.Series:
    return pl.Series("t", texts, dtype=pl.String)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.none() | st.text(alphabet="+0123456789 -_.e\u0663", max_size=18), min_size=1, max_size=20))
def test_the_comparisons_stand_for_the_regular_expression(texts: list[str | None]) -> None:
    found = is_e164(column(*texts)).fill_null(value=False).to_list()
    assert found == [text is not None and SHAPE.fullmatch(text) is not None for text in texts]


def test_the_comparisons_hold_at_both_ends_of_the_length() -> None:
    texts = [
        "+123456",
        "+1234567",
        "+123456789012345",
        "+1234567890123456",
        "+0123456789",
        "1234567",
        "++1234567",
    ]
    assert is_e164(column(*texts)).to_list() == [False, True, True, False, False, False, False]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["DE", "US", "GB", "FR", "JP", "BR"]), st.integers(10**6, 10**11))
def test_the_fast_path_and_the_library_agree_on_numbers_that_the_library_writes(
    region: str, digits: int
) -> None:
    number = phonenumbers.PhoneNumber(phonenumbers.country_code_for_region(region), digits)
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not SHAPE.fullmatch(text) or not phonenumbers.is_valid_number(number):
        return
    assert phone_numbers(region)(column(text)).to_list() == [text] == [library_number(text, region)]


def test_what_the_library_reads() -> None:
    texts = column(
        "030 23125-042", "+1 (202) 555-0123", "0049 30 23125042", "030 23125042 ext 5", "call me", "", None
    )
    number = "+493023125042"
    assert phone_numbers("DE")(texts).to_list() == [number, "+12025550123", number, None, None, None, None]


def test_a_decimal_fraction_is_no_number() -> None:
    """Its zero would become the last digit of somebody else's number."""
    texts = column("30231250420.0", "+493023125042.0", "4.93023125042E+11", "030.231.25042")
    assert phone_numbers("DE")(texts).to_list() == [None, None, None, "+493023125042"]


def test_without_region_a_number_needs_its_country_code() -> None:
    assert phone_numbers(None)(column("030 23125042", "+49 30 23125042")).to_list() == [None, "+493023125042"]


def test_a_text_in_e164_is_taken_as_it_is() -> None:
    """The rule trades the library's opinion for speed: a trunk zero behind the country code stays."""
    assert phone_numbers("DE")(column("+49030231250", "0")).to_list() == ["+49030231250", None]
    assert library_number("+49030231250", "DE") != "+49030231250"


def test_what_is_longer_than_e164_is_no_number() -> None:
    """The library calls numbers valid that no pool takes: German ones have up to seventeen digits."""
    text = "0800 123456789012"
    assert phonenumbers.is_valid_number(phonenumbers.parse(text, "DE"))
    assert library_number(text, "DE") is None
    assert library_number("0800 1234567890", "DE") == "+498001234567890"


def test_one_text_is_read_once_however_many_pages_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    convert = phone_numbers("DE")
    original = phones.library_number
    monkeypatch.setattr(
        phones, "library_number", lambda text, region: asked.append(text) or original(text, region)
    )
    for _ in range(3):
        convert(column(*["030 23125042"] * 50, "nonsense"))
    assert sorted(asked) == ["030 23125042", "nonsense"]
