"""Lists of a SCIM server, page by page, with what servers do in spite of RFC 7644.

What is borne: a server that ignores ``count`` or fails because of it, fails when it is asked for chosen
attributes, leaves ``totalResults`` out or counts only the page in it, pages less than it is asked for, or
refuses a ``startIndex`` behind the end. What is not borne is a list that is not whole: that is an error.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from connectors.errors import RetryError, SourceError, ThrottledError
from connectors.json_text import compact
from connectors.sources.rest_paging import END, Places, refused_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from connectors.records import Cursor
    from connectors.rest import RestApi

_log = logging.getLogger(__name__)

BY_INDEX: Final[Cursor] = {"start": 1}
BY_CURSOR: Final[Cursor] = {"cursor": "", "read": 0}
AT_ONCE: Final[Cursor] = {"everybody": 1}
"""Places at the beginning, by way of paging."""

_MEND: Final = "Check source.url: it ends before /Users."

_EXPIRED: Final = "Its cursor may have expired: start anew with `--new`, or set source.paging to `index`."

_OPTIONAL: Final = ("attributes", "count")
"""Parameters that only spare the server work, so that it can be asked without them."""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a list: its resources, the place behind it, and the share of the list read with it."""

    resources: list[Any]
    place: Cursor
    done: float | None


class ScimList:
    """One list of a server.

    Args:
        api: the server.
        path: of the list: ``/Users``.
        params: query parameters of every page, without those of paging.
        count: resources a page.
    """

    def __init__(self, api: RestApi, path: str, params: Mapping[str, str], count: int) -> None:
        self._api = api
        self._path = path
        self._params = params
        self._count = count
        self._bare: bool | None = None
        """Whether the server must be asked without ``_OPTIONAL``; None: not known yet."""

    def pages(self, place: Cursor) -> Iterator[Found]:
        """Yield pages from a place on.

        Raises:
            SourceError: the server refuses, or does not give the whole list.
            RetryError: it did not answer in spite of several tries.
        """
        first, places = "", Places()
        while "end" not in place:
            places.refuse_again(place)
            answer = self._page_at(place)
            resources = _resources(answer) if answer is not None else []
            again = bool(first) and first == _mark_of(resources)
            if again and not ("sure" in place or "over" in place):
                raise SourceError(
                    f"GET {self._path} answers every page with the same resources.",
                    "Set source.paging to `none` if the server gives all at once, else to another way.",
                )
            if again or answer is None:
                return
            first, found = _mark_of(resources), self._found(place, answer, resources)
            place = found.place
            if resources:
                yield found

    def _page_at(self, place: Cursor) -> dict[str, Any] | None:
        """The answer at a place; None where the server refuses to look behind the end of the list."""
        try:
            return self._asked({**self._params, **self._paging(place)})
        except SourceError as error:
            if "sure" in place:
                return None
            raise (refused_place(error, _EXPIRED) if place.get("cursor") else error) from None

    def _paging(self, place: Cursor) -> dict[str, str]:
        if "everybody" in place:
            return {}
        name, at = ("cursor", place["cursor"]) if "cursor" in place else ("startIndex", place["start"])
        return {name: str(at), "count": str(self._count)}

    def _asked(self, params: Mapping[str, str]) -> dict[str, Any]:
        bare = {name: value for name, value in params.items() if name not in _OPTIONAL}
        if self._bare:
            return self._once(bare)
        try:
            answer = self._once(params)
        except ThrottledError:
            raise
        except (SourceError, RetryError) as error:
            if self._bare is False or bare == params:
                raise
            return self._asked_bare(bare, error)
        self._bare = False
        return answer

    def _asked_bare(self, bare: Mapping[str, str], error: SourceError | RetryError) -> dict[str, Any]:
        try:
            answer = self._once(bare)
        except (SourceError, RetryError):
            raise error from None
        self._bare = True
        _log.warning(
            "%s The server answers where it is asked neither for chosen attributes nor for a number of "
            "resources, so it is not asked for them any more: it sends whole resources, as many as it likes.",
            error.what,
        )
        return answer

    def _once(self, params: Mapping[str, str]) -> dict[str, Any]:
        answer, _ = self._api.get_json(self._path, params=dict(params))
        if not isinstance(answer, dict):
            raise SourceError(f"GET {self._path} answered no SCIM list.", _MEND)
        return answer

    def _found(self, place: Cursor, answer: Mapping[str, Any], resources: list[Any]) -> Found:
        read, total = _read_before(place) + len(resources), _number(answer.get("totalResults"))
        done = read / total if total and total >= read else None
        return Found(resources, self._behind(place, answer, resources, read, total), done)

    def _behind(
        self, place: Cursor, answer: Mapping[str, Any], resources: list[Any], read: int, total: int | None
    ) -> Cursor:
        if "everybody" in place:
            self._refuse_gap(read, total)
            return END
        if "cursor" in place:
            behind = _behind_cursor(place, answer, read)
            if "end" in behind:
                self._refuse_gap(read, total)
            return behind
        if not resources:
            self._refuse_gap(read, total)
            return END
        if total == read:
            # A server that counts only the page looks done on its first one: look once more.
            return END if int(place["start"]) > 1 else {"start": read + 1, "sure": 1}
        over = {"over": 1} if len(resources) > self._count else {}
        return {"start": read + 1, **over}

    def _refuse_gap(self, read: int, total: int | None) -> None:
        if total is not None and read < total:
            raise SourceError(
                f"GET {self._path} tells of {total:,} resources and ends after {read:,}.",
                "Read them another way (source.paging), or in parts (source.filter).",
            )


def _behind_cursor(place: Cursor, answer: Mapping[str, Any], read: int) -> Cursor:
    """RFC 9865: the last page has no ``nextCursor``; an empty page may have one."""
    told = answer.get("nextCursor")
    if told and told == place["cursor"]:
        raise SourceError("The server names the same cursor again.", "Set source.paging to `index`.")
    return {"cursor": str(told), "read": read} if told else END


def _resources(answer: Mapping[str, Any]) -> list[Any]:
    """The list's resources; an empty list may lack the key (RFC 7644, section 3.4.2)."""
    found = answer.get("Resources")
    if found is None and "totalResults" in answer:
        return []
    if isinstance(found, list):
        return found
    raise SourceError("The server's answer has no list of resources.", _MEND)


def _read_before(place: Cursor) -> int:
    return int(place.get("read", 0)) or int(place.get("start", 1)) - 1


def _number(told: object) -> int | None:
    return int(told) if isinstance(told, str) and told.isdigit() else None


def _mark_of(resources: list[Any]) -> str:
    """What the page is known by, should it come again: its first resource; empty where there is none."""
    first = resources[0] if resources else ""
    return (
        str(first["id"]) if isinstance(first, dict) and first.get("id") else (compact(first) if first else "")
    )
