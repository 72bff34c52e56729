"""The flow ``purge-run``: a run forgets people, and keeps the numbers."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from prefect import State, flow
from prefect.states import Completed

from flows.parameters import DryRun, Force, RunFilePath, RunId, chosen_run, flow_run_name
from flows.prefect_flows import flow_body
from flows.reports.cards import purge_markdown
from flows.steps.context import Worker
from flows.steps.purging import plan_purge, purge
from flows.tasks import READING_SECONDS, VERSION, run_task, show_markdown, stage_task

if TYPE_CHECKING:
    from flows.ledger.folder import RunFolder
    from flows.steps.purging import Purge


def _forget(folder: RunFolder, *, force: bool) -> list[Purge]:
    return purge(folder, Worker(), force=force)


LOOK = stage_task("look at what identifies people", plan_purge)
FORGET = stage_task("remove what identifies people", _forget)


@flow(
    name="purge-run",
    flow_run_name=flow_run_name,
    version=VERSION,
    retries=0,
    timeout_seconds=READING_SECONDS,
    persist_result=False,
)
def purge_run(
    run_file: RunFilePath, run_id: RunId = "", *, dry_run: DryRun = True, force: Force = False
) -> State[dict[str, Any]]:
    """Remove what identifies people from a run and its retries; only says what, as long as `dry_run` is on.

    Counts, reasons and jobs stay. Nobody can be explained, retried, rolled back or reconciled afterwards. The
    salt of the hashes that stay in the place of ids is thrown away; `poolferry purge --salt-file` keeps it.

    Args:
        run_file: Path of the run file (YAML) of the run, on the machine that the flow runs on.
        run_id: The run: the name of its folder, such as 20261123T050258Z-a0afbd. Empty: only looks, at the
            newest that is no retry.
        dry_run: Only say what a purge would remove; nothing is changed.
        force: Also a run that is not finished: nobody can go on with it then.

    Returns:
        Completed with what was, or would be, removed from each run as its data.
    """
    with flow_body():
        folder = chosen_run(run_file, run_id, must_be_named=not dry_run)
        found: list[Purge] = run_task(LOOK, folder) if dry_run else run_task(FORGET, folder, force=force)
    told = "; ".join(one.sentence for one in found)
    name = folder.path.parent.name
    show_markdown(name, "purge", purge_markdown(name, found), told)
    return Completed(message=told, data={"runs": [asdict(one) for one in found]})
