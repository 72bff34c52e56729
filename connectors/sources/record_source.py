"""What sources of records have in common: systems that hand out JSON objects or rows, a page at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from connectors.records import Cursor, Page
from connectors.sources.base import SourceTraits
from connectors.sources.fields import asked_once
from connectors.sources.paths import paths_in
from connectors.sources.records_to_rows import gather
from connectors.sources.rows import Gathered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROW = "row"
"""Name in a cursor: how many records were read up to it. A source's own names in it are others."""

SAMPLED = 1000
"""Records that ``fields()`` looks at."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records of a system.

    Attributes:
        records: decoded JSON objects; numbers as ``json_text.DECODER`` leaves them.
        cursor: where to go on after them, JSON-able; its names are the source's own.
        done: share of the source that has been read with them, None where it cannot tell.
    """

    records: Sequence[object]
    cursor: Cursor
    done: float | None = None


class RecordSource(ABC):
    """A source of records; a kind of system says how they are read.

    ``LINE`` is the number of the record in the source, from 1, in the order of reading.
    """

    traits: ClassVar[SourceTraits] = SourceTraits(resumable=True)
    declared: ClassVar[tuple[str, ...]] = ()
    """Paths that every record may have by the system's own description; ``fields()`` lists them first."""
    most_roots: ClassVar[int | None] = None
    """How many keys of a record one reading can ask for; None: any number."""

    @abstractmethod
    def _batches(self, fields: Sequence[str], after: Cursor | None) -> Iterator[Batch]:
        """Read from the beginning or behind a cursor; ask the system for no more than ``fields``."""

    @abstractmethod
    def check(self) -> None:
        """Prove with the least work that the source can be read."""

    @abstractmethod
    def fingerprint(self) -> str:
        """A text that changes when the source's content changed under a run; cheap."""

    def count(self) -> int | None:
        """Give None: this system does not tell cheaply."""
        return None

    def fields(self) -> list[str]:
        """Paths by description, then those that the first records have besides."""
        records = (record for batch in self._batches((), None) for record in batch.records)
        sample = list(islice(records, SAMPLED))
        found = (path for record in sample if isinstance(record, dict) for path in paths_in(record))
        return list(dict.fromkeys((*self.declared, *found)))

    def pages(self, fields: Sequence[str], after: Cursor | None = None) -> Iterator[Page]:
        """Yield pages from the beginning, or behind the page that had the cursor ``after``.

        Raises:
            SourceError: the system cannot be read.
        """
        yield from self._pages_of(fields, after, self._batches)

    def _pages_of(
        self,
        fields: Sequence[str],
        after: Cursor | None,
        batches: Callable[[Sequence[str], Cursor | None], Iterator[Batch]],
    ) -> Iterator[Page]:
        """Pages of what ``batches`` reads: everybody, or whoever has changed."""
        asked = asked_once(fields)
        row = int(after[ROW]) if after else 0
        place = {name: value for name, value in after.items() if name != ROW} if after else None
        for batch in batches(asked, place):
            found = Gathered(asked)
            gather(list(enumerate(batch.records, row + 1)), asked, found)
            row += len(batch.records)
            yield Page(found.rows(0), found.unreadable(0), {**batch.cursor, ROW: row}, batch.done)
