"""The files that ``firebase auth:export`` writes: JSON, or CSV without a header line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final, Literal

import polars as pl

from connectors.errors import ConfigurationError
from connectors.records import FILE, LINE
from connectors.sources import csv_files, json_files
from connectors.sources.base import SourceTraits
from connectors.sources.csv_files import CsvSettings, CsvSource
from connectors.sources.fields import asked_once
from connectors.sources.firebase_users import DERIVED, EXPORTED, with_derived
from connectors.sources.json_files import JsonSettings, JsonSource
from connectors.sources.records_to_rows import gather
from connectors.sources.rows import Gathered
from connectors.sources.streams import COMPRESSED
from connectors.sources.text_files import TextSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from connectors.records import Cursor, Page
    from connectors.sources.file_source import Place
    from connectors.sources.files import File
    from connectors.sources.records_to_rows import Record
    from connectors.sources.windows import Window

_PROVIDERS: Final = ("google.com", "facebook.com", "twitter.com", "github.com")
_OF_PROVIDER: Final = ("rawId", "email", "displayName", "photoUrl")
_PLAIN: Final = ("localId", "email", "emailVerified", "passwordHash", "salt", "displayName", "photoUrl")
_LAST: Final = ("createdAt", "lastSignedInAt", "phoneNumber", "disabled", "customAttributes", "end")
COLUMNS: Final = (
    *_PLAIN, *(f"{provider}/{name}" for provider in _PROVIDERS for name in _OF_PROVIDER), *_LAST,
)  # fmt: skip
"""The columns of a CSV file, as the JSON names them; each line ends with a comma, so that one is empty."""

_TRAITS: Final = SourceTraits(resumable=True, delivers=frozenset({"hashes", "groups", "identities"}))
_DECLARED: Final = (*EXPORTED, "lastSignedInAt", *DERIVED)


class FirebaseExportSettings(TextSettings):
    """Settings of ``kind: firebase_export``."""

    kind: Literal["firebase_export"] = "firebase_export"


class FirebaseJsonSource(JsonSource):
    """Reads JSON files of ``firebase auth:export``; proven against files that Firebase's own tool wrote.

    Args:
        settings: which files.
        base: the folder that relative paths begin at.
        block_bytes: bytes of text that a page is made of.
    """

    traits: ClassVar[SourceTraits] = _TRAITS

    def __init__(
        self, settings: TextSettings, base: Path, *, block_bytes: int = json_files.BLOCK_BYTES
    ) -> None:
        users = JsonSettings(path=settings.path, encoding=settings.encoding, records="users")
        super().__init__(users, base, block_bytes=block_bytes)

    def _fields(self, file: File) -> list[str]:
        return list(dict.fromkeys((*_DECLARED, *super()._fields(file))))

    def _batches(
        self, window: Window, name: str, after: Place | None
    ) -> Iterator[tuple[list[Record], Place]]:
        for records, place in super()._batches(window, name, after):
            yield [(at, with_derived(one)) for at, one in records], place


class FirebaseCsvSource(CsvSource):
    """Reads CSV files of ``firebase auth:export``: the same fields, and nothing where a column is empty.

    Args:
        settings: which files.
        base: the folder that relative paths begin at.
        block_bytes: bytes of text that a page is made of.
    """

    traits: ClassVar[SourceTraits] = _TRAITS

    def __init__(
        self, settings: TextSettings, base: Path, *, block_bytes: int = csv_files.BLOCK_BYTES
    ) -> None:
        columns = CsvSettings(
            path=settings.path, encoding=settings.encoding, columns=list(COLUMNS), delimiter=",", quote='"'
        )
        super().__init__(columns, base, block_bytes=block_bytes)

    def _fields(self, file: File) -> list[str]:
        super()._fields(file)
        return list(_DECLARED)

    def _check_fields(self, file: File, fields: Sequence[str]) -> None:
        """Nothing: the columns are those of the tool that writes the files."""

    def pages(self, fields: Sequence[str], after: Cursor | None = None) -> Iterator[Page]:
        """Yield pages from the beginning, or behind the page that had the cursor ``after``."""
        asked = asked_once(fields)
        for page in super().pages(COLUMNS, after):
            lines, people = page.rows[LINE], page.rows.drop(LINE, FILE).iter_rows(named=True)
            found = Gathered(asked)
            gather(
                [(at, with_derived(_user(row))) for at, row in zip(lines, people, strict=True)], asked, found
            )
            file = int(page.cursor["file"])
            lost = pl.concat([page.unreadable, found.unreadable(file)]).sort(LINE)
            yield replace(page, rows=found.rows(file), unreadable=lost)


def _user(row: dict[str, str | None]) -> dict[str, object]:
    """A line as the user that it would be in JSON."""
    filled = {name: value for name, value in row.items() if value}
    user: dict[str, object] = {name: filled[name] for name in (*_PLAIN, *_LAST) if name in filled}
    linked = [_identity(filled, provider) for provider in _PROVIDERS if f"{provider}/rawId" in filled]
    return {**user, "providerUserInfo": linked} if linked else user


def _identity(filled: dict[str, str], provider: str) -> dict[str, str]:
    told = {name: filled.get(f"{provider}/{name}") for name in _OF_PROVIDER}
    return {"providerId": provider, **{name: value for name, value in told.items() if value}}


def firebase_export(settings: FirebaseExportSettings, base: Path) -> FirebaseJsonSource | FirebaseCsvSource:
    """Make the source that fits the files' names.

    Raises:
        ConfigurationError: they end neither in .json nor in .csv, or some in this and some in that.
    """
    paths = [settings.path] if isinstance(settings.path, str) else settings.path
    ends = {_end(path) for path in paths}
    if ends == {".json"}:
        return FirebaseJsonSource(settings, base)
    if ends == {".csv"}:
        return FirebaseCsvSource(settings, base)
    raise ConfigurationError("source.path: all files of an export end in .json, or all in .csv.")


def _end(path: str) -> str:
    plain = path.lower()
    for packed in COMPRESSED:
        plain = plain.removesuffix(packed)
    return plain[plain.rfind(".") :] if "." in plain else ""
