"""CSV files: any delimiter, quote and encoding, one file or many, compressed or not, local or in S3.

A place is a number of bytes of the file's text as UTF-8, and the physical line there. Where the file is
UTF-8 and not compressed, going on begins with a seek; else the text before it is read once more and dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from connectors.sources.csv_dialect import Head, read_head
from connectors.sources.csv_reader import CsvReader
from connectors.sources.file_source import FileSource, Part, Place
from connectors.sources.text_files import TextSettings, open_text
from connectors.sources.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from connectors.sources.files import File
    from connectors.sources.streams import Stream

BLOCK_BYTES = 16 * 1024 * 1024
"""Bytes of text that a page is made of; memory in use is some ten times as much."""

_HEAD_BYTES = 256 * 1024


def _one_sign(text: str) -> str:
    sign = {"tab": "\t"}.get(text, text)
    if len(sign) != 1 or not sign.isascii() or sign.isalnum() or sign in "\r\n\0":
        raise ValueError("must be one ASCII sign, for example a comma, or the word tab")
    return sign


def _sign_or_none(text: str) -> str:
    return _one_sign(text) if text else text


class CsvSettings(TextSettings):
    """Settings of ``kind: csv``; what is set wins over what is detected."""

    kind: Literal["csv"] = "csv"
    delimiter: Annotated[str, AfterValidator(_one_sign)] | None = Field(
        default=None,
        description="What parts the fields, one sign or `tab`; default: detected among , ; tab |.",
    )
    quote: Annotated[str, AfterValidator(_sign_or_none)] | None = Field(
        default=None, description="What encloses values; empty: nothing does; default: detected."
    )
    columns: list[str] | None = Field(
        default=None, description="Names of the fields, where the files have no header line."
    )


class CsvSource(FileSource):
    """Reads CSV files.

    Args:
        settings: which files, and how they are written.
        base: the folder that relative paths begin at.
        block_bytes: bytes of text that a page is made of.
    """

    def __init__(self, settings: CsvSettings, base: Path, *, block_bytes: int = BLOCK_BYTES) -> None:
        super().__init__(settings, base)
        self._settings = settings
        self._block = block_bytes

    def _fields(self, file: File) -> list[str]:
        with open_text(file, self._settings.encoding) as (_, text):
            return self._head(text, file).known()

    def _check_fields(self, file: File, fields: Sequence[str]) -> None:
        with open_text(file, self._settings.encoding) as (_, text):
            self._head(text, file).columns(fields, file.name)

    def _head(self, text: Stream, file: File) -> Head:
        sample = text.peek(_HEAD_BYTES)
        return read_head(
            sample,
            whole=len(sample) < _HEAD_BYTES,
            name=file.name,
            delimiter=self._settings.delimiter,
            quote=self._settings.quote,
            columns=self._settings.columns,
        )

    def _parts(self, file: File, fields: Sequence[str], after: Place | None) -> Iterator[Part]:
        with open_text(file, self._settings.encoding) as (stored, text):
            head = self._head(text, file)
            place = after or {"offset": head.offset, "line": head.line}
            columns = dict(zip(fields, head.columns(fields, file.name), strict=True))
            reader = CsvReader(head.grammar, len(head.names), columns, place["line"])
            window = Window(text, self._block, file.name, head.grammar.eol)
            window.skip(place["offset"])
            while window.fill():
                found, used = reader.read(window.data, final=window.final)
                if not used:
                    window.grow()
                    continue
                window.take(used)
                if found:
                    yield Part(found, {"offset": window.offset, "line": reader.line}, stored.taken)
