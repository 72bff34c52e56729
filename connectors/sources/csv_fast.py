r"""Reading CSV by the million: polars reads a piece, and a proof shows that it read it right.

polars fills short lines with empty texts in silence, and takes some quotes where none should be. So a
piece of text counts as read only where one of two proofs holds:

* **Every byte is accounted for.** Lines that are too long, quotes that never close and bytes that are no
  UTF-8 are errors of polars as long as it reads all columns. What it hands out is then shorter than the piece
  by the delimiters, the line ends, and the quotes around and inside of values. If it is shorter by exactly
  the delimiters that full lines need, one end a line, and *all* quotes of the piece, then no line was short
  and no value has a quote in it: each of the two makes the sum too large, and nothing makes it smaller.
* **The text is in order.** It matches, from its first byte to its last, a regular expression for "lines of
  so many fields, with quotes only where they belong" (Rust's engine: linear time).

What is not proved is not read here: ``Scanner`` reads it record by record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from polars.exceptions import ComputeError, SchemaError

from connectors.records import LINE
from connectors.sources.encodings import UTF8_MARK

if TYPE_CHECKING:
    from connectors.sources.csv_exact import Grammar


_SHORT = 64 * 1024
"""Bytes that are counted one by one."""


class ProvedReader:
    """Reads pieces of whole lines, or says that it cannot vouch for one.

    Args:
        grammar: how the file is written.
        width: fields of a line.
        columns: which of them are asked for, 0-based, by the name they are handed out under.
    """

    def __init__(self, grammar: Grammar, width: int, columns: dict[str, int]) -> None:
        self._grammar = grammar
        self._names = [f"c{number}" for number in range(width)]
        self._asked = {name: self._names[column] for name, column in columns.items()}
        self._in_order = _lines_of_fields(grammar, width)

    def read(self, piece: bytes, line: int, lines: int, quotes: int) -> pl.DataFrame | None:
        """Read a piece of text that ends in a line end.

        Args:
            piece: the text.
            line: physical line at which it begins.
            lines: physical lines that it has.
            quotes: quotes that it has.

        Returns:
            ``LINE`` and the asked columns; or None where it is not proved that this would be right.
        """
        try:
            frame = self._parse(piece)
            proved = self._is_accounted_for(piece, frame, lines, quotes) or self._is_in_order(piece)
        except (ComputeError, SchemaError):
            return None
        numbers = self._line_numbers(frame, line, lines) if proved else None
        if numbers is None:
            return None
        return pl.DataFrame([numbers, *(frame[column].alias(name) for name, column in self._asked.items())])

    def _is_accounted_for(self, piece: bytes, frame: pl.DataFrame, lines: int, quotes: int) -> bool:
        ends = self._line_end_bytes(piece, frame.height, lines)
        if ends is None or len(self._names) == 1:
            return False  # in a single column a blank line looks like an empty value
        handed_out = frame.select(pl.sum_horizontal(pl.all().str.len_bytes().cast(pl.UInt64).sum())).item()
        return bool(len(piece) == handed_out + frame.height * (len(self._names) - 1) + ends + quotes)

    def _line_end_bytes(self, piece: bytes, rows: int, lines: int) -> int | None:
        """Count the bytes of the rows' ends; None where carriage returns make that uncertain."""
        if self._grammar.eol == b"\r" or b"\r" not in piece:
            return rows
        pairs = piece.count(b"\r\n")
        certain = rows == lines and piece.count(b"\r") == pairs  # polars drops a lone one behind any value
        return rows + pairs if certain else None

    def _is_in_order(self, piece: bytes) -> bool:
        if len(self._names) > 1 and (not self._grammar.quote or self._grammar.quote not in piece):
            return False  # the sum was the whole truth
        text = pl.Series([piece], dtype=pl.Binary).cast(pl.String)
        return bool(text.str.contains(self._in_order)[0])

    def _line_numbers(self, frame: pl.DataFrame, line: int, lines: int) -> pl.Series | None:
        """Number the rows; None where a value runs over line ends and is too long to be one."""
        numbers = pl.int_range(line, line + frame.height, dtype=pl.UInt64, eager=True).alias(LINE)
        if frame.height == lines:
            return numbers
        eol = self._grammar.eol.decode()
        broken = frame.select(column for column in frame if column.str.contains(eol, literal=True).any())
        inside = broken.select(pl.all().str.count_matches(eol, literal=True))
        too_long = broken.select(pl.all().str.len_bytes() > self._grammar.longest)
        if any((too_long[name] & (inside[name] > 0)).any() for name in broken.columns):
            return None
        return numbers + inside.sum_horizontal().cum_sum().shift(1, fill_value=0).cast(pl.UInt64)

    def _parse(self, piece: bytes) -> pl.DataFrame:
        if piece.startswith(UTF8_MARK):
            piece = UTF8_MARK + piece  # polars drops one; in the middle of a file it is a letter
        return pl.read_csv(
            piece,
            has_header=False,
            schema=dict.fromkeys(self._names, pl.String),
            separator=self._grammar.delimiter.decode(),
            quote_char=self._grammar.quote.decode() or None,
            eol_char=self._grammar.eol.decode(),
            infer_schema=False,
            empty_string_is_null=False,
        )


def occurrences(piece: bytes, *signs: bytes) -> list[int]:
    """Count ASCII signs, several at once; ``bytes.count`` looks at one byte after the other."""
    if len(piece) < _SHORT:
        return [piece.count(sign) for sign in signs]
    octets = pl.Series([piece], dtype=pl.Binary).cast(pl.List(pl.UInt8)).explode()
    return [int((octets == sign[0]).sum()) for sign in signs]


def _lines_of_fields(grammar: Grammar, width: int) -> str:
    """Write the regular expression for a text of lines that have ``width`` fields each, and nothing else."""
    delimiter, eol = _sign(grammar.delimiter), _sign(grammar.eol)
    quote = _sign(grammar.quote) if grammar.quote else ""
    letter = rf"[^{quote}{delimiter}{eol}\r]"
    bare = f"{letter}*" if width > 1 else f"{letter}+"  # no blank lines
    field = f"(?:{bare}|{quote}(?:[^{quote}]|{quote}{quote})*{quote})" if quote else bare
    end = r"\r?\n" if grammar.eol == b"\n" else eol
    return rf"\A(?:{field}(?:{delimiter}{field}){{{width - 1}}}{end})*\z"


def _sign(byte: bytes) -> str:
    return rf"\x{byte[0]:02X}"
