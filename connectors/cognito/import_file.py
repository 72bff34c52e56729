r"""The CSV that an import job takes: what it looks like, how large it is, and how it is written.

It is not the CSV of the usual libraries: nothing is ever quoted (F1.15), a comma inside a value is
written ``\,`` (F1.16), there is no byte order mark (F1.14), and a line break cannot be written at all
(F1.18). Frames hold values as the API takes them (``connectors.records``); only this file knows that
a CSV wants a birthdate as ``mm/dd/yyyy`` (F1.37).
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.cognito.import_rows import ImportRows
from connectors.cognito.limits import MAX_FILE_BYTES, MAX_ROWS
from connectors.errors import ConfigurationError, unknown_name
from connectors.records import MFA, PASSWORD_HASH, USERNAME

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from typing import BinaryIO

    from connectors.records import HashAlgorithm, PoolSchema

USERNAME_COLUMN: Final = "cognito:username"
MFA_COLUMN: Final = "cognito:mfa_enabled"
HASH_COLUMN: Final = "password_hash"
"""The column of the hashes, whatever third parties' guides say (F2.5)."""

_TAKEN_FROM: Final = {USERNAME_COLUMN: USERNAME, HASH_COLUMN: PASSWORD_HASH}
_BIRTHDATE: Final = "birthdate"
_CSV_DATE: Final = "%m/%d/%Y"
_SLICE: Final = 65_536
"""Rows that are worked on at once: they stay in the processor's caches, and no text nears 4 GiB."""


