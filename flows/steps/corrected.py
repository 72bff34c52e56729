"""The run file as a run has it that was begun: as it stood then, and with a corrected file for the source."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.errors import ConfigurationError, PoolferryError
from connectors.recognising import describe_source
from flows.ledger.families import RETRY, record_of
from flows.ledger.states import RunState
from flows.settings import load_run_file
from flows.steps.context import source_of
from flows.steps.repairing import as_repairing
from flows.steps.selecting import ROW

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.ledger.folder import RunFolder
    from flows.ledger.store import RunRecord
    from flows.settings import LoadedRunFile


def as_it_stood(folder: RunFolder) -> LoadedRunFile:
    """A run's own copy of its run file, with paths that start where the run file stood.

    Also where that is on another machine.
    """
    return replace(load_run_file(folder.run_file), path=Path(record_of(folder).facts["run_file"]))


def as_begun(loaded: LoadedRunFile, folder: RunFolder) -> LoadedRunFile:
    """The run file as a run that has begun reads it: a repair as one, a retry with its corrected file.

    Once it was read, the file may be gone, as a source may.
    """
    run = record_of(folder)
    file = corrected_file(run)
    is_read = run.state is not RunState.READING
    if file is None or (is_read and not file.is_file()):
        return as_repairing(loaded, run)
    return with_corrected(loaded, file)


def corrected_file(run: RunRecord) -> Path | None:
    """The file that a retry reads in place of the source, if it does."""
    file = (run.facts.get(RETRY) or {}).get("file")
    return Path(file) if file else None


def with_corrected(loaded: LoadedRunFile, file: Path) -> LoadedRunFile:
    """Let a file take the place of the source, and nothing else of the run file change.

    A file that ``--write-file`` wrote is read by its ending alone. Any other one is in the form of the
    source: it is read with the source's settings, if it is of its kind.

    Raises:
        ConfigurationError: the file is not there, or of no known kind.
    """
    if not file.is_file():
        raise ConfigurationError(f"{file}: there is no such file.", "Give --file a file of corrected users.")
    own = loaded.settings.source
    key = {"key": own["key"]} if own.get("key") else {}
    plain = _reading(loaded, {**describe_source(file, loaded.base), **key})
    with suppress(PoolferryError):  # what cannot be read so was not written by --write-file
        if ROW in source_of(plain).fields():
            return plain
    is_same = plain.settings.source["kind"] == own["kind"]
    return _reading(loaded, {**own, "path": str(file.resolve())}) if is_same else plain


def _reading(loaded: LoadedRunFile, source: Mapping[str, object]) -> LoadedRunFile:
    return replace(loaded, settings=loaded.settings.model_copy(update={"source": dict(source)}))
