"""Wrong products: each breaks one promise of crash safety, and the drill must notice every one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.ledger import opening
from flows.ledger.states import BatchState
from flows.ledger.store import Ledger
from flows.steps import settling
from flows.strategies import admin_create_user, import_job

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import polars as pl


def settles_before_the_outcomes_are_written() -> None:
    """The ledger says ``settled`` first; what became of the users is written afterwards."""
    for module in (settling, admin_create_user):
        _write_late(module)


def _write_late(module: Any) -> None:
    write, advance = module.write_parquet, Ledger.advance
    late: list[tuple[pl.DataFrame, Path]] = []

    def keep(frame: pl.DataFrame, path: Path) -> None:
        late.append((frame, path)) if path.parent.name == "outcomes" else write(frame, path)

    def advance_then_write(self: Ledger, batch: Any, state: BatchState, **facts: Any) -> Any:
        moved = advance(self, batch, state, **facts)
        while state is BatchState.SETTLED and late:
            write(*late.pop())
        return moved

    module.write_parquet = keep
    Ledger.advance = advance_then_write  # type: ignore[method-assign]


def never_asks_for_the_job() -> None:
    """A job whose reply was lost is made once more."""
    import_job.ImportJobs.find = lambda *_: None  # type: ignore[attr-defined]


def takes_its_own_users_for_strangers() -> None:
    """Whom a killed run has created is called ``existing``."""
    admin_create_user.Creator._is_ours = lambda *_: False  # type: ignore[method-assign]


def acts_before_the_ledger_is_in_s3() -> None:
    """A move of the ledger gets to S3 a little later."""
    opening.pusher_of = lambda _: None


BROKEN: dict[str, Callable[[], None]] = {
    made.__name__: made
    for made in (
        settles_before_the_outcomes_are_written,
        never_asks_for_the_job,
        takes_its_own_users_for_strangers,
        acts_before_the_ledger_is_in_s3,
    )
}
