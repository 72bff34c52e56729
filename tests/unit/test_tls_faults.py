"""Handshakes of TLS that break, and certificates that are refused: only the latter are called that."""

from __future__ import annotations

import io
import socket
import ssl
import struct
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cognito_jobs import NOW, Jobs

from connectors.cognito.import_job import Job
from connectors.errors import RetryError, SourceError, TargetError
from connectors.rest import RestApi
from connectors.rest_auth import ClientCredentials
from tests.servers.slapd import certificate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOT_TRUSTED = "certificate is not trusted"


def reset(taken: socket.socket) -> None:
    taken.recv(1)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def end(taken: socket.socket) -> None:
    taken.recv(65536)


def speak_plainly(taken: socket.socket) -> None:
    taken.recv(65536)
    taken.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


BREAKS = (reset, end, speak_plainly)


@contextmanager
def serving(meet: Callable[[socket.socket], None]) -> Iterator[str]:
    """Meet each connection, then close it; gives the address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                taken, _ = listening.accept()
                with taken:
                    if stopping.is_set():
                        return
                    meet(taken)

        stopping = threading.Event()
        thread = threading.Thread(target=serve)
        thread.start()
        port = listening.getsockname()[1]
        try:
            yield f"https://localhost:{port}"
        finally:
            stopping.set()
            socket.create_connection(("127.0.0.1", port)).close()
            thread.join()


@contextmanager
def showing(folder: Path, host: str) -> Iterator[str]:
    """Show a certificate that signs itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(folder, host))

    def meet(taken: socket.socket) -> None:
        try:
            with context.wrap_socket(taken, server_side=True) as talk:
                talk.recv(65536)
        except OSError:
            pass  # the client has refused the certificate

    with serving(meet) as url:
        yield url


@pytest.mark.parametrize("meet", BREAKS, ids=lambda meet: meet.__name__)
def test_a_handshake_that_breaks_is_a_fault_of_the_network(meet: Callable[[socket.socket], None]) -> None:
    pauses: list[float] = []
    with serving(meet) as url:
        auth = ClientCredentials(f"{url}/token", {"client_id": "c"})
        for call in (
            lambda: RestApi(url, sleep=pauses.append).get("/users"),
            lambda: RestApi(url, sleep=pauses.append).download(url, io.BytesIO(), "the file"),
            lambda: RestApi("http://127.0.0.1", auth, sleep=pauses.append).get("/users"),
        ):
            pauses.clear()
            with pytest.raises(RetryError, match="got no answer") as caught:
                call()
            assert NOT_TRUSTED not in str(caught.value)
            assert len(pauses) == 7


@pytest.mark.parametrize("meet", BREAKS, ids=lambda meet: meet.__name__)
def test_an_upload_whose_handshake_breaks_is_tried_again(
    meet: Callable[[socket.socket], None], tmp_path: Path
) -> None:
    (tmp_path / "batch.csv").write_bytes(b"a")
    jobs = Jobs()
    with serving(meet) as url, pytest.raises(RetryError):
        jobs.upload(job(url), tmp_path / "batch.csv")
    assert len(jobs.pauses) == 7


def job(url: str) -> Job:
    return Job("import-abc", "n", "Created", url=url, url_expires=NOW + timedelta(1))


@pytest.mark.parametrize("host", ["localhost", "elsewhere.example.com"])
def test_a_certificate_that_is_refused_stops_at_once(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of nobody who is known; or of somebody who is, but for another host."""
    (tmp_path / "batch.csv").write_bytes(b"a")
    with showing(tmp_path, host) as url:
        if host != "localhost":
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / f"{host}.pem"))
        auth = ClientCredentials(f"{url}/token", {"client_id": "c"})
        with pytest.raises(SourceError, match=NOT_TRUSTED):
            RestApi(url, sleep=refuse).get("/users")
        with pytest.raises(SourceError, match=f"The token endpoint: the server's {NOT_TRUSTED}"):
            RestApi("http://127.0.0.1", auth, sleep=refuse).get("/users")
        with pytest.raises(TargetError, match=NOT_TRUSTED):
            Jobs().upload(job(url), tmp_path / "batch.csv")


def refuse(_: float) -> None:
    raise AssertionError("no second try")
