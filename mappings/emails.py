"""E-mail addresses: the common shape in one pass, the ``email-validator`` library for the rest.

The library is asked for syntax only; nothing is looked up in the DNS. An address of the common
shape is one that the library calls valid and leaves as it is (a property test holds this).
"""

from __future__ import annotations

from functools import cache

import polars as pl

from mappings.texts import settled

_SHAPE = (
    r"^[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*"  # no quotes, no two dots in a row
    r"@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,}$"  # no capitals, no punycode
)
_SHORT = 64
"""Bytes; a whole address as short as this breaks no limit on its parts."""

_ROLES = r"(?i)^(?:info|marketing|sales|support|abuse|noc|security|[a-z]*master|usenet|news|www|uucp|ftp)@"
"""Mailboxes that the library writes in lower case."""


@cache
def _reserved() -> tuple[str, ...]:
    """Endings that the library refuses, such as ``.test`` and ``.local``."""
    import email_validator  # noqa: PLC0415 - slow to import, and most mappings do without the verb

    return tuple(f".{name}" for name in email_validator.SPECIAL_USE_DOMAIN_NAMES)


def library_address(text: str) -> str | None:
    """The library's normal form of one address, its domain in lower case; None if it is not valid."""
    import email_validator  # noqa: PLC0415 - same

    try:
        return email_validator.validate_email(text.strip(), check_deliverability=False).normalized
    except email_validator.EmailNotValidError:
        return None


def is_common(texts: pl.Series) -> pl.Series:
    """True where an address is valid and in its normal form for certain; null where there is no text."""
    fine = texts.str.contains(_SHAPE) & (texts.str.len_bytes() <= _SHORT) & ~texts.str.contains(_ROLES)
    for ending in _reserved():
        fine &= ~texts.str.ends_with(ending)
    return fine


def addresses(texts: pl.Series) -> pl.Series:
    """Each address in its normal form, null where it is not valid."""
    return settled(texts, is_common(texts), _by_library)


def _by_library(texts: pl.Series) -> pl.Series:
    answers = [None if text is None else library_address(text) for text in texts.to_list()]
    return pl.Series(texts.name, answers, dtype=pl.String)
