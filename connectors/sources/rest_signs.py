"""What an answer of a JSON API shows of users whom it does not list: a next page, a larger total."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from connectors.errors import look_like_data
from connectors.json_text import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DEEPEST: Final = 3
"""Levels of objects that are looked through; lists never are: users are in them."""

_NEXT: Final = re.compile(
    r"(?:odata)?next(?:page|records|cursor|link|url|uri|href|token|marker|offset|start|key|number|str)*"
)
_MORE: Final = re.compile(r"(?:has|is)?(?:more|next|nextpage|morepages|moreresults|moreitems)(?:available)?")
_TOTAL: Final = re.compile(
    r"(?:odata)?(?:total|count|num)(?:users|count|results|items|records|elements|hits|rows|entries|size|found)?"
    r"|(?:users|results|items|records)(?:total|count)"
)
"""Names of keys in lower case, without signs."""

_HEADERS: Final = ("X-Total-Count", "X-Total", "Total-Count", "X-Pagination-Total-Count")
_NOTHING: Final = ("false", "0")
_ADDRESS: Final = re.compile(r"https?://|/[\w.-]+[/?]|\?\w+=")


@dataclass(frozen=True, slots=True)
class NextPage:
    """What an answer says of a next page.

    Attributes:
        path: where it says so.
        kind: whether its address or its cursor stands there, or only that there is ``more``.
        value: the address or the cursor; never to be shown.
    """

    path: str
    kind: Literal["link", "cursor", "more"]
    value: str

    def paging(self) -> dict[str, str]:
        """The part ``paging`` of ``kind: rest`` that follows it; empty where only ``more`` is known."""
        return {} if self.kind == "more" else {"kind": self.kind, "next": self.path}


def at_end(told: str | None) -> bool:
    """Whether a text in the place of the next cursor or address says that there is none: null, false or 0."""
    return not told or told in _NOTHING


def next_page_in(answer: object) -> NextPage | None:
    """What an answer says of a next page beside its list; None where it names none."""
    found = [one for path, value in _texts(answer) if (one := _next_page(path, value))]
    kinds = ("link", "cursor", "more")
    return min(found, key=lambda one: kinds.index(one.kind), default=None)


def total_in(answer: object, headers: Mapping[str, str], listed: int) -> str | None:
    """Path to a number of users that is larger than the list, ``header:NAME`` for one in a header."""
    for name in _HEADERS:
        if _number(headers.get(name)) > listed:
            return f"header:{name}"
    found = [path for path, value in _texts(answer) if _is_total(path) and _number(value) > listed]
    return min(found, key=lambda path: "total" not in path.lower(), default=None)


def _next_page(path: str, value: str) -> NextPage | None:
    name = _plain(path)
    if value == "true":
        return NextPage(path, "more", value) if _MORE.fullmatch(name) or _NEXT.fullmatch(name) else None
    if at_end(value) or not _NEXT.fullmatch(name):
        return None
    return NextPage(path, "link" if _ADDRESS.match(value) else "cursor", value)


def _is_total(path: str) -> bool:
    name = _plain(path)
    return bool(name and _TOTAL.fullmatch(name))


def _plain(path: str) -> str:
    """The last key of a path in letters alone; of a link that is an object, the key of the object."""
    *above, last = re.sub(r"@odata\.", "odata", path).split(".")
    named = above[-1] if above and last.lower() in ("href", "url") else last
    return re.sub(r"[^a-z]", "", named.lower())


def _texts(value: object, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Paths and texts that stand in objects alone; keys that may be somebody's data lead nowhere."""
    for key, inner in value.items() if isinstance(value, dict) and depth < _DEEPEST else ():
        place = f"{path}.{key}" if path else key
        if isinstance(inner, dict) and not look_like_data([key]):
            yield from _texts(inner, place, depth + 1)
        elif not isinstance(inner, dict | list) and (text := text_of(inner)):
            yield place, text


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0
