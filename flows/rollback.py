"""The flow ``rollback-users``: delete the users whom a run created, and nobody else."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from prefect import State, flow
from prefect.states import Completed
from pydantic import Field

from flows.ledger.folder import find_run
from flows.prefect_progress import progress_of
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
from flows.tasks import harmless_errors, run_folder_name, run_task, show_markdown, stage_task

if TYPE_CHECKING:
    from flows.steps.context import Context
    from flows.steps.rolling_back import Rollback

RunFolderPath = Annotated[
    str, Field(min_length=1, examples=["/srv/migration/runs/acme/20261123T050258Z-a0afbd"])
]

LOOK = stage_task("look at the users", judge_now)
JUDGE = stage_task("judge the users", judge_all)
DELETE = stage_task("delete users", delete_all)
ADD_UP = stage_task("add up", finish_rollback)

LEFT_ALONE = "LeftAlone"
"""Name of the state that a flow run ends in where users of the run are left in the pool."""


@flow(name="rollback-users", flow_run_name=run_folder_name, persist_result=False)
def rollback_users(
    run_folder: RunFolderPath, *, delete: bool = False, confirmed_too: bool = False
) -> State[dict[str, Any]]:
    """Delete the users that a run created; only counts them, without `delete`.

    Left alone are users who have signed in or were changed since the run, and those who could have signed
    in without a trace. The same parameters go on with a rollback that was stopped.

    Args:
        run_folder: Path of the run's folder on the machine that the flow runs on.
        delete: Delete; nothing is changed otherwise.
        confirmed_too: Also users who could sign in from the start: no application has used the pool.

    Returns:
        Completed, or LeftAlone where users are left, with the counts as its data.
    """
    with harmless_errors():
        return _rollback(Path(run_folder), delete=delete, confirmed_too=confirmed_too)


def _rollback(path: Path, *, delete: bool, confirmed_too: bool) -> State[dict[str, Any]]:
    folder = find_run(str(path), path.parent)
    name = path.parent.name
    with opened_rollback(folder, Worker(progress_of(name))) as context:
        found = _deleted(context, confirmed_too) if delete else _counted(context, confirmed_too)
    show_markdown(name, "rollback", rollback_markdown(name, found), found.sentence)
    return Completed(
        name=LEFT_ALONE if found.exit_status else None, message=found.sentence, data=asdict(found)
    )


def _counted(context: Context, confirmed_too: bool) -> Rollback:  # noqa: FBT001 - a flag of the flow
    return count_ends(context, run_task(LOOK, context, confirmed_too=confirmed_too), done=False)


def _deleted(context: Context, confirmed_too: bool) -> Rollback:  # noqa: FBT001 - same
    run_task(JUDGE, context, confirmed_too=confirmed_too)
    run_task(DELETE, context, confirmed_too=confirmed_too)
    found: Rollback = run_task(ADD_UP, context)
    return found
