"""Prove: read the pool back, give every landed user their new ``sub``, compare what arrived."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from zlib import crc32

import polars as pl

from connectors.cognito.users import read_back
from connectors.records import USERNAME
from flows.ledger.segments import write_parquet
from flows.ledger.states import RunState
from flows.steps.columns import SUB, VERDICT, WHY, outcomes
from flows.steps.comparing import differences
from flows.steps.pool_keys import with_keys
from flows.steps.reading_pool import ONE_BY_ONE, awaited, look_up, pool_users, present
from mappings.duplicates import KEY_USERNAME, ORDINAL

if TYPE_CHECKING:
    from flows.steps.context import Context

LANDED = ("imported", "created")


def prove(context: Context) -> None:
    """Read back as much as the run file asks for; write who was found, and drift counts."""
    if context.ledger.run().state is not RunState.PROVING:
        return
    verify = context.loaded.settings.verify
    if verify == "none":
        return
    landed = landed_users(context)
    if verify == "sample":
        landed = landed.sample(min(ONE_BY_ONE, landed.height), seed=crc32(context.ledger.run_id.encode()))
    if landed.height:
        _prove(context, landed, whole_pool=verify == "full")
    else:
        context.ledger.advance_run(RunState.PROVING, drift={}, read_back=0)


def landed_users(context: Context) -> pl.DataFrame:
    """``ORDINAL``, key and username of everybody whom a job or a call has created or updated.

    Among them are those whom a job found in the pool: its log does not tell their ``sub``.
    """
    users = context.folder.scan_users().select(ORDINAL, USERNAME, KEY_USERNAME)
    found = (pl.col(VERDICT) == "existing") & pl.col(SUB).is_null()
    came = pl.scan_parquet(context.folder.all("outcomes")).filter(
        pl.col(VERDICT).is_in([*LANDED, "updated"]) | found
    )
    return users.join(came.select(ORDINAL, VERDICT), on=ORDINAL, how="inner").collect(engine="streaming")


def _prove(context: Context, landed: pl.DataFrame, *, whole_pool: bool) -> None:
    if whole_pool:
        _read_pool(context, landed)
    else:
        _read_sample(context, landed)
    found = _with_subs(context, landed)
    if not whole_pool and found[SUB].null_count():  # a filter minds how the pool spells a name
        _read_pool(context, landed)
        found = _with_subs(context, landed)
    missing = found.filter(pl.col(SUB).is_null())
    if 0 < missing.height <= ONE_BY_ONE:  # ListUsers shows new users late (F5.15): ask for each by name
        asked = pool_users(context, missing[ORDINAL])
        late = awaited(context, partial(present, context, asked), lambda seen: seen.height >= missing.height)
        late = late.select(KEY_USERNAME, pl.col(SUB).alias("@late"))
        found = found.join(late, on=KEY_USERNAME, how="left")
        found = found.with_columns(pl.coalesce(SUB, "@late").alias(SUB)).drop("@late")
    write_parquet(_proof(found), context.folder.path / "proof.parquet")
    drift = differences(context, landed.filter(pl.col(VERDICT).is_in(LANDED)), _after(context))
    context.ledger.advance_run(RunState.PROVING, drift=drift, read_back=landed.height)


def _with_subs(context: Context, landed: pl.DataFrame) -> pl.DataFrame:
    subs = _after(context).select(KEY_USERNAME, SUB).unique(KEY_USERNAME).collect(engine="streaming")
    return landed.join(subs, on=KEY_USERNAME, how="left")


def _proof(found: pl.DataFrame) -> pl.DataFrame:
    gone = pl.col(SUB).is_null()
    judged = found.with_columns(
        pl.when(gone).then(pl.lit("failed")).otherwise(pl.col(VERDICT)).alias(VERDICT),
        pl.when(gone).then(pl.lit("not_in_pool")).alias(WHY),
    )
    return outcomes(judged)


def _read_pool(context: Context, landed: pl.DataFrame) -> None:
    before = context.ledger.run().facts.get("before_users", context.schema.estimated_users)
    total = before + landed[VERDICT].is_in(LANDED).sum()
    context.progress.stage("Reading the pool back", total, "users")
    context.folder.forget("after")
    done = 0
    for number, users in enumerate(read_back(context.cognito, context.schema.pool_id), 1):
        write_parquet(with_keys(context, users), context.folder.after(number))
        done += users.height
        context.progress.update(done)


def _read_sample(context: Context, landed: pl.DataFrame) -> None:
    context.progress.stage("Reading a sample back", landed.height, "users")
    for number, user in enumerate(look_up(context, landed[USERNAME]), 1):
        write_parquet(with_keys(context, user), context.folder.after(number))
        context.progress.update(number)


def _after(context: Context) -> pl.LazyFrame:
    """The pool as it was read back, to be asked for single columns: a large pool is not to be held."""
    parts = [pl.scan_parquet(path) for path in context.folder.all("after")]
    nobody = pl.LazyFrame(schema={KEY_USERNAME: pl.UInt64, SUB: pl.String})
    return (pl.concat(parts, how="diagonal") if parts else nobody).drop_nulls(KEY_USERNAME)
