"""Users who are in the pool already get what differs: a billable month each (F8.3), and no message."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

import polars as pl

from connectors.cognito.admin_users import update_attributes
from connectors.cognito.after_work import AfterWork
from connectors.cognito.users import can_be_searched, find_holders
from connectors.errors import AskThePoolError, RetryError, UserRefusedError
from connectors.retry import retrying
from flows.ledger.segments import write_parquet
from flows.ledger.states import BatchState
from flows.steps.columns import STEP, SUB, VERDICT, WHY, outcomes
from flows.steps.comparing import SIGN_IN
from flows.steps.crew import Crew
from flows.steps.existing import NAME_BEFORE, SUB_BEFORE, Existing
from flows.steps.stretches import forget_parts, work_off
from flows.steps.updating import CHANGES, LEFT, MISSING, UPDATE, Updates
from flows.strategies.batches import frames_of
from mappings.duplicates import ORDINAL
from mappings.rules_lists import GROUP_NAME_INVALID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flows.ledger.store import BatchRecord
    from flows.steps.context import Context

USERS_PER_BATCH: Final = 2_000
"""Some minutes of calls: the comparison is made once a batch, and reads all that was there before."""
ANY_BYTES: Final = 2**62
"""Bytes do not matter here."""

LACKS: Final = "lacks"
_ROWS: Final = {
    ORDINAL: pl.UInt64(),
    VERDICT: pl.String(),
    WHY: pl.String(),
    SUB: pl.String(),
    LACKS: pl.List(pl.Struct({STEP: pl.String(), WHY: pl.String()})),
}
_GONE: Final = "user_not_found"
_LEFT_BY: Final = {GROUP_NAME_INVALID: "groups"}
"""The step that leaves something, where it is not the one that writes attributes."""


class UpdateExisting:
    """Takes users who are in the pool already and differ; only ``existing: update`` sends anybody here."""

    name: ClassVar[str] = UPDATE

    def refusal(self) -> pl.Expr:
        """Nobody chooses this way: the comparison with the pool does."""
        return pl.lit("already_in_pool")

    def batch_limits(self) -> tuple[int, int]:
        """Small batches."""
        return USERS_PER_BATCH, ANY_BYTES

    def send(self, context: Context, number: int) -> None:
        """Write what differs of every user of the batch whom an earlier start has not written."""
        batch = context.ledger.batch(number)
        if batch.state is BatchState.SETTLED:
            return
        batch = context.ledger.advance(batch, BatchState.CREATING)
        users = _compared(context, batch)
        context.progress.stage(f"Updating users of batch {number}", users.height, "users")
        crew: Crew[dict[str, Any], dict[str, Any]] = Crew(context.loaded.settings.admin_create_user.threads)
        done = work_off(context, batch, users, Updater(context, crew.pause).update, _ROWS, crew)
        _write_lacks(context, batch, done)
        shaped = outcomes(done, strategy=UPDATE)
        write_parquet(shaped, context.folder.outcomes(f"batch-{number:04d}"))
        context.ledger.advance(batch, BatchState.SETTLED)
        forget_parts(context, batch)


def _compared(context: Context, batch: BatchRecord) -> pl.DataFrame:
    """The batch's users with what differs, by the same comparison that chose them."""
    updates = Updates.of_run(context, Existing.of_run(context))
    members = pl.read_parquet(context.folder.batch_users(batch.number))[ORDINAL].set_sorted()
    return updates.of(pl.concat(frames_of(context, members, updates.columns)))


def _write_lacks(context: Context, batch: BatchRecord, done: pl.DataFrame) -> None:
    lacking = done.select(ORDINAL, LACKS).explode(LACKS).drop_nulls().unnest(LACKS)
    if lacking.height:
        write_parquet(lacking, context.folder.refused(batch.number))


class Updater:
    """Updates users; its methods may be called from several threads.

    Args:
        context: the run.
        pause: sleeps so many seconds between two tries.
    """

    def __init__(self, context: Context, pause: Callable[[float], None]) -> None:
        self._client = context.cognito
        self._schema = context.schema
        self._pause = pause
        self._groups = AfterWork(context.cognito, context.schema.pool_id, sleep=pause)
        self._unique = {*context.schema.alias_attributes, *context.schema.username_attributes}

    def update(self, user: dict[str, Any]) -> dict[str, Any]:
        """Write what differs of one user; return the outcome."""
        lacks = [{STEP: _LEFT_BY.get(code, "attributes"), WHY: code} for code in user[LEFT]]
        written = 0
        for step, call in self._calls(user, lacks):
            try:
                call()
                written += 1
            except UserRefusedError as error:
                lacks.append({STEP: step, WHY: error.code})
        gone = any(lack[WHY] == _GONE for lack in lacks)
        verdict = "failed" if gone else "updated" if written else "existing"
        why = _GONE if gone else None
        return {ORDINAL: user[ORDINAL], VERDICT: verdict, WHY: why, SUB: user[SUB_BEFORE], LACKS: lacks}

    def _calls(
        self, user: dict[str, Any], lacks: list[dict[str, str]]
    ) -> Iterator[tuple[str, Callable[[], None]]]:
        changes = {each["name"]: each["value"] for each in user[CHANGES]}
        taken = {
            name for name in changes if name in self._unique and self._is_taken(user, name, changes[name])
        }
        lacks.extend({STEP: "attributes", WHY: "alias_taken"} for _ in taken)
        kept = {name: value for name, value in changes.items() if name.removesuffix("_verified") not in taken}
        if kept:
            yield "attributes", partial(self._write, user[NAME_BEFORE], kept, lacks)
        for group in user[MISSING]:
            yield "groups", partial(self._groups.join, user[NAME_BEFORE], group)

    def _is_taken(self, user: dict[str, Any], name: str, value: str) -> bool:
        """Ask once more right before: some pools would move the name in silence (F5.11).

        A name that is too long to be asked for counts as taken.
        """
        if not can_be_searched(name, value):
            return True
        holders = find_holders(self._client, self._schema.pool_id, name, value)
        return bool((holders["sub"] != user[SUB_BEFORE]).any())

    def _write(self, username: str, changes: dict[str, str], lacks: list[dict[str, str]]) -> None:
        """Write attributes; without the names that people sign in with where the pool says they are taken."""
        try:
            self._once(username, changes)
        except UserRefusedError as error:
            others = {k: v for k, v in changes.items() if k.removesuffix("_verified") not in SIGN_IN}
            if error.code != "alias_taken" or not others or others == changes:
                raise
            lacks.append({STEP: "attributes", WHY: error.code})
            self._once(username, others)

    def _once(self, username: str, changes: dict[str, str]) -> None:
        def call() -> None:
            try:
                update_attributes(self._client, self._schema.pool_id, username, changes)
            except AskThePoolError as error:  # the same values may be written again
                raise RetryError(error.what, error.mend) from None

        retrying("AdminUpdateUserAttributes", sleep=self._pause)(call)
