r"""Reading CSV by the million: polars reads a piece, and a proof shows that it read it right.

polars fills short lines with empty texts in silence, and takes some quotes where none should be. So a
piece of text counts as read only where one of three proofs holds:

* **Every byte is accounted for.** Lines that are too long, quotes that never close and bytes that are no
  UTF-8 are errors of polars as long as it reads all columns. What it hands out is then shorter than the piece
  by the delimiters, the line ends, and the quotes around and inside of values. If it is shorter by exactly
  the delimiters that full lines need, one end a line, and *all* quotes of the piece, then no line was short
  and no value has a quote in it: each of the two makes the sum too large, and nothing makes it smaller.
* **Every quote is in its place, and every byte is accounted for.** Where every quote opens a value, closes
  it or is doubled inside of it, polars takes none wrongly, and the quotes that it hands out as parts of
  values are half of the doubled ones: the sum is made without them.
* **The text is in order.** It matches, from its first byte to its last, a regular expression for "lines of
  so many fields, with quotes only where they belong" (Rust's engine: linear time).

What is not proved is not read here: ``Scanner`` reads it record by record.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
from polars.exceptions import ComputeError, SchemaError

from connectors.records import LINE
from connectors.sources.encodings import UTF8_MARK

if TYPE_CHECKING:
    from connectors.sources.csv_exact import Grammar


_SHORT = 64 * 1024
"""Bytes that are counted one by one."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text that ends in a line end.

    Attributes:
        text: the piece.
        quotes: quotes in it.
        lines: physical lines in it; None where nobody has counted them yet, only without quotes.
    """

    text: bytes
    quotes: int = 0
    lines: int | None = None


@dataclass(frozen=True, slots=True)
class _Quoted:
    """What is quoted in a piece of text.

    Attributes:
        octets: the piece, byte by byte.
        opening: where each opening quote stands, rising.
        closing: where the quote stands that belongs to it.
        outside: quotes that are no part of a value.
    """

    octets: pl.Series
    opening: pl.Series
    closing: pl.Series
    outside: int

    def line_ends(self, eol: int, rows: int) -> pl.Series:
        """Count the line ends inside of quotes, row by row."""
        ends = (self.octets == eol).arg_true().cast(pl.Int64)
        before = ends.search_sorted(self.opening).cast(pl.Int64)
        inside = ends.search_sorted(self.closing).cast(pl.Int64) - before
        some = inside > 0
        inside, before = inside.filter(some), before.filter(some)
        row = before - inside.cum_sum().shift(1, fill_value=0)
        counted = pl.DataFrame({"row": row, "inside": inside}).group_by("row").sum()
        return pl.zeros(rows, pl.Int64, eager=True).scatter(counted["row"], counted["inside"])


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

    def read(self, piece: Piece, line: int) -> tuple[pl.DataFrame, int] | None:
        """Read a piece of text.

        Args:
            piece: the text.
            line: physical line at which it begins.

        Returns:
            ``LINE`` and the asked columns, and how many physical lines that was; or None where it is not
            proved that this would be right.
        """
        text, quotes = piece.text, piece.quotes
        try:
            frame = self._parse(text)
            lines = self._lines(piece, frame.height)
            proved = self._is_accounted_for(text, frame, lines, quotes)
            quoted = None if proved and frame.height == lines else self._quoted(text, quotes)
            if not proved and quoted is not None:
                proved = self._is_accounted_for(text, frame, lines, quoted.outside)
            proved = proved or self._is_in_order(text)
        except (ComputeError, SchemaError):
            return None
        numbers = self._line_numbers(frame, line, lines, quoted) if proved else None
        if numbers is None:
            return None
        asked = (frame[column].alias(name) for name, column in self._asked.items())
        return pl.DataFrame([numbers, *asked]), lines

    def _lines(self, piece: Piece, rows: int) -> int:
        """Tell the physical lines; they are not counted where the proof by bytes holds for rows alone.

        Without quotes no value has a line end in it, so that each line is a row, a blank one as well.
        """
        if piece.lines is not None:
            return piece.lines
        certain = len(self._names) > 1 and b"\r" not in piece.text
        return rows if certain else occurrences(piece.text, self._grammar.eol)[0]

    def _is_accounted_for(self, piece: bytes, frame: pl.DataFrame, lines: int, quotes: int) -> bool:
        ends = self._line_end_bytes(piece, frame.height, lines)
        if ends is None or len(self._names) == 1:
            return False  # in a single column a blank line looks like an empty value
        handed_out = frame.select(pl.sum_horizontal(pl.all().str.len_bytes().sum().cast(pl.UInt64))).item()
        return bool(len(piece) == handed_out + frame.height * (len(self._names) - 1) + ends + quotes)

    def _quoted(self, piece: bytes, quotes: int) -> _Quoted | None:
        """Find what is quoted; None where a quote stands where none should be.

        Every other quote opens, behind a delimiter or line end, and the next one closes, before one; two
        that touch one another there stand for a quote inside the value.
        """
        if not quotes or quotes % 2:
            return None
        octets = octets_of(piece)
        places = (octets == self._grammar.quote[0]).arg_true().cast(pl.Int64)
        opening, closing = places.gather_every(2), places.gather_every(2, 1)
        edges = [self._grammar.delimiter[0], self._grammar.eol[0], self._grammar.quote[0]]
        before, behind = octets.gather((opening - 1).clip(lower_bound=0)), octets.gather(closing + 1)
        two_behind = octets.gather((closing + 2).clip(upper_bound=len(piece) - 1))
        ended = behind.is_in(edges) | ((behind == ord("\r")) & (two_behind == ord("\n")))
        if not ((opening == 0) | before.is_in(edges)).all() or not ended.all():
            return None
        doubled = int((closing.head(-1) + 1 == opening.tail(-1)).sum())
        return _Quoted(octets, opening, closing, quotes - doubled)

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

    def _line_numbers(
        self, frame: pl.DataFrame, line: int, lines: int, quoted: _Quoted | None
    ) -> pl.Series | None:
        """Number the rows; None where a value runs over line ends and is too long to be one."""
        numbers = pl.int_range(line, line + frame.height, dtype=pl.UInt64, eager=True).alias(LINE)
        if frame.height == lines:
            return numbers
        longest = frame.select(pl.max_horizontal(pl.all().str.len_bytes().max())).item()
        if quoted is None or longest > self._grammar.longest:
            inside = self._line_ends(frame)
        else:
            inside = quoted.line_ends(self._grammar.eol[0], frame.height)
        return None if inside is None else numbers + inside.cum_sum().shift(1, fill_value=0).cast(pl.UInt64)

    def _line_ends(self, frame: pl.DataFrame) -> pl.Series | None:
        """Count the line ends inside the values of each row; None where such a value is too long."""
        eol = self._grammar.eol.decode()
        broken = frame.select(column for column in frame if column.str.contains(eol, literal=True).any())
        inside = broken.select(pl.all().str.count_matches(eol, literal=True))
        too_long = broken.select(pl.all().str.len_bytes() > self._grammar.longest)
        if any((too_long[name] & (inside[name] > 0)).any() for name in broken.columns):
            return None
        return inside.sum_horizontal()

    def _parse(self, piece: bytes) -> pl.DataFrame:
        if piece.startswith(UTF8_MARK):
            piece = UTF8_MARK + piece  # polars drops one; in the middle of a file it is a letter
        return pl.read_csv(
            io.BytesIO(piece),  # bytes as they are cost a sixth more
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
    octets = octets_of(piece)
    return [int((octets == sign[0]).sum()) for sign in signs]


def octets_of(piece: bytes) -> pl.Series:
    """The bytes of a text as UInt8."""
    return pl.Series([piece], dtype=pl.Binary).cast(pl.List(pl.UInt8)).explode()


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
