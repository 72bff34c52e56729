"""The flow ``plan-migration``: what a run would do, found out by the run's own code; nothing is sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import State, flow
from prefect.states import Completed

from flows.parameters import RunFilePath, flow_run_name
from flows.prefect_flows import flow_body
from flows.prefect_progress import end_with, progress_of
from flows.reports.cards import (
    forecast_counts,
    forecast_markdown,
    forecast_reason_rows,
    forecast_sentence,
)
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.extract import extract
from flows.steps.forecast import forecast, scratch
from flows.steps.route import route
from flows.tasks import (
    READING_SECONDS,
    VERSION,
    run_task,
    show_markdown,
    show_table,
    stage_task,
)

if TYPE_CHECKING:
    from flows.steps.forecast import Forecast

READ_AND_JUDGE = stage_task("read and judge the users", extract, again=True)
CHOOSE_WAYS = stage_task("choose a way for each user", route, again=True)
FORECAST = stage_task("forecast jobs, time and cost", forecast)


@flow(
    name="plan-migration",
    flow_run_name=flow_run_name,
    version=VERSION,
    retries=0,
    timeout_seconds=READING_SECONDS,
    persist_result=False,
)
def plan_migration(run_file: RunFilePath) -> State[dict[str, Any]]:
    """Forecast a migration: who would go which way, who would be rejected and why, and how long it takes.

    Reads the whole source and the pool, judges everybody with the code that `migrate-users` uses, and
    sends nothing.

    Args:
        run_file: Path of the run file (YAML) on the machine that the flow runs on. A relative path starts
            at the folder that the flow was deployed from.

    Returns:
        Completed with the forecast's counts as its data; examples of users are left out.
    """
    with flow_body():
        return _plan(Path(run_file))


def _plan(run_file: Path) -> State[dict[str, Any]]:
    loaded = load_run_file(run_file)
    name = loaded.settings.name
    progress = progress_of(name)
    with scratch(loaded, Worker(progress)) as context:
        run_task(READ_AND_JUDGE, context)
        run_task(CHOOSE_WAYS, context)
        found: Forecast = run_task(FORECAST, context)
    end_with(progress, forecast_sentence(found).removesuffix("."), found.extracted)
    show_markdown(name, "forecast", forecast_markdown(name, found), forecast_sentence(found))
    show_table(
        name,
        "forecast-reasons",
        forecast_reason_rows(found),
        "Why users would be rejected, or go another way than the first.",
    )
    return Completed(message=forecast_sentence(found), data=forecast_counts(found))
