"""The flow ``migrate-users``: the steps of ``flows.steps.running`` as tasks, and what people see of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from prefect import State, Task, flow
from prefect.states import Completed

from connectors.errors import PoolferryError, StopError
from flows.prefect_progress import progress_of
from flows.reports.cards import finished_sentence, reason_rows, summary_sentence
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.finishing import summary_of
from flows.steps.running import STEPS, Step, add_up, opened, walk
from flows.steps.sending import send, send_batch
from flows.tasks import (
    RunFilePath,
    batch_task,
    batch_title,
    flow_run_name,
    harmless_errors,
    run_task,
    show_markdown,
    show_table,
    stage_task,
)

if TYPE_CHECKING:
    from flows.steps.context import Context

TITLES = {
    "extract": "read and judge",
    "route": "choose ways",
    "after_work": "after-work",
    "prove": "read back",
}
"""What the task of a step is called; a step without a title has its own name."""


def _send_one(context: Context, number: int, title: str) -> None:  # noqa: ARG001 - Prefect names the run by it
    send_batch(context, number)


STAGES: dict[Step, Task[..., Any]] = {
    step: stage_task(TITLES.get(step.__name__, step.__name__.replace("_", " ")), step)
    for step in STEPS
    if step is not send
}
SEND_BATCH = batch_task(_send_one)
ADD_UP = stage_task("add up", add_up)


@flow(name="migrate-users", flow_run_name=flow_run_name, persist_result=False)
def migrate_users(run_file: RunFilePath, *, new: bool = False) -> State[dict[str, Any]]:
    """Carry every user of a run file's source into its pool, and prove that each one arrived.

    Goes on with the unfinished run of the same name where there is one. Users that are rejected do not
    fail the flow; a run that cannot go on does, and the same parameters resume it.

    Args:
        run_file: Path of the run file (YAML) on the machine that the flow runs on. A relative path starts
            at the folder that the flow was deployed from.
        new: Start another run instead of going on with an unfinished one.

    Returns:
        Completed with the run's summary (``summary.json``) as its data.
    """
    with harmless_errors():
        return _migrate(Path(run_file), new=new)


def _migrate(run_file: Path, *, new: bool) -> State[dict[str, Any]]:
    loaded = load_run_file(run_file)
    name = loaded.settings.name
    progress = progress_of(name)
    with opened(loaded, Worker(progress), new=new) as context:
        walk(context, do_step, send_one)
        folder = context.folder
        summary, report = summary_of(folder), folder.report.read_text(encoding="utf-8")
    progress.stage(finished_sentence(summary), summary["extracted"], "users")
    progress.update(summary["extracted"])
    show_markdown(name, "summary", report, summary_sentence(summary))
    show_table(name, "reasons", reason_rows(summary), "Why users were rejected or failed, and what to do.")
    folder.told.touch(mode=0o600)
    return Completed(message=finished_sentence(summary), data=summary)


def do_step(step: Step, context: Context) -> None:
    """Do one step of a run as a task."""
    run_task(ADD_UP if step is add_up else STAGES[step], context)


def send_one(context: Context, number: int) -> None:
    """Send one batch as a task that is tried again where that can help."""
    run_task(SEND_BATCH, context, number=number, title=batch_title(context.ledger.batch(number)))


def run_as_flow(run_file: Path, *, new: bool) -> dict[str, Any]:
    """Run ``migrate-users`` in this process, recorded by the Prefect API that is configured.

    Returns:
        The run's summary.

    Raises:
        PoolferryError: as ``flows.steps.running.migrate``; also where Prefect itself fails, which can be
            after the work was done.
    """
    try:
        summary = migrate_users(str(run_file), new=new)
    except PoolferryError:
        raise
    except Exception as error:  # noqa: BLE001 - the flow lets only PoolferryError out, so this is Prefect's own
        raise StopError(
            f"Prefect failed: {type(error).__name__}.",
            "`poolferry status` tells what was done. Mend PREFECT_API_URL, or set it to nothing.",
        ) from None
    return cast("dict[str, Any]", summary)  # Prefect hands out a completed state's data
