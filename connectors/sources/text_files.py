"""What the sources of text files share: their encoding."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from connectors.sources.encodings import detect_encoding, known_encoding
from connectors.sources.files import FileSettings
from connectors.sources.streams import Bytes, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.sources.files import File

_SAMPLE_BYTES = 1024 * 1024


class TextSettings(FileSettings):
    """The part of the settings that all sources of text files share."""

    encoding: Annotated[str, AfterValidator(known_encoding)] | None = Field(
        default=None,
        description="Encoding of the text, for example cp1252; default: UTF-8, or UTF-16 or UTF-32 where "
        "that is certain.",
    )


@contextmanager
def open_text(file: File, encoding: str | None) -> Iterator[tuple[Bytes, Text]]:
    """Open a file for a while: its stored bytes, and its text as UTF-8.

    Raises:
        SourceError: the file cannot be read.
        ConfigurationError: its encoding is not set, and not certain.
    """
    with Bytes(file) as stored:
        if encoding is None:
            sample = stored.peek(_SAMPLE_BYTES)
            encoding = detect_encoding(sample, whole=len(sample) < _SAMPLE_BYTES, name=file.name)
        yield stored, Text(stored, encoding)
