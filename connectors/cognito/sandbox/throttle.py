"""Rates per category, as Cognito enforces them: ``TooManyRequestsException``, HTTP 400 (F4.1, F4.10)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from connectors.cognito.sandbox.meters import Bucket, Meters, all_meters
from connectors.cognito.sandbox.quotas import (
    CATEGORY_OF,
    CHALLENGE_FACTOR,
    CHALLENGE_RESPONSES,
    QUOTAS,
    Category,
)
from connectors.cognito.sandbox.refusals import TooManyRequestsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connectors.cognito.sandbox.settings_users import UserSettings


def category_of(operation: str, challenge: str | None = None) -> Category | None:
    """Name the category of a call; None for an operation that Cognito does not have.

    A response to NEW_PASSWORD_REQUIRED counts as account recovery (F4.1).
    """
    if operation in CHALLENGE_RESPONSES and challenge == "NEW_PASSWORD_REQUIRED":
        return "UserAccountRecovery"
    return CATEGORY_OF.get(operation)


def rate_of(category: Category, meters: Meters, settings: UserSettings) -> float:
    """Return the rate in force in requests a second: set, provisioned or default (F4.4)."""
    provisioned = meters.provisioned.get(category, QUOTAS[category].rate)
    return settings.throttle_rates.get(category, provisioned)


class Gate:
    """Lets calls through, and counts them.

    Args:
        meters: of the account and Region that is called.
        settings: rates, burst and text.
        now: seconds on a clock that only goes forward.
    """

    def __init__(self, meters: Meters, settings: UserSettings, now: float) -> None:
        self.meters = meters
        self.settings = settings
        self.now = now

    def admit(self, operation: str, *, pool_id: str = "", challenge: str | None = None) -> None:
        """Count a call, and refuse it where its category is called too fast.

        Raises:
            TooManyRequestsException: it is, and throttling is switched on.
        """
        category = category_of(operation, challenge)
        if category is None:
            return
        with self.meters.lock:
            self.meters.operations[operation] += 1
            self.meters.calls[category] += 1
            if not self.settings.throttle or self._has_room(category, operation, pool_id):
                return
            self.meters.throttled[category] += 1
        raise TooManyRequestsError(self.settings.throttle_text)

    def _has_room(self, category: Category, operation: str, pool_id: str) -> bool:
        rate, quota = rate_of(category, self.meters, self.settings), QUOTAS[category]
        if operation in CHALLENGE_RESPONSES and category == "UserAuthentication":
            allowance = self._bucket(("challenges",), rate * CHALLENGE_FACTOR)
            if _take((allowance,)):
                return True  # beyond it, the excess counts as sign-ins
        buckets = [self._bucket((category,), rate)]
        if quota.per_pool and pool_id:
            buckets.append(self._bucket((operation, pool_id), quota.per_pool))
        return _take(buckets)

    def _bucket(self, key: tuple[str, ...], rate: float) -> Bucket:
        """Return a bucket, filled up to now; it never holds less than one call."""
        size = max(1.0, rate * self.settings.throttle_burst_seconds)
        bucket = self.meters.buckets.setdefault(key, Bucket(size, self.now))
        gained = max(0.0, self.now - bucket.filled_at) * rate
        bucket.tokens, bucket.filled_at = min(size, bucket.tokens + gained), self.now
        return bucket


def counters() -> dict[str, dict[str, int]]:
    """Return what was counted since the start or moto's last reset, over all accounts and Regions.

    Returns:
        ``operations`` and ``calls`` (by category), ``throttled`` (by category), ``messages`` (by
        ``occasion/medium``: what would have been sent, e.g. ``invitation/SMS``).
    """
    meters = all_meters()
    kinds = ("operations", "calls", "throttled", "messages")
    return {kind: _sum(getattr(each, kind) for each in meters) for kind in kinds}


def _take(buckets: Iterable[Bucket]) -> bool:
    """Take one token out of each, or none at all."""
    wanted = list(buckets)
    if any(bucket.tokens < 1 for bucket in wanted):
        return False
    for bucket in wanted:
        bucket.tokens -= 1
    return True


def _sum(counts: Iterable[Any]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(dict(each))
    return dict(total)
