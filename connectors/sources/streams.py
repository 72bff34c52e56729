"""The bytes and the text of one file: opened, decompressed, decoded to UTF-8.

Only a file that is neither compressed nor in another encoding than UTF-8 can be entered in the
middle; in every other one the text before a place is read and dropped.
"""

from __future__ import annotations

import gzip
import tempfile
import zlib
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import zstandard

from connectors.errors import SourceError
from connectors.sources.encodings import UTF8_MARK, decoder, is_utf8, to_utf8

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Self

    from connectors.sources.files import File

COMPRESSED = (".gz", ".zst")
"""Ends of the names of files that are decompressed."""

STEP = 256 * 1024
"""Bytes that are read at once: they stay in the processor's caches."""

_COPY_BYTES = 1024 * 1024
_ZSTD_STEP = 4 * 1024
"""Compressed bytes fed at once: few, since they may grow a thousandfold."""


@contextmanager
def reading(name: str, place: Callable[[], int] = lambda: 0) -> Iterator[None]:
    """Turn what can go wrong with stored bytes into a ``SourceError`` with the file and the place."""
    try:
        yield
    except (gzip.BadGzipFile, zlib.error, EOFError, zstandard.ZstdError):
        raise SourceError(
            f"{name}: the compressed data is broken or cut off near byte {place()}.",
            "Copy or compress the file again.",
        ) from None
    except OSError as error:
        raise SourceError(
            f"{name} cannot be read: {error.strerror or type(error).__name__}.",
            "Check that it exists and that you may read it.",
        ) from None


class Stream(ABC):
    """Bytes that are read from the front, with a look ahead."""

    def __init__(self) -> None:
        self._held = b""

    @abstractmethod
    def _pull(self, size: int) -> bytes:
        """Give some bytes, about ``size``; none only at the end."""

    def peek(self, size: int) -> bytes:
        """Give the next ``size`` bytes, fewer only at the end, and keep them."""
        pieces, missing = [self._held] if self._held else [], size - len(self._held)
        while missing > 0 and (more := self._pull(missing)):
            pieces.append(more)
            missing -= len(more)
        self._held = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return self._held[:size]

    def read(self, size: int) -> bytes:
        """Take the next ``size`` bytes, fewer only at the end."""
        taken = self.peek(size)
        self._held = self._held[len(taken) :]
        return taken

    def skip(self, count: int) -> None:
        """Drop ``count`` bytes."""
        while count and (dropped := len(self.read(min(count, STEP)))):
            count -= dropped


class Bytes(Stream):
    """A file's bytes, decompressed where its name ends in .gz or .zst.

    Raises:
        SourceError: from every method, where the file cannot be read or its compression is broken.
    """

    def __init__(self, file: File) -> None:
        super().__init__()
        self._name = file.name
        self._raw: IO[bytes] | None = None
        with self._said():
            self._raw = file.open()
        self._plain = _decompressed(file.name.lower(), self._raw)

    @property
    def taken(self) -> int:
        """Stored bytes that have been read, of ``File.size``."""
        return self._raw.tell() if self._raw else 0

    @property
    def compressed(self) -> bool:
        """Whether the stored bytes are not the text's."""
        return self._plain is not self._raw

    def skip(self, count: int) -> None:
        """Drop ``count`` bytes; by seeking where the file is not compressed."""
        if self.compressed or self._raw is None:
            return super().skip(count)
        with self._said():
            self._raw.seek(self._raw.tell() - len(self._held) + count)
        self._held = b""
        return None

    def _pull(self, size: int) -> bytes:
        with self._said():
            return self._plain.read(size)

    def _said(self) -> AbstractContextManager[None]:
        return reading(self._name, lambda: self.taken)

    def __enter__(self) -> Self:
        """Use the file for a while."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        if self._raw:
            self._raw.close()


class Text(Stream):
    """A file's text as UTF-8, behind its byte order mark.

    What cannot be decoded becomes bytes that are no UTF-8 either.

    Args:
        source: where the bytes come from.
        encoding: a codec's name.
    """

    def __init__(self, source: Bytes, encoding: str) -> None:
        super().__init__()
        self._source = source
        self._decoder = None if is_utf8(encoding) else decoder(encoding)
        self._ended = False
        if self.peek(len(UTF8_MARK)) == UTF8_MARK:
            self.read(len(UTF8_MARK))

    def skip(self, count: int) -> None:
        """Drop ``count`` bytes of the UTF-8 text."""
        if self._decoder:
            return super().skip(count)
        held = min(count, len(self._held))
        self._held = self._held[held:]
        return self._source.skip(count - held)

    def _pull(self, size: int) -> bytes:
        if not self._decoder:
            return self._source.read(size)
        text = b""
        while not text and not self._ended:
            stored = self._source.read(max(size, STEP))
            self._ended = not stored
            text = to_utf8(self._decoder.decode(stored, final=self._ended))
        return text


class _Zstd:
    """Decompresses Zstandard frames; unlike the library's own reader it refuses a file that is cut off."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._inside = False

    def read(self, size: int) -> bytes:
        del size  # one step's worth, whatever is asked: the caller asks again
        while stored := self._raw.read(_ZSTD_STEP):
            if plain := self._feed(stored):
                return plain
        if self._inside:
            raise EOFError
        return b""

    def _feed(self, stored: bytes) -> bytes:
        plain = b""
        while stored:
            plain += self._frame.decompress(stored)
            self._inside = not self._frame.eof
            stored = self._frame.unused_data
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
        return plain


def _decompressed(name: str, raw: IO[bytes]) -> IO[bytes] | gzip.GzipFile | _Zstd:
    if name.endswith(".gz"):
        return gzip.GzipFile(fileobj=raw)
    return _Zstd(raw) if name.endswith(".zst") else raw


@contextmanager
def copied(file: File) -> Iterator[IO[bytes]]:
    """Copy a file's content into a nameless temporary file, for readers that must seek."""
    with tempfile.TemporaryFile() as copy, Bytes(file) as stored:
        while piece := stored.read(_COPY_BYTES):
            copy.write(piece)
        copy.seek(0)
        yield copy
