"""Delta runs: who is new or has changed in the source since the last finished run of the same name.

A source that can tell is asked for whoever has changed since a watermark that the run before has noted.
Else, and where the place or the mapping is another one by now, everybody is read. Either way users are held
against the fingerprints of the run before, and who is as they were then is left out: their verdict is there.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl

from connectors.errors import ConfigurationError
from flows.ledger.families import DELTA, PURGED, RETRY, chain_of, looked_at, record_of, root_of
from flows.ledger.folder import RunFolder, runs_of
from flows.ledger.segments import write_parquet
from flows.reports.cells import write_cells
from flows.steps.columns import NOT_LANDED, VERDICT
from flows.steps.family_verdicts import landed_by_retries
from flows.steps.fingerprints import (
    FINGERPRINTS,
    GONE,
    HOLDS,
    IDS,
    KEY,
    ROW,
    fingerprinted,
    key,
    pairs_of,
    probe,
)
from flows.steps.finishing import REPAIRED_COUNT, is_finished
from flows.steps.repairing import REPAIRS, repair_facts, repaired_keys
from flows.steps.retried_prints import with_retries
from flows.steps.selecting import names_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from connectors.records import Cursor, Page
    from connectors.sources.base import ChangingSource
    from flows.ledger.store import RunRecord
    from flows.settings import LoadedRunFile
    from flows.steps.context import Context

WATERMARK: Final = "watermark"
"""Fact of a run: the source's own present before anybody was read; null where it cannot tell."""

PROBE: Final = "probe"
MAPPED_BY: Final = "mapping_sha256"


def begun_with(context: Context) -> dict[str, Any]:
    """What a new run notes for the delta run behind it, and which run it goes on from itself.

    Raises:
        ConfigurationError: ``mode: delta``, and there is no finished run to go on from.
    """
    own = {WATERMARK: _watermark(context), PROBE: probe(), MAPPED_BY: _mapped_by(context)}
    if context.loaded.settings.mode == "full":
        return own
    base = _base_for(context.loaded)
    before = record_of(base)
    _note_purged(context, base)
    _note_taken_back(context, base)
    repairs = repair_facts(context)
    asks = not repairs and own[WATERMARK] is not None and before.facts.get(WATERMARK) is not None
    if asks and not _is_comparable(context, before):
        asks = False
        context.progress.note(
            f"The mapping or the place of the source is not that of run {before.run_id}: everybody is read."
        )
    reads = {"reads": "changed", "from": before.facts[WATERMARK]} if asks else {"reads": "everybody"}
    return {**own, DELTA: {"since": before.run_id, **reads, **repairs}}


def _note_purged(context: Context, base: RunFolder) -> None:
    purged = [run.run_id for run in chain_of(base) if PURGED in record_of(run).facts]
    if purged and context.loaded.settings.existing == "update":
        context.progress.note(
            f"Run {', '.join(purged)} was purged: of whom it landed nobody can tell whether somebody else "
            "has their name by now, and who has it is updated."
        )


def _note_taken_back(context: Context, base: RunFolder) -> None:
    """Say so where users are gone whom the base has met: their lines in the source are as before."""
    chain = chain_of(base)
    full, known = chain[0], {run.run_id for run in chain}
    others = [run for run in runs_of(context.loaded.state_folder) if root_of(run).run_id not in known]
    gone = [run.run_id for run in others if _has_deleted_behind(run, record_of(full))]
    if gone:
        context.progress.note(
            f"Run {', '.join(gone)} was rolled back after run {full.run_id} had met its users: of whom it "
            "deleted a delta run takes those alone who have changed. `poolferry reconcile` finds the others, "
            "and `poolferry run --repair` brings them back, as does `poolferry run --new` with `mode: full`."
        )


def _has_deleted_behind(folder: RunFolder, full: RunRecord) -> bool:
    """Whether the rollback of a run has deleted users, or may have, since a full run has met them."""
    run = record_of(folder)
    rollback = run.facts.get("rollback") or {}
    is_later = rollback.get("finished", math.inf) > full.created
    return run.pool_id == full.pool_id and _has_deleted(rollback) and is_later


