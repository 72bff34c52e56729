"""The verbs of ``then:`` and the conversions of ``as:``, each a closed list.

A verb takes a text and gives a text. It *checks* where it can meet a text that it has no answer
for: that is a bad value, and the rule's ``bad`` says what becomes of it. A verb that does not
check and leaves nothing behind has no value, which is no fault.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import polars as pl
from pydantic import TypeAdapter

from mappings import arguments, convert
from mappings.emails import addresses
from mappings.phones import phone_numbers
from mappings.texts import Bytes, Convert, by_distinct, composed, null_where, tidy_spaces, without_blanks

Run = Callable[[pl.Expr], pl.Expr]

_SPACES, _CAPITALS, _SMALL, _BEYOND_ASCII = (0x00, 0x20), (0x41, 0x5A), (0x61, 0x7A), (0x80, 0xFF)
"""Bytes of white space and controls, of ASCII's letters, and of all characters beyond ASCII."""

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Example:
    """One use of a verb, as it stands in a mapping, with a text before and after it."""

    call: str
    before: str
    after: str | None

    def __str__(self) -> str:
        """Call, text before and text after, for help texts."""
        return (
            f"{self.call}: {self.before!r} becomes {'no value' if self.after is None else repr(self.after)}"
        )


@dataclass(frozen=True, slots=True)
class Verb(Generic[A]):
    """What a verb is called with and what it does.

    Attributes:
        help: one line that says what it does.
        example: one use of it; the tests run it.
        build: makes the expression from the verb's argument.
        takes: what its argument must be; None for a verb without argument.
        without: whether the argument may be left out; ``build`` gets None then.
        beside: keys that may stand beside the verb's own (``else``); ``takes`` gets the whole map.
        checks: a text that it has no answer for is a bad value.
        minds_blanks: it must not be given an empty or blank text.
        touches: the bytes that a text must hold, if it is not empty, for the verb to change it; None
            where any text may change.
    """

    help: str
    example: Example
    build: Callable[[A], Run]
    takes: TypeAdapter[A] | None = None
    without: bool = False
    beside: frozenset[str] = frozenset()
    checks: bool = False
    minds_blanks: bool = True
    touches: Bytes | None = None


def column(convert_column: Convert, dtype: pl.DataType | type[pl.DataType] = pl.String) -> Run:
    """Use a function of whole columns as a verb."""
    return lambda text: text.map_batches(convert_column, return_dtype=dtype, is_elementwise=True)


def _leaves(run: Run) -> Run:
    """The verb may leave a blank text behind, which is no value."""
    return lambda text: column(without_blanks)(run(text))


def _plain(run: Run) -> Callable[[None], Run]:
    return lambda _: run


def _replace(pairs: Mapping[str, str]) -> Run:
    def replaced(text: pl.Expr) -> pl.Expr:
        return reduce(lambda e, p: e.str.replace_all(p[0], p[1], literal=True), pairs.items(), text)

    return _leaves(replaced)


def _slice(part: arguments.Slice) -> Run:
    return _leaves(lambda text: text.str.slice(part.start, part.length))


def _split(cut: arguments.Split) -> Run:
    return _leaves(lambda text: text.str.split(cut.by).list.get(cut.index, null_on_oob=True))


def _values(table: arguments.Values) -> Run:
    return _leaves(column(renamed(table.values_, keep=table.keeps, other=table.otherwise)))


def renamed(table: Mapping[str, str | None], *, keep: bool, other: str | None = None) -> Convert:
    """Look each text up in a table; one that is not there is kept, or becomes ``other``."""
    old, new = pl.Series(list(table), dtype=pl.String), pl.Series(list(table.values()), dtype=pl.String)

    def looked_up(texts: pl.Series) -> pl.Series:
        if keep:
            return texts.replace(old, new)
        answers = texts.replace_strict(old, new, default=other, return_dtype=pl.String)
        return null_where(answers, texts.is_null())

    return lambda texts: by_distinct(texts, looked_up)


