r"""Reading CSV record by record: slow, but it knows what is wrong with which line.

The grammar is RFC 4180's: a value that begins with a quote ends at the next lone quote, which a
delimiter or line end must follow; a quote inside any other value is a letter like any other; lines end
in ``\n`` or ``\r\n`` (or, in files that have no other, in ``\r``). Python's ``csv`` is not used since it
refuses values over 128 KiB and lone carriage returns, which the fast path reads; both must read alike.

A record whose quotes are wrong costs its first physical line only: reading goes on at the next one, so
that a stray quote cannot swallow the people after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_VALUE = 64 * 1024
"""Bytes of a value that runs over line ends; a longer one is a quote that was never closed."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """How a CSV file is written; each a single ASCII byte, ``quote`` empty where there is none."""

    delimiter: bytes
    quote: bytes
    eol: bytes
    longest: int = LONGEST_VALUE


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a CSV file.

    Attributes:
        fields: the values, or None where the quotes are wrong; none at all in a blank line.
        size: bytes from its beginning to the next record's.
        lines: physical lines to go on from it to the next record.
    """

    fields: list[bytes] | None
    size: int
    lines: int

    @property
    def blank(self) -> bool:
        """Whether it is a blank line, which is no record."""
        return self.fields == []


class Scanner:
    """Takes records off the front of a text whose lines end in ``grammar.eol``."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        quote, delimiter = re.escape(grammar.quote or b"\0"), re.escape(grammar.delimiter)
        eol, end = re.escape(grammar.eol), self._line_end()
        quoted = rb"%b[^%b]*+(?:%b%b[^%b]*+)*+%b" % ((quote,) * 6)
        self._quoted = re.compile(quoted)
        self._after = re.compile(rb"%b|%b" % (delimiter, end))
        self._unquoted = re.compile(rb"[^%b%b]*+(?=%b|%b)" % (delimiter, eol, delimiter, eol))

    def _line_end(self) -> bytes:
        return rb"\r?\n" if self._grammar.eol == b"\n" else re.escape(self._grammar.eol)

    def records(self, data: bytes) -> Iterator[Record]:
        """Yield records until the data ends inside one."""
        at = 0
        while record := self.record(data, at, final=False):
            yield record
            at += record.size

    def record(self, data: bytes, at: int, *, final: bool) -> Record | None:
        """Read the record that begins at ``at``.

        Args:
            data: some text; a ``final`` one must end in a line end.
            at: where the record begins.
            final: whether the text ends with ``data``.

        Returns:
            The record, or None where more text is needed to tell.
        """
        end = data.find(self._grammar.eol, at) + 1
        if not end:
            return None
        line = data[at:end]
        if not self._grammar.quote or not self._may_be_quoted(line):
            content = self._strip(line)
            return Record(content.split(self._grammar.delimiter) if content else [], len(line), 1)
        return self._with_quotes(data, at, end, final=final)

    def _may_be_quoted(self, line: bytes) -> bool:
        quote = self._grammar.quote
        return quote in line and (line.startswith(quote) or self._grammar.delimiter + quote in line)

    def _strip(self, line: bytes) -> bytes:
        content = line.removesuffix(self._grammar.eol)
        return content.removesuffix(b"\r") if self._grammar.eol == b"\n" else content

    def _with_quotes(self, data: bytes, at: int, line_end: int, *, final: bool) -> Record | None:
        fields, place = [], at
        while True:
            value = self._value(data, place, final=final)
            if value is None:
                return None
            content, after, separator = value
            if separator is None:
                return Record(None, line_end - at, 1)
            fields.append(content)
            place = after
            if separator != self._grammar.delimiter:
                return Record(fields, place - at, data.count(self._grammar.eol, at, place))

    def _value(self, data: bytes, at: int, *, final: bool) -> tuple[bytes, int, bytes | None] | None:
        """Give a value, where the next begins, and what parts them: None where the quotes are wrong.

        Gives None at all where more text is needed to tell.
        """
        if data[at : at + 1] == self._grammar.quote:
            return self._quoted_value(data, at, final=final)
        found = self._unquoted.match(data, at)
        if not found:
            return None
        end = found.end() + 1
        separator = data[found.end() : end]
        content = found[0] if separator == self._grammar.delimiter else self._strip(found[0] + separator)
        return content, end, separator

    def _quoted_value(self, data: bytes, at: int, *, final: bool) -> tuple[bytes, int, bytes | None] | None:
        found = self._quoted.match(data, at)
        if not found:
            endless = len(data) - at > 2 * self._grammar.longest + 1 and data.find(self._grammar.eol, at) >= 0
            return (b"", at, None) if final or endless else None
        content = self._unescaped(found[0])
        if self._too_long(content):
            return b"", at, None
        separator = self._after.match(data, found.end())
        if separator:
            return content, separator.end(), separator[0]
        return (b"", at, None) if final or len(data) - found.end() > 1 else None

    def _unescaped(self, quoted: bytes) -> bytes:
        return quoted[1:-1].replace(self._grammar.quote * 2, self._grammar.quote)

    def _too_long(self, content: bytes) -> bool:
        return len(content) > self._grammar.longest and self._grammar.eol in content
