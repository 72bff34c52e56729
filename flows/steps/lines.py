"""The lines of import files, made while a page is at hand, so that writing a batch is copying them.

Beside the users of a page lies one file with their lines, a stretch for each hash algorithm after the
other; where each line is follows from the users' ``ROW_BYTES`` and ``ALGORITHM``. The lines can be made
from the users again at any time, so that nothing depends on the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.cognito.import_file import ImportFileFormat, WrittenLines
from connectors.records import ALGORITHM, HASH_ALGORITHMS, MFA, PASSWORD_HASH, REASON, USERNAME
from flows.ledger.segments import write_once
from flows.steps.columns import ROW_BYTES
from mappings.rules import CSV_REASON

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from connectors.cognito.import_rows import ImportRows
    from connectors.records import HashAlgorithm
    from flows.steps.context import Context
    from mappings.rules import Judged

_KINDS: Final[tuple[HashAlgorithm | None, ...]] = (None, *HASH_ALGORITHMS)
"""The order of the stretches of a file."""

_BUFFER: Final = 256 * 1024
"""Bytes that are copied at once: they stay in the processor's caches."""

_WITH_COMMAS: Final = "ARGON2ID"
"""The only algorithm whose usable hashes hold commas (F2.7)."""


def lines_of(context: Context, judged: Judged) -> tuple[pl.Series, list[ImportRows]]:
    """Make the line of every user whom an import job can carry, for a job of their own algorithm.

    Returns:
        ``ROW_BYTES`` of all users, 0 where there is no line; and the lines, a stretch each.
    """
    sizes = pl.zeros(judged.frame.height, pl.UInt32, eager=True)
    made = []
    for kind, rows in _travellers(judged.frame):
        lines = _lines(context, judged, kind, rows)
        sizes = sizes.scatter(rows.arg_true(), lines.bytes)
        made.append(lines)
    return sizes.alias(ROW_BYTES), made


def _travellers(frame: pl.DataFrame) -> Iterator[tuple[HashAlgorithm | None, pl.Series]]:
    """Each algorithm that anybody travels under, and who does."""
    travels = frame[REASON].is_null() & frame[CSV_REASON].is_null()
    for kind in _KINDS:
        rows = travels & _is_of(frame[ALGORITHM], kind)
        if rows.any():
            yield kind, rows


def _is_of(algorithms: pl.Series, kind: HashAlgorithm | None) -> pl.Series:
    return algorithms.is_null() if kind is None else (algorithms == kind).fill_null(value=False)


def _lines(context: Context, judged: Judged, kind: HashAlgorithm | None, rows: pl.Series) -> ImportRows:
    own = (USERNAME, MFA, PASSWORD_HASH)
    header = context.schema.csv_header
    users = judged.frame.select(name for name in judged.frame.columns if name in own or name in header)
    plain = judged.plain - {PASSWORD_HASH} if kind == _WITH_COMMAS else judged.plain | {PASSWORD_HASH}
    return ImportFileFormat(context.schema, kind).rows(
        users if rows.all() else users.filter(rows), plain=plain, commas=judged.commas
    )


def write_page(lines: Sequence[ImportRows], path: Path) -> None:
    """Write the lines of one page; nothing where there are none."""
    if lines:

        def write(target: Path) -> None:
            with target.open("wb") as file:
                for each in lines:
                    each.write(file)

        write_once(path, write)


def written_lines(
    path: Path, users: pl.DataFrame, inside: pl.Series, algorithm: HashAlgorithm | None
) -> Iterator[WrittenLines] | None:
    """Find the lines of some users of one page.

    Args:
        path: the file of the page's lines.
        users: ``ROW_BYTES`` and ``ALGORITHM`` of everybody on the page.
        inside: the wanted users, by rising place on the page.
        algorithm: of the file that they travel in.

    Returns:
        Their lines, in that order, each piece good until the next one is asked for; or None where the
        file does not hold all of them.
    """
    if not path.exists():
        return None
    kinds, sizes = users[ALGORITHM], users[ROW_BYTES]
    earlier = (sizes.filter(_is_of(kinds, kind)).sum() for kind in _KINDS[: _KINDS.index(algorithm)])
    own = users.select(pl.when(_is_of(kinds, algorithm)).then(pl.col(ROW_BYTES)).otherwise(0)).to_series()
    stops = sum(map(int, earlier)) + own.cast(pl.Int64).cum_sum()
    starts = stops - own
    starts, stops = starts.gather(inside), stops.gather(inside)
    if (starts == stops).any() or path.stat().st_size < int(stops[-1]):
        return None
    return _stretches(path, starts, stops)


def _stretches(path: Path, starts: pl.Series, stops: pl.Series) -> Iterator[WrittenLines]:
    """Read the lines, neighbours together; each piece is good until the next one is asked for."""
    begins = (starts != stops.shift(1)).fill_null(value=True)
    firsts = begins.arg_true()
    ends = stops.gather(firsts.shift(-1, fill_value=len(starts)) - 1)
    rows = firsts.shift(-1, fill_value=len(starts)) - firsts
    buffer = memoryview(bytearray(_BUFFER))
    with path.open("rb") as file:  # buffered, since a bare file may give less than it is asked for
        for start, stop, count in zip(starts.gather(firsts), ends, rows, strict=True):
            file.seek(start)
            new = count
            for size in _parts(stop - start):
                yield WrittenLines(new, buffer[: file.readinto(buffer[:size])])
                new = 0


def _parts(size: int) -> Iterator[int]:
    while size:
        yield (part := min(size, _BUFFER))
        size -= part
