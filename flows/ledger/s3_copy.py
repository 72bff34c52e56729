"""The runs of one name in S3, and their copy on this machine, which is what all the work sees.

S3 is the truth. Who begins to work takes the lock and brings the copy up to it; each move of the ledger
is in S3 before it is acted on, behind the files that it speaks of. So another machine goes on where this
one stopped, at most one move back, as from a copy of the folder that is a little old.

What can be made again (import files and their lines) and what is hidden stays on this machine.

Who works on the runs has all of them. Who only looks has all but users' pages, which are most of a run:
what is left in S3 is noted beside the pages, and ``RunFolder.pages`` fetches it before anybody reads one.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import sqlite3
import tempfile
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path, PurePosixPath
from secrets import token_hex
from threading import Event, RLock, Thread
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from connectors.errors import ConfigurationError, DethronedError, PoolferryError, StopError
from flows.ledger import s3_lock
from flows.ledger.copies import WAIT_FOR_IT
from flows.ledger.folder import FOLDERS, LEFT_IN_S3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connectors.s3_objects import Objects

_log = logging.getLogger(__name__)

PUSH_SECONDS: Final = 5.0
"""How often what was done between two moves of the ledger is brought to S3."""
_LEDGER: Final = "ledger.db"
_WAL: Final = "ledger.db-wal"
_SIDES: Final = (_WAL, "ledger.db-shm")
_LOCK: Final = "lock"
_LOOKS: Final = 5
"""How often a copy is brought up to S3 anew where something is gone that was listed: parts come and go."""
_AGAIN: Final = "Run the same command again."
_SCRATCH: Final = ".ledgers-"
_MADE_AGAIN: Final = {("batches", ".csv"), ("users", ".lines")}
_PAGE: Final = ("users", ".arrow")


class S3Copy:
    """One name's runs.

    Args:
        objects: the runs in S3, one folder each.
        beside: what lies beside them, for the lock.
        folder: ``STATE/NAME`` on this machine.
    """

    def __init__(self, objects: Objects, beside: Objects, folder: Path) -> None:
        self._objects, self._beside, self.folder = objects, beside, folder
        self._lock = s3_lock.S3Lock(beside, f".{folder.name}.lock", lease=s3_lock.LEASE_SECONDS)
        self._busy = RLock()
        self._closed = Event()
        self._threads: list[Thread] = []
        self._held: ExitStack | None = None
        self._known: dict[str, list[Any]] = {}
        self._stamps: dict[Path, list[int]] = {}
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    # the copy of this machine ----------------------------------------------------------------

    def refresh(self) -> None:
        """Bring the copy up to S3, unless a process of this machine works on it: then it is ahead.

        Users' pages are left in S3 until somebody reads them.
        """
        with self._flocked("copied", fcntl.LOCK_EX), suppress(BlockingIOError), self._flocked("held"):
            self._pull(whole=False)

    def fetch_users(self, run: str) -> None:
        """Fetch the users' pages of one run that were left in S3.

        Raises:
            StopError: one is not there any more, or may not be read.
        """
        note = self.folder / run / _PAGE[0] / LEFT_IN_S3
        with self._busy, self._flocked("copied", fcntl.LOCK_EX):
            if not note.exists():  # another process of this machine has fetched them meanwhile
                return
            with self._alone():
                self._known = self._remembered()
                for name, etag in json.loads(note.read_text(encoding="utf-8")).items():
                    if self._known.get(name) != [etag, *self._print(name)] and not self._fetch(name):
                        raise StopError(f"{name} is not in {self._objects.url} any more.", _AGAIN)
                self._remember()
                note.unlink()

    def hold(self) -> None:
        """Hold the runs for this process until ``close``, and bring the copy up to S3.

        Raises:
            ConfigurationError: another process works on them, here or on another machine.
        """
        if self._held is not None:
            return
        with self._flocked("copied", fcntl.LOCK_EX), self._alone() as holding:
            self._lock.take()
            self._begin(partial(self._lock.keep, self._closed))  # the pull may take longer than a lease
            try:
                self._pull(whole=True)
            except BaseException:
                self._end_threads()
                with suppress(PoolferryError):  # else it is free after a lease
                    self._lock.release()
                raise
            self._held = holding.pop_all()
        self._begin(self._push_always)

    def try_to_write(self) -> None:
        """Write an object and delete it again."""
        name = f".check-{token_hex(6)}"
        self._beside.put(name, BytesIO())
        self._beside.delete([name])

    def close(self) -> None:
        """Bring the last changes to S3, and let others have the runs."""
        if self._held is None:
            return
        self._end_threads()
        try:
            self.push()
            self._lock.release()
        finally:
            self._held.close()
            self._held = None

    def _begin(self, work: Callable[[], None]) -> None:
        self._threads.append(Thread(target=work, name="state in S3", daemon=True))
        self._threads[-1].start()

    def _end_threads(self) -> None:
        self._closed.set()
        for thread in self._threads:
            thread.join()

    @contextmanager
    def _alone(self) -> Iterator[ExitStack]:
        """Be the one process of this machine that works on the copy, as long as what is yielded is open."""
        with ExitStack() as holding:
            try:
                holding.enter_context(self._flocked("held"))
            except BlockingIOError:
                raise ConfigurationError(
                    f"{self._objects.url} is being worked on by another process of this machine.",
                    WAIT_FOR_IT,
                ) from None
            yield holding

    @contextmanager
    def _flocked(self, what: str, how: int = fcntl.LOCK_EX | fcntl.LOCK_NB) -> Iterator[None]:
        """``copied``: no two processes bring the copy up at once; ``held``: one of them works on it."""
        path = self.folder.with_name(f".{self.folder.name}.{what}")
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)

    # from S3 ---------------------------------------------------------------------------------

    def _pull(self, *, whole: bool) -> None:
        """Fetch what differs, and remove what S3 has not; hidden files stay.

        Users' pages are fetched for a ``whole`` copy alone, and noted otherwise.
        """
        for left in self.folder.glob(f"{_SCRATCH}*"):  # of a process that was killed
            shutil.rmtree(left)
        for _ in range(_LOOKS):
            if self._pulled(self._objects.listed(), whole=whole):
                return
        raise StopError(f"{self._objects.url} changes faster than it can be read.", _AGAIN)

    def _pulled(self, there: dict[str, str], *, whole: bool) -> bool:
        """Bring the copy up to a listing; False where something of it was gone when it was fetched."""
        for path in self._files(everything=True):
            if path.name != _LOCK and self._name(path) not in there:
                path.unlink()
        known = self._remembered().items()
        self._known = {name: seen for name, seen in known if seen == [there.get(name), *self._print(name)]}
        wanted = {name: etag for name, etag in there.items() if name not in self._known}
        self._note_left({name: etag for name, etag in wanted.items() if _is_page(name)})
        for name in wanted:
            if (whole or not _is_page(name)) and not self._fetch(name):
                return False
        for run in self.folder.glob(f"*/{_LEDGER}"):
            for folder in FOLDERS:  # S3 keeps no empty ones
                (run.parent / folder).mkdir(mode=0o700, exist_ok=True)
        if whole:
            self._note_left({})
        self._remember()
        return True

    def _note_left(self, pages: dict[str, str]) -> None:
        """Write down beside the pages of each run which of them must be fetched before any is read."""
        notes: dict[Path, dict[str, str]] = {note: {} for note in self.folder.glob(f"*/*/{LEFT_IN_S3}")}
        for name, etag in pages.items():
            notes.setdefault((self.folder / name).with_name(LEFT_IN_S3), {})[name] = etag
        for note, left in notes.items():
            if left:
                with self._replaced(note) as file:
                    file.write(json.dumps(left).encode())
            else:
                note.unlink()

    def _fetch(self, name: str) -> bool:
        """Fetch one file as it is now; False where it is gone."""
        with self._replaced(self.folder / name) as file:
            etag = self._objects.fetch(name, file)
        if etag is None:
            (self.folder / name).unlink()
            return False
        self._known[name] = [etag, *self._print(name)]
        return True

    @contextmanager
    def _replaced(self, target: Path) -> Iterator[BinaryIO]:
        """Write a file anew, for its owner alone; it is the old one until the new one is whole."""
        for folder in reversed((target.parent, *target.parent.parents)):  # `parents=True` leaves them open
            if folder.is_relative_to(self.folder):
                folder.mkdir(mode=0o700, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        descriptor = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                yield file
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    # to S3 -----------------------------------------------------------------------------------

    def push(self) -> None:
        """Bring what has changed to S3: files first, then ledgers, and last of all what is gone.

        Raises:
            DethronedError: another machine has taken the runs over.
            StopError: S3 refuses, or does not answer.
        """
        with self._busy:
            self._lock.renew_if_due()
            before = list(self._known)  # what comes into being from here on is not gone
            with self._ledgers() as ledgers:
                for path in self._files():
                    self._push_file(self._name(path), path)
                for name, copy in ledgers.items():
                    self._push_ledger(name, copy)
            here = {self._name(path) for path in self._files()}
            gone = [name for name in before if name not in here]
            self._lock.renew_if_due()
            self._objects.delete(gone)
            for name in gone:
                del self._known[name]
            self._remember()

    def _push_file(self, name: str, path: Path) -> None:
        if path.name == _LEDGER:
            return
        with suppress(FileNotFoundError):  # gone since: it needs no copy then
            seen = self._print(name)
            if self._known.get(name, [None])[1:] != seen:
                self._lock.renew_if_due()
                with path.open("rb") as file:
                    self._known[name] = [self._objects.put(name, file), *seen]

    @contextmanager
    def _ledgers(self) -> Iterator[dict[str, Path]]:
        """Whole copies of the ledgers, as they are before any file is sent."""
        moved = {path: _stamps(path) for path in self._files() if path.name == _LEDGER}
        found = [path for path, stamps in moved.items() if self._stamps.get(path) != stamps]
        if not found:
            yield {}
            return
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=_SCRATCH) as scratch:
            yield {self._name(path): _copied(path, Path(scratch, path.parent.name)) for path in found}
        self._stamps = moved

    def _push_ledger(self, name: str, copy: Path) -> None:
        content = copy.read_bytes()
        digest, (etag, *seen) = sha256(content).hexdigest(), self._known.get(name, [None])
        if seen == [digest]:
            return
        self._lock.renew_if_due()
        made = self._objects.put_if(name, content, etag) or self._lost_reply(name, content)
        self._known[name] = [made, digest]

    def _lost_reply(self, name: str, content: bytes) -> str:
        """The ETag of a ledger that is in S3 although the reply to it was lost."""
        found = self._objects.read(name)
        if found is None or found[0] != content:
            raise self._lock.lose()
        return found[1]

    def _push_always(self) -> None:
        """Keep S3 up to date, also through an hour in which nobody answers there."""
        while not self._closed.wait(PUSH_SECONDS):
            try:
                self.push()
            except DethronedError:  # the next move of the ledger meets it too, and tells it
                return
            except Exception as error:  # noqa: BLE001 - a move of the ledger meets it too, and tells it
                _log.warning("The state could not be brought to S3: %s.", type(error).__name__)

    # what is known ---------------------------------------------------------------------------

    def _files(self, *, everything: bool = False) -> Iterator[Path]:
        for root, folders, files in os.walk(self.folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in files:
                path = Path(root, name)
                if not name.startswith(".") and (everything or not _stays_here(path)):
                    yield path

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _print(self, name: str) -> list[Any]:
        """What changes when a file does; of a ledger its content, since SQLite writes beside it."""
        path = self.folder / name
        if path.name == _LEDGER:
            return [sha256(path.read_bytes()).hexdigest()] if path.exists() else []
        try:
            found = path.stat()
        except FileNotFoundError:
            return []
        return [found.st_mtime_ns, found.st_size]

    @property
    def _memory(self) -> Path:
        return self.folder.with_name(f".{self.folder.name}.copy.json")

    def _remembered(self) -> dict[str, list[Any]]:
        try:
            known: dict[str, list[Any]] = json.loads(self._memory.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known

    def _remember(self) -> None:
        temporary = self._memory.with_suffix(f".{os.getpid()}")
        temporary.touch(mode=0o600)
        temporary.write_text(json.dumps(self._known), encoding="utf-8")
        temporary.replace(self._memory)


def _is_page(name: str) -> bool:
    path = PurePosixPath(name)
    return (path.parent.name, path.suffix) == _PAGE


def _stays_here(path: Path) -> bool:
    return path.name == _LOCK or path.name in _SIDES or (path.parent.name, path.suffix) in _MADE_AGAIN


def _stamps(ledger: Path) -> list[int]:
    """What changes with every write into a ledger; SQLite writes beside it first."""
    numbers: list[int] = []
    for path in (ledger, ledger.with_name(_WAL)):
        with suppress(FileNotFoundError):
            found = path.stat()
            numbers += (found.st_mtime_ns, found.st_size)
    return numbers


def _copied(ledger: Path, target: Path) -> Path:
    """One file with all that was committed, also what SQLite has beside the ledger."""
    try:
        with closing(sqlite3.connect(ledger)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
    except sqlite3.Error as error:
        raise StopError(
            f"The ledger {ledger} could not be copied: {type(error).__name__}.",
            "See to the disk of the copy; then run the same command again.",
        ) from None
    return target
