"""What leaves a task: errors that name nobody, and a second try only where it can help."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import TaskRun
from prefect.states import Failed

from connectors.errors import (
    AskThePoolError,
    ConfigurationError,
    PoolferryError,
    RetryError,
    SourceError,
    StopError,
    TargetError,
    ThrottledError,
    UserRefusedError,
)
from flows.ledger.states import BatchState
from flows.ledger.store import BatchRecord, Ledger
from flows.migrate import ADD_UP, SEND_BATCH, STAGES
from flows.plan import CHOOSE_WAYS, FORECAST, READ_AND_JUDGE
from flows.purge import FORGET
from flows.reconcile import HOLD, READ_GROUPS, READ_NOW
from flows.rollback import DELETE, JUDGE, LOOK
from flows.steps.running import STEPS
from flows.steps.sending import send
from flows.tasks import artifact_key, batch_title, can_be_tried_again, harmless, harmless_errors, stage_task

if TYPE_CHECKING:
    from prefect import Task

PLANTED = "planted.person@example.com"
ALL_TASKS = [
    *STAGES.values(), SEND_BATCH, ADD_UP, READ_AND_JUDGE, CHOOSE_WAYS, FORECAST, READ_NOW, READ_GROUPS, HOLD,
    LOOK, JUDGE, DELETE, FORGET,
]  # fmt: skip


def work_that_fails(_subject: object) -> None:
    {}[PLANTED]


def caught(error: Exception) -> PoolferryError:
    with pytest.raises(PoolferryError) as info, harmless_errors():
        raise error
    return info.value


@pytest.mark.parametrize(
    "error",
    [
        ConfigurationError("what", "mend"),
        SourceError("what"),
        TargetError("what", "mend"),
        ThrottledError("what", "mend"),
        AskThePoolError("what", "mend"),
        UserRefusedError("email_invalid", "what", "mend"),
    ],
)
def test_errors_of_the_tree_keep_class_and_text(error: PoolferryError) -> None:
    left = caught(error)
    assert type(left) is type(error)
    assert (left.what, left.mend) == (error.what, error.mend)
    assert vars(left) == vars(error)


def test_other_errors_keep_only_their_class_and_a_place_in_the_code() -> None:
    left = caught(ValueError(f"cannot read {PLANTED}"))
    assert type(left) is StopError
    assert "ValueError" in str(left)
    assert PLANTED not in "".join(traceback.format_exception(left))


def test_the_place_is_the_innermost_line_of_poolferry() -> None:
    """The place is what makes a report of an error without its text worth something."""
    with pytest.raises(AttributeError) as info:
        Ledger.extracted(object())  # type: ignore[arg-type]
    assert "Unexpected AttributeError in flows.ledger.store, line " in str(harmless(info.value))


def test_the_boundary_itself_is_no_place_of_interest() -> None:
    with pytest.raises(AttributeError) as info:
        batch_title(None, 1)  # type: ignore[arg-type]
    assert "flows.tasks" not in str(harmless(info.value))


def test_interrupts_pass_the_boundary() -> None:
    with pytest.raises(KeyboardInterrupt), harmless_errors():
        raise KeyboardInterrupt


def test_a_task_tells_nothing_of_an_unexpected_error() -> None:
    with pytest.raises(StopError) as info:
        stage_task("a stage", work_that_fails).fn(None)
    assert PLANTED not in "".join(traceback.format_exception(info.value))


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (RetryError("x"), True),
        (ThrottledError("x"), True),
        (AskThePoolError("x"), True),
        (TargetError("x"), False),
        (ConfigurationError("x"), False),
        (StopError("x"), False),
        (ValueError("x"), False),
    ],
)
def test_only_what_a_second_try_can_mend_is_tried_again(error: Exception, again: bool) -> None:  # noqa: FBT001
    run = TaskRun(task_key="send", dynamic_key="1")
    assert can_be_tried_again(SEND_BATCH, run, Failed(data=error)) is again


def test_only_a_batch_and_what_only_reads_is_tried_again() -> None:
    """Retries live on one level: the stages of a run stop it, and the same parameters go on."""
    again = {SEND_BATCH, READ_AND_JUDGE, CHOOSE_WAYS, READ_NOW, READ_GROUPS}
    for job in ALL_TASKS:
        assert (job.retries > 0) is (job in again)
        assert (job.retry_condition_fn is can_be_tried_again) is (job in again)


@pytest.mark.parametrize("job", ALL_TASKS, ids=lambda job: job.name)
def test_no_task_keeps_anything(job: Task[..., object]) -> None:
    assert job.cache_policy is NO_CACHE
    assert job.persist_result is False


def test_every_step_of_a_run_has_a_task() -> None:
    assert [step for step in STEPS if step is not send] == list(STAGES)


def test_a_batch_is_named_by_numbers() -> None:
    record = BatchRecord(
        3, "import_job", "BCRYPT", 500_000, BatchState.PLANNED, 1, None, None, None, {"bytes": 9}
    )
    assert batch_title(record, 12) == "import batch 3 of 12 · 500,000 users"


@pytest.mark.parametrize(
    ("name", "key"), [("acme", "acme-summary"), ("ACME_eu-1", "acme-eu-1-summary"), ("a__b", "a-b-summary")]
)
def test_artifact_keys_have_prefects_form(name: str, key: str) -> None:
    assert artifact_key(name, "summary") == key
