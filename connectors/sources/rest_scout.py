"""How a JSON API pages, for who has named no way: from its first answer, and from asking for more."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from connectors.errors import RetryError, SourceError, look_like_data
from connectors.json_text import compact
from connectors.sources.file_scout import likeliest
from connectors.sources.paths import getter
from connectors.sources.rest_paging import text_at
from connectors.sources.rest_signs import next_page_in, total_in
from connectors.sources.rest_source import RestSettings, api_of, total_at
from connectors.sources.scouted import Scouted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from connectors.rest import Answer, RestApi
    from connectors.sources.rest_signs import NextPage

_DEEPEST: Final = 3
"""Levels of objects that a list of users is looked for in."""

_TRIES: Final = 2
"""Times that a query is tried which the API may not know; one that is throttled is waited for."""

_MARKS: Final = ("id", "_id", "uuid", "guid", "user_id", "userId", "uid", "username", "login", "email")
"""Fields by which users of one page are told from those of another, the likelier ones first."""

_BY_NUMBER: Final = ("page", "page_number", "pageNumber", "p")
_BY_COUNT: Final = ("offset", "skip", "start")
_BY_MARK: Final = ("after", "starting_after")
_BY_CURSOR: Final = (
    "cursor", "after", "page", "page_token", "pageToken", "next_token", "token", "starting_after", "offset",
)  # fmt: skip
"""Names of query parameters that are tried, the usual ones first."""

_BY_HAND: Final = (
    "Name the way with --set paging.kind=KIND and --set paging.param=NAME (see the reference), or say with "
    "--set paging.kind=none that this is everybody."
)


def scout(told: Mapping[str, object], base: Path) -> Scouted:
    """Look at the first answer, and try what it does not say, unless a way of paging is told.

    Raises:
        SourceError: the API cannot be read, or tells of more users and gives them in no way that is known.
    """
    del base
    paging = told.get("paging")
    if isinstance(paging, dict) and "kind" in paging:
        return Scouted()
    try:
        settings = RestSettings.model_validate(dict(told))
    except ValidationError:
        return Scouted()  # what does not fit is told by who asked
    first = _first(settings)
    return _scouted(settings, first) if first else Scouted()


@dataclass(frozen=True)
class _First:
    """The first answer, and what is compared with it.

    Attributes:
        settings: what is told.
        api: asks.
        answer: the first answer, decoded.
        reply: its headers.
        path: where its list of users is.
        others: paths of lists that may be users too.
    """

    settings: RestSettings
    api: RestApi
    answer: object
    reply: Answer
    path: str
    others: Sequence[str] = field(default=())

    @cached_property
    def records(self) -> list[Any]:
        return _list_at(self.path, self.answer)

    @cached_property
    def mark(self) -> str:
        """The field that tells users apart; empty where the whole user does."""
        named = (self.settings.key, *_MARKS)
        return next((one for one in named if one and all(text_at(one, user) for user in self.records)), "")

    @cached_property
    def marks(self) -> list[str]:
        return self._marks_of(self.records)

    def is_same(self, **params: str) -> bool:
        """Whether a query gives the users of the first answer."""
        return self._asked(params) == self.marks

    def is_more(self, **params: str) -> bool:
        """Whether a query gives users, and none of the first answer."""
        found = self._asked(params)
        return bool(found) and not set(found) & set(self.marks)

    def _asked(self, params: Mapping[str, str]) -> list[str]:
        try:
            answer, _ = self.api.get_json("", "the users", params={**_params(self.settings), **params})
        except (SourceError, RetryError):
            return []  # a server may refuse what it does not know
        return self._marks_of(_list_at(self.path, answer))

    def _marks_of(self, records: Sequence[Any]) -> list[str]:
        return [(self.mark and text_at(self.mark, user)) or compact(user) for user in records]


def _params(settings: RestSettings) -> dict[str, str]:
    paging = settings.paging
    return {**settings.params, **({paging.size_param: str(paging.size)} if paging.size else {})}


def _first(settings: RestSettings) -> _First | None:
    """Ask once; None where the answer has no list of users, which reading it will say."""
    api = api_of(settings)
    answer, reply = api.get_json("", "the users", params=_params(settings))
    found = [settings.records] if settings.records or isinstance(answer, list) else likeliest(_lists(answer))
    probe = replace(api, attempts=_TRIES)
    made = _First(settings, probe, answer, reply, found[0], found[1:]) if found else None
    return made if made and made.records else None


def _lists(value: object, path: str = "", depth: int = 0) -> Iterator[str]:
    """Paths of lists of objects that stand in objects alone; a key that may be data leads nowhere."""
    for key, inner in value.items() if isinstance(value, dict) and depth < _DEEPEST else ():
        place = f"{path}.{key}" if path else key
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):
            yield place
        elif not look_like_data([key]):
            yield from _lists(inner, place, depth + 1)


def _list_at(path: str, answer: object) -> list[Any]:
    found = getter(path)(answer) if path else answer
    return found if isinstance(found, list) else []


def _scouted(settings: RestSettings, first: _First) -> Scouted:
    chosen: dict[str, object] = {}
    notes: list[str] = []
    if first.path != settings.records:
        others = f" Other lists: {', '.join(first.others)} (--set records=PATH)." if first.others else ""
        chosen["records"] = first.path
        notes.append(f"records {first.path}: the list of objects that is most likely users.{others}")
    total = _total(first)
    found, why = _paging(first, total)
    if found:
        given = settings.paging.model_dump(exclude_unset=True)
        chosen["paging"] = {**given, **found}
        notes.append(f"paging {found['kind']}: {why}")
    if total and not settings.total:
        chosen["total"] = total
        notes.append(f"total {total}: a list that ends before that number of users is an error.")
    return Scouted(chosen, tuple(notes))


def _total(first: _First) -> str | None:
    """Where a number of users stands that is larger than the list."""
    told, listed = first.settings.total, len(first.records)
    if told:
        return told if (total_at(told, first.answer, first.reply) or 0) > listed else None
    return total_in(first.answer, first.reply.headers, listed)


def _paging(first: _First, total: str | None) -> tuple[dict[str, object], str]:
    """The part ``paging``, and why; empty where the answer tells of nobody else."""
    if "next" in first.reply.links():
        return {"kind": "link"}, "the answer has a Link header with the next page."
    told = next_page_in(first.answer)
    if told and told.kind == "link":
        return {**told.paging()}, f"the answer has the next page's address at {told.path}."
    if told and told.kind == "cursor":
        return _by_cursor(first, told)
    if not told and not total:
        return {}, ""
    found = _tried(first)
    said = f"the answer tells of more users ({told.path if told else total})"
    if found is None:
        raise SourceError(
            f"{said[0].upper()}{said[1:]} than it lists, and none of the usual ways brought others.", _BY_HAND
        )
    return found, f"{said} than it lists, and asked in this way, it gave others."


def _by_cursor(first: _First, told: NextPage) -> tuple[dict[str, object], str]:
    """Find the query parameter that a cursor is sent back in by sending it."""
    said = f"the answer has a cursor at {told.path}"
    own = re.sub(r"^next[_-]?", "", told.path.rpartition(".")[2])
    for name in dict.fromkeys((own[:1].lower() + own[1:], *_BY_CURSOR, told.path.rpartition(".")[2])):
        if name and first.is_more(**{name: told.value}):
            return {**told.paging(), "param": name}, f"{said}, and sent back in {name}, it gave other users."
    raise SourceError(
        f"{said[0].upper()}{said[1:]}, and in none of the usual query parameters it brought other users.",
        _BY_HAND,
    )


def _tried(first: _First) -> dict[str, object] | None:
    """Ask for the next page by its number, by the users before it, and behind the last user."""
    for name in _BY_NUMBER:
        if first.is_same(**{name: "1"}) and first.is_more(**{name: "2"}):
            return {"kind": "page", "param": name}
        if first.is_more(**{name: "1"}) and first.is_same(**{name: "0"}):
            return {"kind": "page", "param": name, "first": 0}
    for name in _BY_COUNT:
        if first.is_more(**{name: str(len(first.records))}):
            return {"kind": "offset", "param": name}
    for name in _BY_MARK if first.mark else ():
        if first.is_more(**{name: first.marks[-1]}):
            return {"kind": "marker", "param": name, "field": first.mark}
    return None
