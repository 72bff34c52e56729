"""A file on its way to a real HTTP server on loopback: what arrives, and what each broken way leads to."""

from __future__ import annotations

import socket
import struct
import threading
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from cognito_jobs import NOW, Jobs

from connectors.cognito import import_upload
from connectors.cognito.import_job import Job
from connectors.errors import ConfigurationError, RetryError, SpentJobError, TargetError, ThrottledError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = bytes(range(256)) * 12_000  # 3 MB: more than any socket buffer takes at once
SECRET = "X-Amz-Signature=abcdef"  # noqa: S105 - it stands for one


@dataclass
class Store:
    """A store that answers what it was told to; ``cut`` answers by breaking the connection."""

    answers: list[int | str] = field(default_factory=list)
    body: str = ""
    puts: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    address: str = ""

    def job(self) -> Job:
        url = f"{self.address}/123456789012/pool/import-abc?{SECRET}"
        return Job("import-abc", "n", "Created", url=url, url_expires=NOW + timedelta(seconds=899))


@pytest.fixture
def store() -> Iterator[Store]:
    told = Store()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            answer = told.answers.pop(0) if told.answers else 200
            if answer == "cut":
                self.rfile.read(100_000)
                reset = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                self.connection.close()
                return
            content = self.rfile.read(int(self.headers["Content-Length"]))
            told.puts.append(
                (self.path, {key.lower(): value for key, value in self.headers.items()}, content)
            )
            self.send_response(int(answer))
            if answer == 307:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body.encode())

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

        def finish(self) -> None:
            if not self.connection._closed:
                super().finish()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "batch.csv").write_bytes(CONTENT)
    return tmp_path / "batch.csv"


def test_the_file_arrives_as_it_lies_with_the_signed_header(store: Store, path: Path) -> None:
    steps: list[tuple[int, int]] = []
    Jobs().upload(store.job(), path, on_progress=lambda sent, total: steps.append((sent, total)))
    ((asked, headers, content),) = store.puts
    assert content == CONTENT
    assert asked.endswith(SECRET)
    assert headers["x-amz-server-side-encryption"] == "aws:kms"
    assert headers["content-length"] == str(len(CONTENT))
    assert "transfer-encoding" not in headers
    assert "content-type" not in headers
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert len(steps) == 3
    assert steps == sorted(set(steps))


def test_no_password_of_the_machine_goes_along(
    store: Store, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests would add what ``.netrc`` has for the host, and a second signature spoils the first."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login vera password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    Jobs().upload(store.job(), path)
    assert "authorization" not in store.puts[0][1]


@pytest.mark.parametrize("answer", ["cut", 500, 503, 408, 429])
def test_a_broken_way_is_walked_again_from_the_beginning(store: Store, path: Path, answer: int | str) -> None:
    store.answers = [answer, answer]
    jobs = Jobs()
    jobs.upload(store.job(), path)
    assert store.puts[-1][2] == CONTENT
    assert len(jobs.pauses) == 2


@pytest.mark.parametrize(("answer", "kind"), [("cut", RetryError), (500, RetryError), (503, ThrottledError)])
def test_a_way_that_stays_broken_ends_as_one_that_may_be_tried_again(
    store: Store, path: Path, answer: int | str, kind: type[RetryError]
) -> None:
    store.answers = [answer] * 8
    with pytest.raises(kind) as refused:
        Jobs().upload(store.job(), path)
    assert type(refused.value) is kind
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("answer", [403, 400, 404, 307])
def test_a_refused_url_needs_a_new_job_and_no_second_try(store: Store, path: Path, answer: int) -> None:
    store.answers = [answer]
    store.body = "<Error><Code>AccessDenied</Code><Message>vera may not</Message></Error>"
    jobs = Jobs()
    with pytest.raises(SpentJobError) as refused:
        jobs.upload(store.job(), path)
    assert f"HTTP {answer} (AccessDenied)" in str(refused.value)
    assert "vera" not in str(refused.value)
    assert SECRET not in str(refused.value)
    assert len(store.puts) == 1
    assert jobs.pauses == []


def test_a_store_that_waited_too_long_for_bytes_is_tried_again(store: Store, path: Path) -> None:
    """S3 says so with HTTP 400, as it says what can never work."""
    store.answers = [400]
    store.body = "<Error><Code>RequestTimeout</Code></Error>"
    Jobs().upload(store.job(), path)
    assert len(store.puts) == 2


@pytest.mark.parametrize("changes", [{"url_expires": NOW}, {"url": ""}])
def test_an_expired_url_is_not_even_asked(store: Store, path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(SpentJobError, match=r"has expired. Make a new job"):
        Jobs().upload(replace(store.job(), **changes), path)
    assert store.puts == []


def test_a_url_that_expires_between_two_tries_is_given_up(store: Store, path: Path) -> None:
    store.answers = [500]
    jobs = Jobs()
    moments = [NOW, NOW + timedelta(seconds=899)]
    jobs._clock = lambda: moments.pop(0)
    with pytest.raises(SpentJobError):
        jobs.upload(store.job(), path)
    assert len(store.puts) == 1


def test_a_file_over_the_limit_is_not_sent(store: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_upload, "MAX_FILE_BYTES", len(CONTENT) - 1)
    with pytest.raises(ConfigurationError, match="Cut the batch smaller"):
        Jobs().upload(store.job(), path)
    assert store.puts == []


def test_nobody_at_the_address_is_tried_again(path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    job = Job("import-abc", "n", "Created", url=f"http://127.0.0.1:{port}/", url_expires=NOW + timedelta(1))
    jobs = Jobs()
    with pytest.raises(RetryError, match="broke off: ConnectionError"):
        jobs.upload(job, path)
    assert len(jobs.pauses) == 7


def test_an_address_that_is_none_is_not_tried_again(path: Path) -> None:
    job = Job("import-abc", "n", "Created", url=f"nonsense?{SECRET}", url_expires=NOW + timedelta(1))
    with pytest.raises(TargetError) as refused:
        Jobs().upload(job, path)
    assert SECRET not in str(refused.value)
