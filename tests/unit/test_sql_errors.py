"""What is made of a database's refusals, told by a listener that speaks as much of PostgreSQL as it takes."""

from __future__ import annotations

import socket
from contextlib import closing, suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import OperationalError

from connectors.errors import RetryError, SourceError
from connectors.sources import sql_waiting
from connectors.sources.sql_source import SqlSettings, SqlSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def refusing() -> Iterator[Callable[[str], str]]:
    """Make a server that refuses every login in these words, and give its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    words: list[str] = []

    def serve() -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                with listener.accept()[0] as opened:
                    while opened.recv(4096)[4:8] in (
                        b"\x04\xd2\x16\x2f",
                        b"\x04\xd2\x16\x30",
                    ):  # may it be TLS?
                        opened.sendall(b"N")
                    said = b"SFATAL\0VFATAL\0CXXXXX\0M" + words[0].encode() + b"\0\0"
                    opened.sendall(b"E" + (len(said) + 4).to_bytes(4) + said)

    def url(told: str) -> str:
        words.append(told)
        return f"postgresql+psycopg://reader:pw@127.0.0.1:{listener.getsockname()[1]}/app"

    Thread(target=serve, daemon=True).start()
    with closing(listener):
        yield url


def source(url: str, folder: Path) -> SqlSource:
    return SqlSource(SqlSettings(url=url, table="users"), folder, sleep=lambda _: None)


@pytest.mark.parametrize(
    "words",
    [
        "the database system is in recovery mode", "the database system is not accepting connections",
        "the database system is starting up", "sorry, too many clients already",
        "remaining connection slots are reserved", "server_login_retry", "an error that nobody has heard of",
    ],
)  # fmt: skip
def test_a_server_that_takes_nobody_now_is_asked_again(
    refusing: Callable[[str], str], tmp_path: Path, words: str
) -> None:
    with pytest.raises(RetryError, match="gave up after 8 tries"):
        source(refusing(words), tmp_path).check()


@pytest.mark.parametrize(
    "words",
    [
        'password authentication failed for user "reader"', 'database "app" does not exist',
        'role "reader" is not permitted to log in', 'no pg_hba.conf entry for host "10.0.0.1"',
        'permission denied for database "app"', "no such database: app",
    ],
)  # fmt: skip
def test_a_login_that_is_refused_is_not_tried_again(
    refusing: Callable[[str], str], tmp_path: Path, words: str
) -> None:
    with pytest.raises(SourceError, match="Check user, password and database"):
        source(refusing(words), tmp_path).check()


@pytest.mark.parametrize("driver", ["postgresql+psycopg", "mysql+pymysql"])
def test_a_server_that_takes_a_connection_and_says_nothing_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, driver: str
) -> None:
    monkeypatch.setattr(sql_waiting, "CONNECTING", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        one = source(f"{driver}://reader:pw@127.0.0.1:{silent.getsockname()[1]}/app", tmp_path)
        given_up = Event()

        def ask() -> None:
            with pytest.raises(OperationalError):
                one.engine.connect()
            given_up.set()

        Thread(target=ask, daemon=True).start()
        assert given_up.wait(20)
