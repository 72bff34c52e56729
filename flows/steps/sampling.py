"""Some users of a source, for whoever suggests or counts: names of fields and shares, never a value."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import polars as pl

from connectors.errors import ConfigurationError
from connectors.records import FILE, LINE
from flows.steps.context import source_of
from flows.steps.field_names import is_a_value, without_values
from mappings.recognised import asked_by_presets
from mappings.texts import without_blanks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connectors.sources.base import Source
    from flows.settings import LoadedRunFile

SAMPLE: Final = 10_000
"""Users at most that a suggestion is made from."""

ENOUGH: Final = 1_000
"""Users after which no further page is read."""

MOST_FIELDS: Final = 400
"""Fields that are looked at; documents with a key for each friend have thousands."""

_BYTES: Final = "A column holds bytes that are no text: leave it out by a `query`, or have HEX(it) there."
"""What to do where each row of a database has such a column."""

_HEADED: Final = ("csv", "xlsx")
"""Kinds of source whose first line may be missing, so that a user stands in its place."""


@dataclass(frozen=True)
class Sample:
    """Some users of the source.

    Attributes:
        fields: names of the source's fields.
        rows: ``LINE``, ``FILE`` and a String column for each of them, and for each path into one that presets
            ask for which may fit.
        unreadable: lines among them that are no rows.
        left_out: names of fields that were not looked at: too many, or holding somebody's data.
    """

    fields: Sequence[str]
    rows: pl.DataFrame
    unreadable: int
    left_out: int = 0

    @cached_property
    def shares(self) -> Mapping[str, float]:
        """For each field and path the share of users who have a value in it."""
        names = [name for name in self.rows.columns if name not in (LINE, FILE)]
        empty = {name: without_blanks(self.rows[name]).null_count() for name in names}
        return {name: 1 - count / self.rows.height for name, count in empty.items()}

    def filled(self, field: str) -> str:
        """How many of the sample's users have a value in a field, in words."""
        share = self.shares.get(field, 0.0)
        if share in (0, 1):
            return f"{field}: {'filled for everybody' if share else 'always empty'}"
        return f"{field}: filled for {min(99, max(1, round(share * 100)))} %"


def take_sample(loaded: LoadedRunFile) -> Sample:
    """Read the first users of a run file's source, with all they have.

    Raises:
        ConfigurationError: its first line is a user, or it has no user at all.
        SourceError: it cannot be read.
    """
    source = source_of(loaded)
    told = source.fields()
    if loaded.settings.source["kind"] in _HEADED and any(is_a_value(name) for name in told):
        raise ConfigurationError(
            "The first line of the source seems to be a user and not the names of the fields.",
            "Name the fields: --set 'columns=[id, email, …]'.",
        )
    fields = asked_at_once(source, without_values(told))[:MOST_FIELDS]
    asked = dict.fromkeys((*fields, *asked_by_presets(loaded.settings.source["kind"], fields)))
    rows, unreadable = _first_rows(source, list(asked))
    if rows.is_empty():
        way_out = _BYTES if unreadable and loaded.settings.source["kind"] == "sql" else "Name another one."
        raise ConfigurationError("The source holds no user that can be read.", way_out)
    return Sample(fields, rows, unreadable, len(told) - len(fields))


def _first_rows(source: Source, fields: Sequence[str]) -> tuple[pl.DataFrame, int]:
    """Whole pages, until there are enough users."""
    read, unreadable = [], 0
    with closing(source.pages(fields)) as pages:  # type: ignore[type-var]  # sources are generators
        for page in pages:
            read.append(page.rows)
            unreadable += page.unreadable.height
            if sum(rows.height for rows in read) >= ENOUGH:
                break
    named = [LINE, FILE, *fields]
    frame = pl.concat(read) if read else pl.DataFrame(schema=dict.fromkeys(named, pl.String))
    return frame.head(SAMPLE), unreadable


def asked_at_once(source: Source, fields: Sequence[str]) -> list[str]:
    """As many of the fields as the system hands out in one reading: the first ones."""
    most: int | None = getattr(source, "most_roots", None)
    if most is None:
        return list(fields)
    roots = dict.fromkeys(re.split(r"[.\[]", field)[0] for field in fields)
    kept = set(list(roots)[:most])
    return [field for field in fields if re.split(r"[.\[]", field)[0] in kept]
