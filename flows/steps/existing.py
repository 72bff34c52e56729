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
from flows.steps.columns import FORCED, SUB, VERDICT
from flows.steps.comparing import pool_column
from flows.steps.pool_keys import KEY_COLUMNS, with_keys
from mappings.duplicates import CODES, KEY_USERNAME

if TYPE_CHECKING:
    from flows.steps.context import Context

SUB_BEFORE = "@sub_before"
NAME_BEFORE = "@name_before"
"""The pool's own username of a user, and, where existing users are updated, their attributes."""

_TAKEN = "@taken"
"""Reason code of an alias that another user of the pool has."""

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
        columns = [*KEY_COLUMNS, SUB_BEFORE]
        parts = [pl.read_parquet(path, columns=columns) for path in context.folder.all("before")]
        empty = pl.DataFrame(schema={**dict.fromkeys(KEY_COLUMNS, pl.UInt64), SUB_BEFORE: pl.String})
        return cls(pl.concat([empty, *parts]))

    def settle(self, users: pl.DataFrame, takes: pl.Expr | None = None) -> pl.DataFrame:
        """Add ``verdict`` and ``sub`` of users who are there; reject who wants another's alias.

        ``takes`` is true for users who get the alias all the same: they are not rejected, and ``FORCED``.
        """
        if self.keys.is_empty():
            nothing = (pl.lit(None, pl.String).alias(name) for name in (VERDICT, SUB))
            return users.with_columns(*nothing, pl.lit(value=False).alias(FORCED))
        there = self.keys.select(KEY_USERNAME, SUB_BEFORE).drop_nulls(KEY_USERNAME).unique(KEY_USERNAME)
        found = users.join(there, on=KEY_USERNAME, how="left", maintain_order="left")
        is_there = pl.col(REASON).is_null() & pl.col(SUB_BEFORE).is_not_null()
        settled = found.with_columns(
            pl.when(is_there).then(pl.lit("existing")).alias(VERDICT),
            pl.when(is_there).then(pl.col(SUB_BEFORE)).alias(SUB),
        ).drop(SUB_BEFORE)
        marked = settled.with_columns(pl.coalesce(*self._taken()).alias(_TAKEN))
        wants = pl.col(REASON).is_null() & pl.col(_TAKEN).is_not_null()
        forced = (wants & (pl.lit(value=False) if takes is None else takes)).fill_null(value=False)
        marked = marked.with_columns(forced.alias(FORCED))
        why = pl.coalesce(REASON, pl.when(~pl.col(FORCED)).then(_TAKEN))
        return marked.with_columns(why.alias(REASON)).drop(_TAKEN)

    def contest(self, keys: pl.DataFrame, *, force: bool) -> pl.DataFrame:
        """Who of the source still contends for names, and for which.

        Whoever is in the pool already keeps what they have there and wants no more than their own
        username; who wants an alias of another user of the pool gets none of their names, unless aliases
        are taken by force.
        """
        there = pl.col(KEY_USERNAME).is_in(self.keys[KEY_USERNAME].drop_nulls().implode())
        refused = pl.any_horizontal(self._is_taken(key) for key in ALIAS_KEYS).fill_null(value=False)
        refused = pl.lit(value=False) if force else refused
        return keys.filter(there | ~refused).with_columns(pl.when(~there).then(pl.col(*ALIAS_KEYS)))

    def _taken(self) -> list[pl.Expr]:
        free = pl.col(VERDICT).is_null()
        return [
            pl.when(free & self._is_taken(key)).then(pl.lit(f"{CODES[key]}_in_pool")) for key in ALIAS_KEYS
        ]

    def _is_taken(self, key: str) -> pl.Expr:
        return pl.col(key).is_in(self.keys[key].drop_nulls().implode())


def was_there(context: Context, sub: str) -> bool:
    """Whether a user was in the pool before the run; asked for few, so nothing is held in memory."""
    parts = context.folder.all("before")
    if not parts:
        return False
    return not pl.scan_parquet(parts).filter(pl.col(SUB_BEFORE) == sub).head(1).collect().is_empty()


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
    """Keys and ``sub``; with ``existing: update`` also what the users are to be compared with."""
    keyed = with_keys(context, users)
    kept = [*KEY_COLUMNS, pl.col("sub").alias(SUB_BEFORE)]
    if context.loaded.settings.existing == "leave":
        return keyed.select(kept)
    values = [
        (pl.col(name) if name in keyed.columns else pl.lit(None, pl.String)).alias(pool_column(name))
        for name in context.attributes
    ]
    return keyed.select(*kept, pl.col("username").alias(NAME_BEFORE), *values)
