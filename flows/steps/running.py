"""One migration from start to end: open or go on, read, route, send, prove, finish."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy.exc import SQLAlchemyError

from connectors.cognito.pool import read_pool, read_providers
from connectors.errors import ConfigurationError, PoolferryError, unknown_name
from flows.ledger.copies import hold
from flows.ledger.families import PURGED, looked_at
from flows.ledger.folder import PLAN, RunFolder, new_run_id, only_beginner, remove_unbegun, runs_of
from flows.ledger.segments import LAYOUT, write_text
from flows.ledger.states import RunState
from flows.ledger.store import STAGE, RunRecord
from flows.logs import working
from flows.reports.metrics import write_metrics
from flows.reports.text import write_report
from flows.steps.after_work import after_work
from flows.steps.calls import note_calls
from flows.steps.changes import begun_with, keep_fingerprints
from flows.steps.context import Context, Worker, cognito_client, source_of, spec_of
from flows.steps.corrected import as_begun
from flows.steps.disk import room_for
from flows.steps.extract import extract
from flows.steps.finishing import finish, is_finished, summary_of
from flows.steps.first_sign_ins import note_first_sign_ins
from flows.steps.proving import prove
from flows.steps.repairing import refuse_another_run
from flows.steps.route import route
from flows.steps.sending import left_to_others, send, wait_for_others
from flows.steps.unmapped import look_at_unmapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from flows.settings import LoadedRunFile
    from flows.steps.finishing import Summary


def migrate(loaded: LoadedRunFile, worker: Worker, *, new: bool = False) -> tuple[RunFolder, Summary]:
    """Carry every user of the run file's source into its pool.

    Goes on with the unfinished run of the same name where there is one; ``new`` starts another.

    Raises:
        ConfigurationError: the run file or the source changed under an unfinished run, or another one is
            asked for while a process works on it.
        SourceError, TargetError: stopped, and resumable by the same call.
    """
    folder, summary = migrate_untold(loaded, worker, new=new)
    folder.told.touch(mode=0o600)
    return folder, summary


def migrate_untold(loaded: LoadedRunFile, worker: Worker, *, new: bool = False) -> tuple[RunFolder, Summary]:
    """Do as ``migrate``, for who tells people first and touches the folder's ``told`` afterwards.

    Whoever is killed in between is told by the next start, which would else find nobody to migrate.
    """
    with opened(loaded, worker, new=new) as context:
        walk(context)
        return context.folder, summary_of(context.folder)


def carried(context: Context) -> Summary:
    """Walk an opened run to its end; whoever asked is told by what this returns."""
    walk(context)
    context.folder.told.touch(mode=0o600)
    return summary_of(context.folder)


STEPS = (extract, route, send, after_work, prove)
"""The way of a run; each step does nothing where the ledger says that it is behind the run."""

Step = Callable[["Context"], object]


def walk(
    context: Context,
    do: Callable[[Step, Context], object] = lambda step, context: step(context),
    send_one: Callable[[Context, int], None] | None = None,
) -> None:
    """Walk through the steps of a run: one worker alone does each but the sending, which all share.

    ``do`` and ``send_one`` are what a flow wraps in tasks.
    """
    at = STEPS.index(send)
    alone(context, STEPS[:at], lambda: context.ledger.run().state.rank >= RunState.SENDING.rank, do)
    send(context, send_one)
    alone(context, (*STEPS[at + 1 :], add_up), lambda: _is_written_down(context), do)


def _is_written_down(context: Context) -> bool:
    """Whether the report, which is written last, is there as well."""
    return is_finished(context.folder, context.ledger) and context.folder.report.exists()


def alone(
    context: Context,
    steps: Sequence[Step],
    are_behind: Callable[[], bool],
    do: Callable[[Step, Context], object],
) -> None:
    """Do some steps while no other worker does, or wait until another one has done them."""
    looks = 0
    while not are_behind():
        if not context.leases.take(STAGE):
            looks += 1
            wait_for_others(context, "until another worker has done its part", looks)
            continue
        with context.leases.held(STAGE), left_to_others(context):
            for step in steps:
                do(step, context)
            return


def add_up(context: Context) -> None:
    """Add up the verdicts, write the report and remove what killed workers have left."""
    note_calls(context)
    summary = finish(context.folder, context.ledger)
    note_first_sign_ins(context)
    keep_fingerprints(context)
    context.folder.tidy()
    write_metrics(context.folder, context.ledger, summary)
    write_report(context.folder, context.ledger)


@contextmanager
def opened(loaded: LoadedRunFile, worker: Worker, *, new: bool = False) -> Iterator[Context]:
    """Open the unfinished run of the run file, or begin one, and hold it for this process."""
    hold(loaded.state_folder)
    if not loaded.state_folder.is_dir():
        source_of(loaded).check()  # before anything is written
    with room_for(loaded.state_folder), ExitStack() as beginning:
        beginning.enter_context(only_beginner(loaded.state_folder))
        remove_unbegun(loaded.state_folder)
        if new:
            _refuse_two_at_once(loaded.state_folder)
        folder = None if new else unfinished(loaded.state_folder)
        if folder is not None:
            refuse_another_run(loaded, folder)
            with opened_in(folder, as_begun(loaded, folder), worker) as context:
                refuse_changes(context)
                beginning.close()
                yield context
            return
        folder = _made(loaded, worker)
        with kept_once_begun(folder), opened_in(folder, loaded, worker) as context:
            begin(context)
            beginning.close()
            yield context


def _refuse_two_at_once(state_folder: Path) -> None:
    """Refuse another run of a name while a process works on one; only for the ``only_beginner``.

    Who still holds a run that has come to its end is about to leave it.
    """
    for folder in runs_of(state_folder):
        if folder.is_idle():
            continue
        with looked_at(folder) as ledger:
            if is_finished(folder, ledger):
                continue
        raise ConfigurationError(
            f"Run {folder.run_id} is under way: a process works on it, and two runs would change one pool.",
            "The same command without --new goes on with it, once that process has ended or was stopped. "
            "One that was killed holds nothing.",
        )


def _made(loaded: LoadedRunFile, worker: Worker) -> RunFolder:
    if loaded.state_folder.is_dir():
        source_of(loaded).check()
    now = datetime.fromtimestamp(worker.clock(), UTC)
    with room_for(loaded.state_folder):
        folder = RunFolder(loaded.state_folder / new_run_id(loaded.state_folder, now)).make()
        if loaded.settings.ledger:
            write_text(loaded.settings.ledger + "\n", folder.ledger_url)
    return folder


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
    """Open the run of one folder, and hold it for this process, or for all who share its ledger."""
    if not folder.path.name.startswith(PLAN):
        hold(folder.path)
    target = loaded.settings.target
    client = cognito_client(loaded)
    schema = read_pool(client, target.user_pool_id, profile=target.profile)
    if spec_of(loaded).identities:
        schema = replace(schema, identity_providers=read_providers(client, target.user_pool_id))
    with (
        working(run_id=folder.run_id),
        room_for(loaded.state_folder),
        folder.locked(together=folder.is_shared),
        looked_at(folder, worker.clock) as ledger,
    ):
        if not folder.is_shared:
            ledger.free_claims()  # the lock proves that whoever held a claim is dead
        context = Context(loaded, folder, ledger, schema, worker)
        try:
            yield context
        finally:
            with suppress(PoolferryError, SQLAlchemyError):  # what stops the run is told, and not this
                note_calls(context)
            context.leases.close()


def unfinished(state_folder: Path) -> RunFolder | None:
    """The newest run of a name, if it has not come to its end or nobody was told how it ended."""
    for folder in reversed(runs_of(state_folder)):
        with looked_at(folder) as ledger:
            told = folder.told.exists() or PURGED in ledger.run().facts
            return None if is_finished(folder, ledger) and told else folder
    return None


def begin(context: Context, facts: Mapping[str, Any] | None = None) -> None:
    """Write a new run down, a retry with its own facts; every mistake of the run file shows before."""
    _ = context.mapping, context.rules
    _refuse_dead_ends(context)
    if facts is None:
        facts = {**look_at_unmapped(context), **begun_with(context)}
    context.ledger.open_run(_record(context, facts))
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
            "poolferry": version("poolferry"),
            "layout": LAYOUT,
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
    _refuse_other_versions(run)


def _refuse_other_versions(run: RunRecord) -> None:
    """The files of users must be those of this layout, and their keys, which are hashes, of this polars."""
    out = "Install that version to go on, or start another run with --new."
    if run.facts.get("layout") != LAYOUT:
        made_by = run.facts.get("poolferry", "of another day")
        raise ConfigurationError(
            f"Run {run.run_id} was begun with Poolferry {made_by}, which keeps users in other files.", out
        )
    if run.facts.get("polars") != pl.__version__:
        begun = run.facts.get("polars")
        raise ConfigurationError(
            f"Run {run.run_id} was begun with polars {begun}, not {pl.__version__}.", out
        )
