"""The usual ways in which JSON APIs cut a list into pages, each with a place to go on from.

No way ends because a page is short: servers give fewer than they are asked for, and go on.
"""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Final, Literal
from urllib.parse import urljoin

from pydantic import BaseModel, ConfigDict, Field

from connectors.errors import SourceError
from connectors.json_text import text_of
from connectors.sources.paths import MISSING, getter
from connectors.sources.rest_signs import at_end

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connectors.records import Cursor
    from connectors.rest import Answer

PagingKind = Literal["none", "page", "offset", "cursor", "link", "marker"]


class Paging(BaseModel):
    """The part ``paging`` of ``kind: rest``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: PagingKind = Field(
        default="none",
        description="`page`: counts pages, up to an empty one or a 404; `offset`: counts users; `cursor`: "
        "the answer names the next page; `link`: the answer has its address (`Link` header, or `next`); "
        "`marker`: the last user's `field`; `none`: everybody comes at once.",
    )
    size: int | None = Field(default=None, ge=1, description="Users a page, if it shall be asked for.")
    size_param: str = Field(default="limit", description="Query parameter of `size`.")
    param: str | None = Field(
        default=None,
        description="Query parameter of the place; default: `page`, `offset`, `cursor` or `after`, by kind.",
    )
    first: int = Field(default=1, ge=0, description="Number of the first page (`page`).")
    next: str = Field(
        default="",
        description="Path to the next cursor (`cursor`), or to its address (`link`), in an answer; null, an "
        "empty text, false and 0 end the list.",
    )
    field: str = Field(default="", description="Path to what marks a user (`marker`); default: `key`.")


_REFUSED: Final = re.compile(r"answered (?:400|404|410)\.")

END: Final[Cursor] = {"end": 1}
"""The place behind the last page."""


class Pager(ABC):
    """One way of paging; a place is a ``Cursor``.

    Args:
        paging: the run file's part.
        key: the field that names a user.
    """

    param: ClassVar[str] = ""
    first: Cursor

    def __init__(self, paging: Paging, key: str | None) -> None:
        self.paging = paging
        self.key = key
        self.first = {"at": ""}
        self._name = paging.param or self.param
        self._size = {paging.size_param: str(paging.size)} if paging.size else {}

    def call(self, place: Cursor) -> tuple[str, dict[str, str]]:
        """Where to ask (empty: the source's own address) and with which parameters."""
        at = str(place["at"])
        return "", {**self._size, **({self._name: at} if at else {})}

    def before(self, place: Cursor) -> Cursor | None:
        """The place before one at which a 404 may mean that the list has ended; None: it never does."""
        del place
        return None

    @abstractmethod
    def next(self, place: Cursor, answer: object, reply: Answer, records: Sequence[object]) -> Cursor:
        """The place behind an answer, ``END`` behind the last."""


class _Once(Pager):
    def next(self, place: Cursor, answer: object, reply: Answer, records: Sequence[object]) -> Cursor:
        del place, answer, records
        if "next" in reply.links():
            raise SourceError(
                "The API's answer names a next page (Link header), and only the first would be read.",
                "Set source.paging to `{kind: link}`.",
            )
        return END


class _Pages(Pager):
    param = "page"

    def __init__(self, paging: Paging, key: str | None) -> None:
        super().__init__(paging, key)
        self.first = {"at": paging.first}

    def before(self, place: Cursor) -> Cursor | None:
        at = int(place["at"])
        return {"at": at - 1} if at > self.paging.first else None

    def next(self, place: Cursor, answer: object, reply: Answer, records: Sequence[object]) -> Cursor:
        del answer, reply
        return {"at": int(place["at"]) + 1} if records else END


class _Offsets(Pager):
    param = "offset"

    def __init__(self, paging: Paging, key: str | None) -> None:
        super().__init__(paging, key)
        self.first = {"at": 0}

    def next(self, place: Cursor, answer: object, reply: Answer, records: Sequence[object]) -> Cursor:
        del answer, reply
        return {"at": int(place["at"]) + len(records)} if records else END


class _Cursors(Pager):
    param = "cursor"

    def next(self, place: Cursor, answer: object, reply: Answer, records: Sequence[object]) -> Cursor:
        del reply, records
        told = text_at(self.paging.next or "next", answer)
        return END if at_end(told) else moved(place, told)


class _Links(Pager):
    def call(self, place: Cursor) -> tuple[str, dict[str, str]]:
        at = str(place["at"])
        return (at, {}) if at else ("", self._size)

    def next(self, place: Cursor, answer: object, reply: Answer, records: Sequence[object]) -> Cursor:
        del records
        told = text_at(self.paging.next, answer) if self.paging.next else reply.links().get("next")
        return END if told is None or at_end(told) else moved(place, urljoin(reply.url, told))


class _Markers(Pager):
    param = "after"

    def next(self, place: Cursor, answer: object, reply: Answer, records: Sequence[object]) -> Cursor:
        del answer, reply
        if not records:
            return END
        field = self.paging.field or self.key or ""
        mark = text_at(field, records[-1])
        if mark is None:
            raise SourceError(
                f"The last user of a page has no {field}, so that the next page cannot be asked for.",
                "Name in source.paging.field what every user has.",
            )
        return moved(place, mark)


def text_at(path: str, answer: object) -> str | None:
    """The text at a path of an answer; None where there is none, or an empty one."""
    value = getter(path)(answer)
    return None if value is MISSING else text_of(value) or None


def moved(place: Cursor, at: str | None) -> Cursor:
    """The next place.

    Raises:
        SourceError: it is the last one again, so that the reading would never end.
    """
    if at is not None and at == place["at"]:
        raise SourceError("The API names the same page as the next one again.", "Check source.paging.")
    return {"at": at} if at else END


class Places:
    """Knows the places of a reading again, in eight bytes each, so that pages in a circle end."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def refuse_again(self, place: Cursor) -> None:
        """Note a place.

        Raises:
            SourceError: it was noted before.
        """
        at = str(place.get("cursor") or place.get("at") or "")
        mark = hashlib.blake2b(at.encode(), digest_size=8).digest()
        if at and mark in self._seen:
            raise SourceError("The API names a page again that was read.", "Check source.paging.")
        self._seen.add(mark)


def refused_place(
    error: SourceError, mend: str = "The place of this page may have expired: start anew with `--new`."
) -> SourceError:
    """Say of a page behind the first that is refused what a person can do, unless the credential is it."""
    return type(error)(error.what, mend) if _REFUSED.search(error.what) else error


PAGERS: Final[Mapping[PagingKind, type[Pager]]] = {
    "none": _Once, "page": _Pages, "offset": _Offsets, "cursor": _Cursors, "link": _Links, "marker": _Markers,
}  # fmt: skip
