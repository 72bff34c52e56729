"""A database that is read as the preset of its application reads it, in place of the table that was guessed.

What the preset brings is tried on the database first; what is refused there gives way to what was guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.engine import make_url

from connectors.errors import SourceError
from flows.settings import fill_secrets
from flows.steps.context import source_of
from mappings.preset_sources import MORE
from mappings.presets_read import read_preset

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from flows.settings import LoadedRunFile
    from mappings.preset_sources import PresetSource

A_LINE: Final = 8
"""Columns that stand in one line of a query."""

_COLUMN: Final = re.compile(r"[\w -]+")
"""Names that can stand in a query of a run file: a colon is a parameter there, and ``${NAME}`` a secret."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a source is read.

    Attributes:
        settings: the ``source`` part of the run file.
        notes: what was taken of the preset, and what was not, with why.
    """

    settings: Mapping[str, Any]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Trial:
    """What a preset brings, and the database it is tried on."""

    preset: str
    wanted: PresetSource
    prefix: str
    loaded: LoadedRunFile

    def fault(self, settings: Mapping[str, Any]) -> str | None:
        """What the database says against a reading; None: it can be read so."""
        try:
            source_of(with_source(self.loaded, settings)).check()
        except SourceError as error:
            return error.what
        return None


def read_by_preset(
    loaded: LoadedRunFile, preset: str, *, guessed: Collection[str], fields: Sequence[str]
) -> Reading | None:
    """Find how a preset reads a database whose table of users was guessed.

    Args:
        loaded: the run file as it was guessed.
        preset: the preset that has recognised the table.
        guessed: settings of the source that nobody has told.
        fields: names of what is read now.

    Returns:
        None where the preset brings nothing, or somebody has told what to read.

    Raises:
        RetryError: the database cannot be reached any more.
    """
    told, wanted = loaded.settings.source, read_preset(preset).source
    if wanted is None or "table" not in guessed:
        return None
    prefix = wanted.prefix_of(told["table"])
    if prefix is None or (told.get("db_schema"), told.get("key")) != (wanted.db_schema, wanted.key):
        place = (
            f"source: the preset {preset} has a reading for {wanted.place} with the key {wanted.key} alone"
        )
        return Reading(told, (f"{place}; the table here is read by itself, without {wanted.adds}.",))
    return _tried(_Trial(preset, wanted, prefix, loaded), guessed, fields)


def _tried(trial: _Trial, guessed: Collection[str], fields: Sequence[str]) -> Reading:
    told = trial.loaded.settings.source
    lists = dict(told.get("lists", {}))
    rest = {name: value for name, value in told.items() if name not in ("table", "db_schema", "lists")}
    table: dict[str, Any] = {name: told[name] for name in ("table", "db_schema") if name in told}
    wanted = trial.wanted.lists_with(trial.prefix)
    wanted = {name: one for name, one in wanted.items() if "lists" in guessed or name not in lists}
    read, notes = _rows(trial, rest, table, [name for name in fields if name not in lists])
    for name, one in wanted.items():
        fault = trial.fault({**rest, **read, "lists": {name: one}})
        if fault is None:
            lists[name] = one
        else:
            notes = (*notes, _unlisted(trial.preset, name, fault, is_found=name in lists))
    if not notes:
        said = f"the table {told['table']} alone would go without {trial.wanted.adds}"
        notes = (f"source: it is read as the preset {trial.preset} does; {said}.",)
    return Reading({**rest, **read, **({"lists": lists} if lists else {})}, notes)


def _unlisted(preset: str, name: str, fault: str, *, is_found: bool) -> str:
    instead = "what was found is taken instead" if is_found else "nobody has any"
    return f"{name}: the database refuses the query of the preset {preset} ({fault.rstrip('.')}); {instead}."


def _rows(
    trial: _Trial, rest: Mapping[str, Any], table: Mapping[str, Any], fields: Sequence[str]
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """The query of the preset; the table, with why, where there is none that the database takes."""
    if trial.wanted.query is None:
        return table, ()
    backend = _backend(trial.loaded)
    query = trial.wanted.query_for(backend, trial.prefix)
    if query is None:
        fault: str | None = f"it has none for {backend}"
    else:
        read = {"query": query.replace(MORE, "")}
        fault = trial.fault({**rest, **read})
        if fault is None:
            return _with_more(trial, {**rest, **read}, query, fields), ()
    without = f"the table is read alone, without {trial.wanted.adds}"
    said = f"the query of the preset {trial.preset} cannot be taken ({str(fault).rstrip('.')})"
    return table, (f"source: {said}; {without}.",)


def _with_more(
    trial: _Trial, read: Mapping[str, Any], query: str, fields: Sequence[str]
) -> Mapping[str, Any]:
    """The query with those columns of the table that it does not give by itself."""
    loaded = with_source(trial.loaded, read)
    given = {name.lower() for name in source_of(loaded).fields()} if MORE in query else set()
    quote = make_url(_url(loaded)).get_dialect()().identifier_preparer.quote
    more = [f"u.{quote(name)}" for name in fields if name.lower() not in given and _COLUMN.fullmatch(name)]
    lines = (", ".join(more[at : at + A_LINE]) for at in range(0, len(more), A_LINE))
    return {"query": query.replace(MORE, "".join(f",\n  {line}" for line in lines))}


def with_source(loaded: LoadedRunFile, settings: Mapping[str, Any]) -> LoadedRunFile:
    """The run file with another source."""
    return replace(loaded, settings=loaded.settings.model_copy(update={"source": dict(settings)}))


def _url(loaded: LoadedRunFile) -> str:
    return str(fill_secrets(loaded.settings.source["url"], where="source.url"))


def _backend(loaded: LoadedRunFile) -> str:
    return make_url(_url(loaded)).get_backend_name()
