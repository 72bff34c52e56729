"""JSON files: one object a line (``jsonl``), or a list of objects (``json``), nested at will.

Fields are names or paths (``connectors.sources.paths``); what a record lacks is null. A place is a number
of bytes of the file's text as UTF-8, and the line or record there.
"""

from __future__ import annotations

from abc import abstractmethod
from itertools import islice
from json import JSONDecodeError
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from connectors.errors import SourceError
from connectors.json_text import STRICT_DECODER, KeyTwiceError
from connectors.sources.file_source import FileSource, Part, Place
from connectors.sources.json_array import JsonList
from connectors.sources.paths import MISSING, getter, paths_in
from connectors.sources.records_to_rows import KEY_TWICE, Record, gather
from connectors.sources.rows import Gathered
from connectors.sources.text_files import TextSettings, open_text
from connectors.sources.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from connectors.sources.files import File

BLOCK_BYTES = 4 * 1024 * 1024
"""Bytes of text that a page is made of; memory in use is some thirty times as much."""

_SAMPLED = 1000
"""Records of the first file whose paths ``fields()`` lists; ``find()`` looks at all records of all files."""

_NOT_JSON = object()
"""Stands for a line that could not be decoded."""


class JsonLinesSettings(TextSettings):
    """Settings of ``kind: jsonl``: one object a line."""

    kind: Literal["jsonl"] = "jsonl"


class JsonSettings(TextSettings):
    """Settings of ``kind: json``: a list of objects."""

    kind: Literal["json"] = "json"
    records: str | None = Field(
        default=None,
        description="The key that holds the list, inner keys after dots; default: the file is the list.",
    )


class _JsonSource(FileSource):
    def __init__(self, settings: TextSettings, base: Path, *, block_bytes: int = BLOCK_BYTES) -> None:
        super().__init__(settings, base)
        self._encoding = settings.encoding
        self._block = block_bytes

    @abstractmethod
    def _batches(
        self, window: Window, name: str, after: Place | None
    ) -> Iterator[tuple[list[Record], Place]]:
        """Yield some records, and where to go on after them."""

    def _fields(self, file: File) -> list[str]:
        with open_text(file, self._encoding) as (_, text):
            batches = self._batches(Window(text, self._block, file.name), file.name, None)
            records = (record for batch, _ in batches for record in batch)
            sample = list(islice(records, _SAMPLED))
        objects = [value for _, value in sample if isinstance(value, dict)]
        if sample and not objects:
            raise SourceError(
                f"{file.name} holds no JSON objects, from record {sample[0][0]} on.",
                "One object a line is `kind: jsonl`, a list of objects is `kind: json`.",
            )
        return list(dict.fromkeys(path for record in objects for path in paths_in(record)))

    def _check_fields(self, file: File, fields: Sequence[str]) -> None:
        """Nothing: what a record lacks is null, so that no beginning of a file proves anything."""

    def find(self, fields: Sequence[str]) -> list[str]:
        """Those of the fields that any record has; reads on until all are found."""
        missing = {field: getter(field) for field in fields}
        for record in self._records_of_all_files():
            for field in [field for field, get in missing.items() if get(record) is not MISSING]:
                del missing[field]
            if not missing:
                break
        return [field for field in fields if field not in missing]

    def _records_of_all_files(self) -> Iterator[object]:
        for file in self.files():
            with open_text(file, self._encoding) as (_, text):
                for batch, _ in self._batches(Window(text, self._block, file.name), file.name, None):
                    yield from (record for _, record in batch)

    def _parts(self, file: File, fields: Sequence[str], after: Place | None) -> Iterator[Part]:
        with open_text(file, self._encoding) as (stored, text):
            window = Window(text, self._block, file.name)
            for records, place in self._batches(window, file.name, after):
                found = Gathered(fields)
                gather(records, fields, found)
                yield Part(found, place, stored.taken)


class JsonLinesSource(_JsonSource):
    """Reads files of one JSON object a line.

    Args:
        settings: which files.
        base: the folder that relative paths begin at.
        block_bytes: bytes of text that a page is made of.
    """

    def __init__(self, settings: JsonLinesSettings, base: Path, *, block_bytes: int = BLOCK_BYTES) -> None:
        super().__init__(settings, base, block_bytes=block_bytes)

    def _batches(
        self, window: Window, name: str, after: Place | None
    ) -> Iterator[tuple[list[Record], Place]]:
        del name
        yield from json_lines(window, after)


class JsonSource(_JsonSource):
    """Reads files that hold one JSON list of objects, as it stands or under a key.

    Args:
        settings: which files, and the key.
        base: the folder that relative paths begin at.
        block_bytes: bytes of text that a page is made of.
    """

    def __init__(self, settings: JsonSettings, base: Path, *, block_bytes: int = BLOCK_BYTES) -> None:
        super().__init__(settings, base, block_bytes=block_bytes)
        self._records = settings.records

    def _batches(
        self, window: Window, name: str, after: Place | None
    ) -> Iterator[tuple[list[Record], Place]]:
        found = JsonList(window, name, self._records)
        number = after["record"] if after else 1
        if after:
            window.skip(after["offset"])
        else:
            found.enter()
        for values in found.elements():
            records = list(enumerate(values, number))
            number += len(values)
            yield records, {"offset": window.offset, "record": number}


def json_lines(window: Window, after: Place | None) -> Iterator[tuple[list[Record], Place]]:
    """Decode a text of one value a line, a window at a time; tell where to go on after each."""
    line = after["line"] if after else 1
    window.skip(after["offset"] if after else 0)
    while window.fill():
        end = len(window.data) if window.final else window.data.rfind(b"\n") + 1
        if not end:
            window.grow()
            continue
        lines = window.data[:end].removesuffix(b"\n").split(b"\n")
        window.take(end)
        records = [(at, _decoded(text)) for at, text in enumerate(lines, line) if text.strip()]
        line += len(lines)
        if records:
            yield records, {"offset": window.offset, "line": line}


def _decoded(line: bytes) -> object:
    try:
        return STRICT_DECODER.decode(line.decode(errors="surrogateescape"))
    except KeyTwiceError:
        return KEY_TWICE
    except (JSONDecodeError, RecursionError):
        return _NOT_JSON
