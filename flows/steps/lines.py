"""The lines of import files, made while a page is at hand, so that writing a batch is copying them.

Beside the users of a page lies one file with their lines, a stretch for each hash algorithm after the
other; where each line is follows from the users' ``ROW_BYTES`` and ``LINE_KIND``. The lines can be made
from the users again at any time, so that nothing depends on the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.cognito.import_file import ImportFileFormat, WrittenLines
from connectors.records import ALGORITHM, HASH_ALGORITHMS, MFA, PASSWORD_HASH, REASON, USERNAME
from flows.ledger.segments import write_once
from flows.steps.columns import LINE_KIND, ROW_BYTES
from mappings.rules import CSV_REASON

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from connectors.cognito.import_rows import ImportRows
    from connectors.records import HashAlgorithm
    from flows.steps.context import Context
    from mappings.rules import Judged

_KINDS: Final[tuple[HashAlgorithm | None, ...]] = (None, *HASH_ALGORITHMS)
"""The order of the stretches of a file; ``LINE_KIND`` counts them from 1."""

_BUFFER: Final = 256 * 1024
"""Bytes that are copied at once: they stay in the processor's caches."""

_WITH_COMMAS: Final = "ARGON2ID"
"""The only algorithm whose usable hashes hold commas (F2.7)."""


def lines_of(context: Context, judged: Judged) -> tuple[list[pl.Series], list[ImportRows]]:
    """Make the line of every user whom an import job can carry, for a job of their own algorithm.

    Returns:
        ``ROW_BYTES`` and ``LINE_KIND`` of all users, 0 where there is no line; and the lines, a stretch each.
    """
    kinds = _kinds_of(judged.frame)
    sizes, made = pl.zeros(kinds.len(), pl.UInt32, eager=True), []
    for kind in sorted(set(kinds.unique()) - {0}):
        rows = kinds == kind
        lines = _lines(context, judged, _KINDS[kind - 1], rows)
        sizes = sizes.scatter(rows.arg_true(), lines.bytes)
        made.append(lines)
    return [sizes.alias(ROW_BYTES), kinds], made


def _kinds_of(frame: pl.DataFrame) -> pl.Series:
    """``LINE_KIND``: under which algorithm each user travels."""
    kind = pl.lit(_number(None))
    for algorithm in HASH_ALGORITHMS:
        kind = pl.when(pl.col(ALGORITHM) == algorithm).then(_number(algorithm)).otherwise(kind)
    travels = pl.col(REASON).is_null() & pl.col(CSV_REASON).is_null()
    return frame.select(pl.when(travels).then(kind).otherwise(0).cast(pl.UInt8).alias(LINE_KIND)).to_series()


def _number(algorithm: HashAlgorithm | None) -> int:
    return 1 + _KINDS.index(algorithm)


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
        users: ``ROW_BYTES`` and ``LINE_KIND`` of everybody on the page.
        inside: the wanted users, by rising place on the page.
        algorithm: of the file that they travel in.

    Returns:
        Their lines, in that order, each piece good until the next one is asked for; or None where the
        file does not hold all of them.
    """
    if not path.exists():
        return None
    kind, kinds, sizes = _number(algorithm), users[LINE_KIND], users[ROW_BYTES].cast(pl.Int64)
    if not (kinds.gather(inside) == kind).all(ignore_nulls=False):
        return None
    is_own, begin = kinds == kind, int(sizes.filter(kinds < kind).sum())
    if is_own.sum() == inside.len():
        found = [(begin, begin + int(sizes.filter(is_own).sum()), inside.len())]
    else:
        own = pl.select(pl.when(is_own).then(sizes).otherwise(0)).to_series()
        stops = begin + own.cum_sum()
        found = _stretches((stops - own).gather(inside), stops.gather(inside))
    return None if path.stat().st_size < found[-1][1] else _read(path, found)


def _stretches(starts: pl.Series, stops: pl.Series) -> list[tuple[int, int, int]]:
    """Put neighbours together: where each stretch of lines begins and ends, and how many it has."""
    begins = (starts != stops.shift(1)).fill_null(value=True)
    firsts = begins.arg_true()
    behind = firsts.shift(-1, fill_value=len(starts))
    return list(zip(starts.gather(firsts), stops.gather(behind - 1), behind - firsts, strict=True))


def _read(path: Path, stretches: Iterable[tuple[int, int, int]]) -> Iterator[WrittenLines]:
    """Read stretches of lines; each piece is good until the next one is asked for."""
    buffer = memoryview(bytearray(_BUFFER))
    with path.open("rb") as file:  # buffered, since a bare file may give less than it is asked for
        for start, stop, count in stretches:
            file.seek(start)
            new = count
            for size in _parts(stop - start):
                yield WrittenLines(new, buffer[: file.readinto(buffer[:size])])
                new = 0


def _parts(size: int) -> Iterator[int]:
    while size:
        yield (part := min(size, _BUFFER))
        size -= part
