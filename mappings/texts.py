"""Whole columns of text at once: what is blank, what is spaced oddly, what differs.

Every function takes a String series and gives one of the same length. Null means "no value".
White space is what Unicode calls so, in polars and in the regular expressions alike.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import or_

import polars as pl

Convert = Callable[[pl.Series], pl.Series]
"""Text in, text (or lists of texts) out, same length; null where there is no answer."""

Bytes = tuple[tuple[int, int], ...]
"""Stretches of bytes, both ends included."""

_GLANCE, _FEW = 100, 6
"""Rows that are looked at, and distinct texts up to which that is worth it."""

_FEW_BEGINNINGS = 8
"""Beginnings that are looked for one by one."""

_ODDLY_SPACED = r"\s\s|[^\S ]|^\s|\s$|^$"

_SPACE, _ASCII = 0x20, 0x7F

_WIDE = {0xC2: (0x80, 0xA0), 0xE1: (0x9A, 0x9A), 0xE2: (0x80, 0x81), 0xE3: (0x80, 0x80)}
"""First byte of a space, a control or a line end beyond ASCII, and between which two the second one is."""


def octets(texts: pl.Series) -> pl.Series:
    """All bytes of a String series one after the other, as UInt8; none for an empty text or null."""
    filled = texts.drop_nulls()  # taking lists apart that may be null takes six times as long
    return filled.cast(pl.Binary).cast(pl.List(pl.UInt8)).explode(empty_as_null=False, keep_nulls=False)


def has_wide(run: pl.Series) -> bool:
    """Whether white space, a control or a line end beyond ASCII may occur among bytes (``octets``)."""
    for first, seconds in _WIDE.items():
        there = run == first
        if there.any() and (there & run.shift(-1).is_between(*seconds)).any():
            return True
    return False


def without_blanks(texts: pl.Series) -> pl.Series:
    """Null instead of an empty text or one of white space alone; everything else as it is.

    A blank text begins with a control, a space or something outside ASCII. Two comparisons find
    the rows that do, which is a third of the cost of trimming them all.
    """
    plain = texts.alias("texts")  # a field's own name may look like a pattern to polars
    blanks = (plain.filter((plain < "!") | (plain >= "\u0080")).str.strip_chars() == "").sum()
    if not blanks:
        return texts
    empty = plain == ""
    mask = empty if empty.sum() == blanks else plain.str.strip_chars() == ""
    return null_where(plain, mask).alias(texts.name)


def null_where(texts: pl.Series, mask: pl.Series) -> pl.Series:
    """Null where ``mask`` is true."""
    return pl.select(pl.when(~mask.fill_null(value=False)).then(texts)).to_series()


def tidy_spaces(texts: pl.Series) -> pl.Series:
    """Collapse white space into single spaces and trim it; null where nothing is left."""
    if _is_tidy(texts) or (rows := texts.str.contains(_ODDLY_SPACED).arg_true()).is_empty():
        return texts
    tidied = texts.gather(rows).str.replace_all(r"\s+", " ").str.strip_chars(" ")
    return texts.clone().scatter(rows, null_where(tidied, tidied == ""))


def _is_tidy(texts: pl.Series) -> bool:
    """Whether no text is oddly spaced for sure, which all of them as one run of bytes mostly tell."""
    run = octets(texts)
    if run.is_empty():
        return texts.null_count() == texts.len()
    low, high = run.min(), run.max()
    spaces = run == _SPACE
    return not (
        low < _SPACE  # type: ignore[operator]  # bytes, since the run is not empty
        or (high > _ASCII and has_wide(run))  # type: ignore[operator]  # same
        or (spaces & spaces.shift(1)).any()
        or (texts < "!").any()
        or texts.str.ends_with(" ").any()
    )


def composed(texts: pl.Series) -> pl.Series:
    """Unicode's composed form (NFC); pure ASCII has it already and is left alone."""
    rows = (texts.str.len_bytes() != texts.str.len_chars()).arg_true()
    if rows.is_empty():
        return texts
    return texts.clone().scatter(rows, texts.gather(rows).str.normalize("NFC"))


