"""Add it all up: one verdict for every source user, or the run is not called finished."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from connectors.errors import TargetError
from connectors.records import FILE, LINE, SOURCE_ID, USERNAME, VERDICTS
from flows.ledger.families import DELTA, PURGED, PURGING
from flows.ledger.segments import scan_users, write_parquet, write_text
from flows.ledger.states import RunState
from flows.steps.columns import JOB_ID, STRATEGY, SUB, VERDICT, WHY
from flows.steps.job_records import JobRecord, jobs_of
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from flows.ledger.folder import RunFolder
    from flows.ledger.store import BatchRecord, Ledger

Summary = dict[str, Any]

ALL: Final = pl.lit(value=True)
"""True of every user."""

DELTA_COUNTS: Final = ("since", "reads", "new", "changed", "unchanged", "vanished")
"""What a summary tells of a delta run."""

REPAIRED_COUNT: Final = "repaired"
"""Besides, of a repair: how many it takes who are as before in the source."""


def finish(folder: RunFolder, ledger: Ledger) -> Summary:
    """Write ``verdicts.parquet`` and ``summary.json`` of a run that has been proved, and close it.

    Raises:
        TargetError: a user has no verdict or two; the run stays unfinished.
    """
    verdicts = verdicts_of(folder)
    if not summarise(verdicts, ledger)["balanced"]:
        raise TargetError(
            f"The verdicts of run {folder.run_id} do not add up to its {ledger.extracted():,} users.",
            "Nothing is lost: the run's folder is kept. Please report it with `poolferry status --json`.",
        )
    write_parquet(verdicts, folder.verdicts)
    ledger.advance_run(RunState.FINISHED)
    summary = summarise(verdicts, ledger)
    write_text(json.dumps(summary, indent=1) + "\n", folder.summary)
    return summary


def verdicts_of(folder: RunFolder) -> pl.DataFrame:
    """One row a source user, in source order; a null verdict means that none is known yet.

    ``line`` counts in its file, and ``file`` counts the source's files from 1 in the order of reading. They
    are put together page by page: a join of everybody takes three times the memory of what comes of it.
    """
    return pl.concat([_verdicts_of_page(folder, path) for path in folder.pages()])


def _verdicts_of_page(folder: RunFolder, path: Path) -> pl.DataFrame:
    users = scan_users(path).select(ORDINAL, SOURCE_ID, USERNAME, FILE, LINE).collect()
    on_page = pl.col(ORDINAL).is_between(pl.lit(users[ORDINAL].min()), pl.lit(users[ORDINAL].max()))
    known = _known(folder, on_page)
    joined = users.lazy().join(known, on=ORDINAL, how="left", maintain_order="left")
    return joined.select(
        pl.col(SOURCE_ID).alias("source_id"),
        pl.col(USERNAME).alias("username"),
        VERDICT, WHY, STRATEGY, JOB_ID,
        (pl.col(FILE) + 1).alias("file"),
        pl.col(LINE).alias("line"),
        SUB,
    ).collect(engine="streaming")  # fmt: skip


def _known(folder: RunFolder, whose: pl.Expr = ALL) -> pl.LazyFrame:
    """Outcomes of some users, with what the read-back has found laid over them."""
    known = pl.scan_parquet(folder.all("outcomes")).filter(pl.col(VERDICT).is_not_null(), whose)
    proof_file = folder.path / "proof.parquet"
    if not proof_file.exists():
        return known
    proof = (
        pl.scan_parquet(proof_file)
        .filter(whose)
        .select(ORDINAL, pl.col(VERDICT).alias("@v"), pl.col(WHY).alias("@w"), pl.col(SUB).alias("@s"))
    )
    return (
        known.join(proof, on=ORDINAL, how="left")
        .with_columns(
            pl.coalesce("@v", VERDICT).alias(VERDICT),
            pl.coalesce("@w", WHY).alias(WHY),
            pl.coalesce("@s", SUB).alias(SUB),
        )
        .drop("@v", "@w", "@s")
    )


def summarise(verdicts: pl.DataFrame, ledger: Ledger) -> Summary:
    """The run's numbers; ``balanced`` says that every source user has exactly one verdict."""
    run, extracted = ledger.run(), ledger.extracted()
    counts = dict(verdicts.drop_nulls(VERDICT).group_by(VERDICT).len().iter_rows())
    tally = {verdict: int(counts.get(verdict, 0)) for verdict in VERDICTS}
    end = run.finished if run.finished is not None else run.created
    return {
        "run_id": run.run_id,
        "state": str(run.state),
        "extracted": extracted,
        "balanced": sum(tally.values()) == extracted == verdicts.height,
        "verdicts": tally,
        "reasons": {kind: _reasons(verdicts, kind) for kind in ("rejected", "failed")},
        "left_out": run.facts.get("left_out", {}),
        **_delta(run.facts),
        "jobs": [_job(batch, job) for batch in ledger.batches() for job in jobs_of(batch)],
        "seconds": round(end - run.created, 3),
    }


def standing(folder: RunFolder, ledger: Ledger) -> Summary:
    """The run's numbers as they are now; those that were kept where the run was purged.

    Nothing is read of users' pages, which a copy of a state in S3 may not have.
    """
    facts = ledger.run().facts
    if (PURGED in facts or PURGING in facts) and folder.summary.exists():
        return summary_of(folder)
    verdicts = pl.scan_parquet(folder.verdicts) if folder.verdicts.exists() else _known(folder)
    return summarise(verdicts.select(VERDICT, WHY).collect(engine="streaming"), ledger)


def _delta(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What has changed in the source, of a delta run alone."""
    return {DELTA: delta_counts(facts[DELTA])} if DELTA in facts else {}


def delta_counts(delta: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of a delta run, out of the fact ``DELTA``."""
    repaired = {name: delta[name] for name in (REPAIRED_COUNT,) if name in delta}
    return {name: delta.get(name) for name in DELTA_COUNTS} | repaired


def _reasons(verdicts: pl.DataFrame, kind: str) -> dict[str, int]:
    chosen = verdicts.filter(pl.col(VERDICT) == kind)
    counted = (
        chosen.group_by(pl.col(WHY).fill_null("not_settled"))
        .len()
        .sort(["len", WHY], descending=[True, False])
    )
    return {str(code): int(count) for code, count in counted.iter_rows()}


def _job(batch: BatchRecord, job: JobRecord) -> dict[str, Any]:
    started, ended = job["started"], job["ended"]
    return {
        "job_id": job["job_id"],
        "batch": batch.number,
        "attempt": job["attempt"],
        "rest_of": batch.facts.get("parent"),
        "algorithm": batch.algorithm,
        "users": batch.users,
        "status": job["status"],
        "imported": job["imported"],
        "skipped": job["skipped"],
        "failed": job["failed"],
        "seconds": round(ended - started, 3) if started and ended else None,
    }


def is_finished(folder: RunFolder, ledger: Ledger) -> bool:
    """True once everything was sent, proved and written down, and for what was purged."""
    run = ledger.run()
    return PURGED in run.facts or (run.state is RunState.FINISHED and folder.summary.exists())


def summary_of(folder: RunFolder) -> Summary:
    """The numbers of a finished run, as they were written down."""
    summary: Summary = json.loads(folder.summary.read_text(encoding="utf-8"))
    return summary
