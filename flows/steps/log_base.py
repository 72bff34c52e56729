"""Which number a job's log gives the first user, where the log itself cannot tell (F3.30).

A job that ended early names some lines in the middle of its file, and both ways of counting fit. Then
the pool is the witness: whoever a line calls SUCCEEDED must be there. Under the wrong base one user
too many or too few would be. Where nobody was made there is no witness: what both ways of counting say
of a user is certain all the same, and the few of whom they say different things are suspects.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.cognito.import_log import LINE_IN_FILE, REFUSED, Base, settle
from flows.steps.columns import JOB_LINE
from flows.steps.reading_pool import CREATED, began, pool_users, present
from mappings.duplicates import KEY_USERNAME, ORDINAL

if TYPE_CHECKING:
    from connectors.cognito.import_job import Job
    from connectors.cognito.import_log import LogOutcomes
    from flows.ledger.store import BatchRecord
    from flows.steps.context import Context

WITNESSES = 20
"""So many users at most are looked up to tell the base."""

_BASES: Final[tuple[Base, Base]] = (1, 2)
_BOTH: Final[tuple[tuple[Base, Base], ...]] = ((1, 2), (2, 1))

FACT = "log_base"
"""Under this name a batch's facts keep the base that its log proved."""


def with_certain_base(context: Context, log: LogOutcomes, job: Job, members: pl.DataFrame) -> LogOutcomes:
    """Settle once more where the pool, or another job of this run, has proved the base."""
    if log.base is not None or log.lines.is_empty():
        return log
    base = _by_the_pool(context, log.lines, job, members) or _by_another_job(context.ledger.batches())
    return settle(log.lines, job, members.height, base) if base else _agreed(log, job, members.height)


def suspects(log: LogOutcomes, rows: int) -> pl.Series:
    """Rows of which the log speaks under one way of counting, and which it does not settle."""
    if log.base is not None or not _fits_both(log.lines, rows):
        return pl.Series([], dtype=pl.UInt32)
    lines = log.lines["line"].cast(pl.UInt32)
    told = pl.concat([lines, lines - 1]).unique().sort()
    return told.filter(~told.is_in(log.outcomes[LINE_IN_FILE].implode()))


def _fits_both(lines: pl.DataFrame, rows: int) -> bool:
    """Whether the lines fit a file of so many rows however they are counted."""
    return bool(lines.height) and bool(lines["line"].is_between(2, rows).all())


def _agreed(log: LogOutcomes, job: Job, rows: int) -> LogOutcomes:
    """Settle what is the same under both ways of counting; a reason only where it is the same too."""
    if not _fits_both(log.lines, rows):
        return log
    one, other = (settle(log.lines, job, rows, base).outcomes for base in _BASES)
    both = one.join(other.rename({"code": "@other"}), on=[LINE_IN_FILE, "status"], how="inner")
    code = pl.when(pl.col("code").eq_missing(pl.col("@other"))).then("code").otherwise(pl.lit(REFUSED))
    return replace(log, outcomes=both.select(LINE_IN_FILE, "status", code.alias("code")).sort(LINE_IN_FILE))


def _by_the_pool(context: Context, lines: pl.DataFrame, job: Job, members: pl.DataFrame) -> Base | None:
    """The base under which the job made all whom only it calls SUCCEEDED, and none of the other's."""
    said = set(lines.filter(pl.col("status") == "SUCCEEDED")["line"])
    rows: dict[Base, set[int]] = {1: said, 2: {line - 1 for line in said}}
    fits = [base for base in rows if rows[base] <= set(range(1, members.height + 1))]
    made = {
        base: _were_made(context, job, members, sorted(rows[base] - rows[other])[:WITNESSES])
        for base, other in _BOTH
    }
    proved = [
        base for base, other in _BOTH if base in fits and made[base] == {True} and True not in made[other]
    ]
    return proved[0] if len(proved) == 1 else None


def _were_made(context: Context, job: Job, members: pl.DataFrame, rows: list[int]) -> set[bool]:
    """``{True}`` where the job made all users of these rows, ``{False}`` where it made none."""
    chosen = members.with_row_index(JOB_LINE, offset=1).filter(pl.col(JOB_LINE).is_in(rows))
    users = pool_users(context, chosen[ORDINAL])
    found = users.join(present(context, users), on=KEY_USERNAME, how="left")
    return set((found[CREATED] >= began(job.started)).fill_null(value=False))


def _by_another_job(batches: list[BatchRecord]) -> Base | None:
    """What the other logs of this run have proved, if they agree."""
    proved = {batch.facts[FACT] for batch in batches if batch.facts.get(FACT)}
    return proved.pop() if len(proved) == 1 else None
