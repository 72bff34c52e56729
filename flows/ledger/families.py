"""Runs and their retries: a retry is a run of its own that takes up users whom another run could not land.

The ledger of the child names its parent; nothing is ever written into the parent's ledger.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from connectors.errors import ConfigurationError
from flows.ledger.folder import RunFolder, runs_of
from flows.ledger.opening import opened_ledger_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.ledger.store import Clock, Ledger, RunRecord

RETRY: Final = "retry"
"""Fact of a child's ledger: ``{"parent": run id, "reasons": [...], "file": path or null, …}``."""

DELTA: Final = "delta"
"""Fact of a delta run: ``since`` (run id), ``reads`` (``changed`` or ``everybody``), ``from`` (a watermark),
``repairs`` (a file of differences that it takes users of), and, once that was done, the counts ``new``,
``changed``, ``repaired`` (of a repair alone), ``unchanged`` and ``vanished`` (null where not everybody was
read); at its end ``left``: who changed and was left alone in the pool."""

PURGED: Final = "purged"
"""Fact of a run without personal data: when that was, seconds since 1970 in UTC."""

PURGING: Final = "purging"
"""Fact of a run whose purge has begun; only another purge may touch it."""


@contextmanager
def looked_at(folder: RunFolder, clock: Clock = lambda: 0.0) -> Iterator[Ledger]:
    """Open the ledger of a run, and close it at the end; who only reads needs no clock."""
    with opened_ledger_of(folder, clock) as ledger:
        yield ledger


def record_of(folder: RunFolder) -> RunRecord:
    """The row of a run."""
    with looked_at(folder) as ledger:
        return ledger.run()


def parent_of(folder: RunFolder) -> RunFolder | None:
    """The run that this one retries.

    Raises:
        ConfigurationError: its folder is not beside this one any more.
    """
    retry: dict[str, Any] | None = record_of(folder).facts.get(RETRY)
    if retry is None:
        return None
    parent = RunFolder(folder.path.parent / str(retry["parent"]))
    if not parent.has_ledger:
        raise ConfigurationError(
            f"Run {folder.run_id} retries run {parent.run_id}, whose folder is gone.",
            "Put it back beside this one.",
        )
    return parent


def ancestors_of(folder: RunFolder) -> list[RunFolder]:
    """The runs that this one retries, the nearest first."""
    found: list[RunFolder] = []
    while (parent := parent_of(found[-1] if found else folder)) is not None:
        found.append(parent)
    return found


def root_of(folder: RunFolder) -> RunFolder:
    """The run that all of these retry; a run that retries none is its own."""
    return [folder, *ancestors_of(folder)][-1]


def children_of(folder: RunFolder) -> list[RunFolder]:
    """The retries of a run, the oldest first."""
    return [run for run in runs_of(folder.path.parent) if _parent_id(run) == folder.run_id]


def descendants_of(folder: RunFolder) -> list[RunFolder]:
    """The retries of a run and theirs, each behind the one that it retries."""
    return [run for child in children_of(folder) for run in (child, *descendants_of(child))]


def run_before(folder: RunFolder) -> RunFolder | None:
    """The run that a delta run goes on from, if it is one and that run's folder is still there."""
    delta: dict[str, Any] | None = record_of(folder).facts.get(DELTA)
    before = RunFolder(folder.path.parent / str(delta["since"])) if delta else None
    return before if before is not None and before.has_ledger else None


def chain_of(folder: RunFolder) -> list[RunFolder]:
    """A run and all those that it goes on from, the oldest first."""
    before = run_before(folder)
    return [*(chain_of(before) if before else []), folder]


def is_retry(folder: RunFolder) -> bool:
    """Whether a run takes up users of another one."""
    return _parent_id(folder) is not None


def _parent_id(folder: RunFolder) -> str | None:
    retry = record_of(folder).facts.get(RETRY)
    return str(retry["parent"]) if retry else None


def is_purged(folder: RunFolder) -> bool:
    """Whether a run has forgotten its people, or has begun to."""
    return PURGING in record_of(folder).facts


def refuse_purged(folder: RunFolder) -> None:
    """Refuse what needs to know people, where the run does not any more.

    Raises:
        ConfigurationError: the run was purged, or its purge has begun.
    """
    facts = record_of(folder).facts
    if PURGED in facts:
        raise ConfigurationError(
            f"Run {folder.run_id} was purged: it knows counts and reasons, and nobody any more.",
            "`poolferry status` and `poolferry report` still work; another run begins with `poolferry run`.",
        )
    if PURGING in facts:
        raise ConfigurationError(
            f"The purge of run {folder.run_id} has begun and is not done.",
            f"Run `poolferry purge {folder.path} --yes` again: it goes on.",
        )
