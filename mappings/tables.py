"""Tables for ``lookup``: a CSV, JSON or YAML file, or a map in the mapping itself."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter, ValidationError

from connectors.errors import ConfigurationError, look_like_data, unknown_name
from mappings.arguments import Text
from mappings.documents import read_yaml

Table = Mapping[str, str | None]
_FLAT: TypeAdapter[dict[str, str | None]] = TypeAdapter(dict[Text, Text | None])
_COLUMNS = 2


def table_of(given: str | Table, *, base: Path | None, where: str, has_header: bool = True) -> Table:
    """The table itself, read from its file if ``given`` is a path.

    Args:
        given: a path, relative to ``base``, or the table.
        base: the folder of the mapping's file; None is the current one.
        where: file and key of the lookup, for errors.
        has_header: whether a CSV file begins with a header line.

    Raises:
        ConfigurationError: the file cannot be read, or is no table of two columns or flat map; or there is
            an entry where its header line should be.
    """
    if not isinstance(given, str):
        return given
    path = (base or Path()) / given
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise ConfigurationError(
            unknown_name("kind of table", suffix or given, _READERS, where=where.removesuffix(": "))
        )
    if not has_header:
        return _csv(path, where, has_header=False)
    return _READERS[suffix](path, where)


def _read(path: Path, where: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{where}{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{where}{path} is not UTF-8.", "Save it as UTF-8.") from None


def _csv(path: Path, where: str, *, has_header: bool = True) -> Table:
    """Two columns below a header: what is looked up, and what is found; an empty cell is no value."""
    reader = csv.reader(io.StringIO(_read(path, where), newline=""), strict=True)
    header: dict[str, str | None] = {}
    table: dict[str, str | None] = {}
    try:
        if has_header:
            _add(header, next(filter(None, reader), []), f"{where}{path}, line {reader.line_num}")
        for row in reader:
            _add(table, row, f"{where}{path}, line {reader.line_num}")
    except csv.Error as error:
        raise ConfigurationError(f"{where}{path}, line {reader.line_num}: not CSV: {error}.") from None
    _refuse_entry(header, table, f"{where}{path}")
    return table


def _refuse_entry(header: Table, table: Table, place: str) -> None:
    """An entry in the place of the header would be lost in silence: it is told by its looks, or its value."""
    for name, other in header.items():
        if look_like_data((name, other or "")) or other in table.values():
            raise ConfigurationError(
                f"{place}: the first line looks like an entry, where the names of the columns should stand.",
                "Put a header line above it, or name the columns in the mapping: `columns: [code, plan]`.",
            )


def _add(table: dict[str, str | None], row: list[str], place: str) -> None:
    if not row:
        return
    if len(row) != _COLUMNS:
        raise ConfigurationError(f"{place}: a table has two columns, this line has {len(row)}.")
    key, value = row[0], row[1] or None
    if table.setdefault(key, value) != value:
        raise ConfigurationError(
            f"{place}: this entry stands further up with another value.", "Keep one of them."
        )


def _json(path: Path, where: str) -> Table:
    def once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        pairs = list(pairs)
        if len(dict(pairs)) != len(pairs):
            raise ConfigurationError(f"{where}{path}: a key stands twice in one object.", "Keep one of them.")
        return dict(pairs)

    try:
        return _flat(json.loads(_read(path, where), object_pairs_hook=once), path, where)
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{where}{path}, line {error.lineno}: not JSON: {error.msg}.") from None


def _yaml(path: Path, where: str) -> Table:
    return _flat(read_yaml(path), path, where)


def _flat(data: object, path: Path, where: str) -> Table:
    try:
        return _FLAT.validate_python(data)
    except ValidationError:
        raise ConfigurationError(
            f"{where}{path}: a table is a flat map of texts.",
            "Put quotation marks round numbers with a point.",
        ) from None


_READERS: Mapping[str, Callable[[Path, str], Table]] = MappingProxyType(
    {".csv": _csv, ".json": _json, ".yaml": _yaml, ".yml": _yaml}
)
