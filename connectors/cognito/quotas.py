"""The governor of one client: how fast each kind of call may go, and the waiting until it may.

Request rates belong to the account and Region, and live sign-ins draw on the same ones (F4.1). A governor
takes a share of each and leaves the rest alone. It sits in the client's own events, so that every call of
every thread is paced, and none has to be paced where it is made.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from threading import RLock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from connectors.cognito.error_codes import pool_call
from connectors.cognito.limits import PER_POOL_RPS, SHARE, Category, Quota, quota_of
from connectors.cognito.pace import Leave, PaceTable, Queue
from connectors.cognito.use import Tally
from connectors.errors import PoolferryError
from connectors.retry import is_throttled, retrying

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.model import OperationModel
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

_log = logging.getLogger(__name__)

Origin = Literal["run file", "provisioned", "default"]
"""Where a limit is known from: written in the run file, asked of the service, or its default (F4.1)."""

_TRIES: Final = 3
"""How often a limit is asked for; then its default, which is never too fast, does (F4.5)."""
_LEAVES, _POOL = "poolferry_leaves", "poolferry_pool"


@dataclass(frozen=True, slots=True)
class Allowance:
    """How fast the calls of one category may go.

    Attributes:
        category: AWS's name.
        limit: requests a second of the account and Region.
        share: what part of them is taken.
        origin: where the limit is known from.
        note: why the service could not be asked; empty where it was, or need not be.
    """

    category: Category
    limit: float
    share: float
    origin: Origin
    note: str = ""

    @property
    def rate(self) -> float:
        """Requests a second that are never gone above."""
        return self.limit * self.share

    @property
    def text(self) -> str:
        """The allowance in words: ``25 of 50 a second (default)``."""
        return f"{self.rate:,.6g} of {self.limit:,.6g} a second ({self.origin})"


class Governor:
    """Paces every call of a client, from the moment it is made.

    Of an adjustable category the service is asked for the limit in force, once, before its first call
    (F4.4, F4.6). An operation of no known category raises ``ConfigurationError`` and is not sent.

    Args:
        client: a client of the pool's Region; it may be shared between threads.
        table: where the pace is kept. Everybody with the same table and Region is paced together, as if
            of one account; default: this process alone.
        share: what part of every rate is taken, above 0 and up to 1.
        limits: requests a second by category, where they are known better.
        per_pool: requests a second of one operation on one pool, where its category has such a limit.
        clock: seconds that only go forward.
        sleep: takes seconds.
    """

    def __init__(  # noqa: PLR0913 - what a run file says of quotas, and a clock for tests
        self,
        client: CognitoIdentityProviderClient,
        table: PaceTable | None = None,
        *,
        share: float = SHARE,
        limits: Mapping[Category, float] = MappingProxyType({}),
        per_pool: float = PER_POOL_RPS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client, self.tally = client, Tally()
        self._table = table or PaceTable.in_memory()
        self._share, self._limits, self._per_pool = share, limits, per_pool
        self._scope = f"{client.meta.region_name} {client.meta.endpoint_url}"
        self._clock, self._sleep = clock, sleep
        self._lock = RLock()  # the call that asks for a limit is paced as well
        self._known: dict[Category, Allowance] = {}
        self._queues: dict[str, Queue] = {}
        self._register()

    def allowance(self, operation: str) -> Allowance:
        """How fast an operation may be called.

        Raises:
            ConfigurationError: no category is known for it.
        """
        quota = quota_of(operation)
        with self._lock:
            if quota.category not in self._known:
                self._known[quota.category] = self._found(quota)
            return self._known[quota.category]

    def _register(self) -> None:
        events, service = self.client.meta.events, self.client.meta.service_model.service_id.hyphenize()
        events.register(f"before-parameter-build.{service}", self._note_pool)
        events.register(f"before-call.{service}", self._wait)
        events.register(f"after-call.{service}", self._learn)

    def _found(self, quota: Quota) -> Allowance:
        name = quota.category
        if name in self._limits:
            return Allowance(name, self._limits[name], self._share, "run file")
        if not quota.adjustable:
            return Allowance(name, quota.default_rps, self._share, "default")
        try:
            limit = retrying("GetProvisionedLimit", attempts=_TRIES)(self._ask, name)
        except PoolferryError as error:
            return Allowance(name, quota.default_rps, self._share, "default", error.what)
        return Allowance(name, limit, self._share, "provisioned")

    def _ask(self, category: Category) -> int:
        with pool_call("GetProvisionedLimit"):
            answer = self.client.get_provisioned_limit(
                LimitDefinition={"LimitClass": "API_CATEGORY", "Attributes": {"Category": category}}
            )
        return answer["Limit"]["ProvisionedLimitValue"]

    def _note_pool(self, params: Mapping[str, Any], context: dict[str, Any], **_: object) -> None:
        context[_POOL] = params.get("UserPoolId", "")

    def _wait(self, model: OperationModel, context: dict[str, Any], **_: object) -> None:
        """Wait before the request is signed, since a signature does not live long."""
        queues = self._queues_of(model.name, context.get(_POOL, ""))
        context[_LEAVES] = [(queue, queue.wait()) for queue in queues]
        self.tally.sent(model.name)

    def _learn(
        self, model: OperationModel, parsed: Mapping[str, Any], context: dict[str, Any], **_: object
    ) -> None:
        """Slow down where a call was throttled: its error says not which of its queues is too fast."""
        status = parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if not is_throttled(parsed.get("Error", {}).get("Code", ""), status):
            return
        self.tally.throttled(model.name)
        leaves: list[tuple[Queue, Leave]] = context.get(_LEAVES, [])
        slowed = [queue.slow_down(leave) for queue, leave in leaves]
        if any(slowed):
            _log.info("%s is throttled: going slower for a while", model.name)

    def _queues_of(self, operation: str, pool_id: str) -> list[Queue]:
        """The queues of a call, the narrowest first: who waits in it must not hold others up."""
        quota, allowance = quota_of(operation), self.allowance(operation)
        whole = self._queue(quota.category, allowance.rate)
        if quota.per_pool_rps is None or not pool_id:
            return [whole]
        return [self._queue(f"{pool_id}/{operation}", self._per_pool * self._share), whole]

    def _queue(self, name: str, rate: float) -> Queue:
        with self._lock:
            if name not in self._queues:
                row = f"{self._scope}/{name}"
                self._queues[name] = Queue(self._table, row, rate, clock=self._clock, sleep=self._sleep)
            return self._queues[name]
