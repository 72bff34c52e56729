"""The lock of a state in S3: one owner, who is believed dead only after a lease without a renewal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from connectors.errors import ConfigurationError, DethronedError
from flows.ledger.s3_lock import RENEWALS, S3Lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Clock

LEASE = 40.0


@dataclass
class Shelf:
    """S3 as far as a lock sees it; the replies to writes can be lost after they took effect."""

    url: str = "s3://bucket/runs/"
    content: bytes | None = None
    version: int = 0
    loses: bool = False
    writes: list[str | None] = field(default_factory=list)

    def read(self, _name: str) -> tuple[bytes, str] | None:
        return None if self.content is None else (self.content, str(self.version))

    def put_if(self, _name: str, content: bytes, etag: str | None) -> str | None:
        self.writes.append(etag)
        now = None if self.content is None else str(self.version)
        if etag != now:
            return None
        self.content, self.version = content, self.version + 1
        return None if self.loses else str(self.version)

    def delete(self, _names: list[str]) -> None:
        self.content = None


def lock_on(shelf: Shelf, clock: Clock, meanwhile: Callable[[], object] = lambda: None) -> S3Lock:
    """A lock whose pauses let the clock go on; ``meanwhile`` is what others do in each."""

    def sleep(seconds: float) -> None:
        clock.now += seconds
        meanwhile()

    return S3Lock(shelf, ".acme.lock", lease=LEASE, clock=clock, sleep=sleep)  # type: ignore[arg-type]


def test_one_owner(clock: Clock) -> None:
    shelf = Shelf()
    owner = lock_on(shelf, clock)
    owner.take()

    def renew() -> None:
        owner.renew_if_due()

    with pytest.raises(ConfigurationError, match="being worked on by another process on "):
        lock_on(shelf, clock, renew).take()
    owner.release()
    lock_on(shelf, clock).take()


def test_a_dead_owner_keeps_it_for_a_lease(clock: Clock) -> None:
    shelf, began = Shelf(), clock.now
    dead = lock_on(shelf, clock)
    dead.take()
    heir = lock_on(shelf, clock)
    heir.take()
    assert clock.now - began == pytest.approx(LEASE)
    with pytest.raises(DethronedError, match="while this one was away"):
        dead.renew_if_due()
    dead.release()
    assert shelf.content, "it is the heir's"
    heir.release()
    assert shelf.content is None


def test_an_owner_who_gives_it_back_is_not_waited_for(clock: Clock) -> None:
    shelf, began = Shelf(), clock.now
    owner = lock_on(shelf, clock)
    owner.take()
    lock_on(shelf, clock, owner.release).take()
    assert clock.now - began < LEASE / 2


def test_of_two_heirs_one_wins(clock: Clock) -> None:
    shelf = Shelf()
    lock_on(shelf, clock).take()
    clock.now = 0.0

    def last_moment() -> None:
        if clock.now >= LEASE:
            shelf.put_if("", b'{"owner": "another/1/x"}', str(shelf.version))

    with pytest.raises(ConfigurationError, match="another process on another"):
        lock_on(shelf, clock, last_moment).take()


def test_it_is_renewed_four_times_a_lease_and_no_more(clock: Clock) -> None:
    shelf = Shelf()
    owner = lock_on(shelf, clock)
    owner.take()
    for _ in range(40):
        clock.now += LEASE / 40
        owner.renew_if_due()
    assert len(shelf.writes) == 1 + RENEWALS


def test_a_write_whose_reply_was_lost_is_ones_own(clock: Clock) -> None:
    shelf = Shelf(loses=True)
    owner, began = lock_on(shelf, clock), clock.now
    owner.take()
    assert clock.now == began
    clock.now += LEASE
    owner.renew_if_due()
    shelf.loses = False
    clock.now += LEASE
    owner.renew_if_due()
    owner.release()
    assert shelf.content is None


def test_a_write_that_did_not_get_there_renews_nothing(clock: Clock) -> None:
    """The lock that is found is one's own, as it was written before: it is due at once again."""
    shelf = Shelf()
    owner = lock_on(shelf, clock)
    owner.take()
    clock.now += LEASE / RENEWALS
    written, shelf.put_if = shelf.put_if, lambda *_: None  # type: ignore[method-assign]
    owner.renew_if_due()
    shelf.put_if = written  # type: ignore[method-assign]
    owner.renew_if_due()
    assert shelf.version == 2


def test_a_lost_lock_is_not_to_be_had_again(clock: Clock) -> None:
    shelf = Shelf()
    owner = lock_on(shelf, clock)
    owner.take()
    owner.lose()
    with pytest.raises(DethronedError):
        owner.renew_if_due()


def test_a_lock_that_nobody_of_ours_has_written_names_nobody(clock: Clock) -> None:
    shelf = Shelf(content=b"not JSON")

    def change() -> None:
        shelf.version += 1

    with pytest.raises(ConfigurationError, match="another process\\."):
        lock_on(shelf, clock, change).take()
