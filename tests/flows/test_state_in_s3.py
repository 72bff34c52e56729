"""A state in S3: another machine goes on where one stopped, and nobody works on it beside another."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from prefect.states import StateType
from typer.testing import CliRunner

from connectors.errors import ConfigurationError, DethronedError, StopError
from connectors.s3_objects import Objects
from flows.cli import app
from flows.ledger import s3_copy, s3_lock
from flows.ledger.copies import copied_runs, copies_kept, hold
from flows.migrate import migrate_users
from flows.reconcile import reconcile_users
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.running import migrate
from tests.flows.buckets import BUCKET, STATE, empty_bucket, keys
from tests.flows.conftest import Pool, person
from tests.flows.journeys import At

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

LOCK = "migrations/.acme.lock"
PEOPLE = [person(n) for n in range(12)]


@pytest.fixture
def s3(pool: Pool) -> S3Client:
    """The client of an empty bucket."""
    return empty_bucket(pool)


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this machine keeps its copies; ``shutil.rmtree`` makes it another machine."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(s3_lock, "LEASE_SECONDS", 0.4)
    return tmp_path / "cache"


def travel(path: Path, worker: Worker | None = None) -> dict[str, Any]:
    with copies_kept():
        _, summary = migrate(load_run_file(path), worker or Worker())
    return summary


def cli(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def interrupt() -> None:
    raise KeyboardInterrupt


def test_a_run_is_in_s3_encrypted_and_whole(pool: Pool, s3: S3Client, machine: Path) -> None:
    summary = travel(pool.run_file(PEOPLE, state=STATE))
    assert summary["verdicts"]["imported"] == len(PEOPLE)
    below = f"migrations/acme/{summary['run_id']}/"
    names = {key.removeprefix(below) for key in keys(s3)}
    assert {"run.yaml", "ledger.db", "verdicts.parquet", "summary.json", "report.html", "told"} <= names
    assert not [name for name in names if name.endswith((".csv", ".lines", ".lock")) and "/" in name]
    assert LOCK not in keys(s3)
    for key in keys(s3):
        assert s3.head_object(Bucket=BUCKET, Key=key)["ServerSideEncryption"] == "aws:kms"
    assert (machine / "poolferry" / BUCKET / "migrations").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "moment", ["Reading and judging", "Choosing ways", "Uploading", "Importing", "Reading the pool back"]
)
def test_another_machine_goes_on(moment: str, pool: Pool, s3: S3Client, machine: Path) -> None:
    path = pool.run_file(PEOPLE, state=STATE)
    with pytest.raises(KeyboardInterrupt):
        travel(path, Worker(At(moment, interrupt)))
    shutil.rmtree(machine)
    summary = travel(path)
    assert summary["balanced"]
    assert summary["verdicts"]["imported"] == len(PEOPLE)
    assert sorted(pool.users()) == [one["id"] for one in PEOPLE]
    assert len({key.split("/")[2] for key in keys(s3)}) == 1, "the same run went on"


def test_a_machine_that_vanishes_keeps_the_lock_for_a_lease(
    pool: Pool, s3: S3Client, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is brought to S3 any more, and nobody gives the lock back."""
    path = pool.run_file(PEOPLE, state=STATE)
    with monkeypatch.context() as dead:
        dead.setattr(s3_copy.S3Copy, "close", lambda copy: copy._closed.set())
        with pytest.raises(KeyboardInterrupt):
            travel(path, Worker(At("Importing", interrupt)))
    assert LOCK in keys(s3)
    shutil.rmtree(machine)
    summary = travel(path)
    assert summary["verdicts"]["imported"] == len(PEOPLE)
    assert len(summary["jobs"]) == 1, "it found the job of the other machine"


def test_who_lives_keeps_the_others_out(
    pool: Pool, s3: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pool.run_file(PEOPLE, state=STATE)
    other = tmp_path / "another machine"

    def from_another() -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(other))
        copy = s3_copy.S3Copy(*_places(s3), other / "acme")
        with pytest.raises(ConfigurationError, match="being worked on by another process"):
            copy.hold()

    monkeypatch.setattr(s3_copy, "PUSH_SECONDS", 0.05)
    assert travel(path, Worker(At("Importing", from_another)))["balanced"]


