"""What a CSV has no column for (F1.44): disabled users are disabled, groups are joined.

Both calls can be made twice without harm, so a crash only repeats what one page had begun. They
share the quota category ``UserUpdate`` of 25 requests a second (F7.11), of which the run takes half.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from connectors.cognito.after_work import AfterWork
from connectors.errors import UserRefusedError
from connectors.records import ENABLED, GROUPS, USERNAME
from flows.ledger.states import RunState
from flows.steps.columns import VERDICT
from flows.steps.proving import LANDED
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from flows.steps.context import Context


def after_work(context: Context) -> None:
    """Disable and group every landed user who needs it."""
    run = context.ledger.run()
    if run.state is not RunState.PROVING or run.facts.get("after_work_complete"):
        return
    todo = _todo(context)
    if todo.height:
        _work(context, todo)
    context.ledger.advance_run(RunState.PROVING, after_work_complete=True)


def _todo(context: Context) -> pl.DataFrame:
    users = context.folder.scan_users().select(ORDINAL, USERNAME, ENABLED, GROUPS)
    needy = users.filter(~pl.col(ENABLED) | (pl.col(GROUPS).list.len() > 0))
    came = pl.scan_parquet(context.folder.all("outcomes")).filter(pl.col(VERDICT).is_in(LANDED))
    return needy.join(came.select(ORDINAL), on=ORDINAL, how="semi").collect(engine="streaming")


def _work(context: Context, todo: pl.DataFrame) -> None:
    context.progress.stage("Disabling users and joining groups", todo.height, "users")
    work = AfterWork(context.cognito, context.schema.pool_id)
    refused = 0
    for done, user in enumerate(todo.sort(ENABLED).iter_rows(named=True), 1):
        try:
            if not user[ENABLED]:
                work.disable(user[USERNAME])
            for group in user[GROUPS] or ():
                work.join(user[USERNAME], group)
        except UserRefusedError:
            refused += 1
        context.progress.update(done)
    context.ledger.advance_run(RunState.PROVING, after_work_users=todo.height, after_work_refused=refused)
