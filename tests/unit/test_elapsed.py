"""A lease lapses for a machine that was suspended as well, whose ``time.monotonic`` has stood still."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

import pytest

from connectors.errors import DethronedError, TakenOverError
from flows.ledger.elapsed import elapsed
from flows.ledger.leases import Leases
from flows.ledger.s3_lock import LEASE_SECONDS, S3Lock

if TYPE_CHECKING:
    from flows.ledger.store import Ledger

BATCH = 1


class Suspended:
    """A machine that can be suspended: only the clock that goes on meanwhile is moved by it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asleep = 0.0
        awake, going_on = time.monotonic(), time.clock_gettime
        monkeypatch.setattr(time, "monotonic", lambda: awake)
        monkeypatch.setattr(time, "clock_gettime", lambda clock: going_on(clock) + self.asleep)


class Granting:
    """A ledger that grants every claim."""

    def claim(self, *_: object) -> bool:
        return True


class Taken:
    """S3 in which somebody else has written the lock meanwhile."""

    url = "s3://bucket/runs"

    def __init__(self) -> None:
        self.free = True

    def put_if(self, *_: object) -> str | None:
        return "etag" if self.free else None

    def read(self, _name: str) -> tuple[bytes, str]:
        return b'{"owner": "another"}', "other"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Suspended:
    return Suspended(monkeypatch)


def test_it_goes_forward() -> None:
    before = elapsed()
    time.sleep(0.01)
    assert 0.01 <= elapsed() - before < 10


def test_a_lease_lapses_in_a_suspended_machine(machine: Suspended) -> None:
    leases = Leases(cast("Ledger", Granting()), "me", seconds=60.0)
    assert leases.take(BATCH)
    leases.check()
    machine.asleep = 61.0
    with pytest.raises(TakenOverError):
        leases.check()
    leases.close()


def test_a_lock_in_s3_is_looked_after_when_the_machine_wakes_up(machine: Suspended) -> None:
    shelf = Taken()
    lock = S3Lock(cast("Any", shelf), ".acme.lock")
    lock.take()
    shelf.free = False
    lock.renew_if_due()  # no time has passed
    machine.asleep = LEASE_SECONDS
    with pytest.raises(DethronedError):
        lock.renew_if_due()
