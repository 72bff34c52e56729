"""The flow ``roll-back-migration``: delete the users whom a run created, and nobody else."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from prefect import State, flow
from prefect.states import Completed

from flows.ledger.families import record_of
from flows.migrate import left_alone
from flows.parameters import ConfirmedToo, DryRun, RunFilePath, RunId, chosen_run, flow_run_name
from flows.prefect_flows import flow_body
from flows.prefect_limits import pool_slot
from flows.prefect_progress import end_with, progress_of
from flows.reports.cards import rollback_markdown
from flows.steps.context import Worker
from flows.steps.rolling_back import (
    count_ends,
    delete_all,
    finish_rollback,
    judge_all,
    judge_now,
    opened_rollback,
)
from flows.tasks import (
    CHANGING_SECONDS,
    VERSION,
    run_task,
    show_markdown,
    stage_task,
)

if TYPE_CHECKING:
    from flows.ledger.folder import RunFolder
    from flows.steps.context import Context
    from flows.steps.progress import Progress
    from flows.steps.rolling_back import Rollback

LOOK = stage_task("look at the users that the run created", judge_now)
JUDGE = stage_task("judge the users that the run created", judge_all)
DELETE = stage_task("delete the users that are as the run left them", delete_all)
ADD_UP = stage_task("add up what was deleted", finish_rollback)

LEFT_ALONE = "LeftAlone"
"""Name of the state that a flow run ends in where users of the run are left in the pool."""


@flow(
    name="roll-back-migration",
    flow_run_name=flow_run_name,
    version=VERSION,
    retries=0,
    timeout_seconds=CHANGING_SECONDS,
    persist_result=False,
)
def roll_back_migration(
    run_file: RunFilePath,
    run_id: RunId = "",
    *,
    dry_run: DryRun = True,
    confirmed_too: ConfirmedToo = False,
) -> State[dict[str, Any]]:
    """Delete the users that a run created; only counts them as long as `dry_run` is on.

    Left alone are users who have signed in or were changed since the run, and those who could have signed
    in without a trace. The same parameters go on with a rollback that was stopped.

    Args:
        run_file: Path of the run file (YAML) of the run, on the machine that the flow runs on.
        run_id: The run: the name of its folder, such as 20261123T050258Z-a0afbd. Empty: only looks, at the
            newest that is no retry.
        dry_run: Only count whom a rollback would delete; the pool is read, and nothing is changed.
        confirmed_too: Also users who could sign in from the start, which is safe only while no
            application has used the pool.

    Returns:
        Completed, or LeftAlone where users are left, with the counts as its data.
    """
    with flow_body():
        folder = chosen_run(run_file, run_id, must_be_named=not dry_run)
        progress = progress_of(folder.path.parent.name)
        if dry_run:
            return _counted(folder, progress, confirmed_too=confirmed_too)
        with pool_slot(record_of(folder).pool_id, progress, is_shared=False) as is_ours:
            if not is_ours:
                return left_alone()
            return _deleted(folder, progress, confirmed_too=confirmed_too)


def _counted(folder: RunFolder, progress: Progress, *, confirmed_too: bool) -> State[dict[str, Any]]:
    with opened_rollback(folder, Worker(progress)) as context:
        looked = run_task(LOOK, context, confirmed_too=confirmed_too)
        return _told(context, count_ends(context, looked, done=False))


def _deleted(folder: RunFolder, progress: Progress, *, confirmed_too: bool) -> State[dict[str, Any]]:
    with opened_rollback(folder, Worker(progress)) as context:
        run_task(JUDGE, context, confirmed_too=confirmed_too)
        run_task(DELETE, context, confirmed_too=confirmed_too)
        return _told(context, run_task(ADD_UP, context))


def _told(context: Context, found: Rollback) -> State[dict[str, Any]]:
    name = context.folder.path.parent.name
    end_with(context.progress, found.sentence, found.made)
    show_markdown(name, "rollback", rollback_markdown(name, found), found.sentence)
    return Completed(
        name=LEFT_ALONE if found.exit_status else None, message=found.sentence, data=asdict(found)
    )
