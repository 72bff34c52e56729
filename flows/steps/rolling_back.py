"""Rollback: delete the users whom a run created, and nobody else.

Users are found by ``sub`` and never by name alone. Each one is looked at once more in the moment before the
call, since deleting a large run takes hours. Before each stretch its intent is in the ledger; after a crash
the intent says that whoever of the stretch is gone was deleted by us. Groups that the run made stay.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from connectors.cognito.deletion import delete_user
from connectors.errors import AskThePoolError, ConfigurationError, TargetError, UserRefusedError
from flows.ledger.families import ancestors_of, looked_at, record_of, refuse_purged
from flows.ledger.segments import sink_parquet, write_parquet
from flows.reports.cells import write_cells
from flows.reports.rollback_reasons import ROLLBACK_REASONS
from flows.reports.text import retell
from flows.steps.columns import SUB
from flows.steps.corrected import as_it_stood
from flows.steps.finishing import is_finished
from flows.steps.looking_back import GONE, WHY_NOT, judged, look, look_again, made_users
from flows.steps.running import opened_in
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flows.ledger.folder import RunFolder
    from flows.steps.context import Context, Worker

STRETCH: Final = 100
"""Users whose intent is written down at once: some seconds of deleting, by the quota (F4.1)."""

FACT: Final = "rollback"
"""Fact of a run whose users are being deleted, or were: how far it has come, and counts."""

END: Final = "end"
"""What has become of a user: ``deleted``, ``gone_already`` or ``refused``."""

_COLUMNS: Final = (ORDINAL, "source_id", "username", SUB, END, "reason")


@dataclass(frozen=True, slots=True)
class Rollback:
    """What a rollback has done, or would do; counts of users.

    Attributes:
        run_id: the run.
        done: whether anybody was deleted, or it was only looked.
        made: users whom the run created.
        deleted: users who were deleted, or would be.
        gone_already: users whom the pool did not have any more.
        refused: users who are left alone, by the reason.
    """

    run_id: str
    done: bool
    made: int
    deleted: int
    gone_already: int
    refused: dict[str, int]

    @property
    def exit_status(self) -> int:
        """0 where nobody of the run is left in the pool, or would be; else 1."""
        return int(bool(self.refused))

    @property
    def sentence(self) -> str:
        """The finding in one line."""
        verb = "were deleted" if self.done else "would be deleted"
        return (
            f"run {self.run_id}: {self.deleted:,} of the {self.made:,} users that it created {verb}, "
            f"{self.gone_already:,} are gone already, {sum(self.refused.values()):,} are left alone"
        )


def plan_rollback(folder: RunFolder, worker: Worker, *, confirmed_too: bool = False) -> Rollback:
    """Say who would be deleted and who would not; nothing is changed.

    Raises:
        ConfigurationError: the run is not finished, was purged, or knows nobody's ``sub``.
        TargetError: the pool cannot be read.
    """
    with opened_rollback(folder, worker) as context:
        return count_ends(context, judge_now(context, confirmed_too=confirmed_too), done=False)


def rollback(folder: RunFolder, worker: Worker, *, confirmed_too: bool = False) -> Rollback:
    """Delete whom a run created and who is as the run left them; goes on where an earlier start was stopped.

    ``rollback.parquet`` and ``rollback.csv`` in the run's folder say what has become of each user.

    Args:
        folder: the run.
        worker: who works.
        confirmed_too: also users who were ``CONFIRMED`` from the start and could have signed in unseen.

    Raises:
        ConfigurationError: as ``plan_rollback``.
        TargetError: stopped, and resumable by the same call.
    """
    with opened_rollback(folder, worker) as context:
        judge_all(context, confirmed_too=confirmed_too)
        delete_all(context, confirmed_too=confirmed_too)
        return finish_rollback(context)


@contextmanager
def opened_rollback(folder: RunFolder, worker: Worker) -> Iterator[Context]:
    """Open a finished run with its own copy of the run file, and hold it for this process."""
    refuse_purged(folder)
    with looked_at(folder) as ledger:
        run, finished = ledger.run(), is_finished(folder, ledger)
    if not finished:
        raise ConfigurationError(
            f"Run {folder.run_id} is not finished.",
            f"`poolferry run {run.facts['run_file']}` brings it to its end; then everybody's `sub` is known.",
        )
    with opened_in(folder, as_it_stood(folder), worker) as context:
        _refuse_without_subs(context)
        yield context


def _refuse_without_subs(context: Context) -> None:
    made = made_users(context).select(pl.len(), pl.col(SUB).count().alias("known")).collect()
    if made["len"].item() and not made["known"].item():
        verify = context.loaded.settings.verify
        raise ConfigurationError(
            f"Run {context.folder.run_id} knows nobody's `sub` (its `verify` was `{verify}`), so nothing "
            "tells its users from others of the same names.",
            "Nobody is deleted by name alone. Say `verify: full` before the next run: it reads everybody "
            "back for nothing (F8.4). Of this one, `poolferry reconcile` tells who is there.",
        )


def judge_all(context: Context, *, confirmed_too: bool) -> None:
    """Write down whom a rollback is going to delete, unless an earlier start has."""
    if _plan_file(context).exists():
        return
    _folder(context).mkdir(mode=0o700, exist_ok=True)
    plan = judge_now(context, confirmed_too=confirmed_too)
    chosen = plan.lazy().filter(pl.col(WHY_NOT).is_null()).select(ORDINAL)
    left = made_users(context).join(chosen, on=ORDINAL, how="semi").sort(ORDINAL)
    sink_parquet(left, _left_file(context))
    write_parquet(plan, _plan_file(context))


def judge_now(context: Context, *, confirmed_too: bool) -> pl.DataFrame:
    """Everybody whom the run created and no earlier rollback has deleted, with ``WHY_NOT``."""
    users = made_users(context)
    if context.folder.rolled_back.exists():
        past = pl.scan_parquet(context.folder.rolled_back).filter(pl.col(END) == "deleted")
        users = users.join(past, on=ORDINAL, how="anti")
    context.progress.stage("Looking at the users whom the run created", None, "users")
    with _scratch(context) as folder:
        now = look(context, users.select(SUB, "username").collect(engine="streaming"), folder)
        return judged(context, users, now, confirmed_too=confirmed_too).collect(engine="streaming")


@contextmanager
def _scratch(context: Context) -> Iterator[Path]:
    """A hidden folder in the run's folder; what a killed look has left is removed."""
    folder = context.folder.path / ".rollback"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def delete_all(context: Context, *, confirmed_too: bool) -> None:
    """Delete in stretches; one whose file is there is behind us."""
    left = pl.scan_parquet(_left_file(context))
    total = int(left.select(pl.len()).collect().item())
    context.progress.stage("Deleting users", total, "users")
    stretches = range(0, total, STRETCH)
    for number, start in enumerate(stretches, 1):
        if not _stretch_file(context, number).exists():
            was_meant = _facts(context).get("intent") == number
            _note(context, intent=number, stretches=len(stretches))
            users = left.slice(start, STRETCH).collect()
            ends = _delete_stretch(context, users, start, was_meant=was_meant, confirmed_too=confirmed_too)
            write_parquet(ends, _stretch_file(context, number))
        context.progress.update(min(start + STRETCH, total))


