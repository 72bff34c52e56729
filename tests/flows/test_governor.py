"""At the real limits of the local Cognito: all of the share is used, nothing more, and nobody is lost."""

from __future__ import annotations

import io
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from connectors import aws
from connectors.cognito.admin_users import create_user
from connectors.cognito.pace import LATE_SECONDS, Queue
from connectors.cognito.pool import read_pool
from connectors.cognito.quotas import Governor
from connectors.retry import retrying
from flows.console import forecast_tables
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.forecast import plan
from tests.flows.conftest import person
from tests.flows.journeys import make_pool, switched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox
    from connectors.records import PoolSchema
    from flows.steps.forecast import Forecast
    from tests.flows.conftest import Pool

pytestmark = pytest.mark.slow

THREADS = 16
LIMIT = 50
"""``UserCreation`` of an account that never asked for more (F4.1)."""


@dataclass
class Stretch:
    """Users who are made as fast as the governor allows, for some seconds, and what came of it.

    Attributes:
        governor: of the client that makes them.
        schema: the pool.
        live: calls a second that somebody else makes meanwhile.
        made: usernames.
        sent: when a request left this machine, by ``time.monotonic``.
        refused: calls of somebody else that were throttled.
        awake: seconds in which this process ran: on a busy machine it stands still now and then.
    """

    governor: Governor
    schema: PoolSchema
    live: int = 0
    made: list[str] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    refused: int = 0
    awake: float = 0.0

    def run(self, seconds: float) -> Stretch:
        """Make users; the limit is asked for before."""
        self.governor.allowance("AdminCreateUser")
        client = self.governor.client
        client.meta.events.register("before-send", lambda **_: self.sent.append(time.monotonic()))
        numbers, end = count(), time.monotonic() + seconds
        with ThreadPoolExecutor(THREADS + 3) as pool:
            watch = pool.submit(awake_until, end)
            jobs = [pool.submit(self._create, numbers, end) for _ in range(THREADS)]
            jobs += [pool.submit(self._live_traffic, side, end) for side in range(2 if self.live else 0)]
        for job in jobs:
            job.result()
        self.sent, self.awake = [moment for moment in self.sent if moment < end], watch.result()
        return self

    def _create(self, numbers: Iterator[int], end: float) -> None:
        while time.monotonic() < end:
            name = f"user{next(numbers)}"
            retrying("AdminCreateUser")(create_user, self.governor.client, self.schema, name, {})
            self.made.append(name)

    def _live_traffic(self, side: int, end: float) -> None:
        """Half of the other calls: evenly, and never tried again."""
        client = aws.client("cognito-idp")
        pause = 2 / self.live
        for number in count():
            due = end - int((end - time.monotonic()) / pause) * pause
            time.sleep(max(0.0, due - time.monotonic()))
            if time.monotonic() >= end:
                return
            try:
                client.admin_create_user(
                    UserPoolId=self.schema.pool_id, Username=f"live{side}-{number}", MessageAction="SUPPRESS"
                )
            except client.exceptions.TooManyRequestsException:
                self.refused += 1


def awake_until(end: float) -> float:
    """How long this process runs: a short sleep that took long was a time in which it did not."""
    awake, last = 0.0, time.monotonic()
    while last < end:
        time.sleep(0.01)
        now = time.monotonic()
        awake += min(now - last, LATE_SECONDS)
        last = now
    return awake


@pytest.fixture
def limited(pool: Pool, tmp_path: Path) -> Iterator[Pool]:
    """A pool where users make up their own names, at the limits of F4.1."""
    free = make_pool(pool.sandbox, tmp_path / "free", AutoVerifiedAttributes=None)
    with switched(pool.sandbox, throttle=True):
        yield free


def schema_of(pool: Pool) -> PoolSchema:
    return read_pool(aws.client("cognito-idp"), pool.pool_id)


@contextmanager
def throttled(sandbox: Sandbox) -> Iterator[list[int]]:
    """How many calls of ``UserCreation`` are refused meanwhile."""
    before, found = sandbox.counters()["throttled"].get("UserCreation", 0), list[int]()
    yield found
    found.append(sandbox.counters()["throttled"].get("UserCreation", 0) - before)


