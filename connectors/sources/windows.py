"""Taking a text apart from the front, some megabytes at a time."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from connectors.errors import SourceError
from connectors.sources.streams import STEP

if TYPE_CHECKING:
    from connectors.sources.streams import Stream

LONGEST_RECORD = 64 * 1024 * 1024
"""Bytes of text that one record may have; a file with a longer one is not what it claims to be."""


class Window:
    """The part of a text that lies before a reader: it takes from the front what it understands.

    Args:
        text: the text as UTF-8.
        size: bytes that the window has, more only where a record is longer.
        name: the file's name, for errors.
        eol: what ends a line, where the window shall not end within one: the lines in it need not be
            copied to be parted from what has only begun.

    Attributes:
        data: the bytes before the reader.
        final: whether the text ends with them.
        offset: bytes of the text before them.
    """

    def __init__(self, text: Stream, size: int, name: str, eol: bytes = b"") -> None:
        self._text = text
        self._size = size
        self._name = name
        self._eol = eol
        self._buffer = io.BytesIO()  # one for all windows: memory that is had anew is cleared anew
        self._begun = b""
        self.data = b""
        self.final = False
        self.offset = 0

    def skip(self, count: int) -> None:
        """Begin ``count`` bytes further on; only before anything was read."""
        self._text.skip(count)
        self.offset += count

    def fill(self) -> bool:
        """Read until the window is full; False where the text has ended."""
        missing = self._size - len(self.data) - len(self._begun)
        self._read(self._size if self._begun and missing <= 0 else missing)
        return bool(self.data)

    def take(self, count: int) -> None:
        """Drop ``count`` bytes from the front."""
        self.data = self.data[count:]
        self.offset += count

    def grow(self) -> None:
        """Double the window, since nothing in it could be taken.

        Raises:
            SourceError: it would be larger than any record may be.
        """
        if len(self.data) >= LONGEST_RECORD:
            raise SourceError(
                f"{self._name}: no record ends in the {len(self.data)} bytes from byte {self.offset}.",
                "Check that the file is what `kind` says, and its `encoding`.",
            )
        self._read(max(self._size, len(self.data)))

    def _read(self, wanted: int) -> None:
        if self.final or wanted <= 0:
            return
        before, self.data, self._begun = self.data + self._begun, b"", b""
        self._buffer.seek(0)
        self._buffer.write(before)
        self.final = self._pull(wanted) < wanted
        self._buffer.truncate()
        self._begun = b"" if self.final else self._behind_the_lines()
        self._buffer.truncate(self._buffer.tell() - len(self._begun))
        self.data = self._buffer.getvalue()

    def _pull(self, wanted: int) -> int:
        pulled = 0
        while pulled < wanted and (more := self._text.read(min(wanted - pulled, STEP))):
            pulled += self._buffer.write(more)
        return pulled

    def _behind_the_lines(self) -> bytes:
        text = self._buffer.getvalue()
        end = text.rfind(self._eol) if self._eol else -1
        return b"" if end < 0 else text[end + len(self._eol) :]
