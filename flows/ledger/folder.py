"""The run's folder: immutable Parquet beside one small SQL table, readable with ``ls``.

STATE/NAME/RUN_ID/                    0700
    run.yaml                          the run file as it stood, secrets unfilled
    ledger.db                         pages and batches (SQLite), or
    ledger.url                        the PostgreSQL that has them, secrets unfilled
    users/p00001.arrow                one file a page: mapped and judged users
    users/p00001.lines                their lines of import files, deleted once all files were sent
    batches/b0001.parquet             which users travel in a batch, in the order of the lines
    batches/b0001.csv                 the import file, deleted once its job has taken it
    parts/                            what is done of a batch that is being worked on
    outcomes/*.parquet                what became of users, written once each
    refused/*.parquet                 what users lack although they have landed
    before/, after/                   the pool as it was read before and after
    unchanged/p00001.parquet          of a delta run: who of a page is as the last run has read them
    verdicts.parquet  left_out.parquet  summary.json  metrics.prom  report.html  report.md
    fingerprints.parquet              how every user was read, for a delta run to compare with
    told                              somebody was told how the run ended: the next start is another run
    reasons.csv  rejected.csv  failed.csv  existing.csv  id_map.csv  vanished.csv
    retried.parquet                   of a retry: whom of its parent it takes
    repaired.parquet                  of a repair: whom it takes again
    members.parquet                   with `existing: update`: who was in the source's groups before
    rollback/  rollback.parquet       what a rollback has done
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.errors import ConfigurationError
from flows.ledger.copies import WAIT_FOR_IT, fetch_users
from flows.ledger.segments import scan_users

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

PLAN = ".plan-"
"""How the hidden folder of a ``plan`` begins."""

LEFT_IN_S3 = ".left-in-s3"
"""Beside users' pages in a copy of a state in S3: names those that must be fetched before any is read."""

_STAMP = "%Y%m%dT%H%M%SZ"
_STAMP_LENGTH = len("20261123T031500Z")
_OF_OURS = re.compile(rf"({re.escape(PLAN)})?\d{{8}}T\d{{6}}Z-[0-9a-f]{{6}}")

