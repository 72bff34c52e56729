"""What people experience at their first sign-in after a run, by password hash, way and number of users.

Told from the verdicts, at the run's end, and kept in the ledger: a purge takes the hashes that it is told
from. Counts and names of schemes alone, never a person.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.records import ENABLED
from flows.steps.columns import JOB_ID, STEP, VERDICT
from flows.steps.forecast_hashes import WITH_HASH, experience, hash_rows
from flows.steps.job_records import jobs_of
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from flows.steps.context import Context

SIGN_INS: Final = "first_sign_ins"
"""Fact of a run: rows of ``HashForecast`` as dicts; their users add up to those who were read."""

_WAYS: Final = {
    "imported": "import_job", "created": "admin_create_user", "deferred": "migration_trigger",
    "updated": "existing",
}  # fmt: skip
"""Verdict → the way that it means; the others are ways themselves."""

_REFUSED: Final = "was taken, but not with the password: see what users lack"
_LOST: Final = "@lost"


def note_first_sign_ins(context: Context) -> None:
    """Count them once, when every user has a verdict."""
    run = context.ledger.run()
    if SIGN_INS in run.facts:
        return
    rows = hash_rows(context, _ways(context), _told(context))
    context.ledger.advance_run(run.state, **{SIGN_INS: [asdict(row) for row in rows]})


def _ways(context: Context) -> pl.DataFrame:
    """By what way each user has gone in the end, in the order of the source."""
    with_hash = [
        job["job_id"] for batch in context.ledger.batches() if batch.algorithm for job in jobs_of(batch)
    ]
    way = (
        pl.when((pl.col(VERDICT) == "imported") & pl.col(JOB_ID).is_in(with_hash))
        .then(pl.lit(WITH_HASH))
        .otherwise(pl.col(VERDICT).replace(_WAYS))
    )
    verdicts = pl.scan_parquet(context.folder.verdicts).select(VERDICT, JOB_ID).with_row_index(ORDINAL)
    ways = verdicts.select(pl.col(ORDINAL).cast(pl.UInt64), way.alias("way")).collect(engine="streaming")
    return ways.with_columns(pl.col(ORDINAL).is_in(_without_password(context).implode()).alias(_LOST))


def _without_password(context: Context) -> pl.Series:
    """Whom the pool has taken without the password that they bring."""
    parts = context.folder.all("refused")
    if not parts:
        return pl.Series(ORDINAL, [], pl.UInt64)
    lacking = pl.scan_parquet(parts).filter(pl.col(STEP) == "password")
    return lacking.select(ORDINAL).collect().to_series()


def _told(context: Context) -> pl.Expr:
    """What a plan says as well, and whose password the pool has refused, which no plan can know."""
    created = (pl.col("way") == "admin_create_user") & pl.col(ENABLED)
    return pl.when(created & pl.col(_LOST)).then(pl.lit(_REFUSED)).otherwise(experience(context))
