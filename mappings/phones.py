"""Telephone numbers as the pool takes them: ``+``, country code, digits (F1.36).

The rule, strictly: a text that has the shape of E.164 already, ``+``, a digit other than 0 and six
to fourteen further digits, is taken as it is. Any other text is read by the ``phonenumbers``
library, with the default region where it has no country code; it is a bad value if the library
calls the number invalid, finds an extension in it, since an extension gets no text message, or if it is
written as a decimal fraction or with an exponent.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import phonenumbers
import polars as pl

from mappings.texts import settled

if TYPE_CHECKING:
    from collections.abc import Callable

REGIONS: frozenset[str] = frozenset(phonenumbers.SUPPORTED_REGIONS)
"""Two-letter codes of the regions that a number without country code can belong to."""

_REMEMBERED = 100_000
_DECIMAL = re.compile(r"\+?\d+\.0|\+?\d+(?:\.\d+)?[eE]\+?\d+")
"""What a program wrote that took the number for a quantity; the library would read its zero as a digit."""

_LEAST, _MOST = 10**6, 10**15 - 1
_LONGEST = len("+") + 15


def is_e164(texts: pl.Series) -> pl.Series:
    r"""True where a text matches ``^\+[1-9][0-9]{6,14}$``, else false or null.

    Reading the digits as a number is twice as fast as the regular expression: the two
    comparisons hold the sign and the first digit, the bounds hold how many digits there are.
    """
    digits = texts.cast(pl.UInt64, strict=False)
    return (texts >= "+1") & (texts < "+:") & digits.is_between(_LEAST, _MOST)


def library_number(text: str, region: str | None) -> str | None:
    """What the library makes of one text, in E.164; None if it is no valid number."""
    if _DECIMAL.fullmatch(text.strip()):
        return None
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_valid_number(number):
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return written if len(written) <= _LONGEST else None


def phone_numbers(region: str | None) -> Callable[[pl.Series], pl.Series]:
    """Make a converter of columns for one default region; it remembers what it read lately."""

    @lru_cache(maxsize=_REMEMBERED)
    def one(text: str) -> str | None:
        return library_number(text, region)

    def distinct(texts: pl.Series) -> pl.Series:
        answers = [None if text is None else one(text) for text in texts.to_list()]
        return pl.Series(texts.name, answers, dtype=pl.String)

    return lambda texts: settled(texts, is_e164(texts), distinct)
