"""A real PostgreSQL, PgBouncer and MariaDB on free ports of loopback, ended by their own process ids."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

import pymysql
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from tests.servers.installed import free_port, missing

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Run PostgreSQL with its files in a folder that others may enter, and give its URL."""
    folders = sorted(glob("/usr/lib/postgresql/*/bin"))  # noqa: PTH207 - an absolute pattern
    found = shutil.which("initdb") or (f"{folders[-1]}/initdb" if folders else None)
    if found is None:
        missing("PostgreSQL", "postgresql")
    binaries = Path(str(found)).parent
    data, port = folder / "postgresql", free_port()
    as_nobody = _as_nobody(data)
    subprocess.run(
        [*as_nobody, binaries / "initdb", "-D", data / "db", "-U", "poolferry",
         "--encoding=UTF8", "--auth=trust", "--no-sync"],
        check=True, capture_output=True,
    )  # fmt: skip
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {data}"
    control = [*as_nobody, binaries / "pg_ctl", "-D", data / "db", "-w"]
    subprocess.run([*control, "-o", options, "-l", data / "log", "start"], check=True, capture_output=True)
    try:
        yield f"postgresql+psycopg://poolferry@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True)


@contextmanager
def pgbouncer(url: str, folder: Path) -> Iterator[str]:
    """Run a PgBouncer that gives each transaction another session of a PostgreSQL, and give its URL."""
    if (program := shutil.which("pgbouncer")) is None:
        missing("PgBouncer", "pgbouncer")
    data, port, server = folder / "pgbouncer", free_port(), make_url(url)
    as_nobody = _as_nobody(data)
    (data / "users.txt").write_text(f'"{server.username}" ""\n', encoding="utf-8")
    (data / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={server.host} port={server.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {data}/users.txt\n"
        "pool_mode = transaction\ndefault_pool_size = 3\n",
        encoding="utf-8",
    )
    with (folder / "pgbouncer.log").open("wb") as log:
        child = subprocess.Popen([*as_nobody, program, data / "pgbouncer.ini"], stdout=log, stderr=log)
    try:
        _wait_for_listener(port)
        yield server.set(port=port).render_as_string(hide_password=False)
    finally:
        child.terminate()
        child.wait(30)


@contextmanager
def mariadb(folder: Path) -> Iterator[str]:
    """Run MariaDB with its files in a folder that others may enter, and give the URL of an empty ``app``."""
    server, installer = shutil.which("mariadbd"), shutil.which("mariadb-install-db")
    if server is None or installer is None:
        missing("MariaDB", "mariadb-server-core mariadb-client-core")
    data, port = folder / "mariadb", free_port()
    as_nobody = _as_nobody(data)
    common = ["--no-defaults", f"--datadir={data}/db"]
    subprocess.run(
        [*as_nobody, installer, *common, "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True, cwd=data, capture_output=True,
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


def fresh(url: str, name: str) -> str:
    """Make an empty database beside the one of a URL, and give its URL."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    letters = " CHARACTER SET utf8mb4" if engine.dialect.name == "mysql" else ""
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}{letters}"))
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _as_nobody(folder: Path) -> list[str]:
    """Database servers refuse to run as root: give the folder away and step down."""
    folder.mkdir()
    if os.geteuid() != 0:
        return []
    shutil.chown(folder, "nobody", "nogroup")
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


def _wait_for_listener(port: int) -> None:
    for _ in range(300):
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return
        time.sleep(0.1)
    raise RuntimeError("PgBouncer did not start.")


def _wait_for_mariadb(port: int) -> None:
    for _ in range(300):
        try:
            with pymysql.connect(host="127.0.0.1", port=port, user="root") as connection:
                connection.cursor().execute("CREATE DATABASE app CHARACTER SET utf8mb4")
                return
        except pymysql.OperationalError:
            time.sleep(0.1)
    raise RuntimeError("MariaDB did not start.")
