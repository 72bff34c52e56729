"""E-mail addresses: the common shape in one pass, the ``email-validator`` library for the rest.

The library is asked only whether a text is an address; nothing is looked up in the DNS. What it would make
of one is not taken over: it writes ``Postmaster@`` small and punycode in letters of other scripts, and the
people sign in with what the source has. An address of the common shape is one that it calls valid (a property
test holds this).
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

import polars as pl

from mappings.texts import settled

_SHAPE = (
    r"^[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*"  # no quotes, no two dots in a row
    r"@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,}$"  # no capitals, no punycode
)
_SHORT = 64
"""Bytes; a whole address as short as this breaks no limit on its parts."""

_PUNYCODE: Final = re.compile(r"(?<![^.])xn--")


@cache
def _reserved() -> re.Pattern[str]:
    """The endings that the library refuses, such as ``test`` and ``local``, though they make addresses."""
    import email_validator  # noqa: PLC0415 - slow to import, and most mappings do without the verb

    names = "|".join(map(re.escape, email_validator.SPECIAL_USE_DOMAIN_NAMES))
    return re.compile(rf"(?<![^.])(?:{names})\Z")


def library_address(text: str) -> str | None:
    """One address without white space round it, its domain in lower case; None if the library knows none.

    Quotes and comments are none, and the domain needs a dot, as in the pool's own rule.
    """
    import email_validator  # noqa: PLC0415 - same

    local, _, domain = text.strip().rpartition("@")
    domain = domain.lower()
    try:
        email_validator.validate_email(f"{local}@{_unsuspicious(domain)}", check_deliverability=False)
    except email_validator.EmailNotValidError:
        return None
    return f"{local}@{domain}"


def _unsuspicious(domain: str) -> str:
    """A domain that is as valid and as long, and has neither a reserved ending nor punycode.

    The library refuses the one, and of the other what its tables of letters do not know, as in ``i❤.ws``.
    """
    return _PUNYCODE.sub("xnx-", _reserved().sub(lambda found: f"{found[0][:-1]}x", domain))


def is_common(texts: pl.Series) -> pl.Series:
    """True where an address is valid for certain, its domain in lower case; null where there is no text."""
    return texts.str.contains(_SHAPE) & (texts.str.len_bytes() <= _SHORT)


def addresses(texts: pl.Series) -> pl.Series:
    """Each address with its domain in lower case, null where it is not valid."""
    return settled(texts, is_common(texts), _by_library)


def _by_library(texts: pl.Series) -> pl.Series:
    answers = [None if text is None else library_address(text) for text in texts.to_list()]
    return pl.Series(texts.name, answers, dtype=pl.String)
