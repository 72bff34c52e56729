"""The tasks of the flows: one a stage of a run, one a batch, never one a user.

A task sees ids and counts alone. Nothing is cached and no result is kept: the ledger knows what was done.
Prefect tries a whole batch again, which the ledger makes safe, and a stage that only reads; below them,
botocore's and ``connectors.retry``'s calls have their own policies, and above them a flow is run again.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from prefect import Task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext
from prefect.utilities.annotations import opaque

from connectors.errors import AskThePoolError, PoolferryError, RetryError, StopError, UserRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType

    from prefect.client.schemas.objects import State, TaskRun

    from flows.ledger.store import BatchRecord

RETRY_SECONDS = (30.0, 120.0, 600.0)
"""Pauses before a batch is tried again; a single call has been tried for two minutes by then."""

CHANGING_SECONDS = 30 * 24 * 3600.0
"""When Prefect ends a flow that changes the pool: a call a user takes weeks where the quotas are small."""

READING_SECONDS = 24 * 3600.0
"""When Prefect ends a flow that only reads, or works on files alone."""

VERSION = version("poolferry")
"""Version of the flows, and of their deployments."""

OURS = ("connectors.", "flows.", "mappings.")

TRIED_AGAIN = (RetryError, AskThePoolError)
"""What a second try of a batch can mend: it asks the pool first, since the ledger tells it to."""


def in_flow_run() -> bool:
    """Tell whether Prefect records what happens here; plain calls of ``flow.fn`` are not recorded."""
    return FlowRunContext.get() is not None


@contextmanager
def harmless_errors() -> Iterator[None]:
    """Let only errors leave that name no person: Prefect stores their texts, and tracebacks of causes.

    Errors of Poolferry's tree keep class and text. Of every other error, whose text may hold a row or
    a value, only the class's name and the place in Poolferry's code are kept.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - this is the boundary behind which Prefect stores texts
        raise harmless(error) from None


def harmless(error: Exception) -> PoolferryError:
    """Make the error that may be shown and stored in place of ``error``."""
    if isinstance(error, UserRefusedError):
        return UserRefusedError(error.code, error.what, error.mend)
    if isinstance(error, PoolferryError):
        return type(error)(error.what, error.mend)
    return StopError(
        f"Unexpected {type(error).__name__}{_place(error.__traceback__)}.",
        "Nothing is lost: run it again to go on. Please report it with this line.",
    )


def _place(trace: TracebackType | None) -> str:
    """Where in Poolferry's own code an error came from; lines of code, unlike texts, name nobody."""
    place = ""
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.startswith(OURS) and module != __name__:
            place = f" in {module}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place


def can_be_tried_again(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Say whether a failed batch is worth a second try: a refusal stays a refusal."""
    return isinstance(state.data, TRIED_AGAIN)


TRIES: dict[str, Any] = {
    "retries": len(RETRY_SECONDS),
    "retry_delay_seconds": list(RETRY_SECONDS),
    "retry_condition_fn": can_be_tried_again,
}
"""How Prefect tries again what is safe to be done twice."""


def stage_task(name: str, work: Callable[..., Any], *, again: bool = False) -> Task[..., Any]:
    """Make a stage of a run a task: never cached, nothing kept.

    ``again`` lets Prefect try it again, which is for stages that only read and have no batches below them.
    """
    return Task(
        fn=harmless_errors()(work),
        name=name,
        task_run_name=name,
        cache_policy=NO_CACHE,
        persist_result=False,
        **(TRIES if again else {}),
    )


def batch_task(work: Callable[..., Any]) -> Task[..., Any]:
    """Make the sending of one batch a task; ``title`` is its run's name."""
    return Task(
        fn=harmless_errors()(work),
        name="send batch",
        task_run_name="{title}",
        cache_policy=NO_CACHE,
        persist_result=False,
        **TRIES,
    )


def batch_title(batch: BatchRecord, batches: int) -> str:
    """Name a batch's task run: ``import batch 3 of 12 · 500,000 users``."""
    verb = {"import_job": "import", "admin_create_user": "create"}.get(batch.strategy, "update")
    return f"{verb} batch {batch.number} of {batches} · {batch.users:,} users"


def run_task(job: Task[..., Any], subject: object, **parameters: object) -> Any:  # noqa: ANN401 - as the task returns
    """Run a task, as a plain function where no flow run records it.

    ``subject`` is handed on unread: Prefect would otherwise walk through it in search of futures.
    """
    if in_flow_run():
        return job(opaque(subject), **parameters)
    return job.fn(subject, **parameters)


def show_markdown(name: str, kind: str, text: str, description: str) -> None:
    """Show a text in the flow run's page; it holds counts and ids of runs and jobs alone."""
    if in_flow_run():
        create_markdown_artifact(text, key=artifact_key(name, kind), description=description)


def show_table(name: str, kind: str, rows: Sequence[Mapping[str, Any]], description: str) -> None:
    """Show a table in the flow run's page; nothing is shown where it has no rows."""
    if in_flow_run() and rows:
        create_table_artifact(
            [dict(row) for row in rows], key=artifact_key(name, kind), description=description
        )


def show_link(name: str, kind: str, link: str, text: str, description: str) -> None:
    """Show a link in the flow run's page."""
    if in_flow_run():
        create_link_artifact(link, link_text=text, key=artifact_key(name, kind), description=description)


def artifact_key(name: str, kind: str) -> str:
    """Name an artifact as Prefect wants it: ``acme-summary``; the same key means a newer version."""
    return f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}-{kind}"
