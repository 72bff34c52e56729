"""Hold the pool as it is today against a finished run: who is there, who is gone, what has changed.

Only ``ListUsers`` is asked, which makes nobody billable (F8.4); the source is not opened. People are
matched by ``sub`` where the run knows it and by name otherwise, and compared with the pool as the run
read it back, so a run with ``verify: none`` can tell who is there and not what has changed.
"""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from connectors.cognito.users import find_user, read_back
from connectors.errors import ConfigurationError
from connectors.records import USERNAME
from flows.ledger.families import RETRY, descendants_of, looked_at, refuse_purged
from flows.ledger.folder import runs_of
from flows.ledger.segments import write_parquet, write_text
from flows.steps.columns import IN_THE_POOL
from flows.steps.existing import SUB_BEFORE
from flows.steps.family_verdicts import in_the_end
from flows.steps.finishing import is_finished
from flows.steps.reading_pool import ONE_BY_ONE
from flows.steps.running import opened_in
from mappings.rules_username import folded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flows.ledger.folder import RunFolder
    from flows.settings import LoadedRunFile
    from flows.steps.context import Context, Worker

LISTED = 1000
"""At most so many source ids of each kind are written down; the counts are exact."""

SCRATCH = ".reconcile-"
NAME, STATUS, WAS, MOVED = "@name", "status", "@was_", "@moved"


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What was found; counts of users unless it says otherwise.

    Attributes:
        run_id: the finished run that was held against the pool.
        checked: when, ISO 8601 in UTC.
        expected: users whom the run left in the pool.
        there: those of them who are there now.
        replaced: those of the others whose name somebody else has now.
        compared: those who are there and whose attributes the run has read back.
        altered: those of them who have another value in any attribute.
        unknown: users of the pool of whom no run of this run file knows.
        deferred: users whom the run left to the migration trigger.
        arrived: those of them who are in the pool now.
        changed: users by the attribute that has another value.
        statuses: users who are there, by ``UserStatus``.
        moved: users by the way of their status: ``RESET_REQUIRED → CONFIRMED``.
    """

    run_id: str
    checked: str
    expected: int
    there: int
    replaced: int
    compared: int
    altered: int
    unknown: int
    deferred: int
    arrived: int
    changed: dict[str, int]
    statuses: dict[str, int]
    moved: dict[str, int]

    @property
    def gone(self) -> int:
        """Users whom the run left in the pool and who are not there any more."""
        return self.expected - self.there

    @property
    def exit_status(self) -> int:
        """0 where everybody is there, unchanged and among themselves, else 1."""
        return int(bool(self.gone or self.altered or self.unknown))

    @property
    def sentence(self) -> str:
        """The finding in one line."""
        late = f"; {self.arrived:,} of {self.deferred:,} deferred users have arrived" if self.deferred else ""
        if not self.exit_status:
            return f"all {self.expected:,} users are there, unchanged{late}"
        return (
            f"{self.there:,} of {self.expected:,} users are there; {self.gone:,} gone, "
            f"{self.altered:,} changed, {self.unknown:,} unknown to every run{late}"
        )


def reconcile(loaded: LoadedRunFile, worker: Worker) -> Reconciliation:
    """Hold the pool of a run file against its newest finished run, and write down what was found.

    ``reconcile-TIME.json`` in the run's folder holds the counts and the source ids of who is gone or
    changed.

    Raises:
        ConfigurationError: there is no finished run, or it filled another pool.
        TargetError: the pool cannot be read.
    """
    with opened_finished(loaded, worker) as context, scratch(context) as folder:
        read_now(context, folder)
        return hold(context, folder)


@contextmanager
def opened_finished(loaded: LoadedRunFile, worker: Worker) -> Iterator[Context]:
    """Open the newest finished run of a run file, and hold it for this process."""
    with opened_in(newest_finished(loaded), loaded, worker) as context:
        pool = loaded.settings.target.user_pool_id
        if context.ledger.run().pool_id != pool:
            raise ConfigurationError(
                f"Run {context.folder.run_id} did not fill the pool {pool}.",
                "Put the run file's target.user_pool_id back as it was.",
            )
        yield context


def newest_finished(loaded: LoadedRunFile) -> RunFolder:
    """Find the newest run of a run file that has come to its end; its retries are held together with it."""
    for folder in reversed(runs_of(loaded.state_folder)):
        with looked_at(folder) as ledger:
            found = is_finished(folder, ledger) and RETRY not in ledger.run().facts
        if found:
            refuse_purged(folder)
            return folder
    raise ConfigurationError(
        f"There is no finished run in {loaded.state_folder}.", "Run `poolferry run` with this run file first."
    )


@contextmanager
def scratch(context: Context) -> Iterator[Path]:
    """A hidden folder in the run's folder that is removed at the end; also what a killed check has left."""
    for left in context.folder.path.glob(f"{SCRATCH}*"):
        shutil.rmtree(left)
    folder = context.folder.path / f"{SCRATCH}{_now(context):%Y%m%dT%H%M%SZ}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def read_now(context: Context, folder: Path) -> None:
    """Read the whole pool into ``folder``; who seems to be gone is asked for once more, one by one."""
    context.progress.stage("Reading the pool", context.schema.estimated_users, "users")
    done = 0
    names = list(context.schema.attributes)
    for left in folder.glob("u*.parquet"):  # of a reading that stopped in the middle
        left.unlink()
    for number, users in enumerate(read_back(context.cognito, context.schema.pool_id, attributes=names), 1):
        write_parquet(users, folder / f"u{number:05d}.parquet")
        done += users.height
        context.progress.update(done)
    write_parquet(_asked_again(context, folder), folder / "late.parquet")