def keeps_to_its_half(pool: Pool, governor: Governor, seconds: float, limit: int = LIMIT) -> None:
    """Somebody else takes the other half."""
    rates = {"UserCreation": limit}
    with switched(pool.sandbox, throttle_rates=rates), throttled(pool.sandbox) as refused:
        stretch = Stretch(governor, schema_of(pool), live=limit // 2).run(seconds)
    allowed = limit / 2 * stretch.awake
    busiest = max(sum(start <= moment < start + 1 for moment in stretch.sent) for start in stretch.sent)
    assert refused[0] <= 0.005 * allowed
    assert stretch.refused == 0
    assert 0.97 * allowed <= len(stretch.sent) <= limit / 2 * (seconds + LATE_SECONDS) + 1
    assert busiest <= limit / 2 * 1.2 + 1  # between its leave and the wire a call meets a busy machine
    assert set(stretch.made) <= set(pool.users())


def test_all_of_the_share_is_used_and_live_traffic_keeps_its_half(limited: Pool) -> None:
    keeps_to_its_half(limited, Governor(aws.client("cognito-idp")), 12)


def test_a_governor_that_takes_everything_is_noticed(limited: Pool) -> None:
    """At a limit so low that any machine can go above it."""
    greedy = Governor(aws.client("cognito-idp"), limits={"UserCreation": 10}, share=1)
    with pytest.raises(AssertionError):
        keeps_to_its_half(limited, greedy, 4, limit=10)


def finds_out_a_lower_limit(pool: Pool, seconds: float = 8) -> None:
    """The account has a quarter of what the governor was told: it slows down, and nobody is lost."""
    governor = Governor(aws.client("cognito-idp"), limits={"UserCreation": LIMIT})
    with (
        switched(pool.sandbox, throttle_rates={"UserCreation": LIMIT / 4}),
        throttled(pool.sandbox) as refused,
    ):
        stretch = Stretch(governor, schema_of(pool)).run(seconds)
    assert refused[0] <= 0.12 * len(stretch.sent)
    assert set(stretch.made) <= set(pool.users())
    assert len(stretch.made) >= LIMIT / 4 * seconds * 0.5


def test_a_limit_that_is_lower_than_it_was_told_is_found_out(limited: Pool) -> None:
    finds_out_a_lower_limit(limited, 8)


def test_a_governor_that_does_not_slow_down_is_noticed(
    limited: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Queue, "slow_down", lambda *_: False)
    with pytest.raises(AssertionError):
        finds_out_a_lower_limit(limited, 5)


def test_plan_says_the_hours_at_the_share_of_the_limit_in_force(pool: Pool) -> None:
    """The account has bought two hundred a second, and a tenth of them is taken."""
    people = [person(number, verified="no", roles="staff") for number in range(30)]
    loaded = load_run_file(pool.run_file(people, strategies=["admin_create_user"], quotas={"share": 0.1}))
    with provisioned(pool, 200):
        found = plan(loaded, Worker())
    calls = {call["operation"]: call for call in found.to_json()["calls"]}
    made = calls["AdminCreateUser"]
    assert (made["calls"], made["limit"], made["share"], made["origin"]) == (30, 200, 0.1, "provisioned")
    assert made["hours"] == pytest.approx(30 / 20 / 3600, abs=1e-4)
    assert calls["AdminAddUserToGroup"]["limit"] == 25
    assert found.seconds["AdminAddUserToGroup"] == 30 / 2.5
    assert "AdminCreateUser, 30 calls, 20 of 200 a second (provisioned, F4.1)" in shown(found)


def test_plan_says_why_a_limit_is_taken_from_its_default(pool: Pool) -> None:
    loaded = load_run_file(pool.run_file([person(1, verified="no")], strategies=["admin_create_user"]))
    found = plan(loaded, Worker())
    noted = replace(found, calls=tuple(replace(call, note="It failed.") for call in found.calls))
    assert "its default: It failed." in shown(noted)
    assert "its default" not in shown(found)


@contextmanager
def provisioned(pool: Pool, limit: int) -> Iterator[None]:
    """Raise what the account may create a second."""
    category = {"LimitClass": "API_CATEGORY", "Attributes": {"Category": "UserCreation"}}
    with switched(pool.sandbox, account_maximum={"UserCreation": limit}):
        pool.client.update_provisioned_limit(LimitDefinition=category, RequestedLimitValue=limit)
        yield
        pool.client.update_provisioned_limit(LimitDefinition=category, RequestedLimitValue=LIMIT)


def shown(forecast: Forecast) -> str:
    """What ``plan`` prints."""
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(*forecast_tables(forecast))
    return console.export_text()
