"""Plants faults into requests: error answers, refusals, and connections that are really cut."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar

from connectors.cognito.sandbox.settings_faults import UPLOAD, Fault, JobFault
from connectors.cognito.sandbox.upload import BUCKET_PATH

if TYPE_CHECKING:
    from collections.abc import Sequence

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_Fault = TypeVar("_Fault", Fault, JobFault)

BUSY_TEXT: Final = "Another user import job is active."

_COGNITO: Final = {
    "http_500": ("500 Internal Server Error", "InternalErrorException", "Something is wrong."),
    "http_503": ("503 Service Unavailable", "ServiceUnavailable", "Something is wrong."),
    "http_403": ("400 Bad Request", "AccessDeniedException", "User is not authorized."),
    "throttle": ("400 Bad Request", "TooManyRequestsException", "Rate exceeded"),
    "busy": ("400 Bad Request", "PreconditionNotMetException", BUSY_TEXT),
}
_LOGS: Final = _COGNITO | {
    "http_503": ("500 Internal Server Error", "ServiceUnavailableException", "Something is wrong."),
    "throttle": ("400 Bad Request", "ThrottlingException", "Rate exceeded"),
}
_STORE: Final = {
    "http_500": ("500 Internal Server Error", "InternalError", "We encountered an internal error."),
    "http_503": ("503 Service Unavailable", "ServiceUnavailable", "Please reduce your request rate."),
    "http_403": ("403 Forbidden", "AccessDenied", "Access Denied"),
    "throttle": ("503 Slow Down", "SlowDown", "Please reduce your request rate."),
}


@dataclass(slots=True)
class Strikes:
    """Counts, fault by fault, what could have been struck; a fault strikes behind its ``skip``.

    Attributes:
        seen: by the fault's place in the list.
        struck: of all faults.
        lock: held while it counts.
    """

    struck: int = 0
    seen: Counter[int] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)

    def due(self, fault: Fault | JobFault, place: int) -> bool:
        """Count one more, and say whether the fault at that place of the list strikes it."""
        with self.lock:
            number = self.seen[place]
            self.seen[place] += 1
            due = number >= fault.skip and (fault.times is None or number < fault.skip + fault.times)
            self.struck += due
        return due


def operation_of(environ: Environ) -> str:
    """AWS's name of the operation, or ``Upload``; empty for what is neither."""
    if environ["PATH_INFO"].startswith(BUCKET_PATH):
        return UPLOAD
    return str(environ.get("HTTP_X_AMZ_TARGET", "")).rpartition(".")[2]


def first_due(faults: Sequence[_Fault], strikes: Strikes, operation: str | None = None) -> _Fault | None:
    """The fault that strikes a request of an operation, or a job; all that could strike are counted."""
    due = [
        fault
        for place, fault in enumerate(faults)
        if getattr(fault, "at", None) == operation and strikes.due(fault, place)
    ]
    return due[0] if due else None


def struck(
    fault: Fault, inner: Application, environ: Environ, start_response: StartResponse
) -> Iterable[bytes]:
    """Answer a request in the way of a fault.

    Raises:
        ConnectionResetError: the connection is cut; the server takes it for a client that hung up.
    """
    if fault.when == "after":
        for _ in inner(environ, _unheard):
            pass
    else:
        _read(environ, half=fault.kind == "cut_half_way")
    if fault.kind in ("cut", "cut_half_way"):
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionResetError
    return _refused(fault, environ, start_response)


def _unheard(*_: object) -> None:
    """Take a status and headers that nobody will see."""


def _read(environ: Environ, *, half: bool) -> None:
    """Take what the client sends, or half of it."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    environ["wsgi.input"].read(length // 2 if half else length)


def _refused(fault: Fault, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
    known = _STORE if fault.at == UPLOAD else _LOGS if target.startswith("Logs") else _COGNITO
    status, code, text = known.get(fault.kind, _COGNITO["busy"])
    kind, body = "application/x-amz-json-1.1", json.dumps({"__type": code, "message": text}).encode()
    if fault.at == UPLOAD:
        kind, body = (
            "application/xml",
            f"<Error><Code>{code}</Code><Message>{text}</Message></Error>".encode(),
        )
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
