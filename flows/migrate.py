"""The flow ``migrate-users``: the steps of ``flows.steps.running`` as tasks, and what people see of them."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from prefect import State, Task, flow, tags
from prefect.exceptions import CancelledRun
from prefect.states import Cancelled, Completed

from connectors.errors import PoolferryError, StopError
from flows.parameters import New, RunFilePath, flow_run_name
from flows.prefect_flows import flow_body
from flows.prefect_limits import job_slot, pool_slot
from flows.prefect_progress import end_with, progress_of
from flows.reports.cards import (
    console_link,
    finished_sentence,
    reason_rows,
    summary_sentence,
    where_to_look,
)
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.finishing import summary_of
from flows.steps.running import STEPS, Step, add_up, opened, walk
from flows.steps.sending import send, send_batch
from flows.tasks import (
    CHANGING_SECONDS,
    VERSION,
    batch_task,
    batch_title,
    run_task,
    show_link,
    show_markdown,
    show_table,
    stage_task,
)

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from flows.settings import LoadedRunFile
    from flows.steps.context import Context
    from flows.steps.progress import Progress

TITLES = {
    "extract": "read and judge the users",
    "route": "choose a way for each user",
    "after_work": "disable, link and group the users",
    "prove": "read the pool back",
}
"""What the task of a step is called."""


def _send_one(context: Context, number: int, title: str) -> None:  # noqa: ARG001 - Prefect names the run by it
    by_job = context.ledger.batch(number).strategy == "import_job"
    with job_slot(context) if by_job else nullcontext():
        send_batch(context, number)


STAGES: dict[Step, Task[..., Any]] = {
    step: stage_task(TITLES[step.__name__], step) for step in STEPS if step is not send
}
SEND_BATCH = batch_task(_send_one)
ADD_UP = stage_task("add up the verdicts", add_up)


@flow(
    name="migrate-users",
    flow_run_name=flow_run_name,
    version=VERSION,
    retries=0,
    timeout_seconds=CHANGING_SECONDS,
    persist_result=False,
)
def migrate_users(run_file: RunFilePath, *, new: New = False) -> State[dict[str, Any]]:
    """Carry every user of a run file's source into its pool, and prove that each one arrived.

    Goes on with the unfinished run of the same name where there is one. Users that are rejected do not
    fail the flow; a run that cannot go on does, and the same parameters resume it. Where another flow run
    changes the pool, this one ends as Cancelled.

    Args:
        run_file: Path of the run file (YAML) on the machine that the flow runs on. A relative path starts
            at the folder that the flow was deployed from.
        new: Start another run instead of going on with an unfinished one.

    Returns:
        Completed with the run's summary (``summary.json``) as its data.
    """
    with flow_body():
        loaded = load_run_file(Path(run_file))
        progress = progress_of(loaded.settings.name)
        with pool_slot_of(loaded, progress) as is_ours:
            if not is_ours:
                return left_alone()
            with opened(loaded, Worker(progress), new=new) as context:
                return carried_to_the_end(context, progress)


def pool_slot_of(loaded: LoadedRunFile, progress: Progress) -> AbstractContextManager[bool]:
    """Hold the pool of a run file for one migration."""
    settings = loaded.settings
    return pool_slot(settings.target.user_pool_id, progress, is_shared=settings.ledger is not None)


def left_alone() -> State[dict[str, Any]]:
    """The end of a flow run that came while another one was changing the pool."""
    return Cancelled(message="Another flow run changes the pool; nothing was done. Run it again later.")


def carried_to_the_end(context: Context, progress: Progress) -> State[dict[str, Any]]:
    """Walk an opened run to its end, one task a stage and one a batch, and show how it ended."""
    walk(context, do_step, send_one)
    name, summary = context.loaded.settings.name, summary_of(context.folder)
    end_with(progress, finished_sentence(summary), summary["extracted"])
    report = context.folder.report.read_text(encoding="utf-8")
    show_markdown(name, "summary", report + where_to_look(context.folder), summary_sentence(summary))
    show_table(name, "reasons", reason_rows(summary), "Why users were rejected or failed, and what to do.")
    show_link(name, "pool", *console_link(context.schema.pool_id))
    context.folder.told.touch(mode=0o600)
    return Completed(message=finished_sentence(summary), data=summary)


def do_step(step: Step, context: Context) -> None:
    """Do one step of a run as a task."""
    run_task(ADD_UP if step is add_up else STAGES[step], context)


def send_one(context: Context, number: int) -> None:
    """Send one batch as a task that is tried again where that can help."""
    title = batch_title(context.ledger.batch(number), len(context.ledger.batches()))
    run_task(SEND_BATCH, context, number=number, title=title)


def run_as_flow(run_file: Path, *, new: bool) -> dict[str, Any]:
    """Run ``migrate-users`` in this process, recorded by the Prefect API that is configured.

    Returns:
        The run's summary.

    Raises:
        PoolferryError: as ``flows.steps.running.migrate``; also where another flow run changes the pool,
            and where Prefect itself fails, which can be after the work was done.
    """
    try:
        with tags("poolferry", "changes-the-pool"):  # as the deployments have them, for the automations
            summary = migrate_users(str(run_file), new=new)
    except PoolferryError:
        raise
    except CancelledRun as error:
        raise StopError(str(error)) from None
    except Exception as error:  # noqa: BLE001 - the flow lets only PoolferryError out, so this is Prefect's own
        raise StopError(
            f"Prefect failed: {type(error).__name__}.",
            "`poolferry status` tells what was done. Mend PREFECT_API_URL, or set it to nothing.",
        ) from None
    return cast("dict[str, Any]", summary)  # Prefect hands out a completed state's data