def test_another_run_is_refused_while_another_machine_works_on_the_last_one(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pool.run_file(PEOPLE, state=STATE)
    command = [sys.executable, "-m", "flows.cli", "run", str(path), "--new"]
    others: list[subprocess.CompletedProcess[str]] = []

    def from_another() -> None:
        cache = {"XDG_CACHE_HOME": str(tmp_path / "another machine")}
        env = os.environ | cache
        others.append(subprocess.run(command, env=env, capture_output=True, text=True, check=False))

    monkeypatch.setattr(s3_copy, "PUSH_SECONDS", 0.05)
    assert travel(path, Worker(At("Importing", from_another)))["balanced"]
    assert others[0].returncode == 2, others[0].stderr
    assert "is being worked on by another process" in others[0].stderr
    assert "without --new" in others[0].stderr


def _places(s3: S3Client) -> tuple[Any, Any]:
    return Objects(s3, BUCKET, "migrations/acme"), Objects(s3, BUCKET, "migrations")


@pytest.mark.parametrize(
    ("moment", "users"), [("Choosing ways", 0), ("Uploading", 0), ("Importing", len(PEOPLE))]
)
def test_who_slept_through_a_lease_writes_nothing_any_more(
    moment: str, users: int, pool: Pool, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it go on with what is not in S3: what the pool has then is what had begun before."""
    monkeypatch.setattr(s3_copy, "PUSH_SECONDS", 60)
    path = pool.run_file(PEOPLE, state=STATE)

    def taken_over() -> None:
        s3.put_object(Bucket=BUCKET, Key=LOCK, Body=json.dumps({"owner": "other/1/x"}).encode())
        time.sleep(s3_lock.LEASE_SECONDS / s3_lock.RENEWALS)

    with pytest.raises(DethronedError, match="taken over by another machine"):
        travel(path, Worker(At(moment, taken_over)))
    assert len(pool.users()) == users
    assert json.loads(s3.get_object(Bucket=BUCKET, Key=LOCK)["Body"].read())["owner"] == "other/1/x"


def test_who_took_longer_than_a_lease_to_bring_a_file_leaves_the_others_ledger_alone(
    pool: Pool, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_copy, "PUSH_SECONDS", 60)
    put, names = Objects.put, []

    def slowly(objects: Objects, name: str, content: Any) -> str:
        names.append(name)
        etag = put(objects, name, content)
        if name.endswith(".arrow"):
            s3.put_object(Bucket=BUCKET, Key=LOCK, Body=json.dumps({"owner": "other/1/x"}).encode())
            time.sleep(s3_lock.LEASE_SECONDS / s3_lock.RENEWALS)
        return etag

    monkeypatch.setattr(Objects, "put", slowly)
    with pytest.raises(DethronedError, match="taken over by another machine"):
        travel(pool.run_file(PEOPLE, state=STATE))
    assert names[-1].endswith(".arrow")


def test_a_while_without_s3_stops_nobody_who_waits_for_a_job(
    pool: Pool, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the ledger moves meanwhile; the lock is renewed as soon as S3 answers again."""
    monkeypatch.setattr(s3_copy, "PUSH_SECONDS", 0.02)
    put, refused = Objects._put, []

    def away(*_: Any, **__: Any) -> str:
        refused.append(1)
        raise StopError("PutObject failed with ServiceUnavailable.")

    def outage() -> None:
        monkeypatch.setattr(Objects, "_put", away)
        while len(refused) < 3:
            time.sleep(s3_lock.LEASE_SECONDS / s3_lock.RENEWALS)
        monkeypatch.setattr(Objects, "_put", put)

    assert travel(pool.run_file(PEOPLE, state=STATE), Worker(At("Importing", outage)))["balanced"]
    assert LOCK not in keys(s3)


def test_a_copy_that_cannot_be_brought_up_keeps_nobody_out(
    pool: Pool, s3: S3Client, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pool.run_file(PEOPLE, state=STATE)
    travel(path)
    shutil.rmtree(machine)
    with copies_kept():
        folder = load_run_file(path).state_folder
        (folder / next(folder.glob("2*")) / "summary.json").write_text("{}")
        with monkeypatch.context() as away:
            away.setattr(Objects, "fetch", lambda *_: (_ for _ in ()).throw(StopError("GetObject failed.")))
            with pytest.raises(StopError, match="GetObject"):
                hold(folder)
        assert LOCK not in keys(s3)
        hold(folder)


def test_two_processes_of_a_machine_keep_out_of_each_others_way(pool: Pool, s3: S3Client) -> None:
    """Who looks sees the copy as it is, and does not throw away what is not in S3 yet."""
    path = pool.run_file(PEOPLE, state=STATE)

    def look() -> None:
        objects, beside = _places(s3)
        with copies_kept():
            folder = copied_runs(STATE, "acme")
        other = s3_copy.S3Copy(objects, beside, folder)
        (folder / "not in S3 yet").touch()
        other.refresh()
        assert (folder / "not in S3 yet").exists()
        with pytest.raises(ConfigurationError, match="another process of this machine"):
            other.hold()

    assert travel(path, Worker(At("Importing", look)))["balanced"]


def test_flows_work_there_too(pool: Pool, s3: S3Client, machine: Path) -> None:
    path = pool.run_file(PEOPLE, state=STATE)
    assert migrate_users.fn(str(path)).type is StateType.COMPLETED
    shutil.rmtree(machine)
    assert reconcile_users.fn(str(path)).type is StateType.COMPLETED
    assert LOCK not in keys(s3)
    copy = machine / "poolferry" / BUCKET / "migrations"
    for each in copy.glob("acme/**/*"):
        assert each.stat().st_mode & 0o077 == 0, each.relative_to(copy)


def test_commands_find_a_run_by_its_state(pool: Pool, s3: S3Client, machine: Path) -> None:
    path = pool.run_file([*PEOPLE, person(99, verified="")], state=STATE, strategies=["import_job"])
    ran = cli("run", str(path), "--json")
    assert ran.exit_code == 1
    run_id = json.loads(ran.stdout)["run_id"]
    shutil.rmtree(machine)
    for command in (["status"], ["status", "acme"], ["report", "acme"], ["explain", "acme", "u00099"]):
        found = cli(*command, "--state", STATE)
        assert found.exit_code == 0, found.output
    assert run_id in cli("status", "--state", STATE, "--json").stdout
    assert cli("reconcile", str(path), "--json").exit_code == 0
    assert cli("retry", "acme", "--state", STATE, "--json").exit_code == 1
    assert cli("rollback", "acme", "--state", STATE, "--delete", "--confirmed-too").exit_code == 0
    assert not pool.users()
    assert cli("purge", run_id, "--state", STATE, "--yes").exit_code == 0
    assert not [key for key in keys(s3) if "/users/" in key]
    shutil.rmtree(machine)
    purged = cli("status", run_id, "--state", STATE, "--json")
    assert json.loads(purged.stdout)["run_id"] == run_id


@pytest.mark.usefixtures("s3")
def test_the_next_run_is_another_one(pool: Pool, machine: Path) -> None:
    path = pool.run_file(PEOPLE, state=STATE)
    first = travel(path)
    shutil.rmtree(machine)
    second = travel(path)
    assert first["run_id"] < second["run_id"]
    assert second["verdicts"]["existing"] == len(PEOPLE)
    with copies_kept():
        folder = load_run_file(path).state_folder
    assert pl.read_parquet(folder / first["run_id"] / "verdicts.parquet").height == len(PEOPLE)


def test_a_bucket_with_a_key_of_its_own_keeps_it(s3: S3Client) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/ours"}}
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
    sent: list[dict[str, Any]] = []
    objects, _ = _places(s3)
    s3.meta.events.register("before-call.s3.PutObject", lambda params, **_: sent.append(params["headers"]))
    try:
        objects.put_if("probe", b"", None)
    finally:
        s3.delete_bucket_encryption(Bucket=BUCKET)
    assert "x-amz-server-side-encryption" not in sent[0]


def test_a_bucket_that_is_not_there_stops_before_anything(pool: Pool) -> None:
    path = pool.run_file(PEOPLE, state="s3://no-such-bucket-of-ours/x")
    with pytest.raises(StopError, match="NoSuchBucket"):
        travel(path)


def test_check_looks_at_it(pool: Pool, s3: S3Client) -> None:
    good = cli("check", str(pool.run_file(PEOPLE, state=STATE)), "--json")
    (found,) = [each for each in json.loads(good.stdout)["checks"] if each["what"] == "state"]
    assert found["good"]
    assert found["text"] == "0 runs of this name are there; an object was written and deleted"
    assert not keys(s3)
    bad = cli("check", str(pool.run_file(PEOPLE, state="s3://no-such-bucket-of-ours/x")), "--json")
    (found,) = [each for each in json.loads(bad.stdout)["checks"] if each["what"] == "state"]
    assert not found["good"]
    assert "NoSuchBucket" in found["text"]


@pytest.mark.parametrize("state", ["s3://", "s3://bucket", "s3:///x"])
def test_a_place_must_name_bucket_and_prefix(state: str, pool: Pool) -> None:
    with pytest.raises(ConfigurationError, match="s3://bucket/prefix"):
        travel(pool.run_file(PEOPLE, state=state))


def test_workers_cannot_share_it(pool: Pool) -> None:
    path = pool.run_file(PEOPLE, state=STATE, ledger="postgresql+psycopg://u@h/d")
    with pytest.raises(ConfigurationError, match="one worker at a time"):
        load_run_file(path)


@pytest.mark.usefixtures("s3")
def test_nobody_looks_at_it_without_letting_it_go(pool: Pool) -> None:
    loaded = load_run_file(pool.run_file(PEOPLE, state=STATE))
    with pytest.raises(ConfigurationError, match="copies_kept"):
        _ = loaded.state_folder


def test_a_plain_folder_needs_no_lock(tmp_path: Path) -> None:
    hold(tmp_path)
