"""What is counted in one account and Region: calls, refusals, messages; and the rates in force.

It hangs on moto's own backend of that account and Region, so that moto's reset clears it too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from moto.cognitoidp.models import cognitoidp_backends

if TYPE_CHECKING:
    from connectors.cognito.sandbox.quotas import Category


@dataclass(slots=True)
class Bucket:
    """A token bucket; ``filled_at`` is on the clock of ``time.monotonic``."""

    tokens: float
    filled_at: float


@dataclass(slots=True)
class Meters:
    """Counters of one account and Region; hold ``lock`` to change them.

    Attributes:
        operations: calls by operation.
        calls: calls by category, the refused ones included (``CallCount``, F4.13).
        throttled: refused calls by category (``ThrottleCount``, F4.13).
        messages: messages that Cognito would have sent, by ``occasion/medium``.
        provisioned: rates that UpdateProvisionedLimit set (F4.4).
        buckets: one by category, and one by operation and pool.
    """

    lock: Lock = field(default_factory=Lock)
    operations: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    throttled: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    provisioned: dict[Category, int] = field(default_factory=dict)
    buckets: dict[tuple[str, ...], Bucket] = field(default_factory=dict)


def meters_of(account: str, region: str) -> Meters:
    """Return the meters of an account and Region."""
    backend = cognitoidp_backends[account][region]
    found: Meters = vars(backend).get("meters") or vars(backend).setdefault("meters", Meters())
    return found


def all_meters() -> list[Meters]:
    """Return the meters of every account and Region that was called."""
    backends: list[Any] = [
        backend for account in list(cognitoidp_backends.values()) for backend in list(account.values())
    ]
    return [meters for backend in backends if (meters := vars(backend).get("meters"))]
