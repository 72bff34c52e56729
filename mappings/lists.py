"""Lists out of one text: ``admin;user``, ``["admin", "user"]``, ``[{"provider": "g", …}]``, arrays of PHP."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import reduce
from json import JSONDecodeError
from typing import TYPE_CHECKING

import polars as pl

from connectors.json_text import DECODER
from mappings.php import SERIALISED, names_of
from mappings.templates import Field, fields, parts
from mappings.texts import by_distinct, null_where, refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mappings.steps import Step

STRINGS = pl.List(pl.String)
_ROW, _PART = "row", "part"
_JSON_STARTS = ("[", "{")
_ALTERED = r"[\[,:\s](?:-0|-?[0-9]+[.eE]|-?[0-9]{19})"
"""A number, or what looks like one in a text, that polars would round or write otherwise than it stands."""


@dataclass(frozen=True, slots=True)
class Cutter:
    """How a column of texts becomes a column of lists.

    Attributes:
        split: the text between two parts; None reads JSON and PHP's arrays where there are any.
        each: the template for the members of JSON objects.
        steps: what is done to each part; a part that a checking step refuses spoils its list.
    """

    split: str | None
    each: str | None
    steps: Sequence[Step] = ()

    def __call__(self, texts: pl.Series) -> pl.Series:
        """Lists of distinct texts without blanks, null where a text is none or is refused."""
        return by_distinct(texts, self._lists)

    def _lists(self, texts: pl.Series) -> pl.Series:
        raw = self._cut(texts)
        flat = pl.DataFrame({_ROW: pl.int_range(texts.len(), eager=True), _PART: raw}).explode(_PART)
        flat, bad = self._worked(
            flat.with_columns(pl.col(_PART).str.strip_chars().replace("", None)).drop_nulls()
        )
        listed = flat.group_by(_ROW, maintain_order=True).agg(pl.col(_PART).unique(maintain_order=True))
        found = pl.DataFrame({_ROW: pl.int_range(texts.len(), eager=True)}).join(
            listed, on=_ROW, how="left", maintain_order="left"
        )
        lists = found.select(pl.col(_PART).fill_null(pl.lit([], dtype=STRINGS))).to_series()
        gone = raw.is_null() | pl.int_range(texts.len(), eager=True).is_in(bad.implode())
        return null_where(lists, gone)

    def _worked(self, flat: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
        """Do the steps to every part; also tell the rows that had a part refused."""
        bad = flat[_ROW].head(0)
        for step in self.steps:
            after = flat.select(step.run(pl.col(_PART))).to_series()
            lost = refused(flat[_PART], after) if step.checks else None
            if lost is not None:
                bad = bad.append(flat[_ROW].filter(lost))
            flat = flat.with_columns(after.alias(_PART)).drop_nulls()
        return flat, bad

    def _cut(self, texts: pl.Series) -> pl.Series:
        """Raw parts; null where a text is none, or is no JSON or array of PHP though it must be."""
        if self.split is not None:
            return texts.str.split(self.split)
        trimmed = texts.str.strip_chars()
        php = trimmed.str.contains(SERIALISED).fill_null(value=False)
        if self.each is None and php.any():
            named = [names_of(text) if is_php else None for text, is_php in zip(trimmed, php, strict=True)]
            return pl.Series(named, dtype=STRINGS).zip_with(php, self._plain(texts, trimmed))
        return self._plain(texts, trimmed)

    def _plain(self, texts: pl.Series, trimmed: pl.Series) -> pl.Series:
        """Raw parts of JSON where there is JSON, of any other text itself."""
        is_json = reduce(lambda a, b: a | b, (trimmed.str.starts_with(start) for start in _JSON_STARTS))
        single = pl.select(pl.when(texts.is_not_null()).then(pl.concat_list(texts))).to_series()
        if self.each is not None:
            single = null_where(single, trimmed != "")
        if not is_json.any():
            return single
        return single.zip_with(~is_json.fill_null(value=False), self._decoded(null_where(trimmed, ~is_json)))

    def _decoded(self, texts: pl.Series) -> pl.Series:
        arrays = null_where("[" + texts + "]", texts.str.starts_with("[")).fill_null(texts)
        arrays = _with_numbers_as_texts(arrays)
        if self.each is None:
            return _read(arrays, STRINGS)
        shape = pl.List(pl.Struct(dict.fromkeys(fields(self.each), pl.String)))
        return _written(_read(arrays, shape), self.each)


def _written(objects: pl.Series, each: str) -> pl.Series:
    """Fill the template from each object; a list in which one lacks a member is null.

    A null among the objects becomes a blank part, since taking nulls out of a list of objects
    costs more than reading the JSON.
    """
    member = pl.element().struct
    pieces = [member.field(part.name) if isinstance(part, Field) else pl.lit(part) for part in parts(each)]
    written = pl.when(pl.element().is_null()).then(pl.lit("")).otherwise(pl.concat_str(pieces))
    texts = objects.list.eval(written)
    return null_where(texts, texts.list.eval(pl.element().is_null()).list.any())


def _with_numbers_as_texts(texts: pl.Series) -> pl.Series:
    """The same JSON, with quotation marks round all numbers where one of them would be altered."""
    rows = texts.str.contains(_ALTERED).arg_true()
    if rows.is_empty():
        return texts
    return texts.clone().scatter(rows, [_with_quoted_numbers(text) for text in texts.gather(rows)])


def _with_quoted_numbers(text: str) -> str:
    """The same JSON with its numbers as texts; what is no JSON stays as it is."""
    try:
        return json.dumps(DECODER.decode(text))  # numbers are decoded as texts
    except (JSONDecodeError, RecursionError):
        return text


def _read(texts: pl.Series, shape: pl.List) -> pl.Series:
    """Read a column of JSON; a malformed text becomes null and spoils none of the others."""
    try:
        return texts.str.json_decode(shape)
    except pl.exceptions.ComputeError:
        read = null_where(texts, pl.Series([text is not None and not _is_json(text) for text in texts]))
        return null_where(read, _malformed(read, shape)).str.json_decode(shape)


def _is_json(text: str) -> bool:
    """Whether Python reads a text, which polars does not tell of one text without refusing all."""
    try:
        DECODER.decode(text)
    except (JSONDecodeError, RecursionError):
        return False
    return True


def _malformed(texts: pl.Series, shape: pl.List) -> pl.Series:
    """Which texts are to blame when polars refuses a whole column: halving it finds them, if they are few."""
    try:
        texts.str.json_decode(shape)
    except pl.exceptions.ComputeError:
        if texts.len() == 1:
            return pl.Series([True])
    else:
        return pl.repeat(value=False, n=texts.len(), eager=True)
    half = texts.len() // 2
    return _malformed(texts.head(half), shape).append(_malformed(texts.tail(-half), shape))
