"""The seam that every source fills: pages of text rows, with a cursor to go on from.

A source maps, filters and renames nothing. It reads only the fields that it is asked for, and
every value it hands out is text (a user id ``00123`` stays ``00123``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connectors.records import Cursor, Page

Delivers = Literal["hashes", "groups", "mfa", "identities"]


@dataclass(frozen=True, slots=True)
class SourceTraits:
    """What a source claims it can do; the contract suite holds it to every claim.

    Attributes:
        resumable: ``pages(after=cursor)`` goes on exactly behind the page of that cursor.
        counts: ``count()`` returns the exact number of users.
        changed_since: it can read only who changed since a watermark: it has ``watermark`` and ``changed``
            (``ChangingSource``), and without this claim neither.
        partitions: by a setting of its own it reads several parts at once; pages come in any order then, each
            with a cursor that goes on in all parts.
        live: people come and go while it is read, so its fingerprint tells the place and not the content.
        delivers: what it can hand out beside plain fields, each in a field that ``fields()`` lists: some of
            ``hashes``, ``groups``, ``mfa`` and ``identities``. Without ``hashes`` it names no field for them.
    """

    resumable: bool = True
    counts: bool = False
    changed_since: bool = False
    partitions: bool = False
    live: bool = False
    delivers: frozenset[Delivers] = field(default_factory=frozenset)


class SourceSettings(BaseModel):
    """The part of a source's settings that all sources share."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str = Field(description="Which connector reads the source.")
    key: str | None = Field(
        default=None,
        description="The field that names a user in the source; default: the field of `username`.",
    )


class Source(Protocol):
    """A system that users are read from.

    Every method may raise ``SourceError`` (cannot be read) or ``ConfigurationError``
    (settings are wrong); neither text holds a value of a person.
    """

    traits: ClassVar[SourceTraits]

    def check(self) -> None:
        """Prove with the least work that the source can be read."""

    def fields(self) -> list[str]:
        """Names of the fields that exist, as ``pages`` takes them; a sample where it must."""

    def count(self) -> int | None:
        """Exact number of users, or None where the source cannot tell cheaply."""

    def fingerprint(self) -> str:
        """A text that changes when the source's content, or the place of a live one, changed; cheap."""

    def pages(self, fields: Sequence[str], after: Cursor | None = None) -> Iterator[Page]:
        """Yield pages from the beginning, or behind the page that had the cursor ``after``."""


@runtime_checkable
class SampledSource(Protocol):
    """What a source has beside the rest whose ``fields()`` looks at a sample only."""

    def find(self, fields: Sequence[str]) -> list[str]:
        """Those of the fields that any record has, looked for in the whole source."""


@runtime_checkable
class HeadedSource(Protocol):
    """What a source has beside the rest that consists of files of which each names its own fields."""

    def check_fields(self, fields: Sequence[str]) -> None:
        """Prove that every file has the fields that it is to be asked for, with the least work.

        Raises:
            SourceError: one lacks a field; the text names both.
        """


class ChangingSource(Source, Protocol):
    """A source whose traits say ``changed_since``."""

    def watermark(self) -> Cursor | None:
        """The present moment in the source's own terms; taken before everybody is read.

        None where the settings leave out what the source needs to tell who has changed.
        """

    def changed(self, fields: Sequence[str], since: Cursor, after: Cursor | None = None) -> Iterator[Page]:
        """Yield pages of whoever is new or changed since a watermark; a user may come once too often.

        ``after`` is as for ``pages``. Who left the source is in no page.
        """
