"""The form of an attribute's value: e-mail address, phone number, date, time, number, boolean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from connectors.records import PoolAttribute

_LOCAL = r"[^\s\p{C}@,;:<>()\[\]\"\\]+"
_LABEL = r"[\p{L}\p{M}\p{N}_-]+"
EMAIL = rf"^{_LOCAL}@{_LABEL}(?:\.{_LABEL})+$"
"""An address without quotes or comments, whose domain has a dot; letters may be of any script."""

_USUAL_EMAIL = r"^[!#-'*+./0-9=?A-Z^-~-]+@[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]+)+$"
"""The ASCII addresses of ``EMAIL``: what nearly all addresses are, found in half the time."""

PHONE_NUMBER = r"^\+[1-9][0-9]{1,14}$"
"""``+``, country code, digits (F1.36); fifteen at most, the longest that E.164 knows."""

_DIGITS = (10, 10**15 - 1)

_YEAR = r"(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_LEAP_YEAR = r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_EVERY_MONTH = r"(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
_NOT_FEBRUARY = r"(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31"
_DAY = rf"(?:{_YEAR}-(?:{_EVERY_MONTH}|{_NOT_FEBRUARY})|{_LEAP_YEAR}-02-29)"
DATE = rf"^{_DAY}$"
"""``yyyy-mm-dd`` of a real day since the year 1: the API's form of a birthdate (F1.37)."""

SECONDS = r"^[0-9]+$"
"""Whole seconds since 1970 (F1.38)."""

NUMBER = r"^-?[0-9]+(?:\.[0-9]+)?$"

_TIME = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
DATE_TIME = rf"^(?:-?[0-9]+|{_DAY}(?:[T ]{_TIME})?)$"
"""Seconds since 1970 or ISO 8601; what a pool's DateTime attribute takes is not documented (F1.41)."""

_BY_NAME = {"email": EMAIL, "phone_number": PHONE_NUMBER, "birthdate": DATE, "updated_at": SECONDS}
_BY_TYPE = {"Number": NUMBER, "DateTime": DATE_TIME}


@dataclass(frozen=True, slots=True)
class Form:
    """How an attribute's values must look.

    Attributes:
        clean: true where a value has the form and holds neither white space nor a character that a
            CSV minds; false is no verdict yet.
        bad: true where a value has not the form.
        promise: the conversion or verb of a mapping that gives nothing else, if there is one.
    """

    clean: pl.Expr
    bad: pl.Expr
    promise: str | None = None


def form_of(attribute: PoolAttribute) -> Form | None:
    """Find an attribute's form by its name, else by its type; None where any text will do."""
    value = pl.col(attribute.name)
    if attribute.type == "Boolean":
        truth = (value == "true") | (value == "false")
        return Form(truth, ~truth, "boolean")
    pattern = _BY_NAME.get(attribute.name) or _BY_TYPE.get(attribute.type)
    return matching(value, pattern) if pattern else None


def matching(value: pl.Expr, pattern: str) -> Form:
    """Say that values must match one of this file's patterns."""
    promise = {DATE: "date", PHONE_NUMBER: "e164"}.get(pattern)
    return Form(_clean(value, pattern), ~value.str.contains(pattern), promise)


def _clean(value: pl.Expr, pattern: str) -> pl.Expr:
    if pattern == PHONE_NUMBER:
        return _is_phone_number(value)
    return value.str.contains(_USUAL_EMAIL if pattern == EMAIL else pattern)


def _is_phone_number(value: pl.Expr) -> pl.Expr:
    """What ``PHONE_NUMBER`` says, in half the time: the parser of numbers takes nothing but digits.

    The comparisons hold the sign and the first digit, the bounds how many digits there are.
    """
    digits = value.cast(pl.UInt64, strict=False).is_between(*_DIGITS).fill_null(value=False)
    return value.is_null() | ((value >= "+1") & (value < "+:") & digits)