VERBS: Mapping[str, Verb[Any]] = MappingProxyType(
    {
        "trim": Verb(
            "Removes white space at both ends.",
            Example("trim", "  Ada ", "Ada"),
            _plain(lambda text: text.str.strip_chars().replace("", None)),
            minds_blanks=False,
            touches=(_SPACES, _BEYOND_ASCII),
        ),
        "lower": Verb(
            "Makes every letter small.",
            Example("lower", "Ada@Example.com", "ada@example.com"),
            _plain(lambda text: text.str.to_lowercase()),
            touches=(_CAPITALS, _BEYOND_ASCII),
        ),
        "upper": Verb(
            "Makes every letter a capital.",
            Example("upper", "de", "DE"),
            _plain(lambda text: text.str.to_uppercase()),
            touches=(_SMALL, _BEYOND_ASCII),
        ),
        "title": Verb(
            "Makes the first letter of each word a capital and the others small.",
            Example("title", "ada LOVELACE", "Ada Lovelace"),
            _plain(lambda text: text.str.to_titlecase()),
        ),
        "nfc": Verb(
            "Composes letters and their accents (Unicode NFC).",
            Example("nfc", "Zoe\u0308", "Zo\u00eb"),
            _plain(column(composed)),
        ),
        "collapse_spaces": Verb(
            "Makes every stretch of white space one space and trims.",
            Example("collapse_spaces", " Ada   King ", "Ada King"),
            _plain(column(tidy_spaces)),
            minds_blanks=False,
        ),
        "replace": Verb(
            "Replaces pieces of text, one after another; they are taken literally.",
            Example('{replace: {"_": " ", "-": ""}}', "ada_king-1", "ada king1"),
            _replace,
            TypeAdapter(arguments.Replace),
        ),
        "slice": Verb(
            "Keeps the characters from `start` (from 0; negative: from the end), at most `length`.",
            Example("{slice: {start: 4, length: 3}}", "uid-123-x", "123"),
            _slice,
            TypeAdapter(arguments.Slice),
        ),
        "split": Verb(
            "Cuts at a piece of text and keeps one part: `at` is first, last or a number from 0.",
            Example('{split: {by: "@", at: last}}', "ada@example.com", "example.com"),
            _split,
            TypeAdapter(arguments.Split),
        ),
        "prefix": Verb(
            "Puts a piece of text in front.",
            Example("{prefix: acme-}", "42", "acme-42"),
            lambda piece: lambda text: pl.concat_str(pl.lit(piece), text),
            TypeAdapter(arguments.Piece),
        ),
        "suffix": Verb(
            "Puts a piece of text behind.",
            Example('{suffix: "@example.com"}', "ada", "ada@example.com"),
            lambda piece: lambda text: pl.concat_str(text, pl.lit(piece)),
            TypeAdapter(arguments.Piece),
        ),
        "digits": Verb(
            "Keeps the digits 0 to 9.",
            Example("digits", "No. 12-34", "1234"),
            _plain(_leaves(lambda text: text.str.replace_all("[^0-9]+", ""))),
        ),
        "values": Verb(
            "Exchanges whole values; one that is not listed stays, or becomes what `else` says. An empty text"
            " or null stands for no value.",
            Example("{values: {m: male, f: female}, else: other}", "f", "female"),
            _values,
            TypeAdapter(arguments.Values),
            beside=frozenset({"else"}),
        ),
        "e164": Verb(
            "Writes a telephone number as the pool wants it; the region is for numbers without country code.",
            Example("{e164: DE}", "030 23125-042", "+493023125042"),
            lambda region: column(phone_numbers(region)),
            TypeAdapter(arguments.Region),
            without=True,
            checks=True,
            minds_blanks=False,
        ),
        "email": Verb(
            "Checks an e-mail address (its syntax only), trims it and writes its domain in small letters.",
            Example("email", "Ada@EXAMPLE.com", "Ada@example.com"),
            _plain(column(addresses)),
            checks=True,
            minds_blanks=False,
        ),
        "epoch": Verb(
            "Makes seconds since 1970 of seconds, milliseconds, filetime, iso or a format such as %d.%m.%Y;"
            " of a list the first that fits.",
            Example("{epoch: milliseconds}", "1471453471123", "1471453471"),
            lambda formats: column(convert.epochs_in(formats)),
            TypeAdapter(arguments.Dates),
            checks=True,
            minds_blanks=False,
        ),
    }
)
"""Every verb that ``then:`` knows, by name."""

CONVERSIONS: Mapping[str, Verb[Any]] = MappingProxyType(
    {
        "string": Verb(
            "Takes the text as it stands.",
            Example("string", "0042", "0042"),
            _plain(lambda text: text),
        ),
        "boolean": Verb(
            "Understands true, t, yes, y, 1, on and false, f, no, n, 0, off in any case.",
            Example("boolean", "Yes", "true"),
            _plain(column(convert.booleans)),
            checks=True,
            minds_blanks=False,
        ),
        "integer": Verb(
            "Takes a whole number.",
            Example("integer", "+0042", "42"),
            _plain(column(convert.integers)),
            checks=True,
            minds_blanks=False,
        ),
        "number": Verb(
            "Takes a decimal number with a point.",
            Example("number", "+3.50", "3.50"),
            _plain(column(convert.numbers)),
            checks=True,
            minds_blanks=False,
        ),
        "date": Verb(
            "Makes yyyy-mm-dd of a format such as %d.%m.%Y, or of iso, seconds, milliseconds or filetime; of"
            " a list the first that fits.",
            Example('{date: "%d.%m.%Y"}', "10.12.1815", "1815-12-10"),
            lambda formats: column(convert.dates_in(formats)),
            TypeAdapter(arguments.Dates),
            checks=True,
            minds_blanks=False,
        ),
        "epoch": VERBS["epoch"],
    }
)
"""Every conversion that ``as:`` knows, by name."""
