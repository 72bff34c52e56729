"""A small HTTP server on loopback for tests: a system's API, with faults that a test plants.

A system's own server is a subclass with ``answer``, written from that system's published description.
"""

from __future__ import annotations

import json
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

FaultKind = Literal["unauthorized", "forbidden", "throttled", "broken", "cut", "malformed"]


@dataclass(frozen=True)
class Request:
    """One request, as the server saw it."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


@dataclass(frozen=True)
class Reply:
    """One answer; ``content`` is JSON unless it is bytes."""

    content: object = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else json.dumps(self.content).encode()


PLANTED: dict[FaultKind, Reply] = {
    "unauthorized": Reply({"error": "unauthorized"}, 401),
    "forbidden": Reply({"error": "forbidden"}, 403),
    "throttled": Reply({"error": "slow down"}, 429, {"Retry-After": "7"}),
    "broken": Reply({"error": "internal"}, 500),
    "malformed": Reply(b'{"users": [{"id": "cut he'),
}


class ApiServer:
    """Serves ``answer`` on a free port of loopback while its ``with`` block lasts."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.faults: list[FaultKind] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def fail(self, kind: FaultKind, times: int = 1) -> None:
        """Let the next calls fail in this way; calls for a token are left alone."""
        self.faults += [kind] * times

    def is_token_call(self, request: Request) -> bool:
        """Whether a call asks for a token."""
        return "token" in request.path

    def answer(self, request: Request) -> Reply:
        """What the system answers."""
        raise NotImplementedError

    def reply(self, request: Request) -> Reply | None:
        """The planted fault, or the answer; None to cut the connection."""
        self.requests.append(request)
        if self.faults and not self.is_token_call(request):
            kind = self.faults.pop(0)
            return None if kind == "cut" else PLANTED[kind]
        return self.answer(request)


def _handler_of(server: ApiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            reply = server.reply(Request(self.command, parts.path, query, self.headers, body))
            if reply is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            content = reply.body()
            self.send_response(reply.status)
            headers = {
                "Content-Type": "application/json",
                "Content-Length": str(len(content)),
                **reply.headers,
            }
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
