"""HTTP sessions are made in one way; checked against a server on loopback."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
import requests

from connectors import http
from connectors.aws import user_agent

if TYPE_CHECKING:
    from collections.abc import Iterator


class Server(ThreadingHTTPServer):
    """Notes who called; answers 503, or for /slow not at all until it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.agents: list[str] = []
        self.released = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.agents.append(self.headers["User-Agent"])
        if self.path == "/slow":
            self.server.released.wait(10)
        self.send_response(503)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.released.set()
    made.shutdown()
    thread.join()
    made.server_close()


def test_a_session_says_who_calls_and_never_retries(server: Server) -> None:
    with http.session() as session:
        assert session.get(server.url).status_code == 503
    assert server.agents == [user_agent()]


def test_a_session_gives_up_on_a_silent_server_by_itself(server: Server) -> None:
    with http.session(read=0.05) as session, pytest.raises(requests.ReadTimeout):
        session.get(f"{server.url}/slow")


def test_a_request_s_own_time_out_wins(server: Server) -> None:
    with http.session(read=30) as session, pytest.raises(requests.ReadTimeout):
        session.get(f"{server.url}/slow", timeout=0.05)
