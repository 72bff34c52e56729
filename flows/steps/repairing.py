"""A run that repairs what ``reconcile`` has found: a delta run that takes the users of a file as well.

Who is missing in the pool comes again, whose attributes were changed there gets the source's, and who lacks a
group joins it, by the code of every other delta run with ``existing: update``; the run behind it knows all of
them. Whose name somebody else has by now is never taken: that account would get another person's data.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from polars.exceptions import PolarsError

from connectors.errors import ConfigurationError
from flows.ledger.families import DELTA, record_of
from flows.ledger.folder import RunFolder
from flows.ledger.segments import write_parquet
from flows.reports.cells import plain_text
from flows.steps.family_verdicts import in_the_end
from flows.steps.fingerprints import KEY, key

if TYPE_CHECKING:
    from pathlib import Path

    from flows.ledger.store import RunRecord
    from flows.settings import LoadedRunFile
    from flows.steps.context import Context

REPAIRS: Final = "repairs"
"""In the fact ``DELTA``: the file that a run takes users of."""

REPAIRED: Final = ("missing", "altered", "ungrouped")
"""Differences (column ``what``) that a run must be told of; it finds new and changed users by itself."""

COLUMNS: Final = ("what", "source_id", "run_id", "row")


def with_repair(loaded: LoadedRunFile, file: Path) -> LoadedRunFile:
    """Let a run file's next run be a delta run that updates, and takes the users of a file as well.

    Raises:
        ConfigurationError: the file is not there.
    """
    if not file.is_file():
        raise ConfigurationError(f"{file}: there is no such file.", "`poolferry reconcile` writes one.")
    return replace(_repairing(loaded), repair=file.resolve())


def as_repairing(loaded: LoadedRunFile, run: RunRecord) -> LoadedRunFile:
    """The run file as an unfinished run reads it: a repair stays one, and its file may be gone by now."""
    return _repairing(loaded) if _file_of(run) else loaded


def _repairing(loaded: LoadedRunFile) -> LoadedRunFile:
    settings = loaded.settings.model_copy(update={"mode": "delta", "existing": "update"})
    return replace(loaded, settings=settings)


def _file_of(run: RunRecord) -> str | None:
    file: str | None = (run.facts.get(DELTA) or {}).get(REPAIRS)
    return file


def refuse_another_run(loaded: LoadedRunFile, folder: RunFolder) -> None:
    """Refuse to go on with an unfinished run that is not the repair that was asked for."""
    if loaded.repair is not None and _file_of(record_of(folder)) != str(loaded.repair):
        raise ConfigurationError(
            f"Run {folder.run_id} is unfinished, and it is not the repair that was asked for.",
            "`poolferry run` without --repair goes on with it; repair when it is done.",
        )


def repair_facts(context: Context) -> dict[str, Any]:
    """Write down whom a run repairs, before anybody is read; what its ledger notes of it."""
    file = context.loaded.repair
    if file is None:
        return {}
    keys = keys_of(file, context.folder.path.parent)
    write_parquet(keys.to_frame(), context.folder.repaired)
    return {REPAIRS: str(file)}


def repaired_keys(folder: RunFolder) -> pl.Series:
    """``KEY`` of those whom a run takes although nothing of them has changed in the source."""
    path = folder.repaired
    return pl.read_parquet(path)[KEY] if path.exists() else pl.Series(KEY, dtype=pl.String)


def keys_of(file: Path, state_folder: Path) -> pl.Series:
    """``KEY`` of the users of a file of differences who need a repair.

    Raises:
        ConfigurationError: the file cannot be read, lacks a column, or names a run that is not there.
    """
    rows = _read(file).filter(pl.col("what").is_in(REPAIRED))
    keys = [pl.Series(dtype=pl.String), rows["source_id"]]
    for (run_id,), users in rows.filter(pl.col("source_id").is_null()).group_by("run_id"):
        keys.append(_names(RunFolder(state_folder / str(run_id)), users, file))
    return pl.concat([each.rename(KEY) for each in keys]).drop_nulls().unique()


def _names(folder: RunFolder, users: pl.DataFrame, file: Path) -> pl.Series:
    """``KEY`` of users who have no id in the source: their row in the run tells who they are."""
    if not folder.verdicts.exists():
        raise ConfigurationError(
            f"{file}: there is no run {folder.run_id} in {folder.path.parent}.",
            "Take a file that `poolferry reconcile` wrote for this run file.",
        )
    ends = in_the_end(folder).with_row_index("row").with_columns(pl.col("row").cast(pl.UInt64), key())
    return ends.join(users.lazy(), on="row", how="semi").select(KEY).collect().to_series()


def _read(file: Path) -> pl.DataFrame:
    """``COLUMNS`` of a file of differences; a CSV may have been through a spreadsheet."""
    try:
        is_csv = file.suffix != ".parquet"
        rows = pl.read_csv(file, infer_schema=False) if is_csv else pl.read_parquet(file)
    except (PolarsError, OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{file}: cannot be read ({type(error).__name__}).", "It is Parquet (.parquet), or CSV in UTF-8."
        ) from None
    if lacking := [name for name in COLUMNS if name not in rows.columns]:
        raise ConfigurationError(
            f"{file}: there is no column {', '.join(lacking)}.",
            "Take a file that `poolferry reconcile` wrote: rows may be taken out of it, columns may not.",
        )
    chosen = rows.select(_plain(name) if is_csv else pl.col(name) for name in COLUMNS)
    return chosen.with_columns(pl.col("row").cast(pl.UInt64, strict=False))


def _plain(name: str) -> pl.Expr:
    """The text that ``write_cells`` made a cell of; an empty cell has none."""
    text = pl.col(name).map_elements(plain_text, return_dtype=pl.String)
    return pl.when(text != "").then(text).alias(name)
