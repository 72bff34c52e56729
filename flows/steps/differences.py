"""What differs between source, runs and pool, one row a person and difference, by ids that are nobody's data.

A side has *moved* where it is not as it was when the newest run took that person. What differs and has not
moved is as that run left it, and its report told so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from connectors.records import ENABLED, SOURCE_ID, USERNAME
from flows.ledger.folder import runs_of
from flows.steps import changes
from flows.steps.columns import IN_THE_POOL, NOT_LANDED, SUB, VERDICT
from flows.steps.comparing import contradicts, pool_column
from flows.steps.existing import SUB_BEFORE
from flows.steps.family_verdicts import in_the_end
from flows.steps.fingerprints import GONE, KEY, key
from flows.steps.memberships import lacking
from flows.steps.reading_groups import GROUP
from flows.steps.three_ways import (
    AT,
    HERE,
    IS_ENABLED,
    NAME,
    NAMESAKE,
    SAID,
    SENT,
    STATUS,
    WAS,
    WHO,
    WHOLE,
    name_of,
    names_now,
    read_anew,
    who,
)
from mappings.rules_username import folded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.steps.three_ways import Sides

KINDS: Final = {
    "missing": "a run left them in the pool, the source has them, and they are not there any more",
    "replaced": "the same, and somebody else has the name now",
    "renamed": "in the pool under another sign-in name than a run gave them",
    "altered": "an attribute was changed in the pool, and contradicts the source",
    "ungrouped": "not in a group that the mapping gives them",
    "access": "disabled in the pool and enabled in the source, or the other way round",
    "extra": "in the pool, and unknown to every run and to the source",
    "new": "new in the source",
    "changed": "changed in the source",
    "vanished": "has left the source, and is in the pool or could still come",
    "late": "a run called them failed, and somebody of that name is in the pool",
    "arrived": "left to the trigger, and in the pool now",
    "state": "has another status than a run has left, or was disabled or enabled since",
}
"""Values of the column ``what``, in the order of the file."""

TOLD: Final = ("arrived", "state")
"""Those that nobody has to do anything about."""

DIFFERENCE: Final[dict[str, pl.DataType]] = {
    **dict.fromkeys(("what", "source_id", SUB, "run_id"), pl.String()),
    "row": pl.UInt64(),
    **dict.fromkeys(("attributes", "from", "to", GROUP), pl.String()),
}
"""Columns of ``differences.parquet``: ``row`` is the user's row in ``verdicts.parquet`` of the run; the names
of ``attributes`` stand beside one another with a ``;``; ``from`` and ``to`` are states; of the ``ungrouped``
there is a row for each ``group`` that a user lacks."""

VALUES: Final = (
    "what",
    "source_id",
    "username",
    SUB,
    "attribute",
    "in_source",
    "in_run",
    "in_pool_then",
    "in_pool",
)
"""Columns of ``values.parquet``, which is written on demand alone."""

MOVED, SPOKE, ALTERED, COMPARED = "@moved ", "@spoke ", "@altered ", "@compared"
"""Before an attribute: the pool's value has moved; the source's has; the pool's has, and contradicts it."""

ACCESS, LACKS = "@access", "@lacks"
_SENT_WHOLE: Final = ("imported", "created")
"""Verdicts of users who got everything that was mapped: where nobody has read them back, this is compared."""


def judged(sides: Sides, share: pl.DataFrame) -> pl.DataFrame:
    """Add to some people which sides have moved, attribute by attribute."""
    still = pl.col(HERE).fill_null(value=False)
    found = share.with_columns(_compared().alias(COMPARED) & still)
    for name in sides.attributes:
        moved = still & _pool_moved(sides, name)
        spoke, differs = _spoke(sides, name), _contradicts_source(sides, name)
        found = found.with_columns(
            moved.alias(MOVED + name), spoke.alias(SPOKE + name), (moved & differs).alias(ALTERED + name)
        )
    lacks = pl.when(~_renamed()).then(lacking(sides)).otherwise(pl.lit([], pl.List(pl.String)))
    return found.with_columns(still.and_(_access(sides)).alias(ACCESS), lacks.alias(LACKS))


def _is(flag: str) -> pl.Expr:
    return pl.col(flag).fill_null(value=False)


def _compared() -> pl.Expr:
    return _is(WAS + HERE) | pl.col(VERDICT).is_in(_SENT_WHOLE)


def _pool_moved(sides: Sides, name: str) -> pl.Expr:
    """Not as the run has read it back, or, where it has not, as it was sent."""
    there, is_mapped = pl.col(pool_column(name)), name in sides.mapped
    known = _is(WAS + HERE) if is_mapped else _is(WAS + WHOLE)
    moved: Any = pl.when(known).then(there.ne_missing(pl.col(WAS + name)))
    if is_mapped:
        lacks = contradicts(sides.context.schema, name, pl.col(SENT + name), there)
        moved = moved.when(~_is(WAS + HERE) & pl.col(VERDICT).is_in(_SENT_WHOLE)).then(lacks)
    found: pl.Expr = moved.otherwise(pl.lit(value=False))
    return found


