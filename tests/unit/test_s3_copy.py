"""A copy of a state in S3 beside another machine: who was dethroned writes nothing, and nothing is lost."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import pytest

from connectors.errors import DethronedError, StopError
from flows.ledger import s3_copy, s3_lock
from flows.ledger.s3_copy import S3Copy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Clock

PAGE, LEDGER, LOCK = "acme/run/users/p00001.arrow", "acme/run/ledger.db", ".acme.lock"


class Bucket(dict[str, bytes]):
    """What lies in S3, by name."""

    def etag(self, name: str) -> str | None:
        return hashlib.md5(self[name], usedforsecurity=False).hexdigest() if name in self else None


class Shelf:
    """``Objects`` over a bucket; ``meanwhile`` is what others do at each of its calls."""

    def __init__(self, bucket: Bucket, prefix: str = "") -> None:
        self.bucket, self.prefix, self.url = bucket, prefix, f"s3://bucket/{prefix}"
        self.meanwhile: Callable[[str, str], object] = lambda _call, _name: None

    def listed(self) -> dict[str, str]:
        self.meanwhile("listed", "")
        names = [name for name in self.bucket if name.startswith(self.prefix)]
        return {name.removeprefix(self.prefix): str(self.bucket.etag(name)) for name in names}

    def fetch(self, name: str, target: BinaryIO) -> str | None:
        self.meanwhile("fetch", name)
        target.write(self.bucket.get(self.prefix + name, b""))
        return self.bucket.etag(self.prefix + name)

    def read(self, name: str) -> tuple[bytes, str] | None:
        etag = self.bucket.etag(self.prefix + name)
        return (self.bucket[self.prefix + name], etag) if etag else None

    def put(self, name: str, content: BinaryIO) -> str:
        self.bucket[self.prefix + name] = content.read()
        self.meanwhile("put", name)
        return str(self.bucket.etag(self.prefix + name))

    def put_if(self, name: str, content: bytes, etag: str | None) -> str | None:
        self.meanwhile("put_if", name)
        if self.bucket.etag(self.prefix + name) != etag:
            return None
        self.bucket[self.prefix + name] = content
        return self.bucket.etag(self.prefix + name)

    def delete(self, names: list[str]) -> None:
        for name in names:
            del self.bucket[self.prefix + name]


class Machine:
    """One machine with its copy; its lock is measured by the clock of the test, and nothing runs beside."""

    def __init__(self, bucket: Bucket, folder: Path, clock: Clock) -> None:
        self.folder, self.shelf = folder / "acme", Shelf(bucket, "acme/")
        self.copy = S3Copy(cast("Any", self.shelf), cast("Any", Shelf(bucket)), self.folder)
        self.copy._lock = s3_lock.S3Lock(cast("Any", Shelf(bucket)), LOCK, clock=clock, sleep=self.sleep)
        self.clock = clock

    def sleep(self, seconds: float) -> None:
        self.clock.now += seconds

    def writes(self, value: str) -> None:
        """Write a page, and the row of the ledger that speaks of it."""
        (self.folder / "run" / "users").mkdir(parents=True, exist_ok=True)
        (self.folder / "run" / "users" / "p00001.arrow").write_text(value)
        with sqlite3.connect(self.folder / "run" / "ledger.db") as ledger:
            ledger.execute("CREATE TABLE IF NOT EXISTS moves (value)")
            ledger.execute("INSERT INTO moves VALUES (?)", (value,))
        ledger.close()


@pytest.fixture(autouse=True)
def nothing_runs_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_copy, "PUSH_SECONDS", 3600)
    monkeypatch.setattr(s3_lock.S3Lock, "keep", lambda _lock, _closed: None)


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def machine(bucket: Bucket, tmp_path: Path, clock: Clock) -> Machine:
    """A machine that works on the state, and has brought one move to S3."""
    machine = Machine(bucket, tmp_path / "one", clock)
    machine.copy.hold()
    machine.writes("first")
    machine.copy.push()
    return machine


def moves(bucket: Bucket, tmp_path: Path) -> list[str]:
    (tmp_path / "seen.db").write_bytes(bucket[LEDGER])
    with sqlite3.connect(tmp_path / "seen.db") as ledger:
        return [value for (value,) in ledger.execute("SELECT value FROM moves")]


def test_an_upload_longer_than_a_lease_is_followed_by_no_ledger(
    machine: Machine, bucket: Bucket, tmp_path: Path, clock: Clock
) -> None:
    def taken_over(call: str, name: str) -> None:
        if call == "put" and name.endswith(".arrow"):
            other = Machine(bucket, tmp_path / "other", clock)
            other.copy.hold()
            other.writes("of the other")
            other.copy.push()

    machine.writes("stale")
    machine.shelf.meanwhile = taken_over
    with pytest.raises(DethronedError):
        machine.copy.push()
    assert moves(bucket, tmp_path) == ["first", "of the other"]


def test_a_ledger_that_another_machine_has_written_is_not_written_over(
    machine: Machine, bucket: Bucket
) -> None:
    """At the very last moment, when the lock has been looked at already."""

    def changed(call: str, name: str) -> None:
        if call == "put_if" and name.endswith("ledger.db"):
            bucket[LEDGER] = b"of the other"

    machine.writes("stale")
    machine.shelf.meanwhile = changed
    for _ in range(2):
        with pytest.raises(DethronedError):
            machine.copy.push()
    assert bucket[LEDGER] == b"of the other"


def test_a_lost_reply_to_a_ledger_is_no_other_machine(
    machine: Machine, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_if = machine.shelf.put_if

    def lost(name: str, content: bytes, etag: str | None) -> str | None:
        put_if(name, content, etag)
        return None

    machine.writes("second")
    with monkeypatch.context() as broken:
        broken.setattr(machine.shelf, "put_if", lost)
        machine.copy.push()
    machine.writes("third")
    machine.copy.push()
    assert moves(bucket, tmp_path) == ["first", "second", "third"]


def test_a_file_that_comes_into_being_during_a_push_stays_in_s3(machine: Machine, bucket: Bucket) -> None:
    def another(call: str, name: str) -> None:
        if call == "put" and name.endswith(".arrow"):
            (machine.folder / "run" / "users" / "p00002.arrow").write_text("new")

    machine.writes("second")
    machine.shelf.meanwhile = another
    machine.copy.push()
    machine.copy.push()
    assert bucket["acme/run/users/p00002.arrow"] == b"new"


def test_a_file_that_is_gone_is_gone_in_s3(machine: Machine, bucket: Bucket) -> None:
    (machine.folder / "run" / "users" / "p00001.arrow").unlink()
    machine.copy.push()
    assert PAGE not in bucket


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(("times", "is_seen"), [(1, True), (99, False)])
def test_who_looks_while_files_come_and_go_looks_again(
    bucket: Bucket, tmp_path: Path, clock: Clock, times: int, *, is_seen: bool
) -> None:
    looker, left, part = (
        Machine(bucket, tmp_path / "looker", clock),
        list(range(times)),
        "run/parts/b.parquet",
    )

    def comes_and_goes(call: str, name: str) -> None:
        if call == "listed" and left:
            left.pop()
            bucket[f"acme/{part}"] = b"part"
        elif call == "fetch" and name == part:
            del bucket[f"acme/{part}"]

    looker.shelf.meanwhile = comes_and_goes
    if not is_seen:
        with pytest.raises(StopError, match="changes faster"):
            looker.copy.refresh()
        return
    looker.copy.refresh()
    assert (looker.folder / "run" / "ledger.db").read_bytes() == bucket[LEDGER]
    assert not (looker.folder / part).exists()
