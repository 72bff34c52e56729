"""A database that is read as the preset of its application reads it, in place of the table that was guessed.

What the preset brings is tried on the database first; what is refused there gives way to what was guessed.
"""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass, replace
from textwrap import fill
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

A_LINE: Final = 110
"""Length of a line of a query that names columns."""

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

    def fields(self, settings: Mapping[str, Any]) -> list[str]:
        """Names of what is read so."""
        return source_of(with_source(self.loaded, settings)).fields()

    def read(self, settings: Mapping[str, Any], *fields: str) -> None:
        """Read one user so, with the fields that are named."""
        source = source_of(with_source(self.loaded, {**settings, "page_rows": 1}))
        source.check()
        if fields:
            with closing(source.pages([settings["key"], *fields])) as pages:  # type: ignore[type-var]  # sources are generators
                next(pages, None)


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
        return _of_another_table(preset, wanted, told)
    return _tried(_Trial(preset, wanted, prefix, loaded), guessed, fields)


def _of_another_table(preset: str, wanted: PresetSource, told: Mapping[str, Any]) -> Reading | None:
    """What was guessed, with what it may lack."""
    lacking = wanted.all_it_adds_to(told.get("lists", {}))
    place = f"source: the preset {preset} has a reading for {wanted.place} with the key {wanted.key} alone"
    return Reading(told, (f"{place}; this one is read, and may not tell {lacking}.",)) if lacking else None


def _tried(trial: _Trial, guessed: Collection[str], fields: Sequence[str]) -> Reading:
    told = trial.loaded.settings.source
    known = dict(told.get("lists", {}))
    rest = {name: value for name, value in told.items() if name not in ("table", "db_schema", "lists")}
    table: dict[str, Any] = {name: told[name] for name in ("table", "db_schema") if name in told}
    kept = () if "lists" in guessed else tuple(known)
    lists, notes = _lists(trial, {**rest, **table}, known, kept)
    read, fault = _rows(trial, rest, table, [name for name in fields if name not in known])
    if not fault and not notes:
        said = f"the table {told['table']} alone does not tell {trial.wanted.all_it_adds_to(())}"
        fault = f"as the preset {trial.preset} reads it; {said}"
    notes = (f"source: {fault}.", *notes) if fault else notes
    return Reading({**rest, **read, **({"lists": lists} if lists else {})}, notes)


def _lists(
    trial: _Trial, table: Mapping[str, Any], known: Mapping[str, Any], kept: Sequence[str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The lists of the preset that the database takes, and those that are known; with what it refuses."""
    lists, notes = dict(known), []
    for name, one in trial.wanted.lists_with(trial.prefix).items():
        if name in kept:
            continue
        try:
            trial.read({**table, "lists": {name: one}}, name)
        except SourceError as error:
            said = f"{name}: the query of the preset {trial.preset} cannot be taken ({_bare(error)})"
            notes.append(f"{said}; {'what was found is' if name in known else 'nothing is'} read instead.")
        else:
            lists[name] = one
    return lists, tuple(notes)


def _rows(
    trial: _Trial, rest: Mapping[str, Any], table: Mapping[str, Any], fields: Sequence[str]
) -> tuple[Mapping[str, Any], str]:
    """The query of the preset; the table, with why, where there is none that the database takes."""
    if trial.wanted.query is None:
        return table, ""
    backend = make_url(_url(trial.loaded)).get_backend_name()
    query = trial.wanted.query_for(backend, trial.prefix)
    fault = f"it has none for {backend}"
    if query is not None:
        try:
            read = {"query": _with_more(trial, rest, query, fields)}
            trial.read({**rest, **read})
        except SourceError as error:
            fault = _bare(error)
        else:
            return read, ""
    said = f"the query of the preset {trial.preset} cannot be taken ({fault})"
    return table, f"{said}; the table {table['table']} is read, and does not tell {trial.wanted.adds}"


def _bare(error: SourceError) -> str:
    return str(error).rstrip(".")


def _with_more(trial: _Trial, rest: Mapping[str, Any], query: str, fields: Sequence[str]) -> str:
    """The query with those columns of the table that it does not give by itself."""
    bare = {name: value for name, value in rest.items() if name != "updated_at"}  # it may be one of those
    read = trial.fields({**bare, "query": query.replace(MORE, "")})
    given = {name.lower() for name in read}
    quote = make_url(_url(trial.loaded)).get_dialect()().identifier_preparer.quote
    more = [f"u.{quote(name)}" for name in fields if name.lower() not in given and _COLUMN.fullmatch(name)]
    return query.replace(MORE, f",\n{_in_lines(more)}" if more else "")


def _in_lines(columns: Sequence[str]) -> str:
    whole = ", ".join(name.replace(" ", "\0") for name in columns)  # a name is not to be cut in two
    cut = fill(whole, A_LINE, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    return cut.replace("\0", " ")


def with_source(loaded: LoadedRunFile, settings: Mapping[str, Any]) -> LoadedRunFile:
    """The run file with another source."""
    return replace(loaded, settings=loaded.settings.model_copy(update={"source": dict(settings)}))


def _url(loaded: LoadedRunFile) -> str:
    return str(fill_secrets(loaded.settings.source["url"], where="source.url"))