def _delete_stretch(
    context: Context, users: pl.DataFrame, done: int, *, was_meant: bool, confirmed_too: bool
) -> pl.DataFrame:
    """Look at each user once more, and delete who is as the run left them.

    ``was_meant`` says that an earlier start has begun this stretch: who is gone now was deleted by it.
    """
    why_not: list[str | None] = []
    for user in users.iter_slices(1):
        why = _delete(context, user, confirmed_too=confirmed_too)
        why_not.append(None if why == GONE and was_meant else why)
        context.progress.update(done + len(why_not))
    return _as_ends(users.with_columns(pl.Series(WHY_NOT, why_not, dtype=pl.String)))


def _delete(context: Context, user: pl.DataFrame, *, confirmed_too: bool) -> str | None:
    """Delete one user; the reason where they are not deleted."""
    now = look_again(context, user[SUB].item())
    told = judged(context, user.lazy(), now.lazy(), confirmed_too=confirmed_too).collect().row(0, named=True)
    if told[WHY_NOT] is not None:
        return str(told[WHY_NOT])
    try:
        delete_user(context.cognito, context.schema.pool_id, told["@name"])
    except UserRefusedError as refused:
        return GONE if refused.code == "user_not_found" else refused.code
    except AskThePoolError as error:
        if look_again(context, user[SUB].item()).height:
            raise TargetError(error.what, "Give the same command again: it goes on from here.") from None
    return None


