"""What a refusal over HTTP means for the next try: the one rule for APIs and for their token endpoints."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from connectors.errors import RetryError, SourceError, StopError, ThrottledError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from requests import Response

LONGEST_PAUSE: Final = 900.0
"""Seconds that are waited at most because a server asks for it; above, the run stops and can be resumed."""

_TIMED_OUT, _TOO_MANY, _SERVER_FAULT = 408, 429, 500
_RESETS: Final = ("X-Rate-Limit-Reset", "X-RateLimit-Reset", "RateLimit-Reset")
_EPOCH: Final = 1_000_000_000
"""A reset above is seconds since 1970, below seconds from now: servers write either."""


def passing_refusal(answer: Response, what: str, now: float) -> RetryError | StopError | None:
    """Say what is done about a refusal that passes by itself; None where a person must mend something.

    Args:
        answer: what the server answered.
        what: names the call.
        now: seconds since 1970.

    Returns:
        ``ThrottledError`` with the pause that the server asks for, ``SourceError`` where that is longer
        than ``LONGEST_PAUSE``, or ``RetryError`` for a fault of the server's own.
    """
    status, said = answer.status_code, f"{what} answered {answer.status_code}."
    after = _retry_after(answer.headers, now)
    if after is None and status == _TOO_MANY:  # many servers tell the reset with every answer
        after = until_reset(answer.headers, now)
    if status == _TOO_MANY or (status >= _SERVER_FAULT and after is not None):
        return _slower(said, after)
    if status >= _SERVER_FAULT or status == _TIMED_OUT:
        return RetryError(said, "The server has a fault of its own; resume later.")
    return None


def until_reset(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until the limit resets, or None where the server does not tell."""
    reset = number(headers, _RESETS)
    if reset is None:
        return None
    return max(0.0, reset - now if reset > _EPOCH else reset)


def number(headers: Mapping[str, str], names: Sequence[str]) -> float | None:
    """What the first header among the names says, where that is a number."""
    told = next((headers[name] for name in names if name in headers), "")
    try:
        return float(told)
    except ValueError:
        return None


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds of ``Retry-After``, as a number or a date (RFC 9110)."""
    text = headers.get("Retry-After", "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except ValueError:
        return None


def _slower(said: str, after: float | None) -> RetryError | StopError:
    if after is not None and after > LONGEST_PAUSE:
        return SourceError(f"{said} It asks to wait {after:,.0f} s.", "Resume after that time.")
    return ThrottledError(said, "The source allows no more at this pace; resume later.", after=after)
