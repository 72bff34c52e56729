"""Threads at one batch: bounded, and nothing that was done is lost when they are stopped."""

from __future__ import annotations

import threading
import time
from itertools import count
from typing import TYPE_CHECKING

import pytest

from flows.steps import crew
from flows.steps.crew import Crew, StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _no_threads_are_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def double(number: int) -> int:
    time.sleep(0.001)
    return 2 * number


def test_everything_is_done_once() -> None:
    found = [one for chunk in Crew[int, int](4).chunks(double, range(100)) for one in chunk]
    assert sorted(found) == [2 * number for number in range(100)]


def test_nobody_is_nothing() -> None:
    assert list(Crew[int, int](4).chunks(double, [])) == []


def test_chunks_come_while_the_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "CHUNK_SECONDS", 0.01)
    assert len(list(Crew[int, int](2).chunks(double, range(100)))) > 2


def test_threads_work_at_once_and_no_more_than_asked_for() -> None:
    busy, most, lock = 0, 0, threading.Lock()

    def work(number: int) -> int:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.01)
        with lock:
            busy -= 1
        return number

    assert sum(map(len, Crew[int, int](5).chunks(work, range(50)))) == 50
    assert most == 5


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_an_error_ends_the_work_and_hands_over_what_was_done(kind: type[BaseException]) -> None:
    begun, number = [], count()

    def work(item: int) -> int:
        begun.append(item)
        if next(number) == 10:
            raise kind("here")
        return item

    found: list[int] = []
    with pytest.raises(kind):
        found.extend(one for chunk in Crew[int, int](3).chunks(work, range(1000)) for one in chunk)
    assert len(begun) < 30
    assert len(found) == len(begun) - 1


def test_whoever_pauses_is_woken_up_when_another_one_fails() -> None:
    made = Crew[int, int](2)
    begun = time.monotonic()

    def work(item: int) -> int:
        if item:
            made.pause(60)
        raise ValueError("the other one")

    with pytest.raises(ValueError, match="the other one"):
        list(made.chunks(work, [1, 0]))
    assert time.monotonic() - begun < 30
    with pytest.raises(StoppedError):
        made.pause(60)


def test_whoever_stops_listening_ends_the_work() -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        return item

    chunks = Crew[int, int](2).chunks(work, range(10_000))
    crew_before = crew.CHUNK_SECONDS
    crew.CHUNK_SECONDS = 0.0  # type: ignore[misc]  # every chunk at once
    try:
        next(chunks)
        chunks.close()  # type: ignore[attr-defined]  # a generator
    finally:
        crew.CHUNK_SECONDS = crew_before  # type: ignore[misc]  # as it was
    assert len(begun) < 10_000
