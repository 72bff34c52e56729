"""Gathering what a source read into the two frames of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import polars as pl

from connectors.records import FILE, LINE, REASON

if TYPE_CHECKING:
    from collections.abc import Sequence

Unreadable = Literal["line_ragged", "line_undecodable", "line_malformed", "line_key_twice"]


class Gathered:
    """Rows and unreadable lines of one page, in the order in which they stand in the file.

    Args:
        fields: the names of the columns beside ``LINE``.
    """

    def __init__(self, fields: Sequence[str]) -> None:
        self._fields = fields
        self._frames: list[pl.DataFrame] = []
        self._refused: list[tuple[int, Unreadable]] = []

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self._refused) or any(frame.height for frame in self._frames)

    def add(self, frame: pl.DataFrame) -> None:
        """Add rows: ``LINE`` and a String column for each field."""
        self._frames.append(frame)

    def add_texts(self, lines: Sequence[int], values: Sequence[Sequence[str | None]]) -> None:
        """Add rows: the line of each, and for each field all of its values."""
        columns = {
            name: pl.Series(texts, dtype=pl.String) for name, texts in zip(self._fields, values, strict=True)
        }
        self.add(pl.DataFrame({LINE: pl.Series(lines, dtype=pl.UInt64), **columns}))

    def refuse(self, line: int, reason: Unreadable) -> None:
        """Add a line that is no row."""
        self._refused.append((line, reason))

    def rows(self, file: int) -> pl.DataFrame:
        """Give ``Page.rows``."""
        schema = {LINE: pl.UInt64, **dict.fromkeys(self._fields, pl.String)}
        rows = pl.concat(self._frames) if self._frames else pl.DataFrame(schema=schema)
        return _at_file(rows.rechunk(), file)  # columns cut in different places are cut anew at every step

    def unreadable(self, file: int) -> pl.DataFrame:
        """Give ``Page.unreadable``."""
        lost = pl.DataFrame(self._refused, schema={LINE: pl.UInt64, REASON: pl.String}, orient="row")
        return _at_file(lost.sort(LINE), file)


def _at_file(frame: pl.DataFrame, file: int) -> pl.DataFrame:
    """Insert ``FILE`` behind ``LINE``; by place, since a field's name may look like a pattern to polars."""
    return frame.clone().insert_column(
        1, pl.repeat(file, frame.height, dtype=pl.UInt32, eager=True).alias(FILE)
    )
