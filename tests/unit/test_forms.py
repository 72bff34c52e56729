"""What values look like is counted, whatever else stands in the field."""

from __future__ import annotations

import polars as pl
import pytest

from mappings.forms import forms

SPECIMENS = {
    "e-mail": ["a@example.com", "B.C@Example.org"],
    "URL": ["https://example.com/a"],
    "UUID": ["f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "{F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6}"],
    "JSON list": ['["a"]', "[]", '[{"mail":"a@example.com"}]'],
    "JSON object": ['{"a": 1}', "{}"],
    "boolean": ["true", "No", "FALSE"],
    "phone number, E.164": ["+493023125000", "+12025550143"],
    "phone number, not E.164": ["+1 202 555 0143", "(202) 555-0143", "030 2312 5000", "030/23125000"],
    "date 2000-12-31": ["1990-02-03"],
    "date 31.12.2000": ["03.02.1990"],
    "date and time, ISO 8601": ["2024-05-01T12:00:00Z"],
    "whole number": ["7", "-12", "1600000000", "0"],
    "digits with a leading zero": ["00123", "0301234"],
    "number": ["1.50"],
    "date, none or of another form": ["1990-13-45", "31.02.1990"],
    "DN": ["uid=ana,ou=people,dc=example,dc=com"],
    "hash bcrypt": ["$2b$10$QWWGKrl4AqwDtj4T5Pqk5uxRiw8DhzsxFaubpzjtlC2lgNIDKPh4O"],
    "hash ldap_digest": ["{SSHA}bm8="],
    "hash phpass": ["$P$B12345678abcdefghijklmnopqrstu0"],
    "hash django_pbkdf2_sha256": ["pbkdf2_sha256$600000$c2FsdA$AAAA"],
    "text": ["Zoë Müßig", "u1", "12 Example Way"],
}


@pytest.mark.parametrize("form", SPECIMENS)
def test_a_form_is_told(form: str) -> None:
    assert forms(pl.Series(["", None, " ", *SPECIMENS[form]])) == {form: len(SPECIMENS[form])}


def test_forms_are_counted_beside_one_another_the_most_frequent_first() -> None:
    mixed = pl.Series([value for values in SPECIMENS.values() for value in values])
    found = forms(mixed)
    assert found == {form: len(values) for form, values in SPECIMENS.items()}
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_zeros_and_ones_alone_are_told_apart_from_numbers() -> None:
    assert forms(pl.Series(["0", "1", None])) == {"0 or 1": 2}
    assert forms(pl.Series(["0", "1", "2"])) == {"whole number": 3}
    assert forms(pl.Series(["true", "no", "1", "2"])) == {"boolean": 3, "whole number": 1}
    assert forms(pl.Series("x", [], dtype=pl.String)) == {}
