"""Rows of an import file as columns that polars' own writer joins: no line is made twice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from connectors.cognito.limits import MAX_ROW_CHARACTERS
from connectors.errors import ConfigurationError

if TYPE_CHECKING:
    from typing import BinaryIO


@dataclass(frozen=True)
class ImportRows:
    """Rows of an import file that are not written yet.

    Attributes:
        cells: String columns that are the lines once they are joined with commas: escaped, null for
            nothing; cells that are the same in every row stand together in one column.
    """

    cells: pl.DataFrame

    @cached_property
    def bytes(self) -> pl.Series:
        """Bytes of each line, its line feed included: UInt32, named ``bytes``."""
        return self._sizes(pl.all().str.len_bytes()).alias("bytes")

    def write(self, file: BinaryIO) -> None:
        """Write the lines, each with its line feed.

        Raises:
            ConfigurationError: a line is too long (F1.22).
        """
        self._check_lengths()
        file.flush()  # polars writes to the file itself
        self.cells.write_csv(file, include_header=False, quote_style="never", line_terminator="\n")

    def _check_lengths(self) -> None:
        """Refuse lines of too many characters; they are counted only where bytes do not settle it."""
        widest = self.bytes.max()
        if not isinstance(widest, int) or widest <= MAX_ROW_CHARACTERS:
            return
        characters = self._sizes(pl.all().str.len_chars()) - 1
        if bad := int((characters > MAX_ROW_CHARACTERS).sum()):
            raise ConfigurationError(
                f"{bad} rows are longer than {MAX_ROW_CHARACTERS:,} characters (F1.22).",
                "Let the mapping shorten or reject them.",
            )

    def _sizes(self, sizes: pl.Expr) -> pl.Series:
        signs = pl.lit(self.cells.width, pl.UInt32)  # commas between the columns, and a line feed
        return self.cells.select(pl.sum_horizontal(sizes) + signs).to_series()
