"""Turning the text of a source into the form that the API takes.

Every converter takes a String series and gives one of the same length, null where a text is no
such value. White space round a value does not matter. What stands in the API's form already is
found by a cheap check of the whole column and left as it is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from mappings.texts import Convert, by_distinct, null_where, settled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TRUE = ("true", "t", "yes", "y", "1", "on")
FALSE = ("false", "f", "no", "n", "0", "off")
"""Spellings of booleans that are understood, in any case."""

MFA = {
    **dict.fromkeys(FALSE, "off"),
    **dict.fromkeys(TRUE, "on"),
    **{name: name for name in ("off", "sms", "totp", "email", "on")},
}
"""What ``mfa`` understands; ``on`` means: active, whichever factor the user has."""

SECONDS, MILLISECONDS, FILETIME, ISO = "seconds", "milliseconds", "filetime", "iso"
"""Words that stand where the format of a date may stand."""

_ISO_DATE = "%Y-%m-%d"
_ISO_FORMATS = (
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f",
    _ISO_DATE,
    "%Y-%m-%dT%H:%M%#z",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M%#z",
    "%Y-%m-%d %H:%M",
)
"""The last ones are how Java writes a whole minute (``OffsetDateTime``), each sixtieth moment of a column."""

_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_PLAIN_DATE = (
    "^(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    f"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP_YEAR}-02-29)$"
)
"""Every day of the calendar; one pass of this costs half of what reading the dates does."""

_PLAIN_SECONDS = r"^(?:0|[1-9][0-9]{0,11})$"
_COUNTS = {
    SECONDS: r"^(-?[0-9]{1,12})(?:\.[0-9]*)?$",
    MILLISECONDS: r"^(-?[0-9]{1,15})(?:\.[0-9]*)?$",
    FILETIME: r"^([1-9][0-9]{0,17})$",
}
"""As many digits as fit into microseconds of 64 bits; a fraction is cut off. 0 and the highest number, both
"never" in Active Directory, are no FILETIME."""

_FILETIME_1970 = 11_644_473_600_000_000
"""Microseconds from 1601 to 1970; a FILETIME counts tenths of them (MS-DTYP 2.3.3)."""

_FIRST_PLAIN_YEAR = 1000
"""The first year that has four digits in any spelling."""

_PROBE = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)


def booleans(texts: pl.Series) -> pl.Series:
    """``true`` or ``false``."""
    known = dict.fromkeys(TRUE, "true") | dict.fromkeys(FALSE, "false")
    return settled(texts, (texts == "true") | (texts == "false"), _one_of(known))


def mfa_states(texts: pl.Series) -> pl.Series:
    """One of ``off``, ``sms``, ``totp``, ``email``, ``on``."""
    return by_distinct(texts, _one_of(MFA))


def integers(texts: pl.Series) -> pl.Series:
    """A whole number in decimal digits, without plus sign and leading zeros."""
    return texts.str.strip_chars().cast(pl.Int64, strict=False).cast(pl.String)


def numbers(texts: pl.Series) -> pl.Series:
    """A decimal number without plus sign and leading zeros; exponents and separators are refused."""
    plain = texts.str.strip_chars().str.extract(r"^([+-]?[0-9]+(?:\.[0-9]+)?)$", 1)
    return plain.str.replace(r"^(?:\+|(-))?0*([0-9])", "${1}${2}")


def dates(written: str) -> Convert:
    """Days as ``yyyy-mm-dd`` from texts in one format or in one of ``_COUNTS``, or from ``iso``.

    A day is taken as it is written, whatever zone stands behind its time.
    """

    def answer(texts: pl.Series) -> pl.Series:
        days = _days(texts.str.strip_chars(), written)
        return null_where(days.dt.to_string(_ISO_DATE), ~days.dt.year().is_between(1, 9999))

    if written in (_ISO_DATE, ISO):
        return lambda texts: settled(texts, texts.str.contains(_PLAIN_DATE) & (texts >= "0001"), answer)
    return lambda texts: by_distinct(texts, answer)


def dates_in(formats: Sequence[str]) -> Convert:
    """Days as ``dates`` makes them, each text by the first of the formats that it is written in."""
    return _first_that_fits([dates(written) for written in formats])


def epochs_in(formats: Sequence[str]) -> Convert:
    """Seconds as ``epochs`` makes them, each text by the first of the formats that it is written in."""
    return _first_that_fits([epochs(written) for written in formats])


def _first_that_fits(readers: Sequence[Convert]) -> Convert:
    first, *others = readers

    def answer(texts: pl.Series) -> pl.Series:
        found = first(texts)
        for read in others:
            if found.null_count() == texts.null_count():
                break
            found = found.zip_with(found.is_not_null(), read(texts))
        return found

    return answer


def epochs(written: str) -> Convert:
    """Whole seconds since 1970 (F1.38); a moment without zone is taken as UTC."""

    def answer(texts: pl.Series) -> pl.Series:
        return _moments(texts.str.strip_chars(), written).dt.epoch("s").cast(pl.String)

    if written == SECONDS:
        return lambda texts: settled(texts, texts.str.contains(_PLAIN_SECONDS), answer)
    return answer


def understands(written: str) -> bool:
    """Whether a format holds a whole day: a moment that is written in it reads back as the same day."""
    if written in (*_COUNTS, ISO):
        return True
    try:
        text = pl.Series([_PROBE], dtype=pl.Datetime("us", "UTC")).dt.to_string(written)
        return _days(text, written).to_list() == [_PROBE.date()] and not _moments(text, written).has_nulls()
    except pl.exceptions.PolarsError:
        return False


def _one_of(known: dict[str, str]) -> Convert:
    def spelled(texts: pl.Series) -> pl.Series:
        plain = texts.str.strip_chars().str.to_lowercase()
        return plain.replace_strict(known, default=None, return_dtype=pl.String)

    return spelled


def _days(texts: pl.Series, written: str) -> pl.Series:
    """Dates, null where a text is not in the format."""
    if written in _COUNTS:
        return _counted(texts, written).dt.date()
    return _first_read(texts, written, lambda one: texts.str.to_date(one, strict=False, cache=False))


def _moments(texts: pl.Series, written: str) -> pl.Series:
    """Datetimes in UTC, null where a text is not in the format."""
    if written in _COUNTS:
        return _counted(texts, written)
    return _first_read(texts, written, lambda one: _in_utc(texts, one))


def _first_read(texts: pl.Series, written: str, read: Callable[[str], pl.Series]) -> pl.Series:
    """What the first fitting format reads; ``iso`` stands for several."""
    first, *others = _ISO_FORMATS if written == ISO else (written,)
    found = _in_whole_years(read(first), texts)
    for one in others:
        if found.null_count() == texts.null_count():
            break
        found = found.zip_with(found.is_not_null(), _in_whole_years(read(one), texts))
    return found


def _in_whole_years(days: pl.Series, texts: pl.Series) -> pl.Series:
    """Null where a year below 1000 is not written with four digits: ``%Y`` makes the first century of 85."""
    years = days.dt.year()
    if not (years < _FIRST_PLAIN_YEAR).any():
        return days
    written = pl.DataFrame({"text": texts, "year": years.cast(pl.String).str.zfill(4)})
    whole = written.select(pl.col("text").str.contains(pl.col("year"), literal=True)).to_series()
    return null_where(days, (years < _FIRST_PLAIN_YEAR) & ~whole)


def _in_utc(texts: pl.Series, written: str) -> pl.Series:
    moments = texts.str.to_datetime(written, time_unit="us", strict=False, cache=False)
    zoned = isinstance(moments.dtype, pl.Datetime) and moments.dtype.time_zone is not None
    return moments if zoned else moments.dt.replace_time_zone("UTC")


def _counted(texts: pl.Series, written: str) -> pl.Series:
    counts = texts.str.extract(_COUNTS[written], 1).cast(pl.Int64)
    if written == FILETIME:
        return pl.from_epoch(counts // 10 - _FILETIME_1970, "us").dt.replace_time_zone("UTC")
    return pl.from_epoch(counts, "s" if written == SECONDS else "ms").cast(pl.Datetime("us", "UTC"))