def _asked_again(context: Context, folder: Path) -> pl.DataFrame:
    """Ask by name for those whom the reading has not seen: it is eventually consistent (F5.15)."""
    missing = _gone(context, _now_there(context, folder)).collect()["username"].drop_nulls()
    names = missing if missing.len() <= ONE_BY_ONE else ()
    found = [find_user(context.cognito, context.schema, name) for name in names]
    nobody = pl.DataFrame(schema=dict.fromkeys(_columns(context), pl.String()))
    return pl.concat([nobody, *found], how="diagonal_relaxed").select(nobody.columns)


def hold(context: Context, folder: Path) -> Reconciliation:
    """Compare what ``read_now`` has read with the run, and write ``reconcile-TIME.json``."""
    context.progress.stage("Holding the pool against the run", None, "users")
    now = _now_there(context, folder)
    there = _expected(context, now).drop("username").join(now, on="sub", how="inner")
    gone = _gone(context, now).collect(engine="streaming")
    pairs = _pairs(context, there)
    altered = pairs.filter(pl.any_horizontal(list(context.schema.attributes)))
    statuses = _counts(there, STATUS)
    found = Reconciliation(
        run_id=context.folder.run_id,
        checked=_now(context).isoformat(timespec="seconds"),
        expected=sum(statuses.values()) + gone.height,
        there=sum(statuses.values()),
        replaced=gone.lazy().join(_names(context, now), on=NAME, how="semi").collect().height,
        compared=pairs.height,
        altered=altered.height,
        unknown=_unknown(context, now),
        **_deferred(context, now),
        changed={name: users for name in context.schema.attributes if (users := int(altered[name].sum()))},
        statuses=statuses,
        moved=_counts(pairs.lazy().drop_nulls(MOVED), MOVED),
    )
    _write(context, found, gone, altered)
    return found


def _now_there(context: Context, folder: Path) -> pl.LazyFrame:
    """The pool as it was read just now, nobody twice."""
    parts = [pl.scan_parquet(path).select(_columns(context)) for path in sorted(folder.glob("*.parquet"))]
    return pl.concat(parts).unique("sub")


def _columns(context: Context) -> list[str]:
    return ["username", "sub", STATUS, *context.schema.attributes]


def _names(context: Context, now: pl.LazyFrame) -> pl.LazyFrame:
    """``sub`` and each name that the run may know a user by: some pools make usernames of their own."""
    columns = context.schema.username_attributes or ("username",)
    names = [now.select("sub", folded(pl.col(name), context.schema).alias(NAME)) for name in columns]
    return pl.concat(names).drop_nulls().unique()