def _as_ends(users: pl.DataFrame) -> pl.DataFrame:
    """Users with ``WHY_NOT`` as rows of ``rollback.parquet``."""
    why = pl.col(WHY_NOT)
    end = (
        pl.when(why.is_null())
        .then(pl.lit("deleted"))
        .when(why == GONE)
        .then(why)
        .otherwise(pl.lit("refused"))
    )
    return users.with_columns(end.alias(END), pl.when(why != GONE).then(why).alias("reason")).select(_COLUMNS)


def finish_rollback(context: Context) -> Rollback:
    """Write what has become of everybody, tell it in the reports, and forget the stretches."""
    ends = _ends(context)
    write_parquet(ends, context.folder.rolled_back)
    _write_csv(context, ends)
    told = _counts(context, ends)
    _note(context, finished=context.worker.clock(), intent=None, counts=_as_counts(told))
    for run in (context.folder, *ancestors_of(context.folder)):
        retell(run)
    shutil.rmtree(_folder(context))
    return told


def _ends(context: Context) -> pl.DataFrame:
    """The ends of this rollback, and those whom an earlier one has deleted, in the order of the source."""
    plan = pl.read_parquet(_plan_file(context)).filter(pl.col(WHY_NOT).is_not_null())
    parts = [pl.read_parquet(path) for path in sorted(_folder(context).glob("s*.parquet"))]
    now = pl.concat([_as_ends(plan), *parts])
    if context.folder.rolled_back.exists():
        past = pl.read_parquet(context.folder.rolled_back).filter(pl.col(END) == "deleted")
        now = pl.concat([past.join(now, on=ORDINAL, how="anti"), now])
    return now.sort(ORDINAL)


def _write_csv(context: Context, ends: pl.DataFrame) -> None:
    known = ROLLBACK_REASONS
    texts = {
        "sentence": {code: one.sentence for code, one in known.items()},
        "fact": {code: one.fact for code, one in known.items()},
        "what_to_do": {code: one.mend for code, one in known.items()},
    }
    said = [
        pl.col("reason").replace_strict(words, default=None, return_dtype=pl.String).alias(name)
        for name, words in texts.items()
    ]
    sizes = pl.len().over(END, "reason").alias("@users")
    rows = ends.lazy().with_columns(*said, sizes).sort(
        pl.col(END) != "refused", "@users", "reason", ORDINAL, descending=[False, True, False, False]
    )  # fmt: skip
    columns = ["source_id", "username", SUB, END, "reason", *texts]
    write_cells(rows.select(columns), context.folder.path / "rollback.csv")


def count_ends(context: Context, users: pl.DataFrame, *, done: bool) -> Rollback:
    """The counts of users as ``judged`` gives them."""
    return replace(_counts(context, _as_ends(users)), done=done)


def _counts(context: Context, ends: pl.DataFrame) -> Rollback:
    by_end = dict(ends.group_by(END).len().iter_rows())
    refused = ends.filter(pl.col(END) == "refused").group_by("reason").len()
    return Rollback(
        run_id=context.folder.run_id,
        done=True,
        made=ends.height,
        deleted=int(by_end.get("deleted", 0)),
        gone_already=int(by_end.get(GONE, 0)),
        refused=dict(refused.sort("len", "reason", descending=[True, False]).iter_rows()),
    )


def _as_counts(told: Rollback) -> dict[str, Any]:
    return {"made": told.made, "deleted": told.deleted, GONE: told.gone_already, "refused": told.refused}


def _folder(context: Context) -> Path:
    return context.folder.path / "rollback"


def _left_file(context: Context) -> Path:
    """How the run left those who are to be deleted: it holds attributes, and goes when all is done."""
    return _folder(context) / "left.parquet"


def _plan_file(context: Context) -> Path:
    return _folder(context) / "plan.parquet"


def _stretch_file(context: Context, number: int) -> Path:
    return _folder(context) / f"s{number:06d}.parquet"


def _facts(context: Context) -> dict[str, Any]:
    return dict(record_of(context.folder).facts.get(FACT) or {})


def _note(context: Context, **facts: object) -> None:
    run = context.ledger.run()
    context.ledger.advance_run(run.state, **{FACT: {**(run.facts.get(FACT) or {}), **facts}})
