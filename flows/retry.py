"""The flow ``retry-users``: take the rejected and failed users of a run into a run of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import State, flow
from prefect.states import Completed

from flows.migrate import carried_to_the_end, left_alone, pool_slot_of
from flows.parameters import CorrectedFile, Reasons, RunFilePath, RunId, chosen_run, flow_run_name
from flows.prefect_flows import flow_body
from flows.prefect_progress import progress_of
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.retrying import Choice, count_left, opened_retry
from flows.tasks import CHANGING_SECONDS, VERSION


@flow(
    name="retry-users",
    flow_run_name=flow_run_name,
    version=VERSION,
    retries=0,
    timeout_seconds=CHANGING_SECONDS,
    persist_result=False,
)
def retry_users(
    run_file: RunFilePath,
    run_id: RunId = "",
    *,
    reasons: Reasons = (),
    corrected_file: CorrectedFile = "",
) -> State[dict[str, Any]]:
    """Carry whom a finished run could not land into the pool, with the run file as it is today.

    Mend the mapping, a rule, a strategy or the source, and retry. Stopped, the same parameters go on.

    Args:
        run_file: Path of the run file (YAML) on the machine that the flow runs on; its name and pool must
            be those of the run.
        run_id: The run whose users are taken: the name of its folder, such as 20261123T050258Z-a0afbd. Empty:
            the newest that is no retry.
        reasons: Codes such as email_invalid, as in the run's summary. None: everybody who is rejected or
            failed.
        corrected_file: Path of a corrected file of these users that is read in place of the source.

    Returns:
        Completed with the summary of the retry as its data.
    """
    with flow_body():
        loaded = load_run_file(Path(run_file))
        folder = chosen_run(run_file, run_id)
        if not count_left(folder):
            return Completed(message=f"Nobody of run {folder.run_id} is left to retry.", data={})
        choice = Choice(tuple(reasons), Path(corrected_file) if corrected_file else None)
        progress = progress_of(loaded.settings.name)
        with pool_slot_of(loaded, progress) as is_ours:
            if not is_ours:
                return left_alone()
            with opened_retry(folder, loaded, Worker(progress), choice) as context:
                return carried_to_the_end(context, progress)