def beginnings(texts: pl.Series, told: Callable[[str], str | None], pattern: str) -> pl.Series:
    """What each value begins with, null where it begins with nothing known.

    Most columns have one beginning or a few: each is told from one value, and the others are compared.

    Args:
        texts: String.
        told: gives the beginning of one value; it must end where no other beginning goes on.
        pattern: matches the beginning of every value, for the rest.
    """
    known: list[str] = []
    codes = pl.Series([None], dtype=pl.UInt32).new_from_index(0, texts.len())
    rest = texts.is_not_null()
    while rest.any() and len(known) < _FEW_BEGINNINGS:
        beginning = told(str(texts[int(rest.arg_true()[0])]))
        if beginning is None:
            break
        same = rest & texts.str.starts_with(beginning)
        codes = pl.select(pl.when(same).then(pl.lit(len(known), pl.UInt32)).otherwise(codes)).to_series()
        known.append(beginning)
        rest &= ~same
    found = pl.Series(known, dtype=pl.String).gather(codes)
    if not rest.any():
        return found
    return found.scatter(rest.arg_true(), texts.filter(rest).str.extract(pattern, 0))


def exchanged(texts: pl.Series, name_of: Callable[[str], str | None]) -> pl.Series:
    """Ask once for each distinct text, of which there should be few, and hand the answers to their rows."""
    distinct = texts.drop_nulls().unique()
    names = pl.Series([name_of(text) for text in distinct.to_list()], dtype=pl.String)
    return texts.replace_strict(distinct, names, default=None, return_dtype=pl.String)


def by_distinct(texts: pl.Series, convert: Convert) -> pl.Series:
    """``convert`` each distinct value once and hand the answers to their rows.

    Where most values differ from one another, finding the distinct ones costs more than it
    saves, and ``convert`` gets the whole column; it must cope with nulls.
    """
    few = _few_distinct(texts)
    if few is not None:
        distinct, codes = few
        return convert(distinct).gather(codes)
    distinct = texts.drop_nulls().unique()
    if 2 * distinct.len() > texts.len():
        return convert(texts)
    return convert(distinct).gather(texts.cast(pl.Enum(distinct)).to_physical())


def _few_distinct(texts: pl.Series) -> tuple[pl.Series, pl.Series] | None:
    """The distinct texts and for each row which one it has, if a glance finds them all; else None.

    Comparing a column with a handful of texts takes a third of the time that hashing it takes.
    """
    known = texts.head(_GLANCE).drop_nulls().unique()
    if known.len() > _FEW:
        return None
    chain = pl.repeat(None, texts.len(), dtype=pl.UInt8)
    for code, text in enumerate(known.to_list()):
        chain = pl.when(texts == text).then(pl.lit(code, dtype=pl.UInt8)).otherwise(chain)
    codes = pl.select(chain).to_series()
    return (known, codes) if codes.null_count() == texts.null_count() else None


def settled(texts: pl.Series, fine: pl.Series, convert: Convert) -> pl.Series:
    """Leave what is ``fine`` as it is; ``convert`` the distinct rest."""
    if not fine.any():
        return by_distinct(texts, convert)
    rest = (texts.is_not_null() & ~fine.fill_null(value=False)).arg_true()
    if rest.is_empty():
        return texts
    return texts.clone().scatter(rest, by_distinct(texts.gather(rest), convert))


def where_touched(texts: pl.Series, touches: Bytes, convert: Convert) -> pl.Series:
    """``convert`` the texts that are empty or hold one of these bytes; it leaves all others as they are.

    To search all texts as one run of bytes takes a fraction of the time that converting them takes.
    """
    sizes = texts.str.len_bytes()
    touched = _touched(octets(texts), touches)
    count = touched.sum()
    if not count and sizes.min() != 0:
        return texts
    if 2 * count > texts.len():
        return convert(texts)
    rows = _rows_of(touched, sizes).append((sizes == 0).arg_true()).unique()
    return texts.clone().scatter(rows, convert(texts.gather(rows)))


def holds(texts: pl.Series, stretches: Bytes) -> pl.Series:
    """True where a text holds one of these bytes, else false."""
    rows = _rows_of(_touched(octets(texts), stretches), texts.str.len_bytes())
    return pl.zeros(texts.len(), pl.Boolean, eager=True).scatter(rows, values=True)


def _touched(run: pl.Series, stretches: Bytes) -> pl.Series:
    return reduce(
        or_, (run == first if first == last else run.is_between(first, last) for first, last in stretches)
    )


def _rows_of(touched: pl.Series, sizes: pl.Series) -> pl.Series:
    """In which text each touched byte stands."""
    ends = sizes.fill_null(0).cast(pl.Int64).cum_sum()
    return ends.search_sorted(touched.arg_true().cast(pl.Int64), side="right")


def refused(before: pl.Series, after: pl.Series) -> pl.Series | None:
    """Which rows lost a value: text that is not blank before, null after; None where no row did."""
    if before.null_count() == after.null_count():
        return None
    gone = after.is_null()
    if not (before.filter(gone).str.strip_chars() != "").any():
        return None
    return gone & (null_where(before, ~gone).str.strip_chars() != "").fill_null(value=False)
