"""Real servers for contract tests, started once a session and ended by their own process id."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

import pymysql
import pytest

from tests.servers.installed import free_port, missing

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
    folders = sorted(glob("/usr/lib/postgresql/*/bin"))  # noqa: PTH207 - an absolute pattern
    found = shutil.which("initdb") or (f"{folders[-1]}/initdb" if folders else None)
    if found is None:
        missing("PostgreSQL", "postgresql")
    binaries = Path(str(found)).parent
    data, port = server_folder / "postgresql", free_port()
    as_nobody = _as_nobody(data)
    subprocess.run(
        [*as_nobody, binaries / "initdb", "-D", data / "db", "-U", "poolferry", "--auth=trust", "--no-sync"],
        check=True, capture_output=True,
    )  # fmt: skip
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {data}"
    control = [*as_nobody, binaries / "pg_ctl", "-D", data / "db", "-w"]
    subprocess.run([*control, "-o", options, "-l", data / "log", "start"], check=True, capture_output=True)
    yield f"postgresql+psycopg://poolferry@127.0.0.1:{port}/postgres"
    subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True)


def _as_nobody(folder: Path) -> list[str]:
    """Database servers refuse to run as root: give the folder away and step down."""
    folder.mkdir()
    if os.geteuid() != 0:
        return []
    shutil.chown(folder, "nobody", "nogroup")
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


@pytest.fixture(scope="session")
def mariadb_url(server_folder: Path) -> Iterator[str]:
    """URL of a MariaDB that lives for this test session, with an empty database ``app``."""
    server, installer = shutil.which("mariadbd"), shutil.which("mariadb-install-db")
    if server is None or installer is None:
        missing("MariaDB", "mariadb-server-core mariadb-client-core")
    data, port = server_folder / "mariadb", free_port()
    as_nobody = _as_nobody(data)
    common = ["--no-defaults", f"--datadir={data}/db"]
    subprocess.run(
        [*as_nobody, installer, *common, "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True, cwd=data,
    )  # fmt: skip
    options = [f"--port={port}", "--bind-address=127.0.0.1", f"--socket={data}/socket", "--skip-name-resolve"]
    with (data.parent / "mariadb.log").open("wb") as log:
        child = subprocess.Popen([*as_nobody, server, *common, *options], stdout=log, stderr=log)
    try:
        _wait_for_mariadb(port)
        yield f"mysql+pymysql://root@127.0.0.1:{port}/app?charset=utf8mb4"
    finally:
        child.terminate()
        child.wait(30)


def _wait_for_mariadb(port: int) -> None:
    for _ in range(300):
        try:
            with pymysql.connect(host="127.0.0.1", port=port, user="root") as connection:
                connection.cursor().execute("CREATE DATABASE app CHARACTER SET utf8mb4")
                return
        except pymysql.OperationalError:
            time.sleep(0.1)
    pytest.fail("MariaDB did not start.")
