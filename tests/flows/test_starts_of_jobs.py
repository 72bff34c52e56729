"""Starts of an import job that were not answered: what runs is never taken for what never ran."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from connectors import retry
from connectors.errors import ThrottledError
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.running import migrate
from tests.flows.conftest import Pool, person

if TYPE_CHECKING:
    from collections.abc import Callable

START = "StartUserImportJob"
PEOPLE = [person(n, active="false" if n < 3 else "true", roles="staff") for n in range(20)]

_call: Callable[..., Any] = BaseClient._make_api_call  # type: ignore[attr-defined]  # the seam of all calls


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry._SlowerWhenThrottled, "_first", 0.01)
    monkeypatch.setattr(retry._SlowerWhenThrottled, "_longest", 0.02)


def through(monkeypatch: pytest.MonkeyPatch, faulty: Callable[..., Any]) -> None:
    """Let every call to AWS go through ``faulty(client, operation, parameters)``."""
    monkeypatch.setattr(BaseClient, "_make_api_call", faulty)


def test_a_start_whose_reply_was_lost_in_a_long_outage_is_a_start(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage: list[int] = []

    def faulty(client: BaseClient, operation: str, asked: dict[str, Any]) -> Any:
        if operation == START and not outage:
            _call(client, operation, asked)
            outage.extend(range(8))
            raise ReadTimeoutError(endpoint_url="https://cognito")
        if len(outage) > 1:
            outage.pop()
            raise EndpointConnectionError(endpoint_url="https://cognito")
        return _call(client, operation, asked)

    through(monkeypatch, faulty)
    _, summary = migrate(load_run_file(pool.run_file(PEOPLE)), Worker())
    assert summary["verdicts"]["imported"] == len(PEOPLE)
    assert len(summary["jobs"]) == 1
    assert [pool.users()[f"u{n:05d}"]["Enabled"] for n in range(4)] == [False, False, False, True]


def test_throttled_starts_spend_no_job(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(client: BaseClient, operation: str, asked: dict[str, Any]) -> Any:
        if operation != START:
            return _call(client, operation, asked)
        raise ClientError({"Error": {"Code": "TooManyRequestsException", "Message": "Rate exceeded"}}, START)

    path = pool.run_file(PEOPLE)
    with monkeypatch.context() as busy:
        through(busy, faulty)
        with pytest.raises(ThrottledError):
            migrate(load_run_file(path), Worker())
    _, summary = migrate(load_run_file(path), Worker())
    assert summary["verdicts"]["imported"] == len(PEOPLE)
    assert len(summary["jobs"]) == 1