def facts_beside(context: Context, base: RunFolder) -> dict[str, Any]:
    """What a run notes that reads everybody only to hold the source against a run; nobody goes on from it.

    Raises:
        ConfigurationError: the base does not know how its people were read, or its hashes do not compare.
    """
    out = "Run `poolferry run` with `mode: delta` first."
    if not base.fingerprints.exists():
        raise ConfigurationError(f"Run {base.run_id} has no fingerprints of its people.", out)
    known = record_of(base).facts
    if known.get(PROBE) != probe():
        raise ConfigurationError(
            f"Run {base.run_id} was made by another version of polars, or on another kind of machine: its "
            "hashes do not tell what has changed in the source.",
            out,
        )
    if known.get(MAPPED_BY) != _mapped_by(context):
        context.progress.note(
            f"The mapping is not that of run {base.run_id}: whom it maps otherwise counts as changed."
        )
    return {PROBE: probe(), DELTA: {"since": base.run_id, "reads": "everybody"}}


def _mapped_by(context: Context) -> str:
    return hashlib.sha256(context.spec.model_dump_json().encode()).hexdigest()


def _watermark(context: Context) -> Cursor | None:
    source = context.source
    return cast("ChangingSource", source).watermark() if source.traits.changed_since else None


def _is_comparable(context: Context, before: RunRecord) -> bool:
    """Whether who has not changed in the source would be mapped as before."""
    is_mapped_alike = before.facts.get(MAPPED_BY) == _mapped_by(context)
    return is_mapped_alike and before.source_fingerprint == context.source.fingerprint()


def newest_finished(loaded: LoadedRunFile) -> RunFolder | None:
    """The newest finished run of a name and pool that is no retry and whose users are still there."""
    pool = loaded.settings.target.user_pool_id
    for folder in reversed(runs_of(loaded.state_folder)):
        with looked_at(folder) as ledger:
            run = ledger.run()
            is_it = is_finished(folder, ledger) and RETRY not in run.facts and run.pool_id == pool
        if is_it and not _is_taken_back(folder):
            return folder
    return None


def _base_for(loaded: LoadedRunFile) -> RunFolder:
    """The run that a new delta run goes on from.

    Raises:
        ConfigurationError: there is none, or it does not know its people any more.
    """
    begin = "Begin with `mode: full`; with `existing: update` it also updates who is in the pool already."
    folder = newest_finished(loaded)
    if folder is None:
        raise ConfigurationError(
            f"{loaded.path}: mode: delta goes on from a finished run of this name and pool, and there is "
            f"none in {loaded.state_folder} that was not rolled back.",
            begin,
        )
    if not folder.fingerprints.exists():
        raise ConfigurationError(
            f"{loaded.path}: mode: delta needs the fingerprints of run {folder.run_id}, which was "
            "purged or made by an older version.",
            begin,
        )
    return folder


def _is_taken_back(folder: RunFolder) -> bool:
    """Whether a rollback has deleted users of a run, or of one that it goes on from, or is at it."""
    return any(_has_deleted(record_of(run).facts.get("rollback") or {}) for run in chain_of(folder))


def _has_deleted(rollback: Mapping[str, Any]) -> bool:
    """Whether a rollback has deleted anybody, or may have: its intent stands until it is done."""
    return rollback.get("intent") is not None or bool(rollback and rollback["counts"]["deleted"])


