"""Files of an Auth0 users export, as its job hands them out: one JSON object a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from connectors.sources.auth0_users import DECLARED, HASH, Auth0Part, PasswordHashes
from connectors.sources.base import SourceTraits
from connectors.sources.json_files import BLOCK_BYTES, JsonLinesSettings, JsonLinesSource
from connectors.sources.text_files import TextSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.sources.file_source import Place
    from connectors.sources.files import File
    from connectors.sources.records_to_rows import Record
    from connectors.sources.windows import Window


class Auth0ExportSettings(Auth0Part, TextSettings):
    """Settings of ``kind: auth0_export``."""

    kind: Literal["auth0_export"] = "auth0_export"


class Auth0ExportSource(JsonLinesSource):
    """Reads the files of a users export; proven against files in the published form, not a real tenant's.

    Args:
        settings: which files.
        base: the folder that relative paths begin at.
        block_bytes: bytes of text that a page is made of.
    """

    traits: ClassVar[SourceTraits] = SourceTraits(
        resumable=True, delivers=frozenset({"hashes", "groups", "mfa", "identities"})
    )

    declared: ClassVar[tuple[str, ...]] = (*DECLARED, HASH)

    def __init__(self, settings: Auth0ExportSettings, base: Path, *, block_bytes: int = BLOCK_BYTES) -> None:
        lines = JsonLinesSettings(path=settings.path, encoding=settings.encoding)
        super().__init__(lines, base, block_bytes=block_bytes)
        hashes = settings.hashes
        self._hashes = PasswordHashes(hashes, base) if hashes else None

    def fingerprint(self) -> str:
        """Hash of both kinds of files."""
        return super().fingerprint() + (self._hashes.fingerprint() if self._hashes else "")

    def _fields(self, file: File) -> list[str]:
        declared = self.declared if self._hashes else DECLARED
        return list(dict.fromkeys((*declared, *super()._fields(file))))

    def _batches(
        self, window: Window, name: str, after: Place | None
    ) -> Iterator[tuple[list[Record], Place]]:
        for records, place in super()._batches(window, name, after):
            if self._hashes:
                yield [(at, self._hashes.joined(one)) for at, one in records], place
            else:
                yield records, place
