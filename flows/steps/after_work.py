"""What a CSV has no column for (F1.44): disabled users are disabled, groups are joined.

Both calls can be made twice without harm, and the ledger knows how far the work has come. They
share the quota category ``UserUpdate`` of 25 requests a second (F7.11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from connectors.cognito.after_work import AfterWork
from connectors.errors import UserRefusedError
from connectors.records import ENABLED, GROUPS, USERNAME
from flows.ledger.states import RunState
from flows.steps.columns import VERDICT
from flows.steps.proving import LANDED
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flows.steps.context import Context

NOTED_EVERY = 100
"""Users after which the ledger is told how far the work has come; some seconds, by the quota."""


def after_work(context: Context) -> None:
    """Disable and group every landed user who needs it."""
    run = context.ledger.run()
    if run.state is not RunState.PROVING or run.facts.get("after_work_complete"):
        return
    todo = _todo(context)
    if todo.height:
        _work(context, todo, run.facts)
    context.ledger.advance_run(RunState.PROVING, after_work_complete=True)


def _todo(context: Context) -> pl.DataFrame:
    users = context.folder.scan_users().select(ORDINAL, USERNAME, ENABLED, GROUPS)
    needy = users.filter(~pl.col(ENABLED) | (pl.col(GROUPS).list.len() > 0))
    came = pl.scan_parquet(context.folder.all("outcomes")).filter(pl.col(VERDICT).is_in(LANDED))
    chosen = needy.join(came.select(ORDINAL), on=ORDINAL, how="semi")
    return chosen.sort(ENABLED, ORDINAL).collect(engine="streaming")


def _work(context: Context, todo: pl.DataFrame, facts: Mapping[str, Any]) -> None:
    """Work through the users, from where an earlier start has come to."""
    context.progress.stage("Disabling users and joining groups", todo.height, "users")
    work = AfterWork(context.cognito, context.schema.pool_id)
    before = int(facts.get("after_work_users", 0))
    refused = {"disable": 0, "join": 0} | facts.get("after_work_refused", {})
    for done, user in enumerate(todo[before:].iter_rows(named=True), before + 1):
        name = user[USERNAME]
        if not user[ENABLED]:
            refused["disable"] += _is_refused(work.disable, name)
        for group in user[GROUPS] or ():
            refused["join"] += _is_refused(work.join, name, group)
        context.progress.update(done)
        if done % NOTED_EVERY == 0 or done == todo.height:
            context.ledger.advance_run(RunState.PROVING, after_work_users=done, after_work_refused=refused)


def _is_refused(call: Callable[..., None], *names: str) -> bool:
    """Make one call; what the pool refuses is counted and leaves the user's other calls alone."""
    try:
        call(*names)
    except UserRefusedError:
        return True
    return False
