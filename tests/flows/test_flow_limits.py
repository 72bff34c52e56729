"""Prefect's limits as the flows take them; `tests/systems` holds them against a real server."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import pytest
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from connectors.errors import RetryError
from flows import prefect_limits
from flows.prefect_limits import job_slot, pool_slot
from flows.steps.progress import Silence

if TYPE_CHECKING:
    from collections.abc import Iterator

POOL = "eu-west-1_Example01"


class Api:
    """What of Prefect's API the limits use: which limits there are, and who has their slots."""

    def __init__(self) -> None:
        self.limits: set[str] = set()
        self.taken: set[str] = set()
        self.waited: list[tuple[str, float]] = []
        self.away_for = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def read_global_concurrency_limit_by_name(self, name: str) -> None:
        self._answer("reading")
        if name not in self.limits:
            raise ObjectNotFound(Exception())

    def create_global_concurrency_limit(self, made: Any) -> None:
        assert made.limit == 1
        if made.name in self.limits:
            raise ObjectAlreadyExists(Exception())
        self.limits.add(made.name)

    @contextmanager
    def concurrency(self, name: str, **options: Any) -> Iterator[None]:
        self._answer("taking")
        assert name in self.limits, "Prefect lets everybody through a limit that it does not know"
        if name in self.taken:
            self.waited.append((name, options["timeout_seconds"]))
            raise TimeoutError
        self.taken.add(name)
        yield
        self._answer("giving back")
        self.taken.remove(name)

    def _answer(self, what: str) -> None:
        if what == self.away_for:
            raise ConnectionError


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    made = Api()
    monkeypatch.setattr(prefect_limits, "in_flow_run", lambda: True)
    monkeypatch.setattr(prefect_limits, "get_client", lambda **_: made)
    monkeypatch.setattr(prefect_limits, "concurrency", made.concurrency)
    monkeypatch.setattr(prefect_limits, "get_run_logger", lambda: logging.getLogger("flow-run"))
    return made


def context_of(role: str | None = "arn:aws:iam::123456789012:role/x", patience: float = 60.0) -> Any:
    settings = SimpleNamespace(
        target=SimpleNamespace(log_role_arn=role), jobs=SimpleNamespace(busy_patience_seconds=patience)
    )
    client = SimpleNamespace(meta=SimpleNamespace(region_name="eu-west-1"))
    return SimpleNamespace(loaded=SimpleNamespace(settings=settings), cognito=client, progress=Silence())


def test_a_limit_is_made_taken_and_given_back(api: Api) -> None:
    for _ in range(2):
        with pool_slot(POOL, Silence(), is_shared=False):
            assert api.taken == {f"poolferry-pool-{POOL}"}
    assert api.taken == set()


def test_the_slot_is_given_back_when_the_work_fails(api: Api) -> None:
    with pytest.raises(ZeroDivisionError), pool_slot(POOL, Silence(), is_shared=False):
        raise ZeroDivisionError
    assert api.taken == set()


def test_workers_that_share_a_run_are_one_migration(api: Api) -> None:
    with (
        pool_slot(POOL, Silence(), is_shared=True) as first,
        pool_slot(POOL, Silence(), is_shared=True) as second,
    ):
        assert (first, second, api.taken) == (True, True, set())


def test_nobody_is_asked_where_no_flow_run_records_anything(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefect_limits, "in_flow_run", lambda: False)
    with pool_slot(POOL, Silence(), is_shared=False) as is_ours, job_slot(context_of()):
        assert (is_ours, api.limits) == (True, set())


def test_a_taken_pool_is_waited_for_until_a_killed_runs_lease_has_ended(api: Api) -> None:
    with (
        pool_slot(POOL, Silence(), is_shared=False) as first,
        pool_slot(POOL, Silence(), is_shared=False) as second,
    ):
        assert (first, second) == (True, False)
    assert api.waited[-1][1] > prefect_limits.LEASE_SECONDS


def test_the_import_job_is_of_the_account_of_the_log_role_and_waited_for_as_the_run_file_says(
    api: Api,
) -> None:
    name = "poolferry-import-job-123456789012-eu-west-1"
    with (
        job_slot(context_of()),
        pytest.raises(RetryError, match=name),
        job_slot(context_of(patience=77.0)),
    ):
        pytest.fail("two jobs in one account")
    assert api.waited[-1] == (name, 77.0)


def test_without_a_log_role_there_is_no_job_to_wait_for(api: Api) -> None:
    with job_slot(context_of(role=None)):
        assert api.limits == set()


@pytest.mark.parametrize("what", ["reading", "taking"])
def test_an_api_that_does_not_answer_is_tried_again_later(api: Api, what: str) -> None:
    api.away_for = what
    with pytest.raises(RetryError, match="ConnectionError"), job_slot(context_of()):
        pytest.fail("went on without a slot")


def test_a_slot_that_cannot_be_given_back_does_not_undo_the_work(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    with pool_slot(POOL, Silence(), is_shared=False):
        api.away_for = "giving back"
    assert "is given back only when its lease ends: ConnectionError" in caplog.text
