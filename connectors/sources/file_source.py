"""What all file sources have in common: several files, one after the other, with a cursor through them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from connectors.errors import SourceError
from connectors.records import Cursor, Page
from connectors.sources.base import SourceTraits
from connectors.sources.fields import asked_once
from connectors.sources.files import File, FileSettings, find_files, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from connectors.sources.rows import Gathered

Place = dict[str, int]
"""Where to go on inside one file."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of one file.

    Attributes:
        found: the rows and unreadable lines.
        place: where to go on after them.
        taken: stored bytes of the file that were read so far.
    """

    found: Gathered
    place: Place
    taken: int


class FileSource(ABC):
    """A source of files; a kind of file says how one is read.

    Args:
        settings: which files, and how they are written.
        base: the folder that relative paths begin at: the run file's.
    """

    traits: ClassVar[SourceTraits] = SourceTraits(resumable=True)

    def __init__(self, settings: FileSettings, base: Path) -> None:
        self._path = settings.path
        self._base = base

    @abstractmethod
    def _fields(self, file: File) -> list[str]:
        """Names of the fields of one file."""

    @abstractmethod
    def _check_fields(self, file: File, fields: Sequence[str]) -> None:
        """Raise ``SourceError`` where the beginning of a file proves that it lacks one of the fields."""

    @abstractmethod
    def _parts(self, file: File, fields: Sequence[str], after: Place | None) -> Iterator[Part]:
        """Read one file, from its beginning or behind a place."""

    def files(self) -> list[File]:
        """Find the files, in the order in which they are read."""
        return find_files(self._path, self._base)

    def check(self) -> None:
        """Prove that every file is there, may be read and begins as it should."""
        for file in self.files():
            self._fields(file)

    def check_fields(self, fields: Sequence[str]) -> None:
        """Prove that every file has the fields, as far as its beginning tells.

        Raises:
            SourceError: a file cannot be read, or lacks a field.
        """
        for file in self.files():
            self._check_fields(file, fields)

    def fields(self) -> list[str]:
        """Names of the fields of the first file."""
        return self._fields(self.files()[0])

    def count(self) -> int | None:
        """Give None: a text does not tell how many records it has."""
        return None

    def fingerprint(self) -> str:
        """Hash of the files' names, sizes, times or ETags, and of both ends of each."""
        return fingerprint(self.files())

    def pages(self, fields: Sequence[str], after: Cursor | None = None) -> Iterator[Page]:
        """Yield pages from the beginning, or behind the page that had the cursor ``after``.

        Raises:
            SourceError: a file cannot be read, lacks a field, or is not there any more.
        """
        asked = asked_once(fields)
        files = self.files()
        first, place = _opened(after, len(files))
        total = sum(file.size for file in files) or 1
        for number, file in enumerate(files[first:], first):
            before = sum(earlier.size for earlier in files[:number])
            for part in self._parts(file, asked, place if number == first else None):
                yield Page(
                    part.found.rows(number),
                    part.found.unreadable(number),
                    {"file": number, **part.place},
                    min(1.0, (before + part.taken) / total),
                )


def _opened(cursor: Cursor | None, files: int) -> tuple[int, Place | None]:
    if cursor is None:
        return 0, None
    place = {name: int(value) for name, value in cursor.items()}
    number = place.pop("file")
    if number >= files:
        raise SourceError(
            "The source has fewer files than when the run began.", "Bring them back, then resume."
        )
    return number, place
