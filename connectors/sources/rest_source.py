"""Any JSON API that hands out users in pages, declared in the run file: such a system needs no connector."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from pydantic import Field, model_validator

from connectors.errors import AbsentError, SourceError
from connectors.rest import RestApi
from connectors.sources.base import SourceSettings, SourceTraits
from connectors.sources.paths import getter
from connectors.sources.record_source import Batch, RecordSource
from connectors.sources.rest_auth_settings import RestAuth
from connectors.sources.rest_paging import END, PAGERS, Paging, Places, text_at
from connectors.sources.rest_signs import next_page_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Self

    from connectors.records import Cursor
    from connectors.rest import Answer
    from connectors.sources.rest_paging import Pager

_NAMED: Final = ("none", "cursor", "link")
"""Kinds of paging in which the answer alone says whether it is the last."""


class RestSettings(SourceSettings):
    """Settings of ``kind: rest``."""

    kind: Literal["rest"] = "rest"
    url: str = Field(
        pattern=r"^https?://", description="Address of the list of users, without paging parameters."
    )
    auth: RestAuth | None = Field(default=None, description="How calls are signed; default: not at all.")
    headers: dict[str, str] = Field(
        default_factory=dict, description="Headers sent with every call to the server of `url`."
    )
    params: dict[str, str] = Field(default_factory=dict, description="Query parameters sent with every call.")
    records: str = Field(
        default="",
        description="Path to the list of users in an answer; default: the answer itself.",
        examples=["items"],
    )
    total: str = Field(
        default="",
        description="Path to the number of all users in an answer, or `header:NAME`: for the progress, and "
        "so that no page behind the last is asked for. A list that ends before it is an error.",
    )
    paging: Paging = Field(default_factory=Paging, description="How the next page is asked for.")

    @model_validator(mode="after")
    def _marker_needs_a_field(self) -> Self:
        if self.paging.kind == "marker" and not (self.paging.field or self.key):
            raise ValueError("paging.field or `key` must name the field that marks a record")
        return self


def api_of(settings: RestSettings, sleep: Callable[[float], None] = time.sleep) -> RestApi:
    """The API that settings name; its paths begin at the list of users."""
    auth = settings.auth.signer() if settings.auth else None
    return RestApi(settings.url, auth, headers=settings.headers, sleep=sleep)


def total_at(path: str, answer: object, reply: Answer) -> int | None:
    """The number of all users by ``total`` of the settings; None where there is none."""
    header = path.removeprefix("header:")
    told = reply.headers.get(header) if header != path else text_at(path, answer) if path else None
    return int(told) if told and told.isdigit() else None


class RestSource(RecordSource):
    """Reads users from a JSON API.

    Args:
        settings: where, and how.
        base: not used; every kind of source takes it.
        sleep: takes seconds; tests give one that does not sleep.
    """

    traits: ClassVar[SourceTraits] = SourceTraits(resumable=True, live=True)

    def __init__(
        self, settings: RestSettings, base: Path, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        del base
        self._settings = settings
        self._api = api_of(settings, sleep)
        self._records = getter(settings.records) if settings.records else lambda answer: answer

    def check(self) -> None:
        """Read the first page."""
        next(self._batches((), None), None)

    def fingerprint(self) -> str:
        """Hash of the address and of where its records are."""
        said = f"{self._settings.url}\n{self._settings.records}\n{sorted(self._settings.params.items())}"
        return hashlib.sha256(said.encode()).hexdigest()

    def _batches(self, fields: Sequence[str], after: Cursor | None) -> Iterator[Batch]:
        del fields  # what an unknown API can leave out is not known
        pager = PAGERS[self._settings.paging.kind](self._settings.paging, self._settings.key)
        place, before, read = after or pager.first, b"", int((after or {}).get("read", 0))
        places = Places()
        while "end" not in place:
            places.refuse_again(place)
            told = self._page(pager, place, read)
            if told is None:
                return
            answer, reply = told
            records = self._list_in(answer)
            self._refuse_standstill(records, reply.body, before)
            before, read = reply.body, read + len(records)
            total = total_at(self._settings.total, answer, reply)
            place = END if self._is_all(read, total) else pager.next(place, answer, reply, records)
            if "end" in place:
                self._refuse_gap(read, total)
                if self._settings.paging.kind in _NAMED:
                    self._refuse_unread(answer, total)
            if records:
                yield Batch(records, {**place, "read": read}, min(1.0, read / total) if total else None)

    def _page(self, pager: Pager, place: Cursor, read: int) -> tuple[Any, Answer] | None:
        """An answer; None behind the last page, where Django's paging answers 404.

        That is believed where the page before it is there still, tells of nobody else, and a second try ends
        the same way.
        """
        try:
            return self._asked(pager, place)
        except AbsentError:
            if (before := pager.before(place)) is None:
                raise
        answer, reply = self._asked(pager, before)
        self._list_in(answer)
        total = total_at(self._settings.total, answer, reply)
        self._refuse_gap(read, total)
        self._refuse_unread(answer, total)
        try:
            return self._asked(pager, place)
        except AbsentError:
            return None

    def _asked(self, pager: Pager, place: Cursor) -> tuple[Any, Answer]:
        path, params = pager.call(place)
        asked = params if path else {**self._settings.params, **params}
        return self._api.get_json(path, "the users", params=asked)

    def _refuse_standstill(self, records: list[object], body: bytes, before: bytes) -> None:
        if records and body == before:
            raise SourceError(
                "The API answers every page with the same users.",
                f"Check source.paging: its kind is {self._settings.paging.kind}.",
            )

    def _is_all(self, read: int, total: int | None) -> bool:
        """Whether a total ends the reading: never where the answers name the next page themselves.

        Some servers count only the page in it.
        """
        return bool(total) and read >= (total or 0) and self._settings.paging.kind not in _NAMED

    def _refuse_gap(self, read: int, total: int | None) -> None:
        if total is not None and read < total:
            raise SourceError(
                f"The API tells of {total:,} users and ends after {read:,}.",
                f"Check source.paging: its kind is {self._settings.paging.kind}.",
            )

    def _refuse_unread(self, answer: object, total: int | None) -> None:
        """Refuse to end where the answer names a next page; who has told the total knows that it is all."""
        found = next_page_in(answer) if total is None else None
        if found is None:
            return
        way = ", ".join(f'{name}: "{value}"' for name, value in found.paging().items())
        raise SourceError(
            f"The API's answer tells of a next page ({found.path}), and the list would end before it.",
            (f"Set source.paging to `{{{way}}}`" if way else "Set source.paging to the API's way of paging")
            + "; if there is none, let source.total name the number of all users.",
        )

    def _list_in(self, answer: object) -> list[object]:
        records = self._records(answer)
        if isinstance(records, list):
            return records
        where = self._settings.records or "the answer itself"
        raise SourceError(f"source.records: {where} is no list of users.", "Name the path to the list.")