def _spoke(sides: Sides, name: str) -> pl.Expr:
    if name not in sides.mapped:
        return pl.lit(value=False)
    return _is(SAID + HERE) & pl.col(SAID + name).ne_missing(pl.col(SENT + name))


def _contradicts_source(sides: Sides, name: str) -> pl.Expr:
    """What the source has now is not what the pool has; false for who has left the source."""
    if name not in sides.mapped:
        return pl.lit(value=False)
    unlike = contradicts(sides.context.schema, name, _newest(name), pl.col(pool_column(name)))
    return unlike & pl.col(GONE).is_null()


def _newest(name: str) -> pl.Expr:
    return pl.when(_is(SAID + HERE)).then(pl.col(SAID + name)).otherwise(pl.col(SENT + name))


def _access(sides: Sides) -> pl.Expr:
    """Whether somebody may sign in is told otherwise by source and pool, and one of them has moved."""
    if not sides.context.spec.enabled:
        return pl.lit(value=False)
    there, was, sent = pl.col(pool_column(IS_ENABLED)), pl.col(WAS + IS_ENABLED), pl.col(SENT + ENABLED)
    made = pl.when(pl.col(VERDICT).is_in(_SENT_WHOLE)).then(sent)
    moved = there != pl.coalesce(was, made)
    spoke = _is(SAID + HERE) & (pl.col(SAID + ENABLED) != sent)
    differs = (_newest(ENABLED) != there) & pl.col(GONE).is_null()
    return (differs & (moved.fill_null(value=False) | spoke)).fill_null(value=False)


def of_share(sides: Sides, judged_share: pl.DataFrame) -> Iterator[pl.LazyFrame]:
    """The differences of some people who were ``judged``."""
    share = judged_share.lazy()
    altered, spoke = _names(sides, ALTERED), _names(sides, SPOKE)
    yield _rows(sides, share.filter(_renamed()), "renamed")
    stayed = share.filter(~_renamed())
    yield _rows(sides, stayed.with_columns(altered), "altered").filter(pl.col("attributes") != "")
    alone = share.with_columns(pl.col(LACKS).alias(GROUP)).explode(GROUP).drop_nulls(GROUP)
    yield _rows(sides, alone, "ungrouped")
    yield _rows(sides, share.with_columns(spoke).filter(_is(SAID + HERE)), "changed")
    allowed, sent = _words(pl.col(pool_column(IS_ENABLED))), _words(_newest(ENABLED))
    yield _rows(sides, share.filter(ACCESS), "access", sent, allowed)
    status, was = pl.col(pool_column(STATUS)), pl.col(WAS + STATUS)
    yield _rows(sides, share.filter(_is(HERE) & (was != status)), "state", was, status)
    flipped = share.filter(_is(HERE) & (pl.col(WAS + IS_ENABLED) != pl.col(pool_column(IS_ENABLED))))
    yield _rows(sides, flipped, "state", _words(pl.col(WAS + IS_ENABLED)), allowed)
    arrived = share.filter(_is(HERE) & (pl.col(VERDICT) == "deferred"))
    yield _rows(sides, arrived, "arrived", pl.lit("deferred"), status)


def _renamed() -> pl.Expr:
    """Whether nobody, or somebody else, has the name that a run gave: in some pools an address is the name.

    No run finds such a person by the source's name: it would make them a second account.
    """
    return _is(HERE) & pl.col(NAMESAKE).ne_missing(pl.col(WHO)) & pl.col(GONE).is_null()


def _words(allowed: pl.Expr) -> pl.Expr:
    return allowed.replace_strict({True: "enabled", False: "disabled"}, return_dtype=pl.String)


def _names(sides: Sides, prefix: str) -> pl.Expr:
    names = [pl.when(pl.col(prefix + name)).then(pl.lit(name)) for name in sides.attributes]
    return pl.concat_str(names, separator=";", ignore_nulls=True).alias("attributes")


