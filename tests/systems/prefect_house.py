"""A Prefect server and workers of a test's own: on loopback, on PostgreSQL, in folders that go away."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
import requests
from psycopg import sql

from tests.servers.installed import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
PREFECT = (sys.executable, "-m", "prefect")
SERVER_SECONDS = 120
POOL = "poolferry"


def wait_for(what: str, check: Callable[[], T | None], seconds: float, pause: float = 0.5) -> T:
    """Return the first true answer of ``check``; fail when it does not come in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := check():
            return answer
        time.sleep(pause)
    raise AssertionError(f"{what} did not happen within {seconds} s")


class PrefectHouse:
    """A server, a work pool and workers, as somebody would set them up from the documentation.

    Args:
        folder: where Prefect's home and the processes' output go.
        database: URL of an empty PostgreSQL database, as SQLAlchemy has it.
        environment: what flow runs see besides, e.g. how to reach the local Cognito.
    """

    def __init__(self, folder: Path, database: str, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self._address = database.partition("://")[2]
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self._processes: list[subprocess.Popen[bytes]] = []
        strangers = ("AWS_", "PREFECT_", "PYTEST_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(strangers)}
        self.environment = kept | dict(environment) | {
            "DO_NOT_TRACK": "1",
            "PREFECT_HOME": str(folder / "home"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
            "PREFECT_SERVER_UI_ENABLED": "false",
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://{self._address}",
            "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "100",
            "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "100",
            "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
            "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "PREFECT_RUNNER_POLL_FREQUENCY": "2",
            "PWD": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip

    def start_server(self) -> None:
        """Start the server; another port is tried when somebody was quicker."""
        for _ in range(3):
            port = free_port()
            self.environment["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
            server = self._start("server", "server", "start", "--host", "127.0.0.1", "--port", str(port))
            wait_for(
                "a healthy server", lambda s=server: s.poll() is not None or self._healthy(), SERVER_SECONDS
            )
            if server.poll() is None:
                return
        raise AssertionError(self.output("server"))

    def _healthy(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.environment['PREFECT_API_URL']}/health", timeout=5).ok
        return False

    def make_pool(self, name: str = POOL, kind: str = "process") -> None:
        """Make a work pool from the template that is shipped."""
        template = ROOT / "deployments" / "work-pools" / f"{kind}.json"
        self.command("work-pool", "create", name, "--type", kind, "--base-job-template", str(template))

    def start_worker(self, name: str) -> None:
        """Start a worker of the work pool from the repository's root."""
        arguments = ("--pool", POOL, "--name", name, "--install-policy", "never")
        self._workers[name] = self._start(f"worker-{name}", "worker", "start", *arguments)

    def kill_workers(self) -> None:
        """Kill every worker and the flow runs that it has started, as a machine does that goes down."""
        for worker in self._workers.values():
            for pid in [worker.pid, *_children_of(worker.pid)]:
                os.kill(pid, signal.SIGKILL)
            worker.wait(10)
        self._workers.clear()

    def command(self, *arguments: str, seconds: float = 120, good: bool = True) -> str:
        """Run one command of Prefect's and return what it says."""
        return self.python("-m", "prefect", *arguments, seconds=seconds, good=good)

    def python(self, *arguments: str, seconds: float = 120, good: bool = True) -> str:
        """Run Python as a child that knows this server; ``good`` is whether it must succeed."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT, env=self.environment, timeout=seconds, text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        told = f"{arguments}: exit {done.returncode}\n{done.stdout}\n{self.of_workers()}"
        assert (done.returncode == 0) is good, told
        return done.stdout

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Call the server's API; it is busy now and then (503), as it tells its own clients."""
        url = f"{self.environment['PREFECT_API_URL']}/{path}"
        busy = requests.codes.service_unavailable

        def answer() -> requests.Response | None:
            told = requests.request(method, url, json=body, timeout=30)
            return None if told.status_code == busy else told

        told = wait_for("an answer", answer, 60, pause=2)
        told.raise_for_status()
        return told.json() if told.content else None

    def output(self, name: str) -> str:
        """What a process has said so far."""
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def of_workers(self, last: int | None = 4000) -> str:
        """The last characters of what each worker and its flow runs have said, or all of it."""
        paths = sorted(self.folder.glob("worker-*.log"))
        return "\n".join(self.output(path.stem)[-last if last else 0 :] for path in paths)

    def stored(self) -> Iterator[tuple[str, str]]:
        """Every value of every column of every table of Prefect's database, as text, with its place."""
        tables = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
        with psycopg.connect(f"postgresql://{self._address}") as db:
            for (table,) in db.execute(tables).fetchall():
                rows = db.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
                names = [column.name for column in rows.description or ()]
                for row in rows:
                    yield from (
                        (f"{table}.{name}", _text(value)) for name, value in zip(names, row, strict=True)
                    )

    def _start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [*PREFECT, *arguments],
                cwd=ROOT, env=self.environment, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self._processes.append(process)
        return process

    def close(self) -> None:
        """End what was started, the worker before the server, and whatever they started themselves."""
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
            with contextlib.suppress(ProcessLookupError):  # the group is the process's own session
                os.killpg(process.pid, signal.SIGKILL)


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _children_of(pid: int) -> list[int]:
    """Processes that a process has started, and theirs."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            after_name = path.read_text().rpartition(")")[2].split()
            if int(after_name[1]) == pid:
                child = int(path.parent.name)
                found += [child, *_children_of(child)]
    return found
