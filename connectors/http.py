"""The one place that makes HTTP sessions: bounded waits, a name, and no retries of its own."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

from connectors.aws import user_agent

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

_log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0

_PORTS: Final = {"http": 80, "https": 443}


class _BoundedAdapter(HTTPAdapter):
    """Gives every request that sets no time-out the session's; urllib3's retries stay off."""

    def __init__(self, connect: float, read: float) -> None:
        super().__init__(max_retries=0)
        self._bounds = (connect, read)

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:  # noqa: ANN401 - passed on
        """Send with the bounds (seconds) unless the caller set some.

        The log gets the host alone: a path or a query may name a person, and an upload's holds its right.
        """
        if options.get("timeout") is None:
            options["timeout"] = self._bounds
        began = time.monotonic()
        answer = super().send(request, *args, **options)
        took, host = round(time.monotonic() - began, 4), urlsplit(request.url or "").hostname
        extra = {"host": host, "status": answer.status_code, "seconds": took}
        _log.debug("%s to %s answered %d", request.method, host, answer.status_code, extra=extra)
        return answer


class _Session(requests.Session):
    """Follows a redirect only to the server that was asked.

    ``requests`` takes away ``Authorization`` alone on the way to another server: every other header, and
    the body of a 307, would go with it. What leads elsewhere is the answer, for its caller to refuse.
    """

    def get_redirect_target(self, resp: Response) -> str | None:
        """Where to go on, None where that is nowhere or another server."""
        target = super().get_redirect_target(resp)
        if target is None or origin(urljoin(resp.url, target)) != origin(resp.url):
            return None
        return target


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port, equal for all spellings of one server (RFC 6454).

    Raises:
        ValueError: it is no address.
    """
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def session(*, connect: float = CONNECT_SECONDS, read: float = READ_SECONDS) -> requests.Session:
    """Make a session whose requests cannot wait for ever.

    Args:
        connect: seconds to wait for a connection.
        read: seconds to wait between two bytes of the answer.

    Returns:
        A session with Poolferry's user agent. It never retries: ``connectors.retry`` does. A redirect to
        another server is not followed.
    """
    made = _Session()
    made.headers["User-Agent"] = user_agent()
    for scheme in ("http://", "https://"):
        made.mount(scheme, _BoundedAdapter(connect, read))
    return made
