"""Reading a window of CSV: by the million where that is proved right, record by record where it is not."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING

import polars as pl
from polars.exceptions import ComputeError

from connectors.records import LINE
from connectors.sources.csv_exact import Scanner
from connectors.sources.csv_fast import Piece, ProvedReader, occurrences
from connectors.sources.rows import Gathered

if TYPE_CHECKING:
    from connectors.sources.csv_exact import Grammar

_SHRINK, _GROW, _LENGTHEN = 8, 4, 2
_SMALLEST = 32 * 1024
"""Bytes of a piece that is not made smaller any more but read record by record."""
_LONGEST_STRETCH = 1024 * 1024
"""Bytes that are read record by record, at most, before a piece is tried again."""


class CsvReader:
    """Reads windows of one CSV file, which must come in their order.

    Args:
        grammar: how the file is written.
        width: fields of a line.
        columns: which of them are asked for, 0-based, each once, by the name they are handed out under.
        line: physical line at which the first window begins.
    """

    def __init__(self, grammar: Grammar, width: int, columns: dict[str, int], line: int) -> None:
        self._grammar = grammar
        self._width = width
        self._columns = columns
        self._scanner = Scanner(grammar)
        self._proved = ProvedReader(grammar, width, columns)
        self.line = line

    def read(self, data: bytes, *, final: bool) -> tuple[Gathered, int]:
        """Read the records that end in the window.

        Args:
            data: the window.
            final: whether the text ends with it.

        Returns:
            The rows and unreadable lines, and how many bytes they took: 0 where more text is needed.
        """
        found = Gathered(list(self._columns))
        text = data + self._grammar.eol if final and not data.endswith(self._grammar.eol) else data
        at, size, stretch = 0, len(text), _SMALLEST
        while at < len(text):
            end, piece = self._whole_records(text, at, min(at + size, len(text)), final=final)
            if self._fast(piece, found):
                at, size, stretch = end, size * _GROW, _SMALLEST
            elif end - at > _SMALLEST:
                size = max((end - at) // _SHRINK, _SMALLEST)
            elif (reached := self._exact(text, at, at + stretch, found, final=final)) > at:
                at, size, stretch = reached, _SMALLEST, min(stretch * _LENGTHEN, _LONGEST_STRETCH)
            else:
                break
        return found, min(at, len(data))

    def _fast(self, piece: Piece, found: Gathered) -> bool:
        read = self._proved.read(piece, self.line) if piece.text else None
        if read is None:
            return False
        frame, lines = read
        found.add(frame)
        self.line += lines
        return True

    def _whole_records(self, text: bytes, at: int, to: int, *, final: bool) -> tuple[int, Piece]:
        """Find the last place before ``to`` where a record ends if all quotes before it are in order.

        Returns:
            The place, and the text before it.
        """
        whole = final and to == len(text)
        eol, quote = self._grammar.eol, self._grammar.quote
        end = to if whole else max(text.rfind(eol, at, to) + 1, at)
        piece = text[at:end]
        if not quote or quote not in piece:
            return end, Piece(piece)
        lines, quotes = occurrences(piece, eol, quote)
        while not whole and quotes % 2 and end > at:
            before = max(text.rfind(eol, at, text.rfind(quote, at, end)) + 1, at)
            lines -= text.count(eol, before, end)
            quotes -= text.count(quote, before, end)
            end = before
        return end, Piece(piece[: end - at], quotes, lines)

    def _exact(self, text: bytes, at: int, stop: int, found: Gathered, *, final: bool) -> int:
        """Read the records that begin before ``stop`` one by one; give the place that was reached."""
        stop = min(stop, len(text))
        rows: list[tuple[int, list[bytes]]] = []
        while at < stop and (record := self._scanner.record(text, at, final=final)):
            if record.fields is None:
                found.refuse(self.line, "line_malformed")
            elif len(record.fields) == self._width:
                rows.append((self.line, record.fields))
            elif not record.blank:
                found.refuse(self.line, "line_ragged")
            at += record.size
            self.line += record.lines
        found.add(self._decoded(rows, found))
        return at

    def _decoded(self, rows: list[tuple[int, list[bytes]]], found: Gathered) -> pl.DataFrame:
        try:
            return self._frame(rows)
        except ComputeError:
            good = [self._is_text(fields) for _, fields in rows]
            for (line, _), fine in zip(rows, good, strict=True):
                if not fine:
                    found.refuse(line, "line_undecodable")
            return self._frame(list(compress(rows, good)))

    def _frame(self, rows: list[tuple[int, list[bytes]]]) -> pl.DataFrame:
        lines = pl.Series(LINE, [line for line, _ in rows], dtype=pl.UInt64)
        asked = [
            pl.Series(name, [fields[column] for _, fields in rows], dtype=pl.Binary).cast(pl.String)
            for name, column in self._columns.items()
        ]
        return pl.DataFrame([lines, *asked])

    def _is_text(self, fields: list[bytes]) -> bool:
        try:
            b"\n".join(fields[column] for column in self._columns.values()).decode()
        except UnicodeDecodeError:
            return False
        return True
