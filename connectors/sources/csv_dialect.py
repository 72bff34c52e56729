"""How one CSV file is written: its delimiter, quote and line end, its header, and where its rows begin."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from connectors.errors import ConfigurationError, SourceError
from connectors.sources.csv_exact import Grammar, Scanner
from connectors.sources.fields import not_there

if TYPE_CHECKING:
    from collections.abc import Sequence

DELIMITERS = (b",", b";", b"\t", b"|")
"""What is tried, in this order, where the settings name no delimiter."""

_ROWS = 200
"""Rows of the sample that decide between delimiters."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the beginning of a CSV file says.

    Attributes:
        grammar: delimiter, quote and line end.
        names: the header, or the names from the settings.
        offset: bytes of text before the first row.
        line: physical line of the first row.
    """

    grammar: Grammar
    names: tuple[str, ...]
    offset: int
    line: int

    def known(self) -> list[str]:
        """Names that can be asked for: those that are not empty and stand once."""
        return [name for name in self.names if name and self.names.count(name) == 1]

    def columns(self, fields: Sequence[str], file: str) -> list[int]:
        """Columns of the fields, 0-based.

        Raises:
            SourceError: the file lacks a field, or has it twice.
        """
        return [self._column(field, file) for field in fields]

    def _column(self, field: str, file: str) -> int:
        if field not in self.known() and field in self.names:
            raise SourceError(f"{file} has the field {field!r} more than once.", "Rename one in its header.")
        if field not in self.known():
            raise not_there("field", field, self.known(), file)
        return self.names.index(field)


def read_head(
    sample: bytes,
    *,
    whole: bool,
    name: str,
    delimiter: str | None = None,
    quote: str | None = None,
    columns: Sequence[str] | None = None,
) -> Head:
    """Read the beginning of a CSV file.

    Args:
        sample: the first bytes as UTF-8; ``whole`` says whether they are all.
        whole: see ``sample``.
        name: the file's name, for errors.
        delimiter: one character; default: the one of ``DELIMITERS`` that fits the sample best.
        quote: one character, or empty for none; default: ``"``, or ``'`` where the file begins so.
        columns: names, where the file has no header.

    Raises:
        SourceError: the file is empty, or its header cannot be read.
        ConfigurationError: the header is in another encoding.
    """
    mark = _quote(sample) if quote is None else quote.encode()
    eol = _eol(sample, mark)
    if whole and not sample.endswith(eol):
        sample += eol
    grammars = [Grammar(sign, mark, eol) for sign in ([delimiter.encode()] if delimiter else DELIMITERS)]
    grammar = max(grammars, key=lambda choice: _fit(choice, sample)) if len(grammars) > 1 else grammars[0]
    if columns is not None:
        return Head(grammar, tuple(columns), 0, 1)
    return _with_header(grammar, sample, name)


def _with_header(grammar: Grammar, body: bytes, name: str) -> Head:
    at, line = 0, 1
    for record in Scanner(grammar).records(body):
        at, line = at + record.size, line + record.lines
        if record.blank:
            continue
        if record.fields is None:
            break
        return Head(grammar, _names(record.fields, name), at, line)
    if not body.strip():
        raise SourceError(f"{name} is empty: a header line was expected.", "Leave it out, or set `columns`.")
    raise SourceError(
        f"{name}: the header line cannot be read.", "Check `delimiter`, `quote` and `encoding`."
    )


def _names(header: Sequence[bytes], name: str) -> tuple[str, ...]:
    try:
        return tuple(field.decode() for field in header)
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"{name}: the header has bytes of another encoding.", "Set `encoding`."
        ) from None


def _quote(body: bytes) -> bytes:
    """Take the apostrophe for the quote only where the file begins with one and has no double quote."""
    return b"'" if body.lstrip()[:1] == b"'" and b'"' not in body else b'"'


def _eol(body: bytes, quote: bytes) -> bytes:
    """Tell files with lone carriage returns from all others by the first line end outside quotes."""
    plain = b"".join(body.split(quote)[::2]) if quote else body
    return b"\r" if b"\n" not in plain and b"\r" in plain else b"\n"


def _fit(grammar: Grammar, body: bytes) -> tuple[float, int]:
    """Rate a delimiter: how many rows are as wide as the header, then how wide that is."""
    records = islice(Scanner(grammar).records(body), _ROWS)
    widths = [len(record.fields or ()) for record in records if not record.blank]
    parts_the_header = bool(widths) and widths[0] > 1
    if not parts_the_header:
        return 0.0, 0
    return widths.count(widths[0]) / len(widths), widths[0]
