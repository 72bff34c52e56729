"""Taking a text apart from the front, some megabytes at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.errors import SourceError

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

    Attributes:
        data: the bytes before the reader.
        final: whether the text ends with them.
        offset: bytes of the text before them.
    """

    def __init__(self, text: Stream, size: int, name: str) -> None:
        self._text = text
        self._size = size
        self._name = name
        self.data = b""
        self.final = False
        self.offset = 0

    def skip(self, count: int) -> None:
        """Begin ``count`` bytes further on; only before anything was read."""
        self._text.skip(count)
        self.offset += count

    def fill(self) -> bool:
        """Read until the window is full; False where the text has ended."""
        self._read(self._size - len(self.data))
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
        if wanted > 0 and not self.final:
            more = self._text.read(wanted)
            self.final = len(more) < wanted
            self.data += more
