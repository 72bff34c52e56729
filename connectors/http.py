"""The one place that makes HTTP sessions: bounded waits, a name, and no retries of its own."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from connectors.aws import user_agent

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

_log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0


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


def session(*, connect: float = CONNECT_SECONDS, read: float = READ_SECONDS) -> requests.Session:
    """Make a session whose requests cannot wait for ever.

    Args:
        connect: seconds to wait for a connection.
        read: seconds to wait between two bytes of the answer.

    Returns:
        A session with Poolferry's user agent. It never retries: ``connectors.retry`` does.
    """
    made = requests.Session()
    made.headers["User-Agent"] = user_agent()
    for scheme in ("http://", "https://"):
        made.mount(scheme, _BoundedAdapter(connect, read))
    return made
