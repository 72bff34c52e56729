"""What a refusal over HTTP, or no answer, means for the next try: one rule for APIs and token endpoints."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

import requests

from connectors.errors import RetryError, SourceError, StopError, ThrottledError
from connectors.retry import is_bad_certificate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from requests import Response

LONGEST_PAUSE: Final = 900.0
"""Seconds that are waited at most because a server asks for it; above, the run stops and can be resumed."""

_TIMED_OUT, _TOO_MANY, _SERVER_FAULT = 408, 429, 500
_RESETS: Final = ("X-Rate-Limit-Reset", "X-RateLimit-Reset", "RateLimit-Reset")
_PASSING: Final = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
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


def without_answer(error: Exception, what: str) -> RetryError | SourceError:
    """Say what is done where no answer came, or half of one.

    Args:
        error: what requests raised.
        what: names the call.
    """
    if is_bad_certificate(error):
        return SourceError(f"{what}: the server's certificate is not trusted.", "Set REQUESTS_CA_BUNDLE.")
    if isinstance(error, _PASSING):
        return RetryError(f"{what} got no answer ({type(error).__name__}).", "Check URL and network.")
    return SourceError(f"{what} cannot be sent ({type(error).__name__}).", "Check the URL.")


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
