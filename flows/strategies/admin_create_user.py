"""Users whom a CSV cannot carry are created one by one: a billable month each (F8.2), never a message."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

import polars as pl
from pyrate_limiter import Duration, Limiter, Rate

from connectors.cognito.admin_users import create_user, set_permanent_password
from connectors.cognito.limits import quota_of
from connectors.errors import AskThePoolError, RetryError, TargetError, UserRefusedError
from connectors.records import ENABLED, PASSWORD, PASSWORD_HASH, USERNAME
from connectors.retry import retrying
from flows.ledger.segments import write_parquet
from flows.ledger.states import BatchState
from flows.steps.columns import SUB, VERDICT, WHY, outcomes
from flows.steps.existing import Existing
from flows.steps.reading_pool import look_up, present
from flows.strategies.batches import batch_frames
from mappings.duplicates import KEY_USERNAME, ORDINAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.settings import StrategyName
    from flows.steps.context import Context
    from mappings.spec import MappingSpec

USERS_PER_BATCH = 500
"""A batch is what a crash makes the next start look up in the pool."""

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
        resumed = batch.state is not BatchState.PLANNED
        batch = batch if resumed else context.ledger.advance(batch, BatchState.CREATING)
        users = pl.concat(batch_frames(context, batch))
        done = _created_before(context, users) if resumed else {}
        context.progress.stage(f"Creating users of batch {number}", users.height, "users")
        creator = Creator(context)
        rows = []
        for count, user in enumerate(users.iter_rows(named=True), 1):
            rows.append(creator.create(user, done.get(user[ORDINAL])))
            context.progress.update(count)
        shaped = outcomes(pl.DataFrame(rows, schema=_ROWS), strategy="admin_create_user")
        write_parquet(shaped, context.folder.outcomes(f"batch-{number:04d}"))
        context.ledger.advance(batch, BatchState.SETTLED)


_ROWS: Final = {ORDINAL: pl.UInt64, VERDICT: pl.String, WHY: pl.String, SUB: pl.String}


def _created_before(context: Context, users: pl.DataFrame) -> dict[int, str]:
    """``sub`` of whoever is in the pool now and was not before the run: an earlier start made them."""
    there = users.select(ORDINAL, KEY_USERNAME).join(present(context, users), on=KEY_USERNAME)
    before = Existing.of_run(context).keys[KEY_USERNAME].drop_nulls()
    ours = there.filter(~pl.col(KEY_USERNAME).is_in(before.implode()))
    return dict(ours.select(ORDINAL, SUB).iter_rows())


@dataclass
class Creator:
    """Creates users at half of the quotas that live traffic shares (F4.1)."""

    context: Context

    def __post_init__(self) -> None:
        """Make the paces."""
        self._pace = {name: _half_of(name) for name in ("AdminCreateUser", "AdminSetUserPassword")}

    def create(self, user: Mapping[str, Any], sub: str | None) -> dict[str, Any]:
        """Create one user, unless ``sub`` says that they were made already, and set their password."""
        try:
            sub = sub or self._make(user)
            if user[PASSWORD] is not None and user[ENABLED]:
                self._set_password(user)
        except UserRefusedError as error:
            return {ORDINAL: user[ORDINAL], VERDICT: "failed", WHY: error.code, SUB: sub}
        return {ORDINAL: user[ORDINAL], VERDICT: "created", WHY: None, SUB: sub}

    def _make(self, user: Mapping[str, Any]) -> str:
        """Create; after a lost reply ask the pool, since there is no idempotency token (F5.10)."""
        attributes = {name: user[name] for name in self.context.mapping.attributes if user[name] is not None}
        call = partial(create_user, self.context.cognito, self.context.schema, user[USERNAME], attributes)
        try:
            return str(self._paced("AdminCreateUser", call).sub)
        except (AskThePoolError, RetryError) as error:
            for found in look_up(self.context, pl.Series([user[USERNAME]])):
                return str(found["sub"][0])
            raise TargetError(error.what, "Run the same command again: it goes on from here.") from None

    def _set_password(self, user: Mapping[str, Any]) -> None:
        pool_id = self.context.schema.pool_id
        call = partial(set_permanent_password, self.context.cognito, pool_id, user[USERNAME], user[PASSWORD])
        try:
            self._paced("AdminSetUserPassword", call)
        except AskThePoolError:  # the same password may be set again
            self._paced("AdminSetUserPassword", call)

    def _paced(self, operation: str, call: partial[Any]) -> Any:  # noqa: ANN401 - what the call returns
        def once() -> Any:  # noqa: ANN401
            self._pace[operation].try_acquire(operation)
            return call()

        return retrying(operation)(once)


def _half_of(operation: str) -> Limiter:
    return Limiter(Rate(quota_of(operation).default_rps // 2, Duration.SECOND))
