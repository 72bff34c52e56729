"""Who is in the pool before anything is sent.

The pool is read once, with ``ListUsers``, which costs no MAU (F8.4): users who are there already
would be skipped by a job, and too many skipped rows fail the whole job (F3.21).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from connectors.cognito.users import read_back
from connectors.records import REASON
from flows.ledger.segments import write_parquet
from flows.steps.columns import SUB, VERDICT
from flows.steps.pool_keys import KEY_COLUMNS, with_keys
from mappings.duplicates import CODES, KEY_USERNAME

if TYPE_CHECKING:
    from flows.steps.context import Context

SUB_BEFORE = "@sub_before"

ALIAS_KEYS = tuple(key for key in CODES if key != KEY_USERNAME)
"""Keys of the names that a user takes beside the username."""


@dataclass(frozen=True, slots=True)
class Existing:
    """Keys of the users who were in the pool before the run sent anything."""

    keys: pl.DataFrame

    @classmethod
    def read(cls, context: Context) -> Existing:
        """Read the pool, or what an earlier start of this run has read of it."""
        if "before_complete" not in context.ledger.run().facts:
            _take_snapshot(context)
        return cls.of_run(context)

    @classmethod
    def of_run(cls, context: Context) -> Existing:
        """The snapshot that the run's folder holds."""
        parts = [pl.read_parquet(path) for path in context.folder.all("before")]
        empty = pl.DataFrame(schema={**dict.fromkeys(KEY_COLUMNS, pl.UInt64), SUB_BEFORE: pl.String})
        return cls(pl.concat([empty, *parts]))

    def settle(self, users: pl.DataFrame) -> pl.DataFrame:
        """Add ``verdict`` and ``sub`` of users who are there; reject who wants another's alias."""
        there = self.keys.select(KEY_USERNAME, SUB_BEFORE).drop_nulls(KEY_USERNAME).unique(KEY_USERNAME)
        found = users.join(there, on=KEY_USERNAME, how="left", maintain_order="left")
        is_there = pl.col(REASON).is_null() & pl.col(SUB_BEFORE).is_not_null()
        settled = found.with_columns(
            pl.when(is_there).then(pl.lit("existing")).alias(VERDICT),
            pl.when(is_there).then(pl.col(SUB_BEFORE)).alias(SUB),
        ).drop(SUB_BEFORE)
        return settled.with_columns(pl.coalesce(REASON, *self._taken()).alias(REASON))

    def contest(self, keys: pl.DataFrame) -> pl.DataFrame:
        """Who of the source still contends for names, and for which.

        Whoever is in the pool already keeps what they have there and wants no more than their own
        username; who wants an alias of another user of the pool gets none of their names.
        """
        there = pl.col(KEY_USERNAME).is_in(self.keys[KEY_USERNAME].drop_nulls().implode())
        refused = pl.any_horizontal(self._is_taken(key) for key in ALIAS_KEYS).fill_null(value=False)
        return keys.filter(there | ~refused).with_columns(pl.when(~there).then(pl.col(*ALIAS_KEYS)))

    def _taken(self) -> list[pl.Expr]:
        free = pl.col(VERDICT).is_null()
        return [
            pl.when(free & self._is_taken(key)).then(pl.lit(f"{CODES[key]}_in_pool")) for key in ALIAS_KEYS
        ]

    def _is_taken(self, key: str) -> pl.Expr:
        return pl.col(key).is_in(self.keys[key].drop_nulls().implode())


def _take_snapshot(context: Context) -> None:
    context.progress.stage("Reading who is in the pool already", context.schema.estimated_users, "users")
    context.folder.forget("before")  # who has left the pool since a killed reading is not there any more
    done = 0
    for number, users in enumerate(read_back(context.cognito, context.schema.pool_id), 1):
        write_parquet(_keys(context, users), context.folder.before(number))
        done += users.height
        context.progress.update(done)
    context.ledger.advance_run(context.ledger.run().state, before_complete=True, before_users=done)


def _keys(context: Context, users: pl.DataFrame) -> pl.DataFrame:
    return with_keys(context, users).select(*KEY_COLUMNS, pl.col("sub").alias(SUB_BEFORE))
