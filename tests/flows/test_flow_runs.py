"""The flows do what the plain functions do; Prefect only watches. Nothing here needs a server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import StateType

import flows.migrate
from connectors.errors import ConfigurationError, StopError, TargetError
from flows.ledger.folder import RunFolder
from flows.migrate import migrate_users, run_as_flow
from flows.plan import plan_migration
from flows.reports.cards import (
    console_link,
    finished_sentence,
    forecast_markdown,
    forecast_reason_rows,
    reason_rows,
    summary_sentence,
    where_to_look,
)
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.forecast import plan
from tests.flows.conftest import Pool, person

if TYPE_CHECKING:
    from pathlib import Path

    from flows.steps.context import Context


def summary_of(path: Path) -> dict[str, Any]:
    (file,) = (load_run_file(path).state_folder).glob("*/summary.json")
    told: dict[str, Any] = json.loads(file.read_text())
    return told


def test_a_flow_run_is_a_run_like_any_other(pool: Pool) -> None:
    path = pool.run_file([person(1), person(2, email="broken@@example.com")])
    state = migrate_users.fn(str(path))
    assert state.type is StateType.COMPLETED, "rejected users do not fail a flow"
    assert state.message == "finished: 1 of 2 landed"
    assert state.data == summary_of(path)
    assert set(pool.users()) == {"u00001"}


def test_each_batch_is_sent_by_a_task_of_its_own(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    titles: list[str] = []
    send_one = flows.migrate.SEND_BATCH.fn

    def listening(context: Context, number: int, title: str) -> None:
        titles.append(title)
        send_one(context, number, title)

    monkeypatch.setattr(flows.migrate.SEND_BATCH, "fn", listening)
    people = [person(n) for n in range(5)]
    migrate_users.fn(str(pool.run_file(people, jobs={"poll_seconds": 0.1, "max_rows": 2})))
    assert titles == [f"import batch {n} of 3 · {users} users" for n, users in ((1, 2), (2, 2), (3, 1))]


def test_a_stopped_flow_goes_on_where_it_was(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pool.run_file([person(1)])

    def broken(_context: Context, _number: int) -> None:
        raise TargetError("The pool refuses.", "Mend it.")

    with monkeypatch.context() as change:
        change.setattr(flows.migrate, "send_batch", broken)
        with pytest.raises(TargetError, match=r"The pool refuses\. Mend it\."):
            migrate_users.fn(str(path))
    assert migrate_users.fn(str(path)).message == "finished: 1 of 1 landed"
    assert len(list(load_run_file(path).state_folder.iterdir())) == 1, "the same run went on"


def test_new_starts_another_run(pool: Pool) -> None:
    path = pool.run_file([person(1)])
    migrate_users.fn(str(path))
    state = migrate_users.fn(str(path), new=True)
    assert state.data["verdicts"]["existing"] == 1
    assert len(list(load_run_file(path).state_folder.iterdir())) == 2


def test_a_mistake_of_the_run_file_leaves_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.yaml: cannot be read"):
        migrate_users.fn(str(tmp_path / "none.yaml"))


def test_a_surprise_leaves_without_its_text(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    def surprised(_context: Context, _number: int) -> None:
        raise KeyError("user1@example.com")

    monkeypatch.setattr(flows.migrate, "send_batch", surprised)
    with pytest.raises(StopError) as info:
        migrate_users.fn(str(pool.run_file([person(1)])))
    assert "Unexpected KeyError" in str(info.value)
    assert "example.com" not in str(info.value)


def test_a_prefect_that_does_not_answer_is_named_as_the_culprit(tmp_path: Path) -> None:
    """What the flow raises is Poolferry's, so everything else that leaves a flow run is Prefect's own."""
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}), pytest.raises(StopError) as info:
        run_as_flow(tmp_path / "run.yaml", new=False)
    assert info.value.what == "Prefect failed: RuntimeError."
    assert "PREFECT_API_URL" in info.value.mend


def test_the_plan_is_the_plain_one_without_its_examples(pool: Pool) -> None:
    path = pool.run_file([person(1), person(2, email="broken@@example.com"), person(3, verified="false")])
    state = plan_migration.fn(str(path))
    plain = plan(load_run_file(path), Worker())
    assert state.data["ways"] == plain.ways == {"import_job": 1, "admin_create_user": 1}
    assert ("u00002",) in [each.examples for each in plain.reasons]
    told = json.dumps(state.data) + forecast_markdown("acme", plain) + json.dumps(forecast_reason_rows(plain))
    assert "email_invalid" in told
    assert "u0000" not in told
    assert not pool.users()


SUMMARY = {
    "run_id": "20261123T031500Z-3f2a9c",
    "state": "finished",
    "extracted": 3000,
    "verdicts": {
        "imported": 2900, "created": 80, "updated": 0, "existing": 8,
        "deferred": 0, "rejected": 10, "failed": 2,
    },
    "reasons": {"rejected": {"email_invalid": 10}, "failed": {"username_exists": 2}},
}  # fmt: skip


def test_the_sentences_say_how_many_landed() -> None:
    assert finished_sentence(SUMMARY) == "finished: 2,988 of 3,000 landed"
    assert summary_sentence(SUMMARY) == (
        "Run 20261123T031500Z-3f2a9c finished: 2,988 of 3,000 landed; 10 rejected, 2 failed."
    )
    waiting = SUMMARY | {"verdicts": SUMMARY["verdicts"] | {"created": 0, "deferred": 80}}
    assert finished_sentence(waiting) == "finished: 2,908 of 3,000 landed, 80 left to their first sign-in"


def test_every_reason_is_a_row_with_what_to_do() -> None:
    rows = reason_rows(SUMMARY)
    assert [(row["verdict"], row["reason"], row["users"]) for row in rows] == [
        ("rejected", "email_invalid", 10),
        ("failed", "username_exists", 2),
    ]
    assert all(row["meaning"] for row in rows)


def test_the_summary_says_where_the_report_and_the_lists_of_people_are(tmp_path: Path) -> None:
    """Prefect has counts alone, so whoever wants to know who was rejected must find the folder."""
    text = where_to_look(RunFolder(tmp_path))
    assert f"`{tmp_path}/report.md` on `" in text
    assert f"poolferry report {tmp_path}\n" in text


@pytest.mark.parametrize(
    ("pool_id", "begins"),
    [
        ("eu-west-1_Example01", "https://eu-west-1.console.aws.amazon.com/cognito/"),
        ("cn-north-1_Example01", "https://cn-north-1.console.amazonaws.cn/cognito/"),
        ("us-gov-west-1_Example01", "https://us-gov-west-1.console.amazonaws-us-gov.com/cognito/"),
    ],
)
def test_the_link_leads_to_the_pool_in_the_console_of_its_region(
    pool_id: str, begins: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    link, _, description = console_link(pool_id)
    assert link.startswith(begins)
    assert f"/{pool_id}/" in link
    assert "instead" not in description
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5500")
    assert console_link(pool_id)[2].endswith("This run went to AWS_ENDPOINT_URL instead.")
