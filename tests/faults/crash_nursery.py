"""A warm process that has imported everything and forks one child a run: 0.3 s a run instead of 3 s.

It never starts a thread, and polars starts its own only in the children, so that forking is safe. As a
program it reads one order a line on standard input and answers with the child's end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import boto3

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]

HEAVY = (
    "charset_normalizer", "email_validator", "phonenumbers", "polars", "pydantic",
    "requests", "rich.live", "rich.markdown", "rich.progress", "ruamel.yaml", "smart_open", "sqlalchemy",
    "tenacity", "typer", "zstandard",
)  # fmt: skip

LEASE_SECONDS = 0.4
"""Of the lock of a state in S3: who was killed has it for so long."""

SECONDS = 60
"""A child that takes longer hangs; the alarm ends it."""


class Nursery:
    """Runs the real command in children of a warm process.

    Args:
        environment: what the children find in their environment beside the usual.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.crash_nursery"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
            env={**os.environ, **environment},
        )  # fmt: skip

    def run(self, **order: Any) -> int:
        """Run the command once.

        Args:
            order: ``arguments`` of the command, ``folder`` for its ``stdout`` and ``stderr``, ``log`` and
                ``target`` of the points, the folder in which its ``machine`` keeps copies, and the name of
                a ``broken`` product if there is one.

        Returns:
            The exit status, or the signal's number below zero.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=30)


def _warm_up() -> None:
    """Import what takes long, and read AWS's models once.

    Our own modules are left to the children: some make polars start its threads, which no fork carries over.
    """
    for name in HEAVY:
        import_module(name)
    boto3.Session = cache(boto3.Session)  # type: ignore[assignment, misc]
    session = boto3.Session(profile_name=None, region_name="eu-west-1")
    for service in ("cognito-idp", "logs", "s3"):
        session.client(service)  # type: ignore[call-overload]


def _child(order: dict[str, Any]) -> None:
    """Be the command, with points in it; never returns."""
    signal.alarm(SECONDS)
    os.environ["XDG_CACHE_HOME"] = order["machine"]
    from flows.cli import main  # noqa: PLC0415
    from flows.ledger import s3_lock  # noqa: PLC0415
    from tests.faults.crash_broken import BROKEN  # noqa: PLC0415
    from tests.faults.crash_points import Points  # noqa: PLC0415

    folder = Path(order["folder"])
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(folder / name, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), number)
    s3_lock.LEASE_SECONDS = LEASE_SECONDS  # type: ignore[misc]
    if order.get("broken"):
        BROKEN[order["broken"]]()
    Points(order["log"], order.get("target"), order["folder"]).install()
    sys.argv = ["poolferry", *order["arguments"]]
    status = 0
    try:
        main()
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # noqa: BLE001 - a child never goes on as the nursery
        sys.excepthook(*sys.exc_info())
        status = 99
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    _warm_up()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _child(json.loads(line))
        _, status = os.waitpid(child, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()


if __name__ == "__main__":
    _serve()
