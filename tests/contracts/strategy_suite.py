"""What every way into the pool must keep; ``test_strategies.py`` runs it on each, and on broken ones.

A ``Trial`` is a run that has one strategy alone and stands before its sending. Every ledger write of
the sending leaves a copy of the ledger behind, as a crash or an old backup of the run's folder would.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from connectors.cognito.import_file import ImportFileFormat
from connectors.records import REASON, USERNAME
from flows.ledger.folder import RunFolder
from flows.ledger.sqlite import open_sqlite
from flows.ledger.states import BatchState
from flows.ledger.store import Ledger
from flows.steps.columns import STRATEGY, SUB, VERDICT, WHY
from flows.steps.extract import extract
from flows.steps.progress import Silence
from flows.steps.route import route
from flows.steps.running import begin
from flows.strategies.admin_create_user import ANY_BYTES
from flows.strategies.batches import batch_frames
from mappings.duplicates import ORDINAL
from mappings.reasons import reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flows.ledger.store import BatchRecord
    from flows.steps.context import Context
    from flows.strategies.base import Strategy
    from tests.flows.conftest import Pool

    Promise = Callable[["Trial"], None]
    Ended = tuple[int, str, str | None]

SETTLES = frozenset({"imported", "created", "existing", "deferred", "failed"})
"""Verdicts that a way into the pool may give."""


class CopiedLedger(Ledger):
    """Leaves a copy of itself behind at each state that the first batch goes through, but for the last."""

    copies: Path

    def advance(self, batch: BatchRecord, state: BatchState, **facts: Any) -> BatchRecord:
        if batch.state is BatchState.PLANNED:
            self._copy(batch)
        moved = super().advance(batch, state, **facts)
        self._copy(moved)
        return moved

    def _copy(self, batch: BatchRecord) -> None:
        if batch.number > 1 or batch.state is BatchState.SETTLED:
            return
        name = f"{batch.attempt}-{batch.state.rank}-{batch.state}.db"
        with (
            closing(sqlite3.connect(str(self._engine.url.database))) as source,
            closing(sqlite3.connect(self.copies / name)) as target,
        ):
            source.backup(target)


@dataclass
class Trial:
    """One strategy, a pool and a run that was begun.

    Attributes:
        strategy: the member under test.
        pool: a pool of the local Cognito.
        context: the run.
        copies: the folder of the ledger's copies.
    """

    strategy: Strategy
    pool: Pool
    context: Context
    copies: Path
    messages: int = field(init=False)

    def __post_init__(self) -> None:
        """Read, judge and route everybody."""
        self.messages = self.count_messages()
        begin(self.context)
        extract(self.context)
        route(self.context)

    def judged(self) -> pl.DataFrame:
        """Everybody as the rules left them, refused lines included."""
        return self.context.folder.scan_users().sort(ORDINAL).collect()

    def accepted(self) -> set[int]:
        """Ordinals of those whom this way takes: nothing is wrong with them, and they are not there yet."""
        users = self.judged().with_columns(self.strategy.refusal().alias("@no"))
        early = pl.concat([pl.read_parquet(path) for path in self.context.folder.all("outcomes")])
        over = early.filter(pl.col(VERDICT).is_in(["existing", "rejected"]))
        willing = users.filter(pl.col(REASON).is_null() & pl.col("@no").is_null())
        return set(willing[ORDINAL]) - set(over[ORDINAL])

    def send(self) -> None:
        """Send every batch, those included that come up on the way."""
        done: set[int] = set()
        while todo := [each.number for each in self.context.ledger.batches() if each.number not in done]:
            self.strategy.send(self.context, todo[0])
            done.add(todo[0])

    def outcomes(self) -> pl.DataFrame:
        """What the strategy has settled, its deferred users included."""
        found = pl.concat([pl.read_parquet(path) for path in self.context.folder.all("outcomes")])
        mine = pl.col(STRATEGY).is_not_null() | (pl.col(VERDICT) == "deferred")
        return found.filter(pl.col(VERDICT).is_not_null() & mine).sort(ORDINAL)

    def ends(self) -> list[Ended]:
        """Ordinal, verdict and reason of everybody who was settled."""
        return list(self.outcomes().select(ORDINAL, VERDICT, WHY).iter_rows())

    def count_messages(self) -> int:
        """Messages that the pool would have sent so far."""
        return sum(self.pool.sandbox.counters()["messages"].values())

    def restored(self, copy: Path) -> Trial:
        """The run as a backup of its folder holds it: an older ledger, and no outcomes of what came after."""
        folder = RunFolder(self.copies / f"of-{copy.stem}" / self.context.folder.run_id)
        shutil.copytree(self.context.folder.path, folder.path)
        for path in folder.path.glob("ledger.db*"):
            path.unlink()
        shutil.copy(copy, folder.ledger)
        ledger = CopiedLedger(open_sqlite(folder.ledger), folder.run_id, self.context.worker.clock)
        ledger.copies = folder.path
        for batch in ledger.batches():
            if batch.state is not BatchState.SETTLED:
                folder.outcomes(f"batch-{batch.number:04d}").unlink(missing_ok=True)
        twin = object.__new__(Trial)
        twin.strategy, twin.pool, twin.copies = self.strategy, self.pool, folder.path
        twin.context = replace(self.context, folder=folder, ledger=ledger)
        return twin


def refusals_are_null_or_known_for_everybody(trial: Trial) -> None:
    """Whatever a row holds, also one that is no row, and where there is no row at all."""
    users = trial.judged()
    for frame in (users, users.clear(), users.filter(pl.col(REASON).is_not_null())):
        refusals = frame.with_columns(trial.strategy.refusal().alias("@no"))["@no"]
        assert refusals.dtype == pl.String
        for code in refusals.drop_nulls().unique():
            assert reason(code).sentence


def whom_it_accepts_it_settles_once(trial: Trial) -> None:
    trial.send()
    assert [ordinal for ordinal, *_ in trial.ends()] == sorted(trial.accepted())
    assert {verdict for _, verdict, _ in trial.ends()} <= SETTLES


def reasons_of_outcomes_can_be_explained(trial: Trial) -> None:
    trial.send()
    for _, verdict, why in trial.ends():
        assert (why is not None) is (verdict == "failed")
        assert why is None or reason(why).sentence


def landed_users_are_in_the_pool(trial: Trial) -> None:
    before = set(trial.pool.users())
    trial.send()
    landed = trial.outcomes().filter(pl.col(VERDICT).is_in(["imported", "created"]))
    names = trial.judged().join(landed, on=ORDINAL, how="semi")[USERNAME]
    assert set(trial.pool.users()) - before == set(names)


def batches_keep_to_the_limits(trial: Trial) -> None:
    rows, most = trial.strategy.batch_limits()
    for batch in trial.context.ledger.batches():
        users = pl.concat(batch_frames(trial.context, batch))
        assert 0 < users.height <= rows
        assert users.height == batch.users
        if most < ANY_BYTES:
            made = ImportFileFormat(trial.context.schema, batch.algorithm)
            assert made.row_bytes(users).sum() + len(made.header_line) <= most


def nobody_gets_a_message(trial: Trial) -> None:
    trial.send()
    assert trial.count_messages() == trial.messages


def sending_again_changes_nothing(trial: Trial) -> None:
    trial.send()
    ends, users = trial.ends(), trial.pool.users()
    jobs, calls = jobs_of(trial.pool), creations(trial.pool)
    for batch in trial.context.ledger.batches():
        trial.strategy.send(trial.context, batch.number)
    assert trial.ends() == ends
    assert trial.pool.users() == users
    assert (jobs_of(trial.pool), creations(trial.pool)) == (jobs, calls)


def an_older_ledger_leads_to_the_same_end(trial: Trial) -> None:
    """From wherever it stands: nobody is made twice, nobody is lost, nobody's verdict changes.

    But for one: to a ledger from before the first call, whom that call made is somebody else's user. No
    crash leaves such a ledger behind, only a backup; and `AdminCreateUser` has no token that tells (F5.10).
    """
    trial.send()
    ends, users = trial.ends(), trial.pool.users()
    for copy in sorted(trial.copies.glob("*.db")):
        twin = trial.restored(copy)
        twin.send()
        knows_nothing = copy.stem.endswith(BatchState.PLANNED)
        assert twin.ends() in ([ends, strangers(ends)] if knows_nothing else [ends]), copy.stem
        assert trial.pool.users() == users, copy.stem
        assert twin.outcomes()[SUB].drop_nulls().is_in(trial.outcomes()[SUB].implode()).all()


def strangers(ends: list[Ended]) -> list[Ended]:
    """The ends, if everybody who was created had been there before."""
    return [(ordinal, "existing" if end == "created" else end, why) for ordinal, end, why in ends]


class Interrupting(Silence):
    """Presses Ctrl-C as soon as something is told to be done, once."""

    def __init__(self) -> None:
        self.pressed = False

    def update(self, done: float) -> None:
        if done and not self.pressed:
            self.pressed = True
            raise KeyboardInterrupt


def an_interruption_loses_nobody(trial: Trial) -> None:
    """Whom the interrupted start has put into the pool is landed, never `existing`; all are settled once."""
    before = set(trial.pool.users())
    listening = trial.context
    trial.context = replace(listening, worker=replace(listening.worker, progress=Interrupting()))
    with suppress(KeyboardInterrupt):
        trial.send()
    trial.context = listening
    trial.send()
    assert [ordinal for ordinal, *_ in trial.ends()] == sorted(trial.accepted())
    landed = trial.outcomes().filter(pl.col(VERDICT).is_in(["imported", "created"]))
    names = trial.judged().join(landed, on=ORDINAL, how="semi")[USERNAME]
    assert set(trial.pool.users()) - before == set(names)


def only_whom_the_pool_refuses_fails(trial: Trial) -> None:
    """Who has failed is not in the pool, so that another way can take them."""
    trial.send()
    failed = trial.outcomes().filter(pl.col(VERDICT) == "failed")
    names = trial.judged().join(failed, on=ORDINAL, how="semi")[USERNAME]
    assert not set(trial.pool.users()) & set(names)


def jobs_of(pool: Pool) -> int:
    listed = pool.client.list_user_import_jobs(UserPoolId=pool.pool_id, MaxResults=50)
    return len(listed["UserImportJobs"])


def creations(pool: Pool) -> int:
    return pool.sandbox.counters()["operations"].get("AdminCreateUser", 0)


PROMISES: list[Promise] = [
    refusals_are_null_or_known_for_everybody,
    whom_it_accepts_it_settles_once,
    reasons_of_outcomes_can_be_explained,
    landed_users_are_in_the_pool,
    batches_keep_to_the_limits,
    nobody_gets_a_message,
    sending_again_changes_nothing,
    an_older_ledger_leads_to_the_same_end,
    an_interruption_loses_nobody,
    only_whom_the_pool_refuses_fails,
]
