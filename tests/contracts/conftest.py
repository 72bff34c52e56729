"""Real servers for contract tests, started once a session."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.servers.databases import mariadb, postgresql

if TYPE_CHECKING:
    from collections.abc import Iterator


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
def mariadb_url(server_folder: Path) -> Iterator[str]:
    """URL of a MariaDB that lives for this test session, with an empty database ``app``."""
    with mariadb(server_folder) as url:
        yield url
