"""Decoded JSON records as rows of text, for every source that has records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connectors.json_text import text_of
from connectors.sources.paths import MISSING, getter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.sources.rows import Gathered

Record = tuple[int, object]
"""Line or number of a record, and its decoded value; what is no object is no user."""

KEY_TWICE: Final = object()
"""Stands for a record in which a key stands twice in one object: either value may be the right one."""


def gather(records: Sequence[Record], fields: Sequence[str], found: Gathered) -> None:
    """Add the texts at the asked paths; a lone surrogate among them was no UTF-8, or is no text."""
    getters = [getter(field) for field in fields]
    rows: list[tuple[int, list[str | None]]] = []
    for line, record in records:
        if not isinstance(record, dict):
            found.refuse(line, "line_key_twice" if record is KEY_TWICE else "line_malformed")
            continue
        row = [None if (value := get(record)) is MISSING else text_of(value) for get in getters]
        if _is_text(row):
            rows.append((line, row))
        else:
            found.refuse(line, "line_undecodable")
    values = [list(column) for column in zip(*(row for _, row in rows), strict=True)] or [[] for _ in getters]
    found.add_texts([line for line, _ in rows], values)


def _is_text(row: Sequence[str | None]) -> bool:
    try:
        "".join(filter(None, row)).encode()
    except UnicodeEncodeError:
        return False
    return True
