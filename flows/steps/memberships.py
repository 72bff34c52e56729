"""Who is in the pool, and not in a group that the mapping gives them.

Groups are only joined, never left: to be in others as well is no difference. A group that the pool does not
have (any more) has nobody, so that everybody lacks it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from connectors.records import GROUPS
from flows.ledger.segments import sink_parquet
from flows.steps.columns import VERDICT
from flows.steps.existing import NAME_BEFORE
from flows.steps.family_verdicts import mapped_in_the_end
from flows.steps.fingerprints import GONE
from flows.steps.reading_groups import MEMBERS, members_of
from flows.steps.three_ways import AT, HERE, IN, IN_BEFORE, SAID, SENT, WHO, holders, who
from mappings.duplicates import ORDINAL
from mappings.rules_lists import joinable

if TYPE_CHECKING:
    from flows.steps.three_ways import Sides


def read_groups(sides: Sides) -> None:
    """Read who is in the groups that the runs have given anybody, where that is asked for."""
    if sides.with_groups:
        now = members_of(sides.context, _named(sides)).lazy()
        sink_parquet(_placed(sides, now), sides.folder / "members.parquet")


def _named(sides: Sides) -> pl.Series:
    """The groups of everybody whom the runs left in the pool or to the trigger, each once."""
    given = [pl.LazyFrame(schema={GROUPS: pl.String})]
    everybody = holders(sides).select(AT, "row")
    for number, run in enumerate(sides.chain):
        mapped = mapped_in_the_end(run, [GROUPS]).rename({ORDINAL: "row"})
        mine = mapped.join(everybody.filter(pl.col(AT) == number), on="row", how="semi")
        given.append(mine.select(joinable(pl.col(GROUPS).cast(pl.List(pl.String))).explode()))
    return pl.concat(given).drop_nulls().unique().collect(engine="streaming")[GROUPS]


def _placed(sides: Sides, members: pl.LazyFrame) -> pl.LazyFrame:
    """``MEMBERS`` whom the pool has now, by ``WHO`` in the place of their usernames."""
    name = pl.col(NAME_BEFORE).hash()
    now = sides.pool().select(pl.col("username").hash().alias(NAME_BEFORE), who())
    return members.with_columns(name).join(now, on=NAME_BEFORE, how="inner").drop(NAME_BEFORE)


def lay_groups_beside(sides: Sides) -> None:
    """Write in which groups the runs have found those whom they left as they were."""
    if not sides.with_groups:
        return
    nobody = pl.LazyFrame(schema={**MEMBERS, AT: pl.UInt32()})
    read = [
        pl.scan_parquet(run.members).with_columns(pl.lit(number, pl.UInt32).alias(AT))
        for number, family in enumerate(sides.families)
        for run in family
        if run.members.exists()
    ]
    existing = sides.people().filter(pl.col(VERDICT) == "existing").select(AT, WHO)
    placed = _placed(sides, pl.concat([nobody, *read])).join(existing, on=[AT, WHO], how="semi")
    sink_parquet(placed.drop(AT), sides.folder / "members-before.parquet")


def lacking(sides: Sides) -> pl.Expr:
    """The groups that a user of the pool lacks; a list, which is empty where nothing is read of groups.

    What counts is what the runs have mapped and the source has not taken back. Whom a run has found in the
    pool and left as they were lacks only what they were in then: that run has given them nothing. A group
    that the pool cannot have is lacked by nobody: the run has told of it, and no repair can make it.
    """
    if not sides.with_groups:
        return pl.lit([], pl.List(pl.String))
    given, said = joinable(_groups(SENT)), pl.col(SAID + HERE).fill_null(value=False)
    given = pl.when(said).then(given.list.set_intersection(_groups(SAID))).otherwise(given)
    kept = given.list.set_intersection(_groups(IN_BEFORE))
    given = pl.when(pl.col(VERDICT) == "existing").then(kept).otherwise(given)
    lacks = given.list.set_difference(_groups(IN)).list.sort()
    return (
        pl.when(pl.col(HERE) & pl.col(GONE).is_null()).then(lacks).otherwise(pl.lit([], pl.List(pl.String)))
    )


def _groups(prefix: str) -> pl.Expr:
    return pl.col(prefix + GROUPS).fill_null(pl.lit([], pl.List(pl.String)))