FOLDERS = ("users", "batches", "parts", "outcomes", "refused", "before", "after", "unchanged")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Names of everything in one run's folder."""

    path: Path

    @property
    def run_id(self) -> str:
        """The run's id is its folder's name."""
        return self.path.name

    @property
    def run_file(self) -> Path:
        """The run file as it stood when the run began."""
        return self.path / "run.yaml"

    @property
    def ledger(self) -> Path:
        """The SQLite file with pages and batches."""
        return self.path / "ledger.db"

    @property
    def ledger_url(self) -> Path:
        """The file with the URL of a ledger that several workers share, where there is one."""
        return self.path / "ledger.url"

    @property
    def is_shared(self) -> bool:
        """Whether several workers may be at work here: claims in the ledger keep them apart."""
        return self.ledger_url.is_file()

    @property
    def has_ledger(self) -> bool:
        """Whether a ledger was begun."""
        return self.ledger.is_file() or self.is_shared

    @property
    def told(self) -> Path:
        """Stands there once somebody was told how the run has ended."""
        return self.path / "told"

    @property
    def summary(self) -> Path:
        """The run's numbers as one JSON object."""
        return self.path / "summary.json"

    @property
    def metrics(self) -> Path:
        """The run's numbers for Prometheus."""
        return self.path / "metrics.prom"

    @property
    def verdicts(self) -> Path:
        """One row a source user."""
        return self.path / "verdicts.parquet"

    @property
    def report(self) -> Path:
        """The report for people."""
        return self.path / "report.md"

    @property
    def page(self) -> Path:
        """The report for a browser."""
        return self.path / "report.html"

    @property
    def page_with_values(self) -> Path:
        """The same with attributes of the users whom it names; only made where somebody asks for it."""
        return self.path / "report-with-values.html"

    @property
    def retried(self) -> Path:
        """Of a retry: whom of its parent it shall bring into the pool."""
        return self.path / "retried.parquet"

    @property
    def repaired(self) -> Path:
        """Of a repair: whom it takes although nothing of them has changed in the source."""
        return self.path / "repaired.parquet"

    @property
    def members(self) -> Path:
        """With ``existing: update``: who was in the source's groups before."""
        return self.path / "members.parquet"

    @property
    def fingerprints(self) -> Path:
        """Everybody whom the source had, and a hash of how each was mapped."""
        return self.path / "fingerprints.parquet"

    @property
    def vanished(self) -> Path:
        """Of a delta run: who has left the source since the run before it."""
        return self.path / "vanished.csv"

    def unchanged(self, number: int) -> Path:
        """Of a delta run: who of one page is as the run before it has read them."""
        return self.path / "unchanged" / f"p{number:05d}.parquet"

    @property
    def rolled_back(self) -> Path:
        """What a rollback has made of the users that the run created."""
        return self.path / "rollback.parquet"

    def users(self, number: int) -> Path:
        """Mapped and judged users of one page."""
        return self.path / "users" / f"p{number:05d}.arrow"

    def lines(self, number: int) -> Path:
        """Lines of import files for the users of one page."""
        return self.path / "users" / f"p{number:05d}.lines"

    def forget_lines(self) -> None:
        """Delete the lines of all pages; whoever needs one again makes it from the users."""
        for path in (self.path / "users").glob("*.lines"):
            path.unlink(missing_ok=True)

    def pages(self) -> list[Path]:
        """The files of all pages' users, in order; where a copy has left some in S3, they are fetched first.

        Raises:
            StopError: they cannot be fetched.
        """
        folder = self.path / "users"
        if (folder / LEFT_IN_S3).exists():
            fetch_users(self.path)
        return sorted(folder.glob("*.arrow"))

    def has_users(self) -> bool:
        """Whether a page was written already."""
        return bool(self.pages())

    def scan_users(self) -> pl.LazyFrame:
        """Mapped and judged users of all pages, in order; only what is asked for is read."""
        return scan_users(*self.pages())

    def forget_users(self, known: int) -> None:
        """Remove what a killed reading has written behind the pages that the ledger knows."""
        for path in self.pages():
            if path.name > self.users(known).name:
                path.unlink()
        for path in self.all("unchanged"):
            if path.name > self.unchanged(known).name:
                path.unlink()

    def forget(self, kind: str) -> None:
        """Remove every Parquet file of one sub-folder: a reading of the pool that begins anew."""
        for path in self.all(kind):
            path.unlink()

    def batch_users(self, number: int) -> Path:
        """Ordinals of the users of one batch."""
        return self.path / "batches" / f"b{number:04d}.parquet"

    def import_file(self, number: int) -> Path:
        """The CSV of one batch."""
        return self.path / "batches" / f"b{number:04d}.csv"

    def forget_import_files(self) -> None:
        """Delete what is left of CSVs once every job has taken its own: they hold values of people."""
        for path in (self.path / "batches").glob("*.csv*"):
            path.unlink(missing_ok=True)

    def outcomes(self, name: str) -> Path:
        """One file of outcomes."""
        return self.path / "outcomes" / f"{name}.parquet"

    def parts(self, number: int) -> list[Path]:
        """What is done of a batch that is being worked on, in the order of the doing."""
        return sorted((self.path / "parts").glob(f"b{number:04d}-*.parquet"))

    def part(self, number: int, part: int) -> Path:
        """One stretch of what is done of a batch."""
        return self.path / "parts" / f"b{number:04d}-{part:05d}.parquet"

    def refused(self, number: int) -> Path:
        """What the pool refused for users of one batch who have landed."""
        return self.path / "refused" / f"b{number:04d}.parquet"

    @property
    def left_out(self) -> Path:
        """What users lack although they have landed, one row a user and step."""
        return self.path / "left_out.parquet"

    def before(self, number: int) -> Path:
        """A part of the pool as it was before anything was sent."""
        return self.path / "before" / f"u{number:05d}.parquet"

    def after(self, number: int) -> Path:
        """A part of the pool as it was read back."""
        return self.path / "after" / f"u{number:05d}.parquet"

    def all(self, kind: str) -> list[Path]:
        """Every Parquet file of one sub-folder, in order."""
        return sorted((self.path / kind).glob("*.parquet"))

    def make(self) -> RunFolder:
        """Make the folder and its sub-folders, for the owner only."""
        self.path.mkdir(mode=0o700, parents=True)
        for name in FOLDERS:
            (self.path / name).mkdir(mode=0o700)
        return self

    def tidy(self) -> None:
        """Remove what killed workers have left: half-written files, and import files that were sent."""
        self.forget_import_files()
        for folder in (self.path, *(self.path / name for name in FOLDERS)):
            for left in folder.glob(".*"):
                if left.is_file():
                    left.unlink(missing_ok=True)

    @contextmanager
    def locked(self, *, together: bool = False) -> Iterator[None]:
        """Hold the run for this process; the lock ends with the process, however it ends.

        Workers that share the run hold it ``together``: claims in the ledger keep them apart.

        Raises:
            ConfigurationError: another process holds it.
        """
        descriptor = os.open(self.path / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if together else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise ConfigurationError(
                f"Run {self.run_id} is being worked on by another process.", WAIT_FOR_IT
            ) from None
        try:
            yield
        finally:
            os.close(descriptor)

    def is_idle(self) -> bool:
        """Whether no process holds the run; one that was killed holds nothing."""
        try:
            with self.locked():
                return True
        except ConfigurationError:
            return False


def new_run_id(state_folder: Path, now: datetime) -> str:
    """A run id that sorts by time and behind all runs of the folder: ``20261123T031500Z-3f2a9c``.

    Two runs may begin in one second, and a clock may be set back; the newest must stay the last by name.
    """
    stamps = [run.run_id[:_STAMP_LENGTH] for run in runs_of(state_folder)]
    begun = [moment for moment in map(_moment, stamps) if moment is not None]
    at = max([now.replace(microsecond=0), *(moment + timedelta(seconds=1) for moment in begun)])
    return f"{at:{_STAMP}}-{secrets.token_hex(3)}"


def _moment(stamp: str) -> datetime | None:
    try:
        return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:  # a folder that somebody named
        return None


def runs_of(state_folder: Path) -> list[RunFolder]:
    """All runs of one name, oldest first; a folder becomes a run with its run file, which is written last."""
    if not state_folder.is_dir():
        return []
    paths = [path for path in sorted(state_folder.iterdir()) if not path.name.startswith(".")]
    return [run for run in map(RunFolder, paths) if run.run_file.is_file() and run.has_ledger]


@contextmanager
def only_beginner(state_folder: Path) -> Iterator[None]:
    """Hold the folder of a name's runs while one is looked for or begun; others wait for their turn."""
    state_folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = state_folder.with_name(f".{state_folder.name}.lock")
    descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def remove_unbegun(state_folder: Path) -> None:
    """Remove folders that a killed start or a killed ``plan`` has left; only for the ``only_beginner``."""
    for path in state_folder.iterdir() if state_folder.is_dir() else ():
        if not _OF_OURS.fullmatch(path.name) or not path.is_dir():
            continue
        folder = RunFolder(path)
        if (path.name.startswith(PLAN) or not folder.run_file.is_file()) and folder.is_idle():
            shutil.rmtree(path)


def find_run(name: str, state: Path) -> RunFolder:
    """Find a run by its id, by ``NAME`` (its newest run that is no retry) or by a path to its folder.

    Raises:
        ConfigurationError: there is none; the text lists those that are there.
    """
    from flows.ledger.families import is_retry  # noqa: PLC0415 - families are made of folders

    if RunFolder(Path(name)).has_ledger:
        return RunFolder(Path(name).resolve())
    known = [run for folder in sorted(state.glob("*")) for run in runs_of(folder)]
    named = [run for run in known if name in (run.run_id, run.path.parent.name)]
    if wanted := [run for run in named if name == run.run_id or not is_retry(run)]:
        return wanted[-1]
    listed = ", ".join(f"{run.path.parent.name}/{run.run_id}" for run in known[-5:]) or "none"
    raise ConfigurationError(
        f"There is no run {name!r} in {state}.", f"Newest runs there: {listed}. --state names another folder."
    )
