"""Members that hand on everything that a real source does; broken ones change one thing each."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

from connectors.sources.base import SourceTraits
from connectors.sources.sql_source import SqlSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connectors.records import Cursor, Page
    from connectors.sources.base import ChangingSource, Source
    from tests.contracts.source_suite import Specimen


class Honest:
    """Stands for a source that claims nothing."""

    traits: ClassVar[SourceTraits] = SourceTraits()

    def __init__(self, real: Source) -> None:
        self.real: Any = real

    def check(self) -> None:
        self.real.check()

    def fields(self) -> list[str]:
        fields: list[str] = self.real.fields()
        return fields

    def count(self) -> int | None:
        count: int | None = self.real.count()
        return count

    def fingerprint(self) -> str:
        return str(self.real.fingerprint())

    def pages(self, fields: Sequence[str], after: Cursor | None = None) -> Iterator[Page]:
        yield from map(self.turned, self.real.pages(fields, after))

    def turned(self, page: Page) -> Page:
        """What becomes of a page on its way."""
        return page


class HonestSql(Honest):
    """Stands for the source that claims most."""

    traits: ClassVar[SourceTraits] = SqlSource.traits

    def watermark(self) -> Cursor | None:
        mark: Cursor | None = self.real.watermark()
        return mark

    def changed(self, fields: Sequence[str], since: Cursor, after: Cursor | None = None) -> Iterator[Page]:
        yield from map(self.turned, self.real.changed(fields, since, after))


def wrapped(specimen: Specimen, member: type[Honest]) -> Specimen:
    """A specimen whose every source is handed on by a member."""
    parts, changing = specimen.parts, specimen.changing
    return replace(
        specimen,
        source=lambda: member(specimen.source()),
        grown=lambda size: member(specimen.grown(size)),
        parts=(lambda count: member(parts(count))) if parts else None,
        changing=(lambda: cast("ChangingSource", member(changing()))) if changing else None,
        failing=[partial(lambda: member(specimen.source()).pages(["nmae"]).__next__())],
    )
