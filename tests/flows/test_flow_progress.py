"""The progress bar: one artifact a flow run, moved in place, and never a reason to stop."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from flows import prefect_progress
from flows.prefect_progress import EVERY_SECONDS, PrefectProgress, progress_of
from flows.steps.progress import Silence

if TYPE_CHECKING:
    from tests.conftest import Clock


class Api:
    """What Prefect's API was asked to show; ``broken`` makes it refuse."""

    def __init__(self) -> None:
        self.made: list[tuple[str, UUID]] = []
        self.shown: list[tuple[float, str]] = []
        self.calls = 0
        self.broken = False

    def create(self, progress: float, key: str, description: str) -> UUID:
        self._answer(progress, description)
        self.made.append((key, uuid4()))
        return self.made[-1][1]

    def update(self, artifact_id: UUID, progress: float, description: str) -> UUID:
        assert artifact_id == self.made[0][1]
        self._answer(progress, description)
        return artifact_id

    def _answer(self, progress: float, description: str) -> None:
        self.calls += 1
        if self.broken:
            raise ConnectionError
        self.shown.append((progress, description))


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    api = Api()
    monkeypatch.setattr(prefect_progress, "create_progress_artifact", api.create)
    monkeypatch.setattr(prefect_progress, "update_progress_artifact", api.update)
    monkeypatch.setattr(prefect_progress, "get_run_logger", lambda: logging.getLogger("flow-run"))
    return api


def test_one_artifact_is_made_and_then_moved(api: Api, clock: Clock) -> None:
    progress = PrefectProgress("Acme_1", clock)
    progress.stage("Reading", 3000, "users")
    clock.now += EVERY_SECONDS
    progress.update(1500)
    progress.stage("Reading the pool back", None, "users")
    assert [key for key, _ in api.made] == ["acme-1-progress"]
    assert api.shown[1:] == [
        (0.0, "Reading: 0 of 3,000 users"),
        (50.0, "Reading: 1,500 of 3,000 users"),
        (0.0, "Reading the pool back: 0 users"),
    ]


def test_many_updates_are_few_calls(api: Api, clock: Clock) -> None:
    """A page is read in milliseconds, and each call of the API costs tens of them."""
    progress = PrefectProgress("acme", clock)
    progress.stage("Reading", 1000, "users")
    for done in range(1000):
        clock.now += 0.01
        progress.update(done)
    assert api.calls <= 2 + 10 / EVERY_SECONDS


def test_the_end_of_a_stage_is_always_shown(api: Api, clock: Clock) -> None:
    progress = PrefectProgress("acme", clock)
    progress.stage("Reading", 10, "users")
    progress.update(10)
    assert api.shown[-1] == (100.0, "Reading: 10 of 10 users")


def test_more_than_everything_is_still_everything(api: Api, clock: Clock) -> None:
    progress = PrefectProgress("acme", clock)
    progress.stage("Reading", 10, "users")
    clock.now += EVERY_SECONDS
    progress.update(11)
    assert api.shown[-1][0] == 100.0


def test_an_api_that_does_not_answer_never_stops_the_work(
    api: Api, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    api.broken = True
    progress = PrefectProgress("acme", clock)
    for done in range(100):
        clock.now += 1
        progress.update(done)
    assert api.calls <= 3
    assert "ConnectionError" in caplog.text
    api.broken = False
    clock.now += 100
    progress.update(100)
    assert [key for key, _ in api.made] == ["acme-progress"]


@pytest.mark.usefixtures("api")
def test_notes_are_log_lines(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    progress: Any = PrefectProgress("acme", clock)
    progress.note("100 % of batch 1 travel on")
    assert "100 % of batch 1 travel on" in caplog.messages


def test_nothing_is_shown_where_no_flow_run_records_anything() -> None:
    assert isinstance(progress_of("acme"), Silence)