def _expected(context: Context, now: pl.LazyFrame) -> pl.LazyFrame:
    """Everybody whom the run left in the pool, with their ``sub``: null where nobody has their name."""
    verdicts = in_the_end(context.folder).filter(pl.col("verdict").is_in(IN_THE_POOL))
    users = verdicts.select(
        "source_id", "username", "sub", folded(pl.col("username"), context.schema).alias(NAME)
    )
    unproved = users.filter(pl.col("sub").is_null()).drop("sub")
    by_name = unproved.join(_names(context, now), on=NAME, how="left")
    return pl.concat(
        [users.filter(pl.col("sub").is_not_null()), by_name.select(users.collect_schema().names())]
    )


def _gone(context: Context, now: pl.LazyFrame) -> pl.LazyFrame:
    return _expected(context, now).join(now.select("sub"), on="sub", how="anti")


def _pairs(context: Context, there: pl.LazyFrame) -> pl.DataFrame:
    """One row for each user who is there and was read back: how the status moved, which attributes differ."""
    names = [STATUS, *context.schema.attributes]
    empty = pl.LazyFrame(schema=dict.fromkeys(["sub", *names], pl.String()))
    runs = [
        context.folder,
        *descendants_of(context.folder),
    ]  # a retry reads what others have changed meanwhile
    parts = [pl.scan_parquet(path) for run in runs for path in run.all("after")]
    every = pl.concat([empty, *parts], how="diagonal_relaxed").select("sub", *names)
    was = every.unique("sub", keep="first", maintain_order=True)
    both = there.join(was.rename({name: WAS + name for name in names}), on="sub", how="inner")
    differs = {name: pl.col(name).ne_missing(pl.col(WAS + name)) for name in names}
    moved = pl.when(differs.pop(STATUS)).then(pl.format("{} → {}", WAS + STATUS, STATUS))
    return both.select("source_id", moved.alias(MOVED), **differs).collect(engine="streaming")


def _deferred(context: Context, now: pl.LazyFrame) -> dict[str, int]:
    """Count those who were left to the trigger, and those of them whose name the pool has now."""
    verdicts = in_the_end(context.folder).filter(pl.col("verdict") == "deferred")
    names = verdicts.select(folded(pl.col("username"), context.schema).alias(NAME))
    there = names.join(_names(context, now), on=NAME, how="semi")
    counted = {name: part.select(pl.len()).collect().item() for name, part in
               (("deferred", names), ("arrived", there))}  # fmt: skip
    return {name: int(count) for name, count in counted.items()}


def _unknown(context: Context, now: pl.LazyFrame) -> int:
    """Count users of whom no run of this run file knows, neither from the source nor from the pool."""
    names = [pl.LazyFrame(schema={USERNAME: pl.String})]
    subs = [pl.LazyFrame(schema={"sub": pl.String})]
    for run in runs_of(context.loaded.state_folder):
        names += [run.scan_users().select(USERNAME)] if run.has_users() else []
        subs += [pl.scan_parquet(path).select(pl.col(SUB_BEFORE).alias("sub")) for path in run.all("before")]
        subs += [pl.scan_parquet(run.verdicts).select("sub")] if run.verdicts.exists() else []
    known = pl.concat(names).select(folded(pl.col(USERNAME), context.schema).alias(NAME)).drop_nulls()
    by_name = _names(context, now).join(known, on=NAME, how="semi").select("sub")
    by_sub = pl.concat([*subs, by_name]).drop_nulls()
    counted = now.join(by_sub, on="sub", how="anti").select(pl.len())
    return int(counted.collect(engine="streaming").item())


def _counts(users: pl.LazyFrame, name: str) -> dict[str, int]:
    counted = users.group_by(name).len().sort("len", name, descending=[True, False])
    return {str(value): int(count) for value, count in counted.collect(engine="streaming").iter_rows()}


def _write(context: Context, found: Reconciliation, gone: pl.DataFrame, altered: pl.DataFrame) -> None:
    told = asdict(found) | {
        "gone": found.gone,
        "gone_source_ids": _ids(gone),
        "altered_source_ids": _ids(altered),
    }
    name = f"reconcile-{_now(context):%Y%m%dT%H%M%SZ}.json"
    write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", context.folder.path / name)


def _ids(users: pl.DataFrame) -> list[str]:
    return users["source_id"].drop_nulls().sort().head(LISTED).to_list()


def _now(context: Context) -> datetime:
    return datetime.fromtimestamp(context.worker.clock(), UTC)
