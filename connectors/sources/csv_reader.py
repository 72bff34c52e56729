"""Reading a window of CSV: by the million where that is proved right, record by record where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.sources.csv_exact import Scanner
from connectors.sources.csv_fast import ProvedReader
from connectors.sources.rows import Gathered

if TYPE_CHECKING:
    from connectors.sources.csv_exact import Grammar, Record

_SHRINK, _GROW = 8, 4
_SMALLEST = 32 * 1024
"""Bytes of a piece that is not halved any more but read record by record."""


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
        at, size = 0, len(text)
        while at < len(text):
            end = self._record_end(text, at, min(at + size, len(text)), final=final)
            if self._fast(text[at:end], found):
                at, size = end, size * _GROW
            elif end - at > _SMALLEST:
                size = max((end - at) // _SHRINK, _SMALLEST)
            elif (reached := self._exact(text, at, found, final=final)) > at:
                at, size = reached, _SMALLEST * _GROW
            else:
                break
        return found, min(at, len(data))

    def _fast(self, piece: bytes, found: Gathered) -> bool:
        lines = piece.count(self._grammar.eol)
        frame = self._proved.read(piece, self.line, lines) if piece else None
        if frame is None:
            return False
        found.add(frame)
        self.line += lines
        return True

    def _record_end(self, text: bytes, at: int, to: int, *, final: bool) -> int:
        """Find the last place before ``to`` where a record ends if all quotes before it are in order."""
        if final and to == len(text):
            return to
        eol, quote = self._grammar.eol, self._grammar.quote
        end = text.rfind(eol, at, to) + 1
        if not quote or text.find(quote, at, end) < 0:
            return max(end, at)
        open_ = end > at and text.count(quote, at, end) % 2
        while open_ and end > at:
            before = text.rfind(eol, at, text.rfind(quote, at, end)) + 1
            open_ ^= text.count(quote, max(before, at), end) % 2
            end = before
        return max(end, at)

    def _exact(self, text: bytes, at: int, found: Gathered, *, final: bool) -> int:
        """Read some records one by one; give the place that was reached."""
        stop = at + _SMALLEST
        lines: list[int] = []
        values: list[list[str | None]] = [[] for _ in self._columns]
        while at < min(stop, len(text)) and (record := self._scanner.record(text, at, final=final)):
            row = self._texts(record, found)
            if row is not None:
                lines.append(self.line)
                for column, text_ in zip(values, row, strict=True):
                    column.append(text_)
            at += record.size
            self.line += record.lines
        found.add_texts(lines, values)
        return at

    def _texts(self, record: Record, found: Gathered) -> list[str] | None:
        """Give the asked values of a record; None where it is none, or unreadable."""
        if record.blank:
            return None
        if record.fields is None or len(record.fields) != self._width:
            found.refuse(self.line, "line_malformed" if record.fields is None else "line_ragged")
            return None
        try:
            return [record.fields[column].decode() for column in self._columns.values()]
        except UnicodeDecodeError:
            found.refuse(self.line, "line_undecodable")
            return None
