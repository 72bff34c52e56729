"""The instants at which a run can be killed, put into the real command from outside.

Before and after every call to AWS, the PUT of an import file, every commit of the ledger and every file
that appears, moves or goes. A point is named by what happens there and how often that has happened
before (``PUT before #2``), since two threads may come by in another order. Each name is written to a
log as it is passed, so the last line of a killed run's log is where it died.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING, Any

import requests
from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect

from connectors import aws
from connectors.cognito import import_upload
from flows.ledger import segments
from flows.ledger.tables import METADATA

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_OWN_NAMES = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}|(?<=\.csv\.)\w+$|(?<=\.)\d+$")
"""What differs from run to run: a run's id, and the ends of temporary names."""


def _is_hidden(path: str) -> bool:
    return os.path.basename(path).startswith(".")  # noqa: PTH119 - called for every file that is opened


def _written(statement: str) -> str:
    """What a statement writes in the ledger; empty for others, as what calls cost is written elsewhere."""
    words = statement.split()
    name = words[{"INSERT": 2, "UPDATE": 1, "DELETE": 2}.get(words[0], 0)]
    return f"{words[0].lower()} {name}" if name in METADATA.tables else ""


def _is_alone(connection: Any) -> bool:
    """Whether the database commits each statement by itself."""
    return bool(connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT")


class Points:
    """Counts the points and kills this process at one of them.

    Args:
        log: file that takes the name of each point.
        target: a point's name, or its place among all points of the process, 1 first; None: never.
        root: files outside of this folder are nobody's business.
    """

    def __init__(self, log: str, target: str | int | None, root: str) -> None:
        self._log = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        self._target = target
        self._root = root
        self._passed: Counter[str] = Counter()
        self._place = 0
        self._lock = Lock()

    def reach(self, what: str) -> None:
        """Pass a point, or die there."""
        with self._lock:
            self._passed[what] += 1
            self._place += 1
            name = f"{what} #{self._passed[what]}"
            os.write(self._log, f"{name}\n".encode())
            if self._target in (name, self._place):
                os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """Put every point in place."""
        self._install_calls()
        self._install_upload()
        self._install_commits()
        self._install_files()

    def _install_calls(self) -> None:
        make = aws.client

        def client(*args: Any, **kwargs: Any) -> Any:
            made = make(*args, **kwargs)
            made.meta.events.register_first("before-send", self._call("before"))
            made.meta.events.register_first("response-received", self._call("after"))
            return made

        aws.client = client

    def _call(self, when: str) -> Callable[..., None]:
        def heard(event_name: str, **_: object) -> None:
            self.reach(f"{event_name.rsplit('.', 1)[-1]} {when}")

        return heard

    def _install_upload(self) -> None:
        send, read = requests.Session.send, import_upload._Counted.read

        def counted_send(*args: Any, **kwargs: Any) -> Any:
            self.reach("PUT before")
            reply = send(*args, **kwargs)
            self.reach("PUT after")
            return reply

        def counted_read(*args: Any) -> bytes:
            self.reach("PUT under way")
            return read(*args)

        requests.Session.send = counted_send  # type: ignore[method-assign]
        import_upload._Counted.read = counted_read  # type: ignore[method-assign]

    def _install_commits(self) -> None:
        commit, last = DefaultDialect.do_commit, {"statement": ""}

        def before(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            what = _written(statement)
            if what and _is_alone(connection):
                self.reach(f"commit of {what} before")
            elif what:
                last["statement"] = what

        def after(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            if (what := _written(statement)) and _is_alone(connection):
                self.reach(f"commit of {what} after")

        def counted_commit(*args: Any) -> None:
            what, last["statement"] = last["statement"], ""
            if what:
                self.reach(f"commit of {what} before")
            commit(*args)
            if what:
                self.reach(f"commit of {what} after")

        event.listen(Engine, "before_cursor_execute", before)
        event.listen(Engine, "after_cursor_execute", after)
        DefaultDialect.do_commit = counted_commit  # type: ignore[method-assign]

    def _install_files(self) -> None:
        once = segments.write_once

        def counted_once(path: Path, write: Callable[[Path], object]) -> None:
            def counted_write(target: Path) -> None:
                self.reach(f"{self._named(path)} still empty")
                write(target)
                self.reach(f"{self._named(path)} filled")

            once(path, counted_write)
            self.reach(f"{self._named(path)} in place")

        segments.write_once = counted_once
        sys.addaudithook(self._hear)

    def _hear(self, what: str, args: tuple[Any, ...]) -> None:
        """Hear of a file before it is touched; Python tells of each."""
        if what not in ("open", "os.rename", "os.remove", "os.mkdir", "shutil.rmtree") or not args:
            return
        path = os.fspath(args[0]) if not isinstance(args[0], int) else ""
        if not isinstance(path, str) or not path.startswith(self._root):
            return
        if _is_hidden(path) and not (".csv." in path and what != "os.remove"):
            return  # a temporary file of ``write_once``, whose own points tell more
        if what != "open" or args[2] & os.O_CREAT:
            self.reach(f"{self._named(path)} {what.removeprefix('os.')}")

    def _named(self, path: Path | str) -> str:
        return _OWN_NAMES.sub("…", os.path.relpath(path, self._root))
