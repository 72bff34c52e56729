"""Cells of a database as text, and keys as places to go on from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import polars as pl

from connectors.errors import SourceError
from connectors.json_text import Written, compact
from connectors.records import LINE, Page
from connectors.sources.rows import Gathered

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

UNDECODABLE: Final = object()
"""Stands for bytes that are no UTF-8."""

_BINARY, _UUID_SIZE = 254, 16
"""MySQL's number of BINARY and CHAR, and the length of a UUID."""


def text_of(value: Any) -> Any:  # noqa: ANN401 - a cell of any type
    """Give a cell as text, None as None, ``UNDECODABLE`` for bytes that are no text.

    Dates and times in ISO 8601, booleans ``true`` and ``false``, decimals without an exponent, arrays and
    JSON compact.
    """
    if value is None or type(value) is str:
        return value
    return _CONVERT.get(type(value), _other)(value)


def _other(value: Any) -> Any:  # noqa: ANN401 - same
    if isinstance(value, list | tuple | dict):
        return compact(_plain(value))
    if isinstance(value, set | frozenset):  # a SET of MySQL
        return compact(sorted(value))
    return str(value)


def _plain(value: Any) -> Any:  # noqa: ANN401 - same
    """What stands in an array as JSON has it: its numbers as they are written, all else as text."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Written(json.dumps(value))
    return value if value is None or isinstance(value, bool | str) else text_of(value)


def _uuid(value: Any) -> Any:  # noqa: ANN401 - same
    """A cell of a BINARY(16), where MySQL keeps UUIDs; its bytes are no text, and by chance look like one."""
    return str(UUID(bytes=value)) if isinstance(value, bytes) and len(value) == _UUID_SIZE else text_of(value)


def uuids_in(description: Sequence[Sequence[Any]]) -> set[int]:
    """Which columns are such, by what PyMySQL tells of them."""
    return {at for at, each in enumerate(description) if (each[1], each[3]) == (_BINARY, _UUID_SIZE)}


def _decoded(value: bytes | bytearray | memoryview) -> object:
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        return UNDECODABLE


_CONVERT: Final[Mapping[type, Callable[[Any], Any]]] = {
    bool: lambda value: "true" if value else "false",
    int: str,
    float: repr,
    Decimal: lambda value: format(value, "f"),
    datetime: datetime.isoformat,
    date: date.isoformat,
    bytes: _decoded,
    bytearray: _decoded,
    memoryview: _decoded,
}


@dataclass(frozen=True)
class Part:
    """What was read behind a key.

    Attributes:
        texts: a String column for each field.
        found: the key of each row, as it was read.
        typed: makes a key of one that was read.
        broken: rows that hold bytes which are no text.
    """

    texts: pl.DataFrame
    found: Sequence[Any] | pl.Series
    typed: Callable[[Any], Any] = lambda key: key
    broken: Sequence[int] = ()

    def __len__(self) -> int:
        """How many rows."""
        return len(self.found)

    @property
    def keys(self) -> list[Any]:
        """The key of each row."""
        return [self.typed(key) for key in self.found]

    @property
    def last(self) -> Any:  # noqa: ANN401 - a key of any type
        """The last key."""
        return self.typed(self.found[-1])


def part_of(
    rows: Sequence[Sequence[Any]], fields: Sequence[str], uuids: Collection[int] = frozenset()
) -> Part:
    """Make texts of rows with a cell for each field and the key behind them; ``uuids`` numbers columns."""
    columns = [
        list(map(_uuid if at in uuids else text_of, column))
        for at, column in enumerate(zip(*rows, strict=True))
    ] or [[] for _ in fields]
    broken = {
        at for column in columns[: len(fields)] for at, cell in enumerate(column) if cell is UNDECODABLE
    }
    texts = {
        name: pl.Series([None if cell is UNDECODABLE else cell for cell in column], dtype=pl.String)
        for name, column in zip(fields, columns, strict=False)
    }
    return Part(pl.DataFrame(texts), [row[-1] for row in rows], broken=sorted(broken))


def page_of(part: Part, first: int, cursor: Mapping[str, str | int], done: float | None) -> Page:
    """Number the rows from ``first`` on, and tell those apart that are no text."""
    found = Gathered(part.texts.columns)
    for at in part.broken:
        found.refuse(first + at, "line_undecodable")
    numbers = pl.int_range(first, first + len(part), dtype=pl.UInt64, eager=True).alias(LINE)
    rows = part.texts.insert_column(0, numbers)
    found.add(rows.filter(~numbers.is_in([first + at for at in part.broken])) if part.broken else rows)
    return Page(found.rows(0), found.unreadable(0), dict(cursor), done)


_KINDS: Final[Mapping[str, tuple[type, Callable[[Any], str], Callable[[str], Any]]]] = {
    "int": (int, str, int),
    "text": (str, str, str),
    "uuid": (UUID, str, UUID),
    "time": (datetime, datetime.isoformat, datetime.fromisoformat),
    "date": (date, date.isoformat, date.fromisoformat),
    "number": (Decimal, str, Decimal),
    "bytes": (bytes, bytes.hex, bytes.fromhex),
}
"""A key's type, how it is written in a cursor, and how it is read again."""


def to_cursor(key: Any) -> str:  # noqa: ANN401 - a key of any type
    """Write a key so that ``from_cursor`` gives it back with its type.

    Raises:
        SourceError: keys of this type cannot be gone on from.
    """
    for kind, (type_, write, _) in _KINDS.items():
        if type(key) is type_:
            return f"{kind}:{write(key)}"
    raise SourceError(
        f"source.key: a column of {type(key).__name__} cannot order the users.",
        "Name a column of numbers, texts, UUIDs or times that is unique and never null.",
    )


def from_cursor(text: str) -> Any:  # noqa: ANN401 - a key of any type
    """Read what ``to_cursor`` has written."""
    kind, _, value = text.partition(":")
    return _KINDS[kind][2](value)
