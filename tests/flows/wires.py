"""Cut wires: a client whose calls or replies get lost, to be put in place of the run's own."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from connectors import aws

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


class Wires:
    """Hooks on every Cognito client that is made from now on; counts calls that were really sent.

    Args:
        monkeypatch: puts the maker of clients back afterwards.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._after: dict[str, Callable[[int], object]] = {}
        self._before: dict[str, Callable[[int], object]] = {}
        make = aws.client

        def hooked(service: Any, **settings: Any) -> Any:
            client = make(service, **settings)
            client.meta.events.register(f"before-send.{service}", self._leaves)
            client.meta.events.register(f"after-call.{service}", self._comes_back)
            return client

        monkeypatch.setattr(aws, "client", hooked)

    def lose_reply(self, operation: str, *numbers: int) -> None:
        """Lose the replies to these calls of an operation, counted from 1; their effect stays."""
        self.after(operation, lambda number: _lose(number in numbers, ReadTimeoutError))

    def lose_call(self, operation: str, *numbers: int) -> None:
        """Cut the wire before these calls have reached the service."""
        self._before[operation] = lambda number: _lose(number in numbers, ConnectionClosedError)

    def after(self, operation: str, act: Callable[[int], object]) -> None:
        """Do something, such as raising an error, once the service has answered; gets the call's number."""
        self._after[operation] = act

    def _leaves(self, event_name: str, **_: Any) -> None:
        operation = event_name.rpartition(".")[2]
        with self._lock:
            self.sent[operation] += 1
            number = self.sent[operation]
        self._before.get(operation, _nothing)(number)

    def _comes_back(self, event_name: str, **_: Any) -> None:
        operation = event_name.rpartition(".")[2]
        with self._lock:
            number = self.sent[f"{operation} answered"] = self.sent[f"{operation} answered"] + 1
        self._after.get(operation, _nothing)(number)


def _nothing(_: int) -> None:
    """Let it pass."""


def _lose(is_lost: bool, error: type[Exception]) -> None:  # noqa: FBT001 - one question, one answer
    if is_lost:
        raise error(endpoint_url="http://127.0.0.1")
