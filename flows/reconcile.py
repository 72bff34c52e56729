"""The flow ``reconcile-users``: whether everybody whom the newest run has left in the pool is still there."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import State, flow
from prefect.states import Completed

from flows.parameters import RunFilePath, flow_run_name
from flows.prefect_progress import progress_of
from flows.reports.cards import reconciliation_markdown
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.reconciling import hold, opened_finished, read_now, scratch
from flows.tasks import READING_SECONDS, VERSION, harmless_errors, run_task, show_markdown, stage_task

if TYPE_CHECKING:
    from flows.steps.reconciling import Reconciliation

READ_NOW = stage_task("read the pool", read_now, again=True)
HOLD = stage_task("hold the pool against the run", hold)

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
def reconcile_users(run_file: RunFilePath) -> State[dict[str, Any]]:
    """Hold the pool against the newest finished run: who is there, gone, changed or unknown.

    Asks only `ListUsers`, which makes nobody billable. What is found never fails the flow: it ends as
    Completed where nothing differs, and as Differences, which is completed as well, where anything does.

    Args:
        run_file: Path of the run file (YAML) on the machine that the flow runs on. A relative path starts
            at the folder that the flow was deployed from.

    Returns:
        The counts as the state's data.
    """
    with harmless_errors():
        return _reconcile(Path(run_file))


def _reconcile(run_file: Path) -> State[dict[str, Any]]:
    loaded = load_run_file(run_file)
    name = loaded.settings.name
    with opened_finished(loaded, Worker(progress_of(name))) as context, scratch(context) as folder:
        run_task(READ_NOW, context, folder=folder)
        found: Reconciliation = run_task(HOLD, context, folder=folder)
    show_markdown(name, "reconciliation", reconciliation_markdown(name, found), found.sentence)
    return Completed(
        name=DIFFERENCES if found.exit_status else None, message=found.sentence, data=asdict(found)
    )
