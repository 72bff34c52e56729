"""The three sides of a reconciliation beside one another: the source, the runs, and the pool, now.

Everything lies in files of a hidden folder, and is joined a share of the people at a time, so that memory
does not grow with attributes. Only hashes of ``sub`` and name, and keys, are joined all at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.cognito.users import NATIVE
from connectors.records import ENABLED, GROUPS, SOURCE_ID, USERNAME
from flows.ledger.families import chain_of, descendants_of
from flows.ledger.segments import sink_parquet
from flows.steps import changes
from flows.steps.columns import NOT_LANDED, SUB, VERDICT
from flows.steps.comparing import pool_column
from flows.steps.existing import NAME_BEFORE, SUB_BEFORE
from flows.steps.family_verdicts import in_the_end, mapped_in_the_end
from flows.steps.fingerprints import GONE, KEY, key
from flows.steps.reading_groups import GROUP
from mappings.duplicates import ORDINAL
from mappings.rules_username import folded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from flows.ledger.folder import RunFolder
    from flows.steps.context import Context

NAME, WHO, NAMESAKE, AT = "@name", "@who", "@namesake", "@at"
"""Hash of a folded name; hash of a ``sub``; that of whoever has the name now; a run's number in the chain.

Joins over everybody are made by hashes: 8 bytes in the place of the 36 letters of a ``sub``.
"""

STATUS, IS_ENABLED, WHOLE = "status", "enabled", "@whole"
"""Columns of a user of the pool; whether all attributes are known, or those alone that the source fills."""

WAS, SENT, SAID = "@was_", "@sent_", "@said_"
"""Before an attribute: its value in the pool when a run looked, as mapped then, as the source has it now."""

IN, IN_BEFORE = "@in_", "@in_before_"
"""Before ``GROUPS``: those that a user is in now, and those in which a run with ``existing: update`` has
found a user whom it left as they were."""

HERE: Final = "@here"
"""True of users whom the pool has now; ``@was_@here`` and so on: of those whom that side knows."""

USERS_AT_ONCE: Final = 50_000
"""So many users are compared at a time; an attribute of theirs is some tens of bytes on each side."""


@dataclass(frozen=True)
class Sides:
    """What is held against one another.

    Attributes:
        context: the newest finished run, opened.
        folder: the hidden folder.
        source: a run in another hidden folder that has read the source anew; None where it is left out.
        with_groups: whether the pool is asked who is in which group.
    """

    context: Context
    folder: Path
    source: Context | None
    with_groups: bool = False

    @cached_property
    def chain(self) -> list[RunFolder]:
        """The runs that know the people: the newest, and those that it goes on from; the oldest first."""
        return chain_of(self.context.folder)

    @cached_property
    def families(self) -> list[list[RunFolder]]:
        """Each run of the chain with its retries behind it."""
        return [[run, *descendants_of(run)] for run in self.chain]

    @cached_property
    def attributes(self) -> list[str]:
        """All attributes that the pool has."""
        return list(self.context.schema.attributes)

    @cached_property
    def mapped(self) -> list[str]:
        """Those that the source fills."""
        return [name for name in self.context.attributes if name in self.context.schema.attributes]

    @property
    def pool_columns(self) -> list[str]:
        """What is read of a user of the pool."""
        return ["username", "sub", STATUS, IS_ENABLED, *self.attributes]

    def scan(self, pattern: str, columns: Sequence[str] | None = None) -> pl.LazyFrame:
        """Files of the hidden folder; there is at least one."""
        paths = sorted(self.folder.glob(pattern))
        frames = [pl.scan_parquet(path) for path in paths]
        return pl.concat([frame.select(columns) for frame in frames] if columns else frames)

    def pool(self) -> pl.LazyFrame:
        """The pool as it was read just now, nobody twice."""
        return self.scan("now-*.parquet", self.pool_columns)

    def members(self, name: str) -> pl.LazyFrame:
        """``WHO`` and ``GROUPS``, a list, of those who are in any; nobody where no group is read."""
        nobody = pl.LazyFrame(schema={WHO: pl.UInt64, GROUP: pl.String})
        pairs = self.scan(name) if self.with_groups else nobody
        return pairs.group_by(WHO).agg(pl.col(GROUP).alias(GROUPS))

    def people(self) -> pl.LazyFrame:
        """Everybody whom the runs left in the pool or to the trigger: see ``locate``."""
        return self.scan("people.parquet")


def names_now(sides: Sides) -> pl.LazyFrame:
    """``NAME`` and ``NAMESAKE``: the names of the pool's users; some pools make usernames of their own.

    There, who came through another provider has no name of the source (F7.20).
    """
    schema, pool = sides.context.schema, sides.pool()
    columns = schema.username_attributes or ("username",)
    if schema.username_attributes:
        pool = pool.filter(NATIVE)
    names = [pool.select(who().alias(NAMESAKE), folded(pl.col(name), schema).alias(NAME)) for name in columns]
    hashed = pl.concat(names).drop_nulls().with_columns(pl.col(NAME).hash())
    return hashed.unique(NAME)


def who() -> pl.Expr:
    """``WHO`` of users by ``sub``."""
    return pl.col(SUB).hash().alias(WHO)


def name_of(context: Context) -> pl.Expr:
    """``NAME`` of users by ``username``."""
    return folded(pl.col("username"), context.schema).hash().alias(NAME)


def holders(sides: Sides) -> pl.LazyFrame:
    """Everybody whom the runs left in the pool or to the trigger, each once, by the newest word on them."""
    found: list[pl.LazyFrame] = []
    for number, run in reversed(list(enumerate(sides.chain))):
        own = in_the_end(run).with_row_index("row").filter(~pl.col(VERDICT).is_in(NOT_LANDED))
        own = own.select(
            pl.lit(number, pl.UInt32).alias(AT), pl.col("row").cast(pl.UInt64),
            "source_id", "username", VERDICT, SUB, key(),
        )  # fmt: skip
        newer = [frame.select(KEY) for frame in found]
        found.append(own.join(pl.concat(newer), on=KEY, how="anti") if newer else own)
    return pl.concat(found)


def gone_from_source(sides: Sides) -> pl.LazyFrame:
    """``KEY`` and ``GONE`` of who has left the source: false of those who left since the newest run."""
    if sides.source is not None:
        left = changes.rest_of(sides.source)
    else:
        known = sides.context.folder.fingerprints
        nobody = pl.LazyFrame(schema={"source_id": pl.String, "username": pl.String, GONE: pl.Boolean})
        left = (pl.scan_parquet(known) if known.exists() else nobody).with_columns(key()).filter(GONE)
    return left.select(KEY, GONE).group_by(KEY).agg(pl.col(GONE).any())


def locate(sides: Sides) -> None:
    """Find everybody in the pool: by ``sub`` where a run has learned it, else by name.

    ``people.parquet``: ``AT``, ``row``, ``source_id``, ``username``, ``verdict``, ``KEY``; ``sub``, null
    where no run knows it; ``WHO``, null where nobody is found; ``HERE``; ``NAMESAKE``; ``GONE`` as in
    ``gone_from_source``, null for whom the source has.
    """
    everybody = holders(sides).with_columns(name_of(sides.context))
    named = everybody.join(names_now(sides), on=NAME, how="left").drop(NAME)
    known = pl.when(pl.col(SUB).is_not_null()).then(who()).otherwise(NAMESAKE)
    sink_parquet(named.with_columns(known.alias(WHO)), sides.folder / "named.parquet")
    here = sides.pool().select(who(), pl.lit(value=True).alias(HERE))
    placed = sides.scan("named.parquet").join(here, on=WHO, how="left")
    placed = placed.join(gone_from_source(sides), on=KEY, how="left")
    sink_parquet(placed, sides.folder / "people.parquet")


def lay_beside(sides: Sides) -> None:
    """Write what each side knows of the people who are found, with their ``WHO``."""
    for number, family in enumerate(sides.families):
        mine = sides.people().filter((pl.col(AT) == number) & pl.col(WHO).is_not_null())
        existing = mine.filter(pl.col(VERDICT) == "existing")
        was = [(_after(sides, run), mine) for run in family]
        was += [(_before(sides, run), existing) for run in family]
        for place, (frame, whose) in enumerate(was):
            known = frame.join(whose.select(WHO), on=WHO, how="semi")
            sink_parquet(known, sides.folder / f"was-{number:04d}-{place:04d}.parquet")
        sent = mapped_in_the_end(family[0], [ENABLED, GROUPS, *sides.mapped]).rename({ORDINAL: "row"})
        sent = sent.join(mine.select("row", WHO), on="row", how="inner").drop("row")
        sent = sent.cast(_kinds(sides.mapped))  # type: ignore[arg-type] # names are allowed as keys
        sink_parquet(sent, sides.folder / f"sent-{number:04d}.parquet")
    sink_parquet(_said(sides), sides.folder / "said.parquet")


def _kinds(names: Sequence[str]) -> dict[str, pl.DataType]:
    return {ENABLED: pl.Boolean(), GROUPS: pl.List(pl.String()), **dict.fromkeys(names, pl.String())}


def _nobody(sides: Sides) -> pl.LazyFrame:
    texts = dict.fromkeys((STATUS, *sides.attributes), pl.String())
    return pl.LazyFrame(schema={WHO: pl.UInt64(), **texts, IS_ENABLED: pl.Boolean(), WHOLE: pl.Boolean()})


def _after(sides: Sides, run: RunFolder) -> pl.LazyFrame:
    """The pool as a run has read it back; of a family the first run that knows somebody is believed.

    A retry reads what others have changed meanwhile.
    """
    nobody = _nobody(sides)
    whole = pl.lit(value=True).alias(WHOLE)
    parts = [pl.scan_parquet(path).with_columns(who(), whole) for path in run.all("after")]
    return pl.concat([nobody, *parts], how="diagonal_relaxed").select(nobody.collect_schema().names())


def _before(sides: Sides, run: RunFolder) -> pl.LazyFrame:
    """The pool as a run with ``existing: update`` has found it: it left ``existing`` users so."""
    nobody, parts = _nobody(sides), run.all("before")
    known = pl.scan_parquet(parts[0]).collect_schema().names() if parts else []
    if NAME_BEFORE not in known:
        return nobody
    names = {SUB_BEFORE: SUB, **{pool_column(name): name for name in sides.mapped}}
    chosen = [pl.col(old).alias(new) for old, new in names.items() if old in known]
    told = pl.scan_parquet(parts).select(*chosen, pl.lit(value=False).alias(WHOLE)).with_columns(who())
    return pl.concat([nobody, told], how="diagonal_relaxed").select(nobody.collect_schema().names())


def _said(sides: Sides) -> pl.LazyFrame:
    """What the source says now of those whom it says something new of, and who cannot be mistaken."""
    nobody = pl.LazyFrame(schema={WHO: pl.UInt64(), KEY: pl.String(), **_kinds(sides.mapped)})
    if sides.source is None:
        return nobody
    said = read_anew(sides.source).drop_nulls(KEY)
    once = pl.concat([said.select(KEY), changes.unchanged_of(sides.source).select(KEY)])
    once = once.group_by(KEY).len().filter(pl.col("len") == 1).select(KEY)
    people = sides.people().drop_nulls(WHO).select(KEY, WHO)
    chosen = said.join(once, on=KEY, how="semi").join(people, on=KEY, how="inner")
    names = [name for name in sides.mapped if name in chosen.collect_schema().names()]
    return pl.concat([nobody, chosen.select(WHO, KEY, ENABLED, GROUPS, *names)], how="diagonal_relaxed")


def read_anew(source: Context) -> pl.LazyFrame:
    """The users whom the source has and whom no run has met just so, with ``KEY``."""
    return source.folder.scan_users().with_columns(pl.coalesce(SOURCE_ID, USERNAME).alias(KEY))


def shares(sides: Sides) -> Iterator[pl.DataFrame]:
    """Those people who are found, some at a time, with all that each side knows of them."""
    total = sides.people().select(pl.len()).collect().item()
    of = max(1, -(-int(total) // USERS_AT_ONCE))
    for number in range(of):
        yield _share(sides, pl.col(WHO) % of == number)


def _share(sides: Sides, mine: pl.Expr) -> pl.DataFrame:
    people = sides.people().filter(mine).collect(engine="streaming")
    now = sides.pool().drop("username").with_columns(who())
    for prefix, frame in (
        ("@pool_", now),
        (WAS, sides.scan("was-*.parquet")),
        (SENT, sides.scan("sent-*.parquet")),
        (SAID, sides.scan("said.parquet")),
        (IN, sides.members("members.parquet")),
        (IN_BEFORE, sides.members("members-before.parquet")),
    ):
        told = frame.filter(mine).collect(engine="streaming").unique(WHO, keep="first", maintain_order=True)
        told = told.rename({name: prefix + name for name in told.columns if name != WHO})
        told = told.with_columns(pl.lit(value=True).alias(prefix + HERE))
        people = people.join(told, on=WHO, how="left", maintain_order="left")
    return people.with_columns(pl.coalesce(SUB, pool_column(SUB)).alias(SUB))
