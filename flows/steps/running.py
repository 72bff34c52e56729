"""One migration from start to end: open or go on, read, route, send, prove, finish."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from connectors.cognito.pool import read_pool, read_providers
from connectors.errors import ConfigurationError, PoolferryError, unknown_name
from flows.ledger.families import looked_at
from flows.ledger.folder import RunFolder, new_run_id, runs_of
from flows.ledger.segments import write_text
from flows.ledger.states import RunState
from flows.ledger.store import Ledger, RunRecord, open_sqlite
from flows.reports.text import write_report
from flows.steps.after_work import after_work
from flows.steps.context import Context, Worker, cognito_client, source_of, spec_of
from flows.steps.corrected import as_begun
from flows.steps.disk import room_for
from flows.steps.extract import extract
from flows.steps.finishing import Summary, finish, is_finished
from flows.steps.proving import prove
from flows.steps.route import route
from flows.steps.sending import send

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from flows.settings import LoadedRunFile


def migrate(loaded: LoadedRunFile, worker: Worker, *, new: bool = False) -> tuple[RunFolder, Summary]:
    """Carry every user of the run file's source into its pool.

    Goes on with the unfinished run of the same name where there is one; ``new`` starts another.

    Raises:
        ConfigurationError: the run file or the source changed under an unfinished run.
        SourceError, TargetError: stopped, and resumable by the same call.
    """
    with opened(loaded, worker, new=new) as context:
        return context.folder, carried(context)


def carried(context: Context) -> Summary:
    """Walk an opened run to its end."""
    for step in STEPS:
        step(context)
    summary = finish(context.folder, context.ledger)
    write_report(context.folder, context.ledger)
    return summary


STEPS = (extract, route, send, after_work, prove)
"""The way of a run; each step does nothing where the ledger says that it is behind the run."""


@contextmanager
def opened(loaded: LoadedRunFile, worker: Worker, *, new: bool = False) -> Iterator[Context]:
    """Open the unfinished run of the run file, or begin one, and hold it for this process."""
    folder = None if new else unfinished(loaded.state_folder)
    if folder is not None:
        with opened_in(folder, as_begun(loaded, folder), worker) as context:
            refuse_changes(context)
            yield context
        return
    source_of(loaded).check()
    now = datetime.fromtimestamp(worker.clock(), UTC)
    with room_for(loaded.state_folder):
        folder = RunFolder(loaded.state_folder / new_run_id(now)).make()
    with kept_once_begun(folder), opened_in(folder, loaded, worker) as context:
        begin(context)
        yield context


@contextmanager
def kept_once_begun(folder: RunFolder) -> Iterator[None]:
    """Leave no folder behind where the run file, the source or the pool forbade to begin."""
    try:
        yield
    except PoolferryError:
        if not folder.run_file.exists():
            shutil.rmtree(folder.path)
        raise


@contextmanager
def opened_in(folder: RunFolder, loaded: LoadedRunFile, worker: Worker) -> Iterator[Context]:
    """Open the run of one folder and hold it for this process."""
    target = loaded.settings.target
    client = cognito_client(loaded)
    schema = read_pool(client, target.user_pool_id, profile=target.profile)
    if spec_of(loaded).identities:
        schema = replace(schema, identity_providers=read_providers(client, target.user_pool_id))
    with room_for(loaded.state_folder), folder.locked():
        ledger = Ledger(open_sqlite(folder.ledger), folder.run_id, worker.clock)
        try:
            ledger.free_claims()  # the lock proves that whoever held a claim is dead
            yield Context(loaded, folder, ledger, schema, worker)
        finally:
            ledger.close()


def unfinished(state_folder: Path) -> RunFolder | None:
    """The newest run of a name, if it has not come to its end."""
    for folder in reversed(runs_of(state_folder)):
        with looked_at(folder) as ledger:
            return None if is_finished(folder, ledger) else folder
    return None


def begin(context: Context, facts: Mapping[str, Any] | None = None) -> None:
    """Write a new run down, with some facts besides; every mistake of the run file shows before."""
    _ = context.mapping, context.rules
    _refuse_dead_ends(context)
    context.ledger.open_run(_record(context, facts or {}))
    write_text(context.loaded.text, context.folder.run_file)


def _record(context: Context, facts: Mapping[str, Any]) -> RunRecord:
    loaded = context.loaded
    return RunRecord(
        run_id=context.folder.run_id,
        name=loaded.settings.name,
        state=RunState.READING,
        run_file_sha256=loaded.fingerprint,
        source_fingerprint=context.source.fingerprint(),
        pool_id=loaded.settings.target.user_pool_id,
        created=context.worker.clock(),
        finished=None,
        facts={
            "run_file": str(loaded.path),
            "header": list(context.schema.csv_header),
            "polars": pl.__version__,
            **facts,
        },
    )


def _refuse_dead_ends(context: Context) -> None:
    """Refuse at once what would refuse every single user at the end, or would be silently left out."""
    hashes, strategies = context.spec.password_hash, context.loaded.settings.strategies
    _refuse_useless_marker(context)
    if hashes and hashes.without == "random" and "admin_create_user" not in strategies:
        raise ConfigurationError(
            "mapping.password_hash: `without: random` needs the strategy admin_create_user.",
            "Add admin_create_user to `strategies`, or choose another way.",
        )
    if strategies == ("import_job",) and not context.schema.auto_verified:
        raise ConfigurationError(
            "The pool verifies no attribute automatically, so no import job starts (F1.30).",
            "Set its AutoVerifiedAttributes, with every other setting carried over, or add another strategy.",
        )


def _refuse_useless_marker(context: Context) -> None:
    """A marker that the pool does not take, or that the mapping fills as well, would prove nothing."""
    name = context.loaded.settings.admin_create_user.marker
    if name is None:
        return
    where = f"{context.loaded.path}: admin_create_user.marker"
    attribute = context.schema.attributes.get(name)
    if attribute is None:
        raise ConfigurationError(unknown_name("attribute", name, context.schema.attributes, where=where))
    if name in context.spec.attributes:
        raise ConfigurationError(f"{where}: the mapping fills {name} already.", "Name another attribute.")
    longest = attribute.max_length
    if attribute.type != "String" or (longest is not None and longest < len(context.ledger.run_id)):
        raise ConfigurationError(
            f"{where}: {name} does not take the {len(context.ledger.run_id)} characters of a run's id.",
            "Add a custom attribute of type String to the pool, and name that one.",
        )


def refuse_changes(context: Context) -> None:
    """Refuse to go on where the run file, the source or the pool is not what the run began with."""
    run = context.ledger.run()
    out = "Put it back as it was to go on, or start another run with --new."
    if run.run_file_sha256 != context.loaded.fingerprint:
        raise ConfigurationError(f"{context.loaded.path} changed under the unfinished run {run.run_id}.", out)
    if run.state is RunState.READING and run.source_fingerprint != context.source.fingerprint():
        raise ConfigurationError(f"The source changed under the unfinished run {run.run_id}.", out)
    if run.facts.get("header") != list(context.schema.csv_header):
        raise ConfigurationError(f"The pool's attributes changed under the unfinished run {run.run_id}.", out)
    if run.facts.get("polars") != pl.__version__:  # the keys of users are hashes of this version
        raise ConfigurationError(
            f"Run {run.run_id} was begun with polars {run.facts.get('polars')}, not {pl.__version__}.",
            "Install that version to go on, or start another run with --new.",
        )
