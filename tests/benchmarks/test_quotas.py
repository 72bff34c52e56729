"""The quota benchmark counts what the service has really taken, and notices who is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest

from connectors.cognito.sandbox import SandboxSettings, launch
from tests.benchmarks.quotas import HEADS, Line, _check_nobody_is_lost, measured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.cognito.sandbox import Sandbox


@pytest.fixture(scope="module")
def limited() -> Iterator[Sandbox]:
    """A local Cognito at the limits of an account."""
    with launch(SandboxSettings(throttle=True)) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _led_there(limited: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in limited.environment.items():
        monkeypatch.setenv(name, value)


def test_a_short_measurement_counts_the_calls_of_both_operations(limited: Sandbox) -> None:
    before = limited.counters()["operations"]
    lines = measured(limited, 1, 3.0)
    after = limited.counters()["operations"]
    assert [line.operation for line in lines] == ["AdminCreateUser", "AdminSetUserPassword"]
    assert lines[0].calls
    for line in lines:
        assert line.calls <= after.get(line.operation, 0) - before.get(line.operation, 0)
        assert line.reached <= 1.1


def test_a_missing_user_is_noticed() -> None:
    pool_id = boto3.client("cognito-idp").create_user_pool(PoolName="empty")["UserPool"]["Id"]
    _check_nobody_is_lost(pool_id, set())
    with pytest.raises(SystemExit, match="1 users are missing"):
        _check_nobody_is_lost(pool_id, {"vera"})


def test_shares_are_of_the_allowance_and_of_all_calls() -> None:
    line = Line(2, "AdminCreateUser", 7_125, 75, 300.0)
    assert line.reached == pytest.approx(0.95)
    cells = dict(zip(HEADS, line.cells(), strict=True))
    assert (cells["allowed/s"], cells["reached/s"], cells["reached"]) == ("25", "23.75", "95.00%")
    assert cells["throttled"] == "1.04%"
