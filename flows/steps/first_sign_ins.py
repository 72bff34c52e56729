"""What people experience at their first sign-in after a run, by password hash, way and number of users.

Told from the verdicts, at the run's end, and kept in the ledger: a purge takes the hashes that it is told
from. Counts and names of schemes alone, never a person.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.records import ENABLED, PASSWORD
from flows.steps.columns import JOB_ID, STEP, VERDICT
from flows.steps.creating import CONTACTS
from flows.steps.forecast_hashes import WITH_HASH, counted, experience, of_page, summed
from flows.steps.job_records import jobs_of
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flows.steps.context import Context

SIGN_INS: Final = "first_sign_ins"
"""Fact of a run: rows of ``HashForecast`` as dicts; their users add up to those who were read."""

_WAYS: Final = {
    "imported": "import_job", "created": "admin_create_user", "deferred": "migration_trigger",
    "updated": "existing",
}  # fmt: skip
"""Verdict → the way that it means; the others are ways themselves."""

_INVITED: Final = "signs in with the temporary password of the invitation, and sets a new one (F5.1)"
_CANNOT: Final = (
    "has no verified contact: an operator sets a password first, where the pool asks for one (F5.1, F7.18)"
)
_REFUSED: Final = "was taken, but not with the password: see what users lack"
_VERIFIED: Final = ("email_verified", "phone_number_verified")
_LOST: Final = "@lost"


def note_first_sign_ins(context: Context) -> None:
    """Count them once, when every user has a verdict."""
    run = context.ledger.run()
    if SIGN_INS in run.facts:
        return
    ways, told = _ways(context), _told(context)
    attributes = [name for name in context.attributes if name in (*_VERIFIED, *_invited_at(context))]
    rows = summed(
        counted(context.folder.users(page.number), of_page(ways, page), told, attributes)
        for page in context.ledger.pages()
    )
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
    """What ``experience`` says of a plan, and what is known better of users who were created."""
    created = (pl.col("way") == "admin_create_user") & pl.col(ENABLED)
    known = context.attributes
    invited = _any(pl.col(name).is_not_null() for name in _invited_at(context) if name in known)
    verified = _any(pl.col(name).eq_missing("true") for name in _VERIFIED if name in known)
    without = created & pl.col(PASSWORD).is_null()
    return (
        pl.when(created & pl.col(_LOST)).then(pl.lit(_REFUSED))
        .when(without & invited).then(pl.lit(_INVITED))
        .when(without & ~verified).then(pl.lit(_CANNOT))
        .otherwise(experience())
    )  # fmt: skip


def _invited_at(context: Context) -> list[str]:
    """Attributes of the contacts that the run file invites people at."""
    return [CONTACTS[medium][1] for medium in context.loaded.settings.admin_create_user.invite]


def _any(conditions: Iterable[pl.Expr]) -> pl.Expr:
    return pl.any_horizontal([pl.lit(value=False), *conditions])
