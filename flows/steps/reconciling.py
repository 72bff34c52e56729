"""Hold source, runs and pool against one another as they are today: who is there, who is not, what differs.

Of the pool only ``ListUsers`` is asked, which makes nobody billable (F8.4), and on demand
``ListUsersInGroup``. The source is read anew and
compared with the fingerprints of the newest run, as a delta run does it, and nothing is sent. People are
matched by ``sub`` where a run knows it and by name otherwise.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack, contextmanager
from secrets import token_hex
from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.cognito.users import find_user, read_back
from connectors.errors import ConfigurationError, PoolferryError, TargetError
from flows.ledger.families import DELTA, chain_of, record_of, refuse_purged
from flows.ledger.folder import runs_of
from flows.ledger.segments import sink_parquet, write_parquet
from flows.steps import changes
from flows.steps.columns import IN_THE_POOL, SUB, VERDICT
from flows.steps.differences import judged, of_everybody, of_share, values_of_share
from flows.steps.extract import extract
from flows.steps.forecast import scratch
from flows.steps.memberships import lay_groups_beside, read_groups
from flows.steps.reading_pool import ONE_BY_ONE
from flows.steps.reconciled import EXPORTS, FOUND, Tally, now_of, written
from flows.steps.running import begin, opened_in
from flows.steps.three_ways import IS_ENABLED, WHO, Sides, holders, lay_beside, locate, shares, who

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from flows.ledger.folder import RunFolder
    from flows.settings import LoadedRunFile
    from flows.steps.context import Context, Worker
    from flows.steps.reconciled import Reconciliation

HIDDEN: Final = f".{EXPORTS}"


def reconcile(
    loaded: LoadedRunFile,
    worker: Worker,
    *,
    with_source: bool = True,
    with_groups: bool = False,
    with_values: bool = False,
) -> Reconciliation:
    """Hold the source and the pool of a run file against its newest finished run and those before it.

    Writes ``reconcile-…/`` into that run's folder: ``summary.json``, ``report.md``,
    ``differences.parquet`` and ``.csv``, which ``poolferry run --repair`` takes, and with ``with_values``
    also ``values.parquet`` and ``.csv``, with people's data.

    Raises:
        ConfigurationError: there is no finished run of this pool, or it knows its people no more.
        SourceError: the source cannot be read.
        TargetError: the pool cannot be read.
    """
    with opened_sides(loaded, worker, with_source=with_source, with_groups=with_groups) as sides:
        read_source(sides)
        read_now(sides)
        read_groups(sides)
        return hold(sides, with_values=with_values)


@contextmanager
def opened_sides(
    loaded: LoadedRunFile, worker: Worker, *, with_source: bool, with_groups: bool
) -> Iterator[Sides]:
    """Open the newest finished run, and, where the source is asked as well, a hidden one to read it."""
    base = _newest_finished(loaded)
    with ExitStack() as opened:
        context = opened.enter_context(opened_in(base, loaded, worker))
        folder = opened.enter_context(_hidden(context))
        _refuse_gaps(chain_of(base))
        source = None
        if with_source:
            with _way_out():
                source = opened.enter_context(scratch(loaded, worker, lambda made: _begin(made, base)))
        yield Sides(context, folder, source, with_groups)


def _refuse_gaps(chain: Sequence[RunFolder]) -> None:
    """Refuse where a run of the chain does not know its people any more: they would count as extra."""
    for run in chain:
        refuse_purged(run)
    if delta := record_of(chain[0]).facts.get(DELTA):
        raise ConfigurationError(
            f"Run {chain[0].run_id} goes on from run {delta['since']}, whose folder is gone.",
            "Put it back beside this one, or take everybody anew: `poolferry run --new`, with `mode: full`.",
        )


def _begin(source: Context, base: RunFolder) -> None:
    begin(source, changes.facts_beside(source, base))


@contextmanager
def _way_out() -> Iterator[None]:
    """Say what can be done where the source cannot be read."""
    try:
        yield
    except TargetError:
        raise
    except PoolferryError as error:
        error.mend = f"{error.mend} With --no-source the runs are held against the pool alone.".strip()
        raise


def _newest_finished(loaded: LoadedRunFile) -> RunFolder:
    folder = changes.newest_finished(loaded)
    if folder is None:
        for run in reversed(runs_of(loaded.state_folder)):
            refuse_purged(run)
        pool = loaded.settings.target.user_pool_id
        raise ConfigurationError(
            f"There is no finished run in {loaded.state_folder} that filled the pool {pool} and was not "
            "rolled back.",
            "Run `poolferry run` with this run file first.",
        )
    return folder


@contextmanager
def _hidden(context: Context) -> Iterator[Path]:
    """A hidden folder in the run's folder that is removed at the end; also what a killed check has left."""
    for left in context.folder.path.glob(f"{HIDDEN}*"):
        shutil.rmtree(left)
    folder = context.folder.path / f"{HIDDEN}{now_of(context):%Y%m%dT%H%M%SZ}-{token_hex(3)}"
    (folder / FOUND).mkdir(mode=0o700, parents=True)
    folder.chmod(0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def read_source(sides: Sides) -> None:
    """Read the source anew, and keep who is not just as the newest run knows them."""
    if sides.source is not None:
        with _way_out():
            extract(sides.source)


def read_now(sides: Sides) -> None:
    """Read the whole pool; who seems to be missing is asked for once more, one by one."""
    context = sides.context
    context.progress.stage("Reading the pool", context.schema.estimated_users, "users")
    done = 0
    for left in sides.folder.glob("now-*.parquet"):  # of a reading that stopped in the middle
        left.unlink()
    for number, users in enumerate(
        read_back(context.cognito, context.schema.pool_id, attributes=sides.attributes), 1
    ):
        write_parquet(users, sides.folder / f"now-{number:05d}.parquet")
        done += users.height
        context.progress.update(done)
    write_parquet(pl.DataFrame(schema=_pool_schema(sides)), sides.folder / "now-late.parquet")
    write_parquet(_asked_again(sides), sides.folder / "now-late.parquet")


def _pool_schema(sides: Sides) -> dict[str, pl.DataType]:
    return {**dict.fromkeys(sides.pool_columns, pl.String()), IS_ENABLED: pl.Boolean()}


def _asked_again(sides: Sides) -> pl.DataFrame:
    """Ask by name for those whom the reading has not seen: it is eventually consistent (F5.15)."""
    landed = holders(sides).filter(pl.col(VERDICT).is_in(IN_THE_POOL) & pl.col(SUB).is_not_null())
    here = sides.pool().select(who())
    gone = landed.select("username", who()).join(here, on=WHO, how="anti").select("username")
    missing = gone.collect(engine="streaming")["username"].drop_nulls()
    context = sides.context
    names = missing if missing.len() <= ONE_BY_ONE else ()
    found = [find_user(context.cognito, context.schema, name) for name in names]
    nobody = pl.DataFrame(schema=_pool_schema(sides))
    late = pl.concat([nobody, *found], how="diagonal_relaxed").select(nobody.columns).unique(SUB)
    return late.lazy().with_columns(who()).join(here, on=WHO, how="anti").drop(WHO).collect()


def hold(sides: Sides, *, with_values: bool = False) -> Reconciliation:
    """Compare what was read, write down what differs, and count it."""
    sides.context.progress.stage("Holding source, runs and pool against one another", None, "users")
    locate(sides)
    lay_beside(sides)
    lay_groups_beside(sides)
    for number, rows in enumerate(of_everybody(sides)):
        sink_parquet(rows, sides.folder / f"differs-{number:05d}.parquet")
    tally = Tally()
    for number, share in enumerate(shares(sides)):
        known = judged(sides, share)
        tally.add(sides, known)
        _write_share(sides, known, number, with_values=with_values)
        sides.context.progress.update(tally.people)
    return written(sides, tally, with_values=with_values)


def _write_share(sides: Sides, known: pl.DataFrame, number: int, *, with_values: bool) -> None:
    differs = pl.concat(of_share(sides, known)).collect()
    write_parquet(differs, sides.folder / f"differs-s{number:05d}.parquet")
    if with_values:
        values = pl.concat(values_of_share(sides, known))
        write_parquet(values, sides.folder / f"values-{number:05d}.parquet")
