"""Which rows of a source a retry takes: those of users whom its parent could not land, and no others.

In an unchanged source a user is the row at the same place (file and line). Where the source has changed
since, users are known by their key; of a user whose key it does not have any more, or who has none, the row
at the same place counts if its key is nobody else's, since mending a line may mend the key. In a corrected
file only keys count.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.records import FILE, LINE, SOURCE_ID, Page
from flows.ledger.families import RETRY, ancestors_of, record_of, root_of
from flows.ledger.folder import RunFolder
from flows.steps.columns import NOT_LANDED, PARENT, VERDICT, WHY
from flows.steps.family_verdicts import in_the_end
from mappings.duplicates import ORDINAL
from mappings.rules_username import folded
from mappings.texts import without_blanks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from connectors.records import PoolSchema
    from flows.steps.context import Context

PLACED: Final = "@placed"
"""Boolean: whether a user is looked for at a place of the source."""

ROW: Final = "poolferry_row"
"""Column of a file that ``--write-file`` wrote: the user's ordinal in the parent."""

_CODE = pl.col(WHY).fill_null("not_settled")


def candidates(parent: RunFolder, reasons: Collection[str]) -> pl.LazyFrame:
    """The users of a run who are rejected or failed, also after its retries; all, or those of some reasons.

    Returns:
        ``PARENT``, ``SOURCE_ID``, ``FILE``, ``LINE``, ``verdict`` and ``reason``, in the order of the source.
    """
    ends = in_the_end(parent).select(VERDICT, _CODE.alias(WHY)).with_row_index(PARENT)
    chosen = ends.filter(pl.col(VERDICT).is_in(NOT_LANDED)).with_columns(pl.col(PARENT).cast(pl.UInt64))
    if reasons:
        chosen = chosen.filter(pl.col(WHY).is_in(list(reasons)))
    places = parent.scan_users().select(pl.col(ORDINAL).alias(PARENT), SOURCE_ID, FILE, LINE)
    return chosen.join(places, on=PARENT, how="inner", maintain_order="left").select(
        PARENT, SOURCE_ID, FILE, LINE, VERDICT, WHY
    )


def with_places_in(wanted: pl.DataFrame, parent: RunFolder, fingerprint: str) -> tuple[pl.DataFrame, bool]:
    """Give users their places in the source as it is now, where a run of the family has read it just so.

    Returns:
        The users, and whether their places can be relied upon.
    """
    known = wanted.with_columns(pl.col(PARENT).alias("@at"))
    for run in (parent, *ancestors_of(parent)):
        if record_of(run).source_fingerprint == fingerprint:
            places = run.scan_users().select(pl.col(ORDINAL).alias("@at"), FILE, LINE)
            placed = known.lazy().drop(FILE, LINE).join(places, on="@at", how="inner")
            return placed.select(wanted.columns).sort(PARENT).collect(), True
        if RETRY in record_of(run).facts:
            above = run.scan_users().select(pl.col(ORDINAL).alias("@at"), pl.col(PARENT).alias("@above"))
            known = known.lazy().join(above, on="@at", how="inner").drop("@at").rename(
                {"@above": "@at"}
            ).collect()  # fmt: skip
    return wanted, False


def keys_in_the_source(context: Context, wanted: pl.DataFrame) -> pl.Series:
    """Those keys of users that the source still has; only the one field is read."""
    key, sought = context.mapping.key, wanted[SOURCE_ID].drop_nulls().unique()
    found = [pl.Series(SOURCE_ID, dtype=pl.String)]
    if key is None or sought.is_empty():
        return found[0]
    context.progress.stage("Looking for the users' keys in the source", context.source.count(), "users")
    done = 0
    for page in context.source.pages([key]):
        ids = without_blanks(page.rows[key])
        found.append(ids.filter(ids.is_in(sought.implode())).unique().rename(SOURCE_ID))
        done += page.rows.height
        context.progress.update(done)
    return pl.concat(found).unique()


def landed_names(context: Context) -> pl.Series:
    """Keys of the usernames that the family has brought into the pool, or left to the trigger; UInt64.

    A retried user who wants one of them is somebody else's double, although that user is in the pool.
    """
    retry = context.ledger.run().facts.get(RETRY)
    if retry is None:
        return pl.Series(dtype=pl.UInt64)
    root = root_of(RunFolder(context.folder.path.parent / retry["parent"]))
    there = in_the_end(root).filter(~pl.col(VERDICT).is_in(NOT_LANDED)).select("username")
    return names_of(there, context.schema)


def names_of(users: pl.LazyFrame, schema: PoolSchema) -> pl.Series:
    """Hash usernames as ``mappings.rules_keys`` does."""
    hashed = users.drop_nulls("username").select(folded(pl.col("username"), schema).hash())
    return hashed.collect(engine="streaming").to_series()


