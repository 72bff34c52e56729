"""What the values of a sample look like: dates, booleans, telephone numbers, lists, hashes."""

from __future__ import annotations

import polars as pl

from mappings import convert
from mappings.phones import phone_numbers
from mappings.texts import without_blanks

DATE_FORMATS = (
    "%Y-%m-%d",
    convert.ISO,
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%Y%m%d",
    convert.SECONDS,
    convert.MILLISECONDS,
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%y-%m-%d",
)
"""Formats of days that are tried, the likelier one first."""

_EPOCHS = (convert.SECONDS, convert.MILLISECONDS, convert.ISO, "%Y-%m-%d %H:%M:%S")
_MILLISECONDS_FROM = 10**11
_FEW = 0.1
"""Share of values that may be of another form than the others."""

_SEPARATORS = (";", ",", "|")
_HASH = (
    r"^(?:\$(?:2[abxy]?|argon2(?:id|i|d)|scrypt|s0|pbkdf2[a-z0-9-]*|[156]|P|H)\$"
    r"|\$(?:wp|S|y|apr1|bcrypt-sha256)\$|(?:pbkdf2_sha(?:1|256)|argon2|bcrypt(?:_sha256)?|scrypt)\$"
    r"|\{[A-Za-z0-9+-]{3,}\}|scrypt:[0-9]|pbkdf2:sha|AQAAAA[A-Za-z0-9+/]{40})"
)


def values_of(sample: pl.DataFrame, field: str) -> pl.Series:
    """The values of a field that are not blank; none if the sample lacks the field."""
    if field not in sample.columns:
        return pl.Series(field, [], dtype=pl.String)
    return without_blanks(sample[field].cast(pl.String)).drop_nulls()


def all_booleans(values: pl.Series) -> bool:
    """Whether every value is one of the spellings of a boolean."""
    return not convert.booleans(values).has_nulls()


def date_formats(values: pl.Series) -> list[str]:
    """The formats in which every value is a day."""
    if values.is_empty():
        return []
    return [one for one in DATE_FORMATS if not convert.dates(one)(values).has_nulls()]


def near_date_format(values: pl.Series) -> tuple[str, int] | None:
    """The format in which nearly every value is a day, and how many are not; None where there is none."""
    lost = {one: convert.dates(one)(values).null_count() for one in DATE_FORMATS if len(values)}
    best = min(lost, key=lambda one: lost[one], default=None)
    return (best, lost[best]) if best and lost[best] <= _FEW * len(values) else None


def epoch_format(values: pl.Series) -> str | None:
    """The format in which every value is a moment; counts from 1973 on tell their unit by their size."""
    for one in _EPOCHS if len(values) else ():
        counts = values.cast(pl.Int64, strict=False)
        if one == convert.SECONDS and (counts.abs() >= _MILLISECONDS_FROM).any():
            continue
        if not convert.epochs(one)(values).has_nulls():
            return one
    return None


def without_country_code(values: pl.Series) -> int:
    """How many values are no telephone numbers unless a region is given."""
    return phone_numbers(None)(values).null_count()


def separator(values: pl.Series) -> str | None:
    """The text between the parts of a list, if the values are neither JSON nor single names."""
    if values.is_empty() or values.str.starts_with("[").all():
        return None
    counts = {one: int(values.str.contains(one, literal=True).sum()) for one in _SEPARATORS}
    best = max(counts, key=lambda one: counts[one])
    return best if counts[best] else None


def all_hashes(values: pl.Series) -> bool:
    """Whether there are values and each begins as the hash of a password does."""
    return bool(len(values)) and bool(values.str.contains(_HASH).all())


def names_one_user(values: pl.Series, rows: int) -> bool:
    """Whether every row has a value of its own without white space (F1.27)."""
    return len(values) == rows and values.n_unique() == rows and not values.str.contains(r"\s").any()
