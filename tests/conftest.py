"""What every test shares: a quiet, offline environment, a clock that tests move, and database servers."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.servers.databases import mariadb, pgbouncer, postgresql

if TYPE_CHECKING:
    from collections.abc import Iterator

# Prefect makes its home as it is imported, which is while tests are collected.
os.environ.setdefault("PREFECT_HOME", tempfile.mkdtemp(prefix="poolferry-prefect-"))

# Readline sets them for whatever is started; how wide tables are is decided as they are imported.
for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell starts what it puts in the background so
    signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cancelled build leaves no servers behind

# A property is true or not however slow the machine is.
settings.register_profile("poolferry", deadline=None)
settings.load_profile("poolferry")

OFFLINE = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
}


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test sees the credentials, profiles or Prefect settings of whoever runs it."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "PREFECT_"))]:
        monkeypatch.delenv(name)
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("PREFECT_HOME", str(home / "prefect"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "aws-credentials"))


class Clock:
    """Seconds since 1970 that move only when a test moves them."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """The time now."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder for servers' data: pytest's own is closed to other users whenever another session starts."""
    with tempfile.TemporaryDirectory(prefix="poolferry-servers-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def postgresql_url(server_folder: Path) -> Iterator[str]:
    """URL of a PostgreSQL that lives for this test session."""
    with postgresql(server_folder) as url:
        yield url


@pytest.fixture(scope="session")
def pgbouncer_url(postgresql_url: str, server_folder: Path) -> Iterator[str]:
    """URL of that PostgreSQL behind a pooler that shares its sessions between transactions."""
    with pgbouncer(postgresql_url, server_folder) as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_url(server_folder: Path) -> Iterator[str]:
    """URL of a MariaDB that lives for this test session, with an empty database ``app``."""
    with mariadb(server_folder) as url:
        yield url
