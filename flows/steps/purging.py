"""Purge: a run's folder forgets people, and keeps the numbers.

What stays is named here, and everything else goes, so that a file that a later version writes goes as well:
counts, reasons, jobs and batches, and ``verdicts.parquet`` with a keyed hash in the place of each id. The key
is made anew for each purge and thrown away, or hashes of guessed ids would tell who is meant; who needs to
find one person's row again keeps it in a file of their own.
"""

from __future__ import annotations

import hmac
import json
import secrets
import shutil
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.errors import ConfigurationError
from flows.ledger.copies import hold
from flows.ledger.families import PURGED, PURGING, descendants_of, looked_at, record_of, root_of
from flows.ledger.folder import RunFolder
from flows.ledger.segments import write_once, write_parquet, write_text
from flows.reports.text import write_texts
from flows.steps.family_verdicts import after_retries
from flows.steps.finishing import is_finished, summarise, verdicts_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from flows.ledger.store import Ledger
    from flows.steps.context import Worker

KEPT: Final = frozenset(
    {
        "run.yaml", "ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.url", "lock", "told",
        "summary.json", "metrics.prom", "report.md", "report.html", "reasons.csv", "verdicts.parquet",
    }
)  # fmt: skip
"""Names of what stays in a purged run's folder."""

IDS: Final = ("source_id", "username", "sub")
"""Columns of ``verdicts.parquet`` whose values a purge replaces with hashes."""

SALT_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Purge:
    """What a purge has removed, or would remove, from one run's folder."""

    run_id: str
    done: bool
    users: int
    files: int
    bytes: int

    @property
    def sentence(self) -> str:
        """The finding in one line."""
        verb = "were removed" if self.done else "would be removed"
        size = f"{self.files:,} files ({self.bytes:,} bytes)"
        return f"run {self.run_id}: {size} with what is known of {self.users:,} users {verb}"


def plan_purge(folder: RunFolder) -> list[Purge]:
    """Say what a purge would remove; nothing is changed.

    A run and its retries hold the same people, so they are purged together, whichever is named.
    """
    return [_measured(run, done=False) for run in family_of(folder)]


def purge(
    folder: RunFolder, worker: Worker, *, force: bool = False, salt_file: Path | None = None
) -> list[Purge]:
    """Remove what identifies people from a run and its retries; goes on where an earlier start was stopped.

    Args:
        folder: the run.
        worker: who works.
        force: also a run that is not finished, which cannot be gone on with afterwards.
        salt_file: where the key of the hashes is kept; made where it is not there. Default: nowhere.

    Raises:
        ConfigurationError: a run of the family is not finished, or another process works on it.
    """
    hold(folder.path)
    runs = family_of(folder)
    for run in runs:
        _refuse_unfinished(run, force=force)
    with ExitStack() as locks:
        for run in runs:
            locks.enter_context(run.locked())
        if salt_file is not None:
            _refuse_useless(salt_file, runs)
        salt = _salt(salt_file)
        ends = {run.run_id: after_retries(run) for run in runs if not _has_begun(run)}
        for run in runs:
            if run.run_id in ends:
                _begin(run, worker, ends[run.run_id])
        _remove_forecasts(runs[0].path.parent)
        return [_purged(run, worker, salt) for run in runs]


def family_of(folder: RunFolder) -> list[RunFolder]:
    """The run at the head of a family, and all retries behind it."""
    root = root_of(folder)
    return [root, *descendants_of(root)]


def _has_begun(folder: RunFolder) -> bool:
    facts = record_of(folder).facts
    return PURGING in facts or PURGED in facts


def _refuse_unfinished(folder: RunFolder, *, force: bool) -> None:
    with looked_at(folder) as ledger:
        if force or is_finished(folder, ledger) or PURGING in ledger.run().facts:
            return
    raise ConfigurationError(
        f"Run {folder.run_id} is not finished, and nobody could go on with it after a purge.",
        "Finish it with `poolferry run`, or give it up with --force; an import job that runs still goes on.",
    )


def _begin(folder: RunFolder, worker: Worker, ends: dict[str, object] | None) -> None:
    """Freeze the numbers of the family: nobody can count them once the first folder is purged."""
    with looked_at(folder, worker.clock) as ledger:
        ledger.advance_run(ledger.run().state, **{PURGING: worker.clock(), "after_retries": ends})


