r"""A strict reader of import files: header, lines and escapes, nothing about users (F1.7-F1.24).

``\,`` is the only escape (F1.16) and there are no quotes (F1.15), so that this is no CSV that a
common parser takes: a line is cut at every comma that no backslash precedes.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

import polars as pl

from connectors.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from connectors.cognito.sandbox.settings import SandboxSettings

LINE = "@line"
"""UInt32: the physical line, the header's is 1."""

PROBLEM = "@problem"
"""String or null: the reason code of a row that fails."""

BLOCK_BYTES = 1 << 21
"""Bytes of a block; below the 4.38 MB that every code point once takes, see ``_absent``."""

ESCAPED_COMMA = "\\,"


@dataclass(frozen=True, slots=True)
class HeaderRule:
    """What a header may and must hold.

    Attributes:
        known: every column that the job takes.
        expected: those that a complete file has (F1.9).
        needed: those whose absence fails the job even under ``missing_column: allow``.
        fatal: those whose absence fails the job whatever the settings say (table 1e).
    """

    known: AbstractSet[str]
    expected: AbstractSet[str]
    needed: AbstractSet[str]
    fatal: AbstractSet[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ImportFile:
    """An import file whose header is right.

    Attributes:
        path: where it lies.
        header: the columns in the file's order; an empty name is a column to pass over.
        missing: columns of the pool that it lacks, where the settings let it go on.
        rows: lines after the header.
    """

    path: Path
    header: tuple[str, ...]
    missing: tuple[str, ...]
    rows: int


def open_file(path: Path, rule: HeaderRule, settings: SandboxSettings) -> ImportFile:
    """Judge everything that concerns a file as a whole.

    Raises:
        SourceError: the job fails: header, byte order mark, encoding or number of rows.
    """
    with path.open("rb") as handle:
        header = _header(handle.readline(), settings)
    missing = _missing(header, rule, settings)
    _refuse_unknown(header, rule, settings)
    rows = _survey(path, settings) - 1
    if rows > settings.max_rows:
        raise SourceError(f"The CSV file has more than {settings.max_rows} users.")
    wanted = tuple(name if name in rule.known else "" for name in header)
    return ImportFile(path, wanted, missing, rows)


def blocks(
    file: ImportFile, settings: SandboxSettings, block_bytes: int = BLOCK_BYTES
) -> Iterator[pl.DataFrame]:
    """Yield the rows block by block: ``LINE``, ``PROBLEM`` and one String column a known column.

    Values are unescaped and trimmed (F1.16, F1.21), an empty cell is an empty text; every value of
    a row with a problem is null.

    Raises:
        SourceError: a row breaks a rule that the settings let fail the job.
    """
    line = 2
    with file.path.open("rb") as handle:
        handle.readline()
        while lines := handle.readlines(block_bytes):
            frame = parse(_texts(lines, settings), line, file.header, settings)
            line += len(lines)
            _refuse_rows(frame, settings)
            yield frame


def parse(
    lines: Sequence[str | None], first_line: int, header: Sequence[str], settings: SandboxSettings
) -> pl.DataFrame:
    """Cut lines (without their line feed; None: not UTF-8) into the shape that ``blocks`` yields."""
    mark = _absent(lines)
    raw = pl.DataFrame({LINE: range(first_line, first_line + len(lines)), "@raw": lines},
                       schema={LINE: pl.UInt32, "@raw": pl.String})  # fmt: skip
    if settings.carriage_return == "strip":
        raw = raw.with_columns(pl.col("@raw").str.strip_suffix("\r"))
    if settings.blank_line == "ignore":
        raw = raw.filter(pl.col("@raw").is_null() | (pl.col("@raw").str.strip_chars() != ""))
    cut = raw.with_columns(pl.col("@raw").str.replace_all(ESCAPED_COMMA, mark, literal=True).alias("@marked"))
    cut = cut.with_columns(
        pl.col("@marked").str.split(",").alias("@cells"),
        _line_problem(settings).alias(PROBLEM),
    )
    cut = cut.with_columns(
        pl.when(pl.col(PROBLEM).is_null() & (pl.col("@cells").list.len() != len(header)))
        .then(pl.lit("field_count"))
        .otherwise(PROBLEM)
        .alias(PROBLEM)
    )
    return cut.select(LINE, PROBLEM, *_cells(header, mark))


def _cells(header: Sequence[str], mark: str) -> list[pl.Expr]:
    """One expression a column; the last of columns of one name wins."""
    place = {name: index for index, name in enumerate(header)}
    whole = pl.col(PROBLEM).is_null()
    return [
        pl.when(whole)
        .then(
            pl.col("@cells").list.get(index, null_on_oob=True)
            .str.replace_all(mark, ",", literal=True)
            .str.strip_chars()
        )
        .alias(name)
        for name, index in place.items()
        if name
    ]  # fmt: skip


def _line_problem(settings: SandboxSettings) -> pl.Expr:
    raw, marked = pl.col("@raw"), pl.col("@marked")
    rules = [
        (raw.is_null(), "undecodable"),
        (raw.str.len_chars() > settings.max_row_characters, "row_too_long"),
        (raw.str.contains("\r", literal=True), "carriage_return"),
        (raw.str.strip_chars() == "", "blank_line"),
    ]
    if settings.quotes == "fail_row":
        rules.append((raw.str.contains('"', literal=True), "quotation_mark"))
    if settings.lone_backslash == "fail_row":
        rules.append((marked.str.contains("\\", literal=True), "lone_backslash"))
    return pl.coalesce([pl.when(broken).then(pl.lit(code)) for broken, code in rules])


def _absent(lines: Sequence[str | None]) -> str:
    """A character that stands in no line, to hold the place of an escaped comma.

    There always is one: a block is shorter than all code points together. The first candidates are
    noncharacters, which no honest text holds.
    """
    text = "".join(line for line in lines if line)
    candidates = chain(range(0xFDD0, 0xFDF0), range(0xE000, 0x110000), range(0x80, 0xD800))
    return next(chr(code) for code in candidates if chr(code) not in text)


def _texts(lines: Sequence[bytes], settings: SandboxSettings) -> list[str | None]:
    """Decode lines; one that is longer than any good row is cut, so that it stays cheap."""
    most = 4 * (settings.max_row_characters + 1)
    if max(map(len, lines)) <= most:
        try:
            return list(b"".join(lines).decode().removesuffix("\n").split("\n"))
        except UnicodeDecodeError:
            pass  # some line of the block is bad: decode one by one
    return [_text(line.removesuffix(b"\n"), most) for line in lines]


def _text(line: bytes, most: int) -> str | None:
    try:
        return line[:most].decode(errors="ignore" if len(line) > most else "strict")
    except UnicodeDecodeError:
        return None


def _header(line: bytes, settings: SandboxSettings) -> tuple[str, ...]:
    if line.startswith(codecs.BOM_UTF8):
        if settings.byte_order_mark == "fail_job":
            raise SourceError("The CSV file begins with a byte order mark.")
        line = line.removeprefix(codecs.BOM_UTF8)
    try:
        text = line.decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise SourceError("The header of the CSV file is not UTF-8.") from None
    if settings.carriage_return == "strip":
        text = text.removesuffix("\r")
    names = text.split(",")
    return tuple(name.strip() for name in names) if settings.header_spaces == "trim" else tuple(names)


def _missing(header: Sequence[str], rule: HeaderRule, settings: SandboxSettings) -> tuple[str, ...]:
    missing = rule.expected - set(header)
    grave = {"fail_job": rule.expected, "fail_rows": rule.fatal, "allow": rule.needed}
    if fatal := missing & grave[settings.missing_column]:
        raise SourceError(f"The header of the CSV file lacks the column {min(fatal)}.")
    return tuple(sorted(missing))


def _refuse_unknown(header: Sequence[str], rule: HeaderRule, settings: SandboxSettings) -> None:
    if settings.unknown_column == "fail_job" and set(header) - rule.known:
        raise SourceError("The header of the CSV file has a column that the user pool does not have.")
    if settings.duplicate_column == "fail_job" and len(set(header)) < len(header):
        raise SourceError("The header of the CSV file has a column twice.")


def _survey(path: Path, settings: SandboxSettings) -> int:
    """Count the lines, and see that all is UTF-8 before the first user is made."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict" if settings.bad_utf8 == "fail_job" else "ignore")
    lines, last = 0, b"\n"
    with path.open("rb") as handle:
        for chunk in _chunks(handle):
            _decode(decoder, chunk)
            lines, last = lines + chunk.count(b"\n"), chunk[-1:]
    _decode(decoder, b"", final=True)
    return lines + (last != b"\n")


def _decode(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> None:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        raise SourceError("The CSV file is not UTF-8.") from None


def _chunks(handle: BinaryIO) -> Iterator[bytes]:
    while chunk := handle.read(1 << 20):
        yield chunk


def _refuse_rows(frame: pl.DataFrame, settings: SandboxSettings) -> None:
    fatal = [
        code
        for code, switch in (("field_count", settings.field_count), ("row_too_long", settings.long_row))
        if switch == "fail_job"
    ]
    if fatal and frame[PROBLEM].is_in(fatal).any():
        raise SourceError("The CSV file could not be parsed.")
