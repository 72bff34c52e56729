"""The flow ``reconcile-users``: source, runs and pool held against one another, as often as you like."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import State, flow
from prefect.states import Completed

from flows.parameters import NoSource, RunFilePath, WithGroups, WithValues, flow_run_name
from flows.prefect_flows import flow_body
from flows.prefect_progress import end_with, progress_of
from flows.reports.reconciliation import reconciliation_markdown
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.memberships import read_groups
from flows.steps.reconciling import hold, opened_sides, read_now, read_source
from flows.tasks import READING_SECONDS, VERSION, run_task, show_markdown, stage_task

if TYPE_CHECKING:
    from flows.steps.reconciled import Reconciliation

READ_SOURCE = stage_task("read the source", read_source)
READ_NOW = stage_task("read the pool", read_now, again=True)
READ_GROUPS = stage_task("read the groups", read_groups, again=True)
HOLD = stage_task("hold them against the runs", hold)

DIFFERENCES = "Differences"
"""Name of the state that a flow run ends in when it has found any; automations can wait for it."""


@flow(
    name="reconcile-users",
    flow_run_name=flow_run_name,
    version=VERSION,
    retries=0,
    timeout_seconds=READING_SECONDS,
    persist_result=False,
)
def reconcile_users(
    run_file: RunFilePath,
    *,
    no_source: NoSource = False,
    with_groups: WithGroups = False,
    with_values: WithValues = False,
) -> State[dict[str, Any]]:
    """Hold source, runs and pool against one another: who is missing, extra, new, gone or changed.

    Asks the pool only `ListUsers`, which makes nobody billable, but with `with_groups`. What is found never
    fails the flow: it ends as Completed where nothing needs a hand, and as Differences, which is completed
    too, where anything does.

    Args:
        run_file: Path of the run file (YAML) on the machine that the flow runs on. A relative path starts
            at the folder that the flow was deployed from.
        no_source: Leave the source out, and hold the runs against the pool alone.
        with_groups: Also read who is in which group, one call for 60 members of each, and tell who lacks a
            group that the mapping gives them.
        with_values: Also write the values that differ into files in the run's folder, for its owner alone.

    Returns:
        The counts as the state's data.
    """
    with flow_body():
        return _reconcile(
            Path(run_file), with_source=not no_source, with_groups=with_groups, with_values=with_values
        )


def _reconcile(
    run_file: Path, *, with_source: bool, with_groups: bool, with_values: bool
) -> State[dict[str, Any]]:
    loaded = load_run_file(run_file)
    name = loaded.settings.name
    progress = progress_of(name)
    with opened_sides(loaded, Worker(progress), with_source=with_source, with_groups=with_groups) as sides:
        if with_source:
            run_task(READ_SOURCE, sides)
        run_task(READ_NOW, sides)
        if with_groups:
            run_task(READ_GROUPS, sides)
        found: Reconciliation = run_task(HOLD, sides, with_values=with_values)
    end_with(progress, found.sentence, found.there)
    show_markdown(name, "reconciliation", reconciliation_markdown(loaded, found), found.sentence)
    return Completed(
        name=DIFFERENCES if found.exit_status else None, message=found.sentence, data=found.to_json()
    )
