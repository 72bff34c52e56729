"""Retry: take whom a run could not land into a run of its own, with the run file as it is today.

The child is a run like any other: a folder and a ledger of its own, a verdict for each of its users, and
`poolferry run` goes on with it as well. Its ledger names the parent; the parent stays as it was.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from connectors.errors import ConfigurationError, unknown_name
from connectors.records import FILE, LINE, SOURCE_ID
from flows.ledger.copies import hold
from flows.ledger.families import RETRY, looked_at, record_of, refuse_purged, root_of
from flows.ledger.folder import RunFolder, new_run_id
from flows.ledger.segments import write_once, write_parquet
from flows.steps.columns import PARENT, WHY
from flows.steps.context import source_of
from flows.steps.corrected import as_begun, with_corrected
from flows.steps.disk import room_for
from flows.steps.extract import extract
from flows.steps.finishing import is_finished
from flows.steps.forecast import Forecast, forecast, scratch
from flows.steps.route import route
from flows.steps.running import begin, carried, kept_once_begun, opened_in, refuse_changes, unfinished
from flows.steps.selecting import (
    PLACED,
    ROW,
    Selection,
    all_keys,
    candidates,
    is_sure,
    keys_in_the_source,
    with_places_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flows.ledger.store import RunRecord
    from flows.settings import LoadedRunFile
    from flows.steps.context import Context, Worker
    from flows.steps.finishing import Summary


@dataclass(frozen=True, slots=True)
class Choice:
    """Whom a retry takes, and from where.

    Attributes:
        reasons: only users with one of these reasons; empty: all who are rejected or failed.
        file: a corrected file of them that is read in place of the source.
    """

    reasons: tuple[str, ...] = ()
    file: Path | None = None

    def facts(self, parent: RunFolder) -> dict[str, Any]:
        """The choice as a child's ledger keeps it."""
        file = str(self.file.resolve()) if self.file else None
        return {"parent": parent.run_id, "reasons": sorted(self.reasons), "file": file}


@dataclass(frozen=True, slots=True)
class Written:
    """What ``write_rows`` has written: rows, and users whose line cannot be read and so not be written."""

    rows: int
    missing: int


def retry(
    parent: RunFolder, loaded: LoadedRunFile, worker: Worker, choice: Choice
) -> tuple[RunFolder, Summary]:
    """Carry whom a run could not land into the pool.

    Goes on with an unfinished retry of the same choice.

    Args:
        parent: the run; it has come to its end.
        loaded: the run file of today.
        worker: who works.
        choice: whom to take.

    Raises:
        ConfigurationError: the run is not finished or was purged, the run file is of another name or
            pool, another run is unfinished, or nobody is left to be retried.
        SourceError, TargetError: stopped, and resumable by the same call.
    """
    with opened_retry(parent, loaded, worker, choice) as context:
        return context.folder, carried(context)


@contextmanager
def opened_retry(
    parent: RunFolder, loaded: LoadedRunFile, worker: Worker, choice: Choice
) -> Iterator[Context]:
    """Open the unfinished retry of this choice, or begin one, and hold it for this process."""
    hold(parent.path)
    refuse_unfit(parent, loaded)
    folder = unfinished(parent.path.parent)
    if folder is not None:
        _refuse_others(folder, parent, choice)
        with opened_in(folder, as_begun(loaded, folder), worker) as context:
            refuse_changes(context)
            yield context
        return
    wanted = users_of(parent, choice)
    corrected = _corrected(loaded, choice)
    source_of(corrected).check()
    state_folder = parent.path.parent
    with room_for(state_folder):
        now = datetime.fromtimestamp(worker.clock(), UTC)
        folder = RunFolder(state_folder / new_run_id(state_folder, now)).make()
    with kept_once_begun(folder), opened_in(folder, corrected, worker) as context:
        begin_retry(context, parent, wanted, choice)
        yield context


def plan_retry(parent: RunFolder, loaded: LoadedRunFile, worker: Worker, choice: Choice) -> Forecast:
    """Forecast a retry with the code that it runs; nothing is sent."""
    refuse_unfit(parent, loaded)
    wanted = users_of(parent, choice)
    with scratch(
        _corrected(loaded, choice), worker, lambda context: begin_retry(context, parent, wanted, choice)
    ) as context:
        extract(context)
        route(context)
        return forecast(context)


def write_rows(
    parent: RunFolder, loaded: LoadedRunFile, worker: Worker, choice: Choice, target: Path
) -> Written:
    """Write the source's rows of those whom a retry would take, with every field, for a person to correct.

    ``target`` is readable by the owner only, and its kind is told from its ending. The column ``ROW`` says
    which user of the run a row is; it lets ``--file`` find the user also where the key was corrected.
    """
    refuse_unfit(parent, loaded)
    write = _writer(target)
    wanted = users_of(parent, choice)
    with scratch(loaded, worker, lambda context: begin_retry(context, parent, wanted, choice)) as context:
        selection = _selection(context)
        names = context.source.fields()
        context.progress.stage("Looking for the users in the source", context.source.count(), "users")
        pages = selection.narrowed(context.source.pages(names))
        rows = [page.rows.drop(FILE, LINE) for page in pages]
    found = pl.concat(rows)
    found = found.drop(PARENT).insert_column(0, found[PARENT].alias(ROW)).sort(ROW)
    write_once(target.resolve(), lambda file: write(found, file))
    return Written(found.height, wanted.height - found.height)


