"""Prefect's own limits: one migration a pool, one import job an account and Region.

They keep flow runs from starting what the ledger and Cognito would refuse a little later, whatever deployment
or command they come from. What really keeps two runs apart stays the ledger, and Cognito itself for jobs
(F3.14): Prefect lets everybody through a limit that it does not know, and a run that lost its lease as well.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext
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
    from contextlib import AbstractContextManager

    from flows.steps.context import Context
    from flows.steps.progress import Progress

LEASE_SECONDS = 120.0
"""How long the slot of a flow run that was killed stays taken; a living one renews it after 90 seconds."""

POOL_SECONDS = LEASE_SECONDS + 30.0
"""How long a migration waits for its pool: until the slot of one that was killed is free again."""

AT_ONCE_SECONDS = 3.0
"""What counts as no waiting."""


def pool_slot(pool_id: str, progress: Progress, *, is_shared: bool) -> AbstractContextManager[bool]:
    """Hold a pool for one flow run that changes it.

    Args:
        pool_id: the pool.
        progress: who is told that the slot is waited for.
        is_shared: whether several workers share the run; they are one migration, and all of them go on.

    Returns:
        A context whose value is False where another flow run works on the pool, and has kept it for as long
        as was waited.

    Raises:
        RetryError: Prefect's API did not answer; raised on entering.
    """
    if is_shared:
        return nullcontext(enter_result=True)
    return _slot(progress, f"poolferry-pool-{pool_id}", POOL_SECONDS, "the pool")


@contextmanager
def job_slot(context: Context) -> Iterator[None]:
    """Hold the account's one import job in a Region (F3.14).

    The account is that of the log role, which must be the pool's own.

    Raises:
        RetryError: another flow run has had it for ``jobs.busy_patience_seconds``, or Prefect's API did
            not answer.
    """
    settings = context.loaded.settings
    account = (settings.target.log_role_arn or "").split(":")[4:5]
    if not account:
        yield
        return
    patience = settings.jobs.busy_patience_seconds
    name = f"poolferry-import-job-{account[0]}-{context.cognito.meta.region_name}"
    with _slot(context.progress, name, patience, "the account's one import job") as is_ours:
        if not is_ours:
            raise RetryError(
                f"Another flow run has had the account's one import job for {patience:,.0f} s.",
                f"Run it again later; `prefect gcl inspect {name}` says whether the slot is taken.",
            )
        yield


@contextmanager
def _slot(progress: Progress, name: str, patience: float, what: str) -> Iterator[bool]:
    """Hold the one slot of a limit, where a flow run records what happens; False where it is taken."""
    held = ExitStack()
    is_ours = not in_flow_run() or _acquired(held, progress, name, patience, what)
    try:
        yield is_ours
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
