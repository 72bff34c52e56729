"""moto's log stream, quick enough for the log of half a million users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.logs.exceptions import InvalidParameterException
from moto.logs.models import LogStream

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_EVENTS = 10_000
"""Events of a page unless a reader asks for fewer."""

Page = tuple[list[dict[str, Any]], str | None, str | None]
"""Events, the token that leads back, the token that leads on."""


class ImportStream(LogStream):  # type: ignore[misc]  # moto ships no types
    """A stream whose events are appended in the order of their times.

    moto sorts all events for each page; here a page is a slice. Tokens are moto's own.
    """

    def append(self, now: int, messages: Sequence[str]) -> None:
        """Append messages in one go.

        Args:
            now: milliseconds; where the clock went back, the time of the last event counts, so that
                a reader who pages finds new events behind those that he has.
            messages: their texts.
        """
        time = max(now, self.events[-1].timestamp) if self.events else now
        self.put_log_events([{"timestamp": time, "message": text} for text in messages])

    def get_log_events(
        self,
        start_time: str,
        end_time: str,
        limit: int,
        next_token: str | None,
        start_from_head: str,
    ) -> Page:
        """Return a page; all that reads on from the head is quick, the rest is moto's."""
        forward = next_token.startswith("f/") if next_token else start_from_head
        if start_time or end_time or not forward:
            found: Page = super().get_log_events(start_time, end_time, limit, next_token, start_from_head)
            return found
        first = _behind(next_token) if next_token else 0
        page = self.events[first : first + (limit or MOST_EVENTS)]
        last = first + len(page) - 1
        tokens = _token("b", first if page else last), _token("f", last)
        return [event.to_response_dict() for event in page], *tokens

    def _update(self) -> None:
        """Note the times of the first and the last event without looking at those between."""
        if self.events:
            self.first_event_timestamp = self.events[0].timestamp
            self.last_event_timestamp = self.events[-1].timestamp


def _behind(token: str) -> int:
    """Index of the first event behind a forward token.

    Raises:
        InvalidParameterException: it is none of ours.
    """
    try:
        return int(token[2:]) + 1
    except ValueError:
        raise InvalidParameterException("The specified nextToken is invalid.") from None


def _token(direction: str, index: int) -> str:
    return f"{direction}/{index:056d}"