def _purged(folder: RunFolder, worker: Worker, salt: bytes) -> Purge:
    told = _measured(folder, done=True)
    with looked_at(folder, worker.clock) as ledger:
        if PURGED not in ledger.run().facts:
            _keep_numbers(folder, ledger)
            _hash_ids(folder, salt)
            _remove(folder)
            ledger.forget_places()
            ledger.advance_run(ledger.run().state, **{PURGED: worker.clock()})
        if not folder.page.exists():  # the page is what is gone until the reports are written anew
            write_texts(folder, ledger)
    return told


def _keep_numbers(folder: RunFolder, ledger: Ledger) -> None:
    """Write the numbers of a run that never came to its end; a finished one has them."""
    if not folder.summary.exists():
        verdicts = verdicts_of(folder) if folder.has_users() and folder.all("outcomes") else _nobody()
        write_parquet(verdicts, folder.verdicts)
        write_text(json.dumps(summarise(verdicts, ledger), indent=1) + "\n", folder.summary)


def _nobody() -> pl.DataFrame:
    texts = ("source_id", "username", "verdict", "reason", "strategy", "job_id")
    return pl.DataFrame(
        schema={**dict.fromkeys(texts, pl.String), "file": pl.UInt32, "line": pl.UInt64, "sub": pl.String}
    )


def _hash_ids(folder: RunFolder, salt: bytes) -> None:
    """Put hashes in the place of ids; without lines, and in the order of the hashes, which is nobody's."""
    verdicts = pl.scan_parquet(folder.verdicts)
    if "line" not in verdicts.collect_schema().names():  # an earlier start has done it
        return
    digest = partial(_digest, salt)
    hashed = verdicts.drop("file", "line", strict=False).with_columns(
        pl.col(name).map_elements(digest, return_dtype=pl.String) for name in IDS
    )
    ordered = hashed.sort("source_id", "username", "sub").collect(engine="streaming")
    write_once(folder.verdicts, lambda file: ordered.write_parquet(file, compression="zstd"))


def _digest(salt: bytes, text: str) -> str:
    return hmac.digest(salt, text.encode(), "sha256").hex()


def _refuse_useless(file: Path, runs: Sequence[RunFolder]) -> None:
    """Refuse a salt that would mean nothing, and a place for it that is none or is removed itself."""
    where = file.resolve()
    if all(PURGED in record_of(run).facts for run in runs):
        raise ConfigurationError(
            f"Run {runs[0].run_id} was purged already: its hashes were made with another salt.",
            "Leave --salt-file out.",
        )
    if where.is_dir() or not where.parent.is_dir():
        raise ConfigurationError(
            f"{file}: a file cannot be made there.", "Name a file in a folder that is there."
        )
    if any(where.is_relative_to(run.path.resolve()) for run in runs):
        raise ConfigurationError(
            f"{file} lies in the folder that is purged, and would be removed.", "Name one elsewhere."
        )


def _salt(file: Path | None) -> bytes:
    """The key of the hashes: of the file, or a new one that only the file keeps."""
    if file is not None and file.exists():
        salt = file.read_bytes()
        if len(salt) != SALT_BYTES:  # any other file is not one that a purge has made
            raise ConfigurationError(
                f"{file}: a salt has {SALT_BYTES} bytes.", "Name a file that is not there: it is made."
            )
        return salt
    salt = secrets.token_bytes(SALT_BYTES)
    if file is not None:
        write_once(file.absolute(), lambda target: target.write_bytes(salt))
    return salt


def _remove(folder: RunFolder) -> None:
    """Remove what is not kept, and the page: it names people, and is written anew without them."""
    folder.page.unlink(missing_ok=True)
    for path in _personal(folder):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _remove_forecasts(state_folder: Path) -> None:
    """Remove what killed forecasts have left beside the runs; one that is being made is locked."""
    for left in state_folder.glob(".plan-*"):
        with suppress(ConfigurationError), RunFolder(left).locked():
            shutil.rmtree(left)


def _personal(folder: RunFolder) -> list[Path]:
    return sorted(path for path in folder.path.iterdir() if path.name not in KEPT)


def _measured(folder: RunFolder, *, done: bool) -> Purge:
    folder.pages()  # what a copy has left in S3 is counted as well
    files = [
        file for path in _personal(folder) for file in (path.rglob("*") if path.is_dir() else [path])
        if file.is_file()
    ]  # fmt: skip
    with looked_at(folder) as ledger:
        users = ledger.extracted()
    return Purge(folder.run_id, done, users, len(files), sum(file.stat().st_size for file in files))
