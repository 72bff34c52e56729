"""Which files a source reads: one, several, a pattern; in a folder or in S3."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from stat import S_ISDIR
from typing import IO, TYPE_CHECKING

from pydantic import Field

from connectors.errors import SourceError
from connectors.s3_objects import SCHEME
from connectors.sources.base import SourceSettings
from connectors.sources.streams import COMPRESSED, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_ENDS = 64 * 1024
"""Bytes of each end of a file that its fingerprint covers."""


class FileSettings(SourceSettings):
    """The part of the settings that all file sources share."""

    path: str | list[str] = Field(
        description="A file, a pattern (`users-*.csv.gz`) or a list of them; relative to the run file's "
        "folder, or `s3://bucket/key`. Files that end in .gz or .zst are decompressed.",
        min_length=1,
    )


@dataclass(frozen=True, slots=True)
class File:
    """One file of a source.

    Attributes:
        name: its path or URL, as messages say it.
        size: bytes, as stored.
        stamp: changes when the file was written anew: time of the last change (ns) or ETag.
        open: opens the stored bytes; may raise ``OSError`` or ``SourceError``.
        path: where it lies, if it is local and not compressed.
    """

    name: str
    size: int
    stamp: str
    open: Callable[[], IO[bytes]] = field(compare=False, repr=False)
    path: Path | None = None


def find_files(path: str | list[str], base: Path) -> list[File]:
    """Find the files that ``path`` means, each once: in the order of the list, a pattern's by name.

    Args:
        path: what ``FileSettings.path`` says.
        base: the folder that relative paths begin at.

    Raises:
        SourceError: a file does not exist or may not be seen, or a pattern matches none.
    """
    patterns = [path] if isinstance(path, str) else path
    found: dict[str, File] = {}
    for pattern in patterns:
        found |= {file.name: file for file in _find(pattern, base) if file.name not in found}
    return list(found.values())


def _find(pattern: str, base: Path) -> list[File]:
    if pattern.startswith(SCHEME):
        from connectors.sources.s3_files import find_objects  # noqa: PLC0415 - a tenth of a second

        files = [File(*facts) for facts in find_objects(pattern)]
    else:
        files = [_local(place, base) for place in _places(pattern, base)]
    if not files:
        where = "" if pattern.startswith(SCHEME) else f" in {base}"
        raise SourceError(f"No file matches {pattern!r}{where}.", "Check `path` in the run file.")
    return sorted(files, key=lambda file: file.name)


def _places(pattern: str, base: Path) -> Iterator[Path]:
    place = base / Path(pattern).expanduser()
    if not any(sign in pattern for sign in "*?[") or place.exists():
        return iter([place])
    root = Path(place.anchor)
    return (found for found in root.glob(str(place.relative_to(root))) if found.is_file())


def _local(place: Path, base: Path) -> File:
    name = os.path.relpath(place, base) if place.is_relative_to(base) else str(place)
    try:
        facts = place.stat()
    except OSError as error:
        raise SourceError(
            f"{name} cannot be read from {base}: {error.strerror}.", "Check `path` in the run file."
        ) from None
    if S_ISDIR(facts.st_mode):
        raise SourceError(f"{name} is a folder.", f"Give its files, for example `{name}/*`.")
    plain = None if place.suffix.lower() in COMPRESSED else place
    return File(name, facts.st_size, str(facts.st_mtime_ns), partial(_open, place), plain)


def _open(place: Path) -> IO[bytes]:
    return place.open("rb")


def fingerprint(files: Sequence[File]) -> str:
    """Hash names, sizes, times or ETags and both ends of the files (SHA-256, hexadecimal)."""
    facts = [[file.name, file.size, file.stamp, _ends(file)] for file in files]
    return sha256(json.dumps(facts).encode()).hexdigest()


def _ends(file: File) -> str:
    with reading(file.name), file.open() as raw:
        first = raw.read(_ENDS)
        if file.size > _ENDS:
            raw.seek(max(_ENDS, file.size - _ENDS))
        return sha256(first + raw.read(_ENDS)).hexdigest()
