"""Leave users to the pool's migration trigger, which sees their password at first sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import polars as pl

from connectors.errors import TargetError
from connectors.records import ENABLED, PASSWORD, PASSWORD_HASH

if TYPE_CHECKING:
    from flows.settings import StrategyName
    from flows.steps.context import Context


class MigrationTrigger:
    """Takes users whose password is worth keeping and can travel no other way.

    A user who is in the pool already never reaches the trigger (F6.16), so a user takes this way
    or another one, never both. Who has no password to keep, or is disabled, is not left to it.
    """

    name: ClassVar[StrategyName] = "migration_trigger"

    def refusal(self) -> pl.Expr:
        """Null for enabled users with a hash or a password."""
        return (
            pl.when(~pl.col(ENABLED))
            .then(pl.lit("disabled_user"))
            .when(pl.col(PASSWORD_HASH).is_null() & pl.col(PASSWORD).is_null())
            .then(pl.lit("no_password_to_keep"))
        )

    def batch_limits(self) -> tuple[int, int]:
        """Nothing is sent: the users are deferred as they are routed."""
        return 0, 0

    def send(self, context: Context, number: int) -> None:
        """Never called, since deferred users are in no batch."""
        raise TargetError(
            f"Batch {number} of run {context.folder.run_id} cannot be sent: its users are deferred."
        )