@dataclass
class Selection:
    """Picks the rows of a retry out of the pages of a source; each user of the parent is taken once.

    Attributes:
        wanted: ``PARENT``, ``SOURCE_ID``, ``FILE``, ``LINE``, ``PLACED``.
        key: the field that names a user in the source, if one does.
        by_place: whether ``FILE`` and ``LINE`` alone tell who a row is.
        root: the run at the head of the family; it knows all keys.
        taken: ordinals of the parent's users whom an earlier page has.
        passed: rows that were not taken.
    """

    wanted: pl.DataFrame
    key: str | None
    by_place: bool
    root: RunFolder
    taken: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.UInt64))
    passed: int = 0

    @classmethod
    def of(cls, context: Context) -> Selection | None:
        """The selection of a run; None where the run takes everybody."""
        retry = context.ledger.run().facts.get(RETRY)
        if retry is None:
            return None
        pages = context.ledger.pages()
        done = context.folder.scan_users().select(PARENT).collect().to_series() if pages else None
        made = cls(
            wanted=pl.read_parquet(context.folder.retried).select(PARENT, SOURCE_ID, FILE, LINE, PLACED),
            key=context.mapping.key,
            by_place=retry["by_place"],
            root=root_of(RunFolder(context.folder.path.parent / retry["parent"])),
        )
        made.taken = made.taken if done is None else done
        return made

    def narrowed(self, pages: Iterator[Page]) -> Iterator[Page]:
        """The pages with nobody but retried users, and ``PARENT`` beside the other columns."""
        for page in pages:
            rows, unreadable = self._chosen(page.rows), self._chosen(page.unreadable)
            yield Page(rows, unreadable, page.cursor, page.done)

    def _chosen(self, rows: pl.DataFrame) -> pl.DataFrame:
        found = rows.with_columns(self._parents(rows).alias(PARENT))
        is_new = pl.col(PARENT).is_first_distinct() & ~pl.col(PARENT).is_in(self.taken.implode())
        chosen = found.filter(pl.col(PARENT).is_not_null() & is_new)
        self.taken = pl.concat([self.taken, chosen[PARENT]])
        self.passed += rows.height - chosen.height
        return chosen

    def _parents(self, rows: pl.DataFrame) -> pl.Series:
        """Who each row is: the ordinal in the parent, or null."""
        if ROW in rows.columns:
            numbers = rows[ROW].cast(pl.UInt64, strict=False)
            return numbers.set(~numbers.is_in(self.wanted[PARENT].implode()).fill_null(value=False), None)
        ids = self._ids(rows)
        places = rows.select(FILE, LINE).with_columns(ids.alias("@id"))
        if self.by_place:
            return self._at_their_place(places)[PARENT]
        by_key = places.select("@id").join(
            self._once, left_on="@id", right_on=SOURCE_ID, how="left", maintain_order="left"
        )[PARENT]
        near = self._at_their_place(places)
        return pl.select(
            pl.coalesce(pl.when(self._is_nobody_elses(near)).then(near[PARENT]), by_key)
        ).to_series()

    def _ids(self, rows: pl.DataFrame) -> pl.Series:
        if self.key is None or self.key not in rows.columns:
            return pl.Series([None] * rows.height, dtype=pl.String)
        return without_blanks(rows[self.key])

    def _at_their_place(self, places: pl.DataFrame) -> pl.DataFrame:
        placed = self.wanted.filter(PLACED)
        return places.join(placed, on=[FILE, LINE], how="left", maintain_order="left")

    def _is_nobody_elses(self, near: pl.DataFrame) -> pl.Series:
        """Whether the key of a row at a wanted user's place is that user's, or no user's at all."""
        own = near["@id"].eq_missing(near[SOURCE_ID]) | near["@id"].is_null()
        asked = near.filter(pl.col(PARENT).is_not_null() & ~own)["@id"]
        others = self._all_ids.filter(self._all_ids.is_in(asked.implode()))
        return own | ~near["@id"].is_in(others.implode())

    @cached_property
    def _all_ids(self) -> pl.Series:
        return all_keys(self.root)

    @cached_property
    def _once(self) -> pl.DataFrame:
        users = self.wanted.select(PARENT, SOURCE_ID)
        return users.filter(is_sure(users[SOURCE_ID], self._all_ids))


def all_keys(root: RunFolder) -> pl.Series:
    """The keys of all users of a run, and of those whom a delta run has not taken."""
    known = root.fingerprints if root.fingerprints.exists() else root.verdicts
    return pl.scan_parquet(known).select("source_id").drop_nulls().collect().to_series()


def is_sure(keys: pl.Series, everybodys: pl.Series) -> pl.Series:
    """Whether a key alone tells who is meant: nobody else of the retry has it, nor of the whole family."""
    shared = everybodys.filter(everybodys.is_in(keys.implode()))
    twice = shared.filter(shared.is_duplicated())
    return keys.is_not_null() & keys.is_unique() & ~keys.is_in(twice.implode()).fill_null(value=False)


def fields_to_read(fields: Sequence[str], known: Sequence[str]) -> list[str]:
    """The mapping's fields, and ``ROW`` where the source is a file that ``--write-file`` wrote."""
    return [*fields, *([ROW] if ROW in known else [])]
