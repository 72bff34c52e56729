"""What the values of a field look like, counted: addresses, telephone numbers, dates, hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mappings import convert
from mappings.hash_schemes.listed import labels_of, schemes_of
from mappings.phones import is_e164
from mappings.suggest_looks import DATE_FORMATS
from mappings.texts import without_blanks

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

TEXT: Final = "text"
"""What looks like nothing that is known."""

_DAYS: Final = {
    "%Y-%m-%d": "date 2000-12-31", "%d.%m.%Y": "date 31.12.2000", "%d/%m/%Y": "date 31/12/2000",
    "%m/%d/%Y": "date 12/31/2000", "%Y/%m/%d": "date 2000/12/31", convert.ISO: "date and time, ISO 8601",
}  # fmt: skip
"""Formats of days as an invented day looks; digits alone might be anything."""

_PATTERNS: Final = (
    ("URL", r"^https?://\S+$"),
    ("UUID", r"^\{?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\}?$"),
    ("JSON list", r"^\s*\[[\s\S]*\]\s*$"),
    ("JSON object", r"^\s*\{\s*(?:\"[\s\S]*)?\}\s*$"),
    ("e-mail", r"^[^@\s]+@[^@\s]+\.[^@\s]+$"),
)  # fmt: skip
_WORDS: Final = r"(?i)^(?:true|false|yes|no|t|f|y|n|on|off)$"
_LAST: Final = (
    ("date, none or of another form", r"^\d{1,4}[./-]\d{1,2}[./-]\d{1,4}$"),
    ("phone number, not E.164", r"^(?:\+|00?[1-9(]|\()[\d\s()./-]{6,}$|^\d{2,5}[\s/-][\d\s/-]{4,}$"),
    ("whole number", r"^-?(?:0|[1-9]\d*)$"),
    ("digits with a leading zero", r"^0\d+$"),
    ("number", r"^-?\d+\.\d+$"),
    ("DN", r"^(?:\w+=[^,]+,\s*)+\w+=[^,]+$"),
)  # fmt: skip


def forms(values: pl.Series) -> dict[str, int]:
    """Count what the values of a String column look like, the most frequent first; blanks do not count."""
    left = without_blanks(values).drop_nulls()
    if len(left) and left.is_in(["0", "1"]).all():
        return {"0 or 1": len(left)}
    found: dict[str, int] = {}
    schemes = schemes_of(labels_of(left))
    for name, count in schemes.drop_nulls().value_counts().iter_rows():
        found[f"hash {name}"] = count
    left = left.filter(schemes.is_null())
    for name, is_one in _LOOKS:
        if left.is_empty():
            break
        which = is_one(left).fill_null(value=False)
        if count := int(which.sum()):
            found[name] = found.get(name, 0) + count
            left = left.filter(~which)
    if len(left):
        found[TEXT] = len(left)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _pattern(pattern: str) -> Callable[[pl.Series], pl.Series]:
    return lambda texts: texts.str.contains(pattern)


def _booleans(texts: pl.Series) -> pl.Series:
    """Words alone, and 0 and 1 beside them where words are the most."""
    words = texts.str.contains(_WORDS)
    return words | texts.is_in(["0", "1"]) if 2 * words.sum() >= len(texts) else words


def _day(format_: str) -> Callable[[pl.Series], pl.Series]:
    return lambda texts: convert.dates(format_)(texts).is_not_null()


_LOOKS: Final = (
    *((name, _pattern(pattern)) for name, pattern in _PATTERNS),
    ("boolean", _booleans),
    ("phone number, E.164", is_e164),
    *((_DAYS[one], _day(one)) for one in DATE_FORMATS if one in _DAYS),
    *((name, _pattern(pattern)) for name, pattern in _LAST),
)