class ImportFileFormat:
    """The form of every import file of one pool and one hash algorithm.

    Args:
        schema: the pool; its ``csv_header`` decides which columns there are (F1.9).
        algorithm: the job's ``PasswordHashingAlgorithm`` (F2.4), or None where no hash travels. With
            one, the file has the column ``password_hash``: the job fails without it. Without one,
            that column stays empty if the pool's header asks for it (F1.4), since nobody knows what
            a hash without an algorithm does.

    Attributes:
        columns: the columns' names in the order of the file.
        header_line: the file's first line (F1.7), UTF-8, with its line feed.
    """

    def __init__(self, schema: PoolSchema, algorithm: HashAlgorithm | None) -> None:
        names = schema.csv_header
        if algorithm and HASH_COLUMN not in names:
            names = (*names, HASH_COLUMN)
        self.columns: tuple[str, ...] = names
        self.header_line: bytes = ",".join(name.replace(",", "\\,") for name in names).encode() + b"\n"
        self._takes_hashes = algorithm is not None
        self._mfa_mode = schema.mfa

    def row_bytes(self, frame: pl.DataFrame) -> pl.Series:
        """Tell the exact bytes of each row, its line feed included, without writing it.

        Args:
            frame: mapped rows, as in ``render``.

        Returns:
            UInt32, one a row, named ``bytes``.

        Raises:
            ConfigurationError: as in ``render``.
        """
        return self.rows(frame).bytes

    def rows(
        self, frame: pl.DataFrame, *, plain: Collection[str] = (), commas: Collection[str] = ()
    ) -> ImportRows:
        """Make the rows of the file, without writing them yet.

        Args:
            frame: mapped rows, as in ``render``.
            plain: columns of it that are known to hold no comma, backslash or line break.
            commas: columns that are known to hold commas, but no backslash or line break; all others
                are searched.

        Raises:
            ConfigurationError: as in ``render``.
        """
        self._check_columns(frame)
        cells = self._escaped(frame, plain, commas)
        constants = {name: _constant(cells[name]) if name in cells.columns else "" for name in self.columns}
        pieces: list[pl.Expr] = []
        for varies, names in groupby(self.columns, key=lambda name: constants[name] is None):
            if varies:
                pieces += map(pl.col, names)
            else:
                text = ",".join(constants[name] or "" for name in names)
                pieces.append(pl.lit(text).alias(f"@{len(pieces)}"))
        made = cells.with_columns(pieces)
        return ImportRows(made.select(piece.meta.output_name() for piece in pieces))

    def render(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Turn mapped rows into the cells of the file.

        Args:
            frame: String columns: ``USERNAME``, the attributes by their names, and ``PASSWORD_HASH``
                and ``MFA`` where there are any. Other columns that begin with ``@`` are left aside.
                Null means no value; an attribute without a column is an empty cell (F1.9).

        Returns:
            One String column for each of ``columns``, escaped, null where the cell is empty.

        Raises:
            ConfigurationError: a column is none of the pool's, or a value cannot be written: it has a
                line break (F1.18), it ends in a backslash, which would swallow the comma behind it
                (F1.17), or it is a birthdate and no ``yyyy-mm-dd``. The text has no value.
        """
        parts = list(self.rendered(frame))
        return pl.concat(parts) if parts else pl.DataFrame(schema=dict.fromkeys(self.columns, pl.String))

    def rendered(self, frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Like ``render``, some ten thousand rows at a time."""
        self._check_columns(frame)
        for part in frame.iter_slices(_SLICE):
            yield self._cells(part)

    def _check_columns(self, frame: pl.DataFrame) -> None:
        if USERNAME not in frame.columns:
            raise ConfigurationError("The mapped rows have no username.", "Give the mapping one.")
        for name in frame.columns:
            if not name.startswith("@") and name not in self.columns:
                raise ConfigurationError(unknown_name("attribute of the pool", name, self.columns))

    def _filled(self, part: pl.DataFrame) -> pl.DataFrame:
        """The columns of the file that have a source, not escaped yet; the others stay empty."""
        taken = {column: _TAKEN_FROM.get(column, column) for column in self.columns}
        if not self._takes_hashes:
            taken.pop(HASH_COLUMN, None)
        values = {column: pl.col(name) for column, name in taken.items() if name in part.columns}
        if MFA_COLUMN in self.columns:
            values[MFA_COLUMN] = _mfa_value(self._mfa_mode, part.columns)
        return part.select(**values)

    def _escaped(
        self, part: pl.DataFrame, plain: Collection[str], commas: Collection[str] = ()
    ) -> pl.DataFrame:
        values = self._filled(part)
        taken = {column: _TAKEN_FROM.get(column, column) for column in values.columns}
        fine = {column for column, name in taken.items() if name in plain or name in commas}
        fine |= {MFA_COLUMN, _BIRTHDATE}
        awkward = _awkward_columns(values.select(name for name in values.columns if name not in fine))
        awkward += [column for column, name in taken.items() if name in commas]
        if _BIRTHDATE in values.columns:
            values = values.with_columns(_csv_dates(values[_BIRTHDATE]))
        return values.with_columns(pl.col(awkward).str.replace_all(",", "\\,", literal=True))

    def _cells(self, part: pl.DataFrame) -> pl.DataFrame:
        escaped = self._escaped(part, ())
        empty = pl.lit(None, pl.String)
        return escaped.select(
            pl.col(name) if name in escaped.columns else empty.alias(name) for name in self.columns
        )


def _constant(cells: pl.Series) -> str | None:
    """The cell of every row, where they are all the same; empty where there is none; else None."""
    if cells.null_count() == cells.len():
        return ""
    first = cells[0]
    if cells.has_nulls() or cells[-1] != first or not (cells == first).all():
        return None
    return str(first)


def _mfa_value(mode: str, columns: Collection[str]) -> pl.Expr:
    """Say what ``cognito:mfa_enabled`` holds: never nothing, which suits both texts of the guide (F1.34).

    Where the pool leaves the choice, only for whom a code can reach: with MFA active and nothing to use it
    with nobody can sign in (F1.35), and the secret of an authenticator app cannot travel (F7.7).
    """
    if mode != "OPTIONAL":
        return pl.lit("true" if mode == "ON" else "false")
    if MFA not in columns:
        return pl.lit("false")
    factor = pl.col(MFA)
    by_sms, by_email = (
        pl.col(name).is_not_null() if name in columns else pl.lit(value=False)
        for name in ("phone_number", "email")
    )
    usable = (factor.is_in(["sms", "on"]) & by_sms) | (factor.is_in(["email", "on"]) & by_email)
    return pl.when(usable).then(pl.lit("true")).otherwise(pl.lit("false"))


def _csv_dates(values: pl.Series) -> pl.Series:
    """Write dates as ``mm/dd/yyyy`` (F1.37)."""
    days = values.str.to_date("%Y-%m-%d", strict=False, cache=False)
    if bad := days.null_count() - values.null_count() - int((values == "").sum()):
        raise ConfigurationError(
            f"The column {values.name} holds {bad} values that are no date as yyyy-mm-dd.",
            "Read the birthdate with a date format in the mapping.",
        )
    return _written_days(days)


def _written_days(days: pl.Series) -> pl.Series:
    """Write every day of the calendar between the first and the last once, if that is less work."""
    numbers = days.to_physical()
    first, last = numbers.min(), numbers.max()
    if not isinstance(first, int) or not isinstance(last, int) or last - first > numbers.len():
        return days.dt.to_string(_CSV_DATE)
    calendar = pl.int_range(first, last + 1, dtype=pl.Int32, eager=True).cast(pl.Date).dt.to_string(_CSV_DATE)
    return calendar.gather((numbers - first).cast(pl.UInt32)).alias(days.name)


def _awkward_columns(values: pl.DataFrame) -> list[str]:
    """Find the columns that need escapes, and refuse what no escape exists for.

    All values of a column are joined and searched as one text: many times as fast as value by value.
    """
    if not values.width:
        return []
    texts = values.select(pl.all().str.join("").cast(pl.Binary)).row(0, named=True)
    for name, text in texts.items():
        if b"\n" in text or b"\r" in text:
            _refuse(values[name], r"[\r\n]", "a line break, which an import file cannot carry (F1.18)")
        if b"\\" in text:
            _refuse(values[name], r"\\$", "a backslash at the end, which hides the next comma (F1.17)")
    return [name for name, text in texts.items() if b"," in text]


def _refuse(values: pl.Series, pattern: str, what: str) -> None:
    if bad := int(values.str.contains(pattern).sum()):
        raise ConfigurationError(
            f"The column {values.name} has {bad} values with {what}.", "Let the mapping mend or reject them."
        )


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """An import file on disk: data rows, and bytes with the header."""

    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class WrittenLines:
    """Some rows as they stand in an import file already, each with its line feed."""

    rows: int
    content: bytes | memoryview


def write_import_file(
    path: Path, file_format: ImportFileFormat, pieces: Iterable[pl.DataFrame | WrittenLines]
) -> WrittenFile:
    """Write one import file, whole or not at all, readable by its owner only (mode 0600).

    It is written under a temporary name, flushed to the disk and then renamed.

    Args:
        path: where the file shall be; a file that is there already is replaced.
        file_format: the form of the file.
        pieces: rows in the order of the file: mapped ones, as ``ImportFileFormat.render`` takes them,
            or lines that were written before.

    Returns:
        What was written.

    Raises:
        ConfigurationError: a value cannot be written, or the file breaks a limit (F1.22 to F1.24).
        OSError: the disk is full or the folder cannot be written.
    """
    with _whole_or_not_at_all(path) as file:
        writer = _Writer(file)
        writer.put(file_format.header_line)
        for piece in pieces:
            if isinstance(piece, WrittenLines):
                writer.put(piece.content, piece.rows)
                continue
            for part in piece.iter_slices(_SLICE):
                writer.put_rows(file_format.rows(part))
    return WrittenFile(writer.rows, writer.bytes)


class _Writer:
    """Counts what goes into an import file."""

    def __init__(self, file: BinaryIO) -> None:
        self.rows = 0
        self.bytes = 0
        self._file = file

    def put_rows(self, rows: ImportRows) -> None:
        rows.write(self._file)
        self._count(rows.cells.height, int(rows.bytes.cast(pl.Int64).sum()))

    def put(self, content: bytes | memoryview, rows: int = 0) -> None:
        self._file.write(content)
        self._count(rows, len(content))

    def _count(self, rows: int, size: int) -> None:
        self.rows += rows
        self.bytes += size
        if self.rows > MAX_ROWS or self.bytes > MAX_FILE_BYTES:
            raise ConfigurationError(
                f"The file exceeds {MAX_ROWS:,} rows or {MAX_FILE_BYTES:,} bytes (F1.23, F1.24).",
                "Cut the batch smaller.",
            )


@contextmanager
def _whole_or_not_at_all(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside ``path`` that takes its place once the block has ended well."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # makes it 0600
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        _flush_folder(path.parent)
    finally:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()


def _flush_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def cut(
    row_bytes: pl.Series, *, header_bytes: int, max_rows: int = MAX_ROWS, max_bytes: int = MAX_FILE_BYTES
) -> list[tuple[int, int]]:
    """Cut rows into files that are as full as can be and never over a limit.

    Args:
        row_bytes: the bytes of each row (``ImportFileFormat.row_bytes``), in order.
        header_bytes: the bytes of ``ImportFileFormat.header_line``, which every file has.
        max_rows: rows a file may have (F1.23).
        max_bytes: bytes a file may have, header included (F1.24).

    Returns:
        ``(start, stop)`` of each file: its first row and the one behind its last. Each but the last is
        full: one row more would break a limit, whichever comes first.

    Raises:
        ConfigurationError: one row alone is larger than a file.
    """
    ends = row_bytes.cast(pl.Int64).cum_sum()
    cuts: list[tuple[int, int]] = []
    start, sent = 0, 0
    while start < len(ends):
        fits = int(ends.search_sorted(sent + max_bytes - header_bytes, side="right"))
        stop = min(fits, start + max_rows)
        if stop <= start:
            raise ConfigurationError(f"One row alone does not fit into {max_bytes:,} bytes.", "Shorten it.")
        cuts.append((start, stop))
        start, sent = stop, int(ends[stop - 1])
    return cuts
