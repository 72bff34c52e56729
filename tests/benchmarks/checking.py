"""Do the ways that are measured do the same? Rows are counted; on a sample, everybody's end is compared.

``python -m tests.benchmarks.checking count FOLDER…`` and ``… compare SCRIPT POOLFERRY``; a process of its
own, since whoever measures must stay small.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import polars as pl

from connectors.records import SOURCE_ID
from flows.ledger.folder import RunFolder
from mappings.duplicates import ORDINAL


class DifferentError(Exception):
    """Two ways gave different rows; the text has numbers and no rows."""


def count(path: Path) -> int:
    """Users in what a way has left behind: a CSV with quotes, or a folder of import files."""
    if path.is_file():
        return _rows(path)
    if (path / "run").is_dir():
        parts = (path / "run" / "outcomes", path / "run" / "batches")
        return sum(pl.scan_parquet(part / "*.parquet").select(pl.len()).collect().item() for part in parts)
    others = path / "others.csv"
    return sum(map(_lines, path.glob("b*.csv"))) + (_rows(others) + 1 if others.exists() else 0)


def _rows(path: Path) -> int:
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def _lines(path: Path) -> int:
    """Data lines of an import file, in which no value holds a line break."""
    return path.read_bytes().count(b"\n") - 1


def compare(script: Path, poolferry: Path) -> int:
    """Hold the import files against one another byte by byte, and everybody else's end.

    Returns:
        How many users ended alike, which is all of them.

    Raises:
        DifferentError: a file or somebody's end differs.
    """
    run = poolferry / "run"
    theirs = sorted(path.read_bytes() for path in script.glob("b*.csv"))
    ours = sorted(path.read_bytes() for path in (run / "batches").glob("b*.csv"))
    if theirs != ours:
        raise DifferentError(f"The import files differ: {len(theirs)} against {len(ours)}.")
    if (differing := len(_ends_of_script(script) ^ _ends_of_run(run))) > 0:
        raise DifferentError(f"{differing:,} users who are in no import file ended otherwise.")
    return count(script)


def _ends_of_script(folder: Path) -> set[tuple[str, str, str | None]]:
    """Id, end, and the reason of those who are rejected."""
    with (folder / "others.csv").open(encoding="utf-8", newline="") as file:
        rows = [(name, end, why) for name, end, why in csv.reader(file)]
    return {(name, end, why if end == "rejected" else None) for name, end, why in rows}


def _ends_of_run(run: Path) -> set[tuple[str, str, str | None]]:
    users = RunFolder(run).scan_users().select(ORDINAL, SOURCE_ID)
    early = pl.scan_parquet(run / "outcomes" / "*.parquet").select(ORDINAL, "verdict", "reason")
    one_by_one = [
        path for path in (run / "batches").glob("b*.parquet") if not path.with_suffix(".csv").exists()
    ]
    nothing = pl.lit(None, pl.String).alias("reason")
    created = [
        pl.scan_parquet(path).select(ORDINAL, pl.lit("admin_create_user").alias("verdict"), nothing)
        for path in one_by_one
    ]
    ends = pl.concat([early, *created]).with_columns(
        pl.col("verdict").replace("deferred", "migration_trigger")
    )
    return set(ends.join(users, on=ORDINAL).select(SOURCE_ID, "verdict", "reason").collect().iter_rows())


def main(what: str, *paths: str) -> None:
    """Print a number for each path, or for the comparison."""
    found = [compare(*map(Path, paths))] if what == "compare" else [count(Path(path)) for path in paths]
    sys.stdout.write(" ".join(map(str, found)) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