def pages_of(context: Context, after: Cursor | None) -> Iterator[Page]:
    """The pages that a run reads: everybody, or whoever has changed."""
    delta = context.ledger.run().facts.get(DELTA)
    fields = context.mapping.fields
    if delta and delta["reads"] == "changed":
        return cast("ChangingSource", context.source).changed(fields, delta["from"], after)
    return context.source.pages(fields, after)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Holds the pages of a delta run against the run before.

    Attributes:
        known: everybody's key and row of that time, hashed together; nobody where hashes do not compare.
        repaired: keys of those who count as changed, whatever the source says.
    """

    known: pl.Series
    repaired: pl.Series

    @classmethod
    def of(cls, context: Context) -> Comparison | None:
        """The comparison of a run; None where it takes everybody."""
        facts = context.ledger.run().facts
        if DELTA not in facts:
            return None
        base, repaired = _base(context), repaired_keys(context.folder)
        if record_of(base).facts.get(PROBE) == facts[PROBE]:
            return cls(pairs_of(_prints(base)), repaired)
        context.progress.note(
            f"Run {base.run_id} was made by another version of polars, or on another kind of machine: its "
            "hashes tell nothing here, and everybody who is read counts as changed."
        )
        return cls(pl.Series(dtype=pl.UInt64), repaired)

    def new_or_changed(self, context: Context, users: pl.DataFrame, number: int) -> pl.DataFrame:
        """Those users of a page who are not as before; the others are noted by their ids."""
        prints = fingerprinted(users.lazy()).collect()
        pairs = pairs_of(prints.lazy())
        known = self.known.filter(self.known.is_in(pairs.implode()).fill_null(value=False))
        again = prints[KEY].is_in(self.repaired.implode()).fill_null(value=False)
        same = pairs.is_in(known.implode()).fill_null(value=False) & ~again
        write_parquet(prints.filter(same), context.folder.unchanged(number))
        return users.filter(~same)


def left_out(context: Context) -> int:
    """How many users a delta run has left out so far, since they are as before."""
    return int(unchanged_of(context).select(pl.len()).collect().item())


def counted(context: Context) -> dict[str, Any]:
    """What a delta run notes once it has read."""
    delta = context.ledger.run().facts.get(DELTA)
    if delta is None:
        return {}
    read = fingerprinted(context.folder.scan_users()).select(KEY, ROW)
    known = _number(read.join(known_keys(context), on=KEY, how="semi"))
    again = _number(read.join(_prints(_base(context)), on=[KEY, ROW], how="semi")) if REPAIRS in delta else 0
    is_whole = delta["reads"] == "everybody"
    counts = {
        "new": context.ledger.extracted() - known,
        "changed": known - again,
        **({REPAIRED_COUNT: again} if REPAIRS in delta else {}),
        "unchanged": left_out(context),
        "vanished": _number(rest_of(context).filter(~pl.col(GONE))) if is_whole else None,
    }
    return {DELTA: {**delta, **counts}}


def held_names(context: Context) -> pl.Series:
    """Keys of the names that belong to users whom a delta run, or a retry of one, does not take; UInt64.

    Who of this run wants one of them is somebody's double, although that user is in the pool: to take them
    for the same person would write one user's data into another's account.
    """
    facts, head = context.ledger.run().facts, context.folder
    if RETRY in facts:
        head = root_of(RunFolder(head.path.parent / facts[RETRY]["parent"]))
    if DELTA not in record_of(head).facts:
        return pl.Series(dtype=pl.UInt64)
    if RETRY in facts:
        refused = _with_ends(head).filter(pl.col(VERDICT).is_in(NOT_LANDED))  # a retry may take these
        held = _prints(head).join(refused, on=[KEY, ROW], how="anti")
    else:
        same = _prints(_base(context)).join(unchanged_of(context), on=[KEY, ROW], how="semi")
        held = pl.concat([rest_of(context), same])
    later = _landed_later(context, chain_of(head)[:-1])
    return names_of(pl.concat([held.filter(HOLDS).select("username"), later]), context.schema)


def _landed_later(context: Context, runs: Sequence[RunFolder]) -> pl.LazyFrame:
    """``username`` of whom retries of runs have landed and this run does not take.

    The fingerprints of a run are older than its retries.
    """
    nobody = pl.LazyFrame(schema=dict.fromkeys(IDS, pl.String))
    found = [landed.select(IDS) for run in runs if (landed := landed_by_retries(run)) is not None]
    read = fingerprinted(context.folder.scan_users()).select(KEY)
    taken = read.join(unchanged_of(context).select(KEY), on=KEY, how="anti")
    landed = pl.concat([nobody, *found]).with_columns(key())
    return landed.join(taken, on=KEY, how="anti").select("username")


def keep_fingerprints(context: Context) -> None:
    """Write how every user was read, for the delta run behind this one; and who has left the source.

    A retry writes none: the run that it retries has its users.
    """
    run = context.ledger.run()
    if RETRY in run.facts:
        return
    own = _with_ends(context.folder).with_columns(
        (~pl.col(VERDICT).is_in(NOT_LANDED)).alias(HOLDS), pl.lit(value=False).alias(GONE)
    )
    parts = [own] if DELTA not in run.facts else [*_carried(context, run, own)]
    kept = pl.concat([part.select(list(FINGERPRINTS)) for part in parts])
    write_parquet(kept.collect(engine="streaming"), context.folder.fingerprints)


def _carried(context: Context, run: RunRecord, own: pl.LazyFrame) -> Iterator[pl.LazyFrame]:
    """The users of a delta run, and those of the run before whom it has not taken."""
    delta, base = run.facts[DELTA], _prints(_base(context))
    same = unchanged_of(context).select(KEY, ROW)
    holders = base.filter(HOLDS).join(same, on=[KEY, ROW], how="anti")
    holders = holders.select(KEY, "username").unique().with_columns(held=True)
    yield own.join(holders, on=[KEY, "username"], how="left").with_columns(
        pl.col(HOLDS) | pl.col("held").fill_null(value=False)
    )
    rows = base.select(KEY, ROW, HOLDS).group_by(KEY, ROW).agg(pl.col(HOLDS).any())
    yield (
        unchanged_of(context)
        .join(rows, on=[KEY, ROW], how="inner")
        .with_columns(pl.lit(value=False).alias(GONE))
    )
    rest, is_whole = rest_of(context), delta["reads"] == "everybody"
    if is_whole:
        write_cells(rest.filter(~pl.col(GONE)).select(IDS), context.folder.vanished)
    yield rest.with_columns(pl.lit(value=True).alias(GONE)) if is_whole else rest
    left = own.filter(pl.col(VERDICT) == "existing").join(base.select(KEY).unique(), on=KEY, how="semi")
    context.ledger.advance_run(run.state, **{DELTA: {**delta, "left": _number(left)}})


def known_keys(context: Context) -> pl.LazyFrame:
    """``KEY`` of everybody whom the run before knows."""
    return _prints(_base(context)).select(KEY).unique()


def rest_of(context: Context) -> pl.LazyFrame:
    """Users of the run before whom this one has not met.

    Where not everybody was read, nobody can tell which of those who share a key was met: they are in it too.
    """
    base, same = _prints(_base(context)), unchanged_of(context).select(KEY, ROW)
    read = fingerprinted(context.folder.scan_users()).select(KEY)
    rest = base.join(pl.concat([read, same.select(KEY)]).drop_nulls(), on=KEY, how="anti")
    if context.ledger.run().facts[DELTA]["reads"] == "everybody":
        return rest
    shared = base.filter(pl.col(KEY).is_duplicated()).join(same, on=[KEY, ROW], how="anti")
    return pl.concat([rest, shared]).unique()


def _with_ends(folder: RunFolder) -> pl.LazyFrame:
    """Fingerprints of everybody whom a finished run has read, with their verdicts."""
    ends = pl.scan_parquet(folder.verdicts).select(VERDICT)
    return pl.concat([fingerprinted(folder.scan_users()), ends], how="horizontal").drop_nulls(KEY)


def unchanged_of(context: Context) -> pl.LazyFrame:
    """``IDS``, ``KEY`` and ``ROW`` of those whom a run has left out, since they are as before."""
    nobody = pl.LazyFrame(schema={**dict.fromkeys(IDS, pl.String), ROW: pl.UInt64, KEY: pl.String})
    return pl.concat([nobody, *map(pl.scan_parquet, context.folder.all("unchanged"))])


def _prints(folder: RunFolder) -> pl.LazyFrame:
    return with_retries(folder, pl.scan_parquet(folder.fingerprints).with_columns(key()))


def _base(context: Context) -> RunFolder:
    """The run that a delta run goes on from.

    Raises:
        ConfigurationError: it is not there any more, or was purged meanwhile.
    """
    since = context.ledger.run().facts[DELTA]["since"]
    folder = RunFolder(context.folder.path.parent / since)
    if not folder.fingerprints.exists():
        raise ConfigurationError(
            f"Run {context.folder.run_id} goes on from run {since}, whose fingerprints are gone.",
            "Put its folder back beside this one, or start another run with `mode: full` and --new.",
        )
    return folder


def _number(users: pl.LazyFrame) -> int:
    return int(users.select(pl.len()).collect(engine="streaming").item())
