"""Users whom a CSV cannot carry are created one by one: a billable month each (F8.2), never a message."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

import polars as pl

from connectors.cognito.admin_users import CreatedUser, create_user, set_permanent_password
from connectors.errors import AskThePoolError, RetryError, TargetError, UserRefusedError
from connectors.records import ENABLED, PASSWORD, PASSWORD_HASH, USERNAME
from connectors.retry import retrying
from flows.ledger.segments import write_parquet
from flows.ledger.states import BatchState
from flows.steps.columns import SUB, VERDICT, WHY, outcomes
from flows.steps.existing import SUB_BEFORE, Existing
from flows.steps.reading_pool import look_up
from flows.strategies.batches import batch_frames
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.settings import StrategyName
    from flows.steps.context import Context
    from mappings.spec import MappingSpec

USERS_PER_BATCH = 500
"""A batch is what the next start goes through again after a crash."""

WAITING: Final = "FORCE_CHANGE_PASSWORD"
"""Status of a user who has not set a password, and for whom none was set (F5.1)."""

ANY_BYTES: Final = 2**62
"""Bytes do not matter here."""


class AdminCreateUser:
    """Takes everybody whose password would not be lost on this way.

    A hash cannot travel here: a user whose hash is worth keeping is left to the next strategy,
    unless the run file says ``without: reset`` or ``random``.
    """

    name: ClassVar[StrategyName] = "admin_create_user"

    def __init__(self, spec: MappingSpec) -> None:
        hashes = spec.password_hash
        self._may_lose_hash = hashes is not None and hashes.without in ("reset", "random")

    def refusal(self) -> pl.Expr:
        """Null unless a hash would be lost."""
        if self._may_lose_hash:
            return pl.lit(None, dtype=pl.String)
        lost = pl.col(PASSWORD_HASH).is_not_null() & pl.col(PASSWORD).is_null() & pl.col(ENABLED)
        return pl.when(lost).then(pl.lit("hash_would_be_lost"))

    def batch_limits(self) -> tuple[int, int]:
        """Small batches."""
        return USERS_PER_BATCH, ANY_BYTES

    def send(self, context: Context, number: int) -> None:
        """Create every user of the batch whom an earlier start has not created."""
        batch = context.ledger.batch(number)
        if batch.state is BatchState.SETTLED:
            return
        batch = context.ledger.advance(batch, BatchState.CREATING)
        users = pl.concat(batch_frames(context, batch))
        context.progress.stage(f"Creating users of batch {number}", users.height, "users")
        creator = Creator(context)
        rows = []
        for count, user in enumerate(users.iter_rows(named=True), 1):
            rows.append(creator.create(user))
            context.progress.update(count)
        shaped = outcomes(pl.DataFrame(rows, schema=_ROWS), strategy="admin_create_user")
        write_parquet(shaped, context.folder.outcomes(f"batch-{number:04d}"))
        context.ledger.advance(batch, BatchState.SETTLED)


_ROWS: Final = {ORDINAL: pl.UInt64, VERDICT: pl.String, WHY: pl.String, SUB: pl.String}


@dataclass
class Creator:
    """Creates users, each at most once."""

    context: Context

    def create(self, user: Mapping[str, Any]) -> dict[str, Any]:
        """Create one user with their password, unless an earlier start has; return the outcome."""
        outcome = {ORDINAL: user[ORDINAL], VERDICT: "failed", WHY: None, SUB: None}
        try:
            made, verdict = self._make(user)
            outcome[SUB] = made.sub
            if verdict == "created" and made.status == WAITING and _needs_password(user):
                self._set_password(user)
        except UserRefusedError as error:
            return outcome | {WHY: error.code}
        return outcome | {VERDICT: verdict}

    def _make(self, user: Mapping[str, Any]) -> tuple[CreatedUser, str]:
        """Create, and tell the verdict; there is no idempotency token (F5.10), so ask the pool in doubt.

        A password that the policy refuses is refused here, before there is a user.
        """
        attributes = {name: user[name] for name in self.context.attributes if user[name] is not None}
        pool = (self.context.cognito, self.context.schema)
        call = partial(create_user, *pool, user[USERNAME], attributes, temporary_password=_password_of(user))
        try:
            return retrying("AdminCreateUser")(call), "created"
        except (AskThePoolError, RetryError, UserRefusedError) as error:
            if isinstance(error, UserRefusedError) and error.code != "username_exists":
                raise
            for found in look_up(self.context, pl.Series([user[USERNAME]])):
                there = found.row(0, named=True)
                made = CreatedUser(there["username"], there["sub"], there["status"])
                return made, "created" if self._is_ours(there, attributes) else "existing"
            if isinstance(error, UserRefusedError):
                raise
            raise TargetError(error.what, "Run the same command again: it goes on from here.") from None

    def _is_ours(self, there: Mapping[str, Any], attributes: Mapping[str, str]) -> bool:
        """An earlier start made whoever came after the run began and has just what the source has."""
        return there["sub"] not in self._before and all(
            there.get(name) == value for name, value in attributes.items()
        )

    @cached_property
    def _before(self) -> frozenset[str]:
        return frozenset(Existing.of_run(self.context).keys[SUB_BEFORE])

    def _set_password(self, user: Mapping[str, Any]) -> None:
        pool_id = self.context.schema.pool_id
        call = partial(
            set_permanent_password, self.context.cognito, pool_id, user[USERNAME], _password_of(user)
        )
        try:
            retrying("AdminSetUserPassword")(call)
        except AskThePoolError:  # the same password may be set again
            retrying("AdminSetUserPassword")(call)


def _password_of(user: Mapping[str, Any]) -> str | None:
    """The password that the user brings; a disabled user gets none that anybody knows."""
    return str(user[PASSWORD]) if user[PASSWORD] is not None and user[ENABLED] else None


def _needs_password(user: Mapping[str, Any]) -> bool:
    """Who brings a password gets it; who has a verified contact gets a random one that nobody knows.

    With a temporary password only, "forgot password" is refused (F7.18) and nobody could ever sign in;
    with a permanent one the user is ``CONFIRMED`` (F7.5) and can ask for a code at the verified contact.
    """
    verified = any(user.get(f"{contact}_verified") == "true" for contact in ("email", "phone_number"))
    return _password_of(user) is not None or (verified and user[ENABLED])