def users_of(parent: RunFolder, choice: Choice) -> pl.DataFrame:
    """Whom a retry would take.

    Raises:
        ConfigurationError: nobody; the text says why.
    """
    everybody = candidates(parent, ()).collect(engine="streaming")
    known = everybody[WHY].unique().sort().to_list()
    if not known:
        raise ConfigurationError(
            f"Nobody of run {parent.run_id} is rejected or failed.", "So nobody is left to retry."
        )
    for code in choice.reasons:
        if code not in known:
            where = f"run {parent.run_id}, where nobody is left with it"
            raise ConfigurationError(unknown_name("reason", code, known, where=where))
    return everybody.filter(pl.col(WHY).is_in(list(choice.reasons or known)))


def count_left(parent: RunFolder) -> int:
    """How many users of a run are still rejected or failed after its retries.

    Raises:
        ConfigurationError: the run is not finished, or was purged.
    """
    refuse_purged(parent)
    _refuse_unfinished(parent)
    return int(candidates(parent, ()).select(pl.len()).collect(engine="streaming").item())


def begin_retry(context: Context, parent: RunFolder, wanted: pl.DataFrame, choice: Choice) -> None:
    """Write a retry down before anything is read; whom it takes never changes afterwards."""
    users, by_place = wanted, False
    if choice.file is None and not context.source.traits.live:  # where people come and go, lines move
        users, by_place = with_places_in(wanted, parent, context.source.fingerprint())
    write_parquet(
        users.with_columns(_placed(context, parent, users, choice, by_place=by_place)), context.folder.retried
    )
    begin(context, {RETRY: {**choice.facts(parent), "users": users.height, "by_place": by_place}})


def _placed(
    context: Context, parent: RunFolder, users: pl.DataFrame, choice: Choice, *, by_place: bool
) -> pl.Expr:
    """Who is looked for at a place: everybody in an unchanged source, else who cannot be found by a key.

    Nobody is in a corrected file, nor in a source that lives.
    """
    if by_place or choice.file is not None or context.source.traits.live:
        return pl.lit(by_place).alias(PLACED)
    keys, there = users[SOURCE_ID], keys_in_the_source(context, users)
    found = keys.is_in(there.implode()).fill_null(value=False)
    return pl.lit(~(found & is_sure(keys, all_keys(root_of(parent))))).alias(PLACED)


def refuse_unfit(parent: RunFolder, loaded: LoadedRunFile) -> None:
    """Refuse a run that cannot be retried, and a run file that is not its own."""
    refuse_purged(parent)
    run = _refuse_unfinished(parent)
    if (loaded.settings.name, loaded.settings.target.user_pool_id) != (run.name, run.pool_id):
        raise ConfigurationError(
            f"{loaded.path}: a retry of run {run.run_id} needs its name and its pool, "
            f"{run.name} and {run.pool_id}.",
            "Mapping, strategies, rules and the rest may change between a run and its retry.",
        )
    if loaded.state_folder != parent.path.parent.resolve():
        raise ConfigurationError(
            f"{loaded.path}: its `state` leads to {loaded.state_folder}, and run {run.run_id} is not there.",
            "Name the run file with --run-file, or mend its `state`.",
        )


def _refuse_unfinished(parent: RunFolder) -> RunRecord:
    with looked_at(parent) as ledger:
        run = ledger.run()
        if is_finished(parent, ledger):
            return run
    raise ConfigurationError(
        f"Run {run.run_id} is not finished.", f"`poolferry run {run.facts['run_file']}` goes on with it."
    )


def _refuse_others(folder: RunFolder, parent: RunFolder, choice: Choice) -> None:
    begun = record_of(folder).facts.get(RETRY) or {}
    wanted = choice.facts(parent)
    if {name: begun.get(name) for name in wanted} != wanted:
        raise ConfigurationError(
            f"Run {folder.run_id} is unfinished, and it is not the retry that was asked for.",
            "`poolferry run` goes on with it; retry again when it is done.",
        )


def _corrected(loaded: LoadedRunFile, choice: Choice) -> LoadedRunFile:
    return with_corrected(loaded, choice.file) if choice.file else loaded


def _selection(context: Context) -> Selection:
    made = Selection.of(context)
    if made is None:  # pragma: no cover - begin_retry has just written it
        raise TypeError(context.folder.run_id)
    return made


_ENDINGS = {
    ".csv": pl.DataFrame.write_csv,
    ".jsonl": pl.DataFrame.write_ndjson,
    ".parquet": pl.DataFrame.write_parquet,
}


def _writer(target: Path) -> Any:  # noqa: ANN401 - an unbound method of DataFrame
    """What writes a file of that ending.

    Raises:
        ConfigurationError: none does, and the known endings are listed; or the file is there already.
    """
    if target.suffix not in _ENDINGS:
        raise ConfigurationError(unknown_name("ending", target.suffix, _ENDINGS, where=str(target)))
    if target.exists():  # it may be the source, or hold somebody's corrections
        raise ConfigurationError(f"{target} is there already.", "Name another file, or delete it first.")
    if not target.parent.is_dir():
        raise ConfigurationError(f"{target.parent}: there is no such folder.", "Make it first.")
    return _ENDINGS[target.suffix]
