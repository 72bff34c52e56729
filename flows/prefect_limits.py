"""Prefect's own limits: one migration a pool, one import job an account and Region.

They keep flow runs from starting what the ledger and Cognito would refuse a little later, whatever deployment
or command they come from. What really keeps two runs apart stays the ledger, and Cognito itself for jobs
(F3.14): Prefect lets everybody through a limit that it does not know, and a run that lost its lease as well.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from connectors.errors import PoolferryError, RetryError
from flows.tasks import in_flow_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.steps.context import Context
    from flows.steps.progress import Progress

LEASE_SECONDS = 120.0
"""How long the slot of a flow run that was killed stays taken; a living one renews it after 90 seconds."""

POOL_SECONDS = LEASE_SECONDS + 30.0
"""How long a migration waits for its pool: until the slot of one that was killed is free again."""

AT_ONCE_SECONDS = 3.0
"""What counts as no waiting."""


class TakenError(Exception):
    """Another flow run has the slot, and kept it for as long as was waited; its text says of what."""


@contextmanager
def pool_slot(pool_id: str, progress: Progress, *, is_shared: bool) -> Iterator[None]:
    """Hold a pool for one flow run that changes it.

    Args:
        pool_id: the pool.
        progress: who is told that the slot is waited for.
        is_shared: whether several workers share the run; they are one migration, and all of them go on.

    Raises:
        TakenError: another flow run works on the pool.
        RetryError: Prefect's API did not answer.
    """
    with ExitStack() as held:
        if not is_shared:
            name = f"poolferry-pool-{pool_id}"
            held.enter_context(_slot(progress, name, POOL_SECONDS, f"the pool {pool_id}"))
        yield


@contextmanager
def job_slot(context: Context) -> Iterator[None]:
    """Hold the account's one import job in a Region (F3.14).

    The account is that of the log role, which must be the pool's own.

    Raises:
        RetryError: another flow run has had it for ``jobs.busy_patience_seconds``, or Prefect's API did
            not answer.
    """
    arn = context.loaded.settings.target.log_role_arn or ""
    account, region = arn.split(":")[4:5], context.cognito.meta.region_name
    patience = context.loaded.settings.jobs.busy_patience_seconds
    with ExitStack() as held:
        if account:
            name = f"poolferry-import-job-{account[0]}-{region}"
            try:
                held.enter_context(_slot(context.progress, name, patience, "the account's one import job"))
            except TakenError:
                raise RetryError(
                    f"Another flow run has had the account's one import job for {patience:,.0f} s.",
                    f"Run it again later; `prefect gcl inspect {name}` says whether the slot is taken.",
                ) from None
        yield


@contextmanager
def _slot(progress: Progress, name: str, patience: float, what: str) -> Iterator[None]:
    """Hold the one slot of a limit, where a flow run records what happens."""
    if not in_flow_run():
        yield
        return
    held = ExitStack()
    if not _acquired(held, progress, name, patience, what):
        raise TakenError(what)
    try:
        yield
    finally:
        try:
            held.close()
        except Exception as error:  # noqa: BLE001 - the work is done, and the slot gets free by itself
            told = "The slot of %s is given back only when its lease ends: %s."
            get_run_logger().warning(told, name, type(error).__name__)


def _acquired(held: ExitStack, progress: Progress, name: str, patience: float, what: str) -> bool:
    """Take the slot of a limit, which is made where it is missing, and tell if that takes long."""
    try:
        _make(name)
        if _got(held, name, min(patience, AT_ONCE_SECONDS)):
            return True
        progress.stage(f"Waiting for another flow run, which has {what}", None, "")
        return _got(held, name, patience)
    except PoolferryError:
        raise
    except Exception as error:  # noqa: BLE001 - any fault of a network or of a server of whatever version
        raise RetryError(
            f"Prefect's API did not give a slot of {name} ({type(error).__name__}).",
            "Run it again once the API answers: nothing is lost.",
        ) from None


def _make(name: str) -> None:
    """Make the limit where it is missing; one that somebody has changed or switched off stays as it is."""
    with get_client(sync_client=True) as client:
        try:
            client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound:
            try:
                client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=1))
            except ObjectAlreadyExists:
                return  # another flow run was quicker


def _got(held: ExitStack, name: str, seconds: float) -> bool:
    """Take the slot if it gets free in time."""
    slot = concurrency(
        name,
        timeout_seconds=seconds,
        lease_duration=LEASE_SECONDS,
        raise_on_lease_renewal_failure=False,  # the ledger keeps runs apart also where a lease is lost
    )
    try:
        held.enter_context(slot)
    except TimeoutError:
        return False
    return True
