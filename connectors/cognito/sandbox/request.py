"""One request to the local Cognito: its arguments, its locks, its rate, its answer."""

from __future__ import annotations

import json
from contextlib import ExitStack
from functools import cached_property
from threading import RLock
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from moto.cognitoidp.models import cognitoidp_backends
from moto.cognitoidp.responses import CognitoIdpResponse

from connectors.cognito.sandbox.directory import pool_lock
from connectors.cognito.sandbox.meters import meters_of
from connectors.cognito.sandbox.quotas import QUOTAS, Category
from connectors.cognito.sandbox.refusals import TooManyRequestsError
from connectors.cognito.sandbox.seams import install_seams
from connectors.cognito.sandbox.throttle import Gate

if TYPE_CHECKING:
    from connectors.cognito.sandbox.moto_types import MotoAnswer, MotoArgument, MotoPool
    from connectors.cognito.sandbox.settings import SandboxSettings
    from connectors.cognito.sandbox.state import SandboxState

JSON_TYPE = "application/x-amz-json-1.1"

_LOCKED: tuple[Category, ...] = (
    "UserCreation",
    "UserAccountRecovery",
    "UserUpdate",
    "UserResourceUpdate",
    "UserRead",
    "UserResourceRead",
    "UserList",
)
_GROUPS = ("CreateGroup", "DeleteGroup", "UpdateGroup", "GetGroup", "ListGroups")
LOCKED = frozenset(_GROUPS).union(*(QUOTAS[category].operations for category in _LOCKED)) - {"ForgotPassword"}
"""Operations that hold the lock of their pool from begin to end.

Sign-ins do not, since verifying a hash takes long, nor does what may wait for a trigger, nor do import jobs
and pool settings, whose own code says what it locks and in which order.
"""

SEARCHING = frozenset(
    {
        "CreateUserPoolDomain",
        "DeleteUserPoolDomain",
        "DescribeUserPoolDomain",
        "ListUserPools",
        "UpdateUserPoolDomain",
    }
)
"""Operations in which moto walks over all pools or domains, though they do not touch users."""


class SandboxRequest(CognitoIdpResponse):  # type: ignore[misc]  # moto ships no types
    """moto's request, made safe for parallel callers.

    Lock order, to be kept by everyone: ``sandbox.lock``, then ``pools_lock``, then the lock of a pool.

    Attributes:
        sandbox: set by the class that the server composes.
        pools_lock: held by what makes, deletes or searches pools; moto's pools are one per process.
    """

    sandbox: ClassVar[SandboxState]
    pools_lock: ClassVar[Any] = RLock()

    def __init_subclass__(cls, **arguments: object) -> None:
        """Put moto's seams in place as soon as a class with a sandbox is composed."""
        super().__init_subclass__(**arguments)
        if "sandbox" in vars(cls):
            install_seams()

    @property
    def settings(self) -> SandboxSettings:
        """The settings as they are now."""
        return self.sandbox.settings

    @cached_property
    def arguments(self) -> dict[str, Any]:
        """The arguments of the call, parsed once."""
        parsed: dict[str, Any] = json.loads(self.body or "{}")
        return parsed

    def _get_param(self, param_name: str, if_none: object = None) -> MotoArgument:
        """Read an argument from the JSON alone: moto also reads a value with ``&Name=`` in it as one."""
        return self.arguments.get(param_name, if_none)

    def _get_action(self) -> str:
        """Read the operation from its header alone, for the same reason."""
        return str(self.headers.get("X-Amz-Target", "")).rpartition(".")[2]

    def call_action(self) -> MotoAnswer:
        """Count and admit the call, then run it under the locks that it needs."""
        action, pool = self._get_action(), self.requested_pool()
        try:
            self._admit(action, pool)
        except TooManyRequestsError as refused:
            headers = {**self.response_headers, **dict(refused.get_headers())}
            return refused.code, headers, refused.description
        with ExitStack() as locks:
            if action in SEARCHING:
                locks.enter_context(self.pools_lock)
            if action in LOCKED:
                self.take_locks(locks, pool, searching="UserPoolId" not in self.arguments)
            return super().call_action()

    def take_locks(self, locks: ExitStack, pool: MotoPool, *, searching: bool) -> None:
        """Take the locks for a call on a pool; ``searching``: moto walks over all pools to find it."""
        if searching:
            locks.enter_context(self.pools_lock)
        if pool is not None:
            locks.enter_context(pool_lock(pool))

    def requested_pool(self) -> MotoPool:
        """Return the pool that the call is about, found by id, client or token, or None."""
        if pool_id := self.arguments.get("UserPoolId"):
            return self.backend.user_pools.get(pool_id)
        return self._searched_pool()

    def _searched_pool(self) -> MotoPool:
        client, token = self.arguments.get("ClientId"), self.arguments.get("AccessToken")
        if not client and not token:
            return None
        with self.pools_lock:
            for pool in _all_pools():
                if client in pool.clients or token in pool.access_tokens:
                    return pool
        return None

    def _admit(self, action: str, pool: MotoPool) -> None:
        account = pool.account_id if pool is not None else self.current_account
        region = pool.region if pool is not None else self.region
        gate = Gate(meters_of(account, region), self.settings, monotonic())
        pool_id = pool.id if pool is not None else ""
        gate.admit(action, pool_id=pool_id, challenge=self.arguments.get("ChallengeName"))

    def answer(self, result: dict[str, Any]) -> str:
        """Write an answer; far quicker than moto's way by the service model, and the same on the wire."""
        self.response_headers["Content-Type"] = JSON_TYPE
        return json.dumps(result, separators=(",", ":"))


def _all_pools() -> list[MotoPool]:
    regions = [region for account in list(cognitoidp_backends.values()) for region in list(account.values())]
    return [pool for backend in regions for pool in list(backend.user_pools.values())]