def of_everybody(sides: Sides) -> Iterator[pl.LazyFrame]:
    """The differences that need no attribute."""
    people = sides.people()
    away = people.filter(pl.col(VERDICT).is_in(IN_THE_POOL) & ~_is(HERE) & pl.col(GONE).is_null())
    yield _rows(sides, away.filter(pl.col(NAMESAKE).is_null()), "missing")
    yield _rows(sides, away.filter(pl.col(NAMESAKE).is_not_null()), "replaced")
    yield _rows(sides, strangers(sides), "extra")
    yield _rows(sides, _late(sides), "late")
    if sides.source is not None:
        left = ~pl.col(GONE) & (_is(HERE) | (pl.col(VERDICT) == "deferred"))
        yield _rows(sides, people.filter(left), "vanished")
        said, known = read_anew(sides.source).drop_nulls(KEY), changes.known_keys(sides.source)
        said = said.select(KEY, pl.col(SOURCE_ID).alias("source_id"))
        yield _rows(sides, said.join(known, on=KEY, how="anti"), "new")
        told = sides.scan("said.parquet").select(KEY)
        yield _rows(sides, said.join(known, on=KEY, how="semi").join(told, on=KEY, how="anti"), "changed")


def strangers(sides: Sides) -> pl.LazyFrame:
    """``sub`` of users of whom neither a run of this run file nor the source knows, by name or ``sub``.

    Who was in the pool before any run is known.
    """
    context, runs = sides.context, runs_of(sides.context.loaded.state_folder)
    names = [run.scan_users() for run in runs if run.has_users()]
    names += [sides.source.folder.scan_users()] if sides.source else []
    before = [path for run in runs for path in run.all("before")]
    subs = [pl.scan_parquet(path).select(pl.col(SUB_BEFORE).hash().alias(WHO)) for path in before]
    subs += [
        pl.scan_parquet(run.verdicts).drop_nulls(SUB).select(who()) for run in runs if run.verdicts.exists()
    ]
    known = [users.select(folded(pl.col(USERNAME), context.schema).hash().alias(NAME)) for users in names]
    by_name = names_now(sides).join(pl.concat(known), on=NAME, how="semi")
    by_sub = pl.concat([*subs, by_name.select(pl.col(NAMESAKE).alias(WHO))])
    return sides.pool().select(SUB, who()).join(by_sub, on=WHO, how="anti")


def _late(sides: Sides) -> pl.LazyFrame:
    """Users who have failed, and whose name somebody has whom no run has landed."""
    failed = [
        in_the_end(run).with_row_index("row").filter(pl.col(VERDICT) == "failed")
        .with_columns(pl.lit(number, pl.UInt32).alias(AT)).drop(SUB)
        for number, run in enumerate(sides.chain)
    ]  # fmt: skip
    named = pl.concat(failed).with_columns(name_of(sides.context), key())
    there = named.join(names_now(sides), on=NAME, how="inner").rename({NAMESAKE: WHO})
    landed = sides.people().drop_nulls(WHO).select(WHO)
    late = there.join(landed, on=WHO, how="anti")
    return sides.pool().select(SUB, who()).join(late, on=WHO, how="inner")


def not_landed(sides: Sides) -> int:
    """Count users of the source whom no run has landed, rejected or failed, by key.

    Doubles of one key count once, or not at all where one of them has landed; lines that cannot be read have
    no key.
    """
    ends = pl.concat([in_the_end(run) for run in sides.chain]).with_columns(key())
    refused = ends.filter(pl.col(VERDICT).is_in(NOT_LANDED)).select(KEY).drop_nulls().unique()
    refused = refused.join(sides.people().select(KEY), on=KEY, how="anti")
    return int(refused.select(pl.len()).collect(engine="streaming").item())


def values_of_share(sides: Sides, share: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """What each side has of the attributes that differ; only for who asks for values."""
    in_source = pl.lit(None, pl.String) if sides.source is None else None
    for what, prefix in (("altered", ALTERED), ("changed", SPOKE)):
        for name in sides.mapped:
            own = in_source if in_source is not None else _newest(name)
            yield share.filter(prefix + name).select(
                pl.lit(what).alias("what"), "source_id", "username", SUB, pl.lit(name).alias("attribute"),
                own.alias("in_source"), pl.col(SENT + name).alias("in_run"),
                pl.col(WAS + name).alias("in_pool_then"), pl.col(pool_column(name)).alias("in_pool"),
            )  # fmt: skip


def _rows(
    sides: Sides, people: pl.LazyFrame, what: str, before: pl.Expr | None = None, now: pl.Expr | None = None
) -> pl.LazyFrame:
    """Shape people as differences."""
    states = [] if before is None or now is None else [before.alias("from"), now.alias("to")]
    known = people.collect_schema().names()
    run_ids = dict(enumerate(run.run_id for run in sides.chain))
    runs = [pl.col(AT).replace_strict(run_ids, return_dtype=pl.String).alias("run_id")] if AT in known else []
    told = people.with_columns(pl.lit(what).alias("what"), *runs, *states)
    names = told.collect_schema().names()
    return told.select(
        pl.col(name).cast(kind) if name in names else pl.lit(None, kind).alias(name)
        for name, kind in DIFFERENCE.items()
    )
