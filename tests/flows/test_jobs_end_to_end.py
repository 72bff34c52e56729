"""Import jobs and their logs as they come in real life: slow, late, spent, out of order, in the way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from connectors.errors import TargetError
from flows.ledger.store import Ledger
from flows.strategies.import_job import ATTEMPTS
from tests.flows.conftest import ROLE, Pool, person
from tests.flows.journeys import (
    CREATED,
    EXISTING,
    IMPORTED,
    QUICK,
    Always,
    At,
    add,
    check,
    hold,
    lead_to,
    make_pool,
    statuses,
    switched,
    travel,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox
    from flows.ledger.store import BatchRecord

SOME = [person(n) for n in range(12)]
DAY = 86_400
INVENTED = "Pw-1234!aA"


@pytest.fixture
def pool(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pool:
    """A pool whose name has what no log group's name may have (F3.26)."""
    lead_to(sandbox, monkeypatch)
    return make_pool(sandbox, tmp_path, PoolName="Our people, all + more")


# logs -----------------------------------------------------------------------------------------

LOGS: dict[str, dict[str, Any]] = {
    "lines are counted with the header": {"log_first_user_line": 2},
    "lines are counted without the header": {"log_first_user_line": 1},
    "every third line is lost": {"log_drop_every": 3},
    "every third line is lost, counted from 1": {"log_drop_every": 3, "log_first_user_line": 1},
    "all lines are lost": {"log_drop_every": 1},
    "lines come twice and in another order": {"log_shuffle": True, "log_duplicate_every": 2},
    "no test lines, other words": {"log_test_lines": 0, "log_auto_verified_wording": "verified"},
    "another name of the log group": {"log_group_replacement": "-"},
}


@pytest.mark.parametrize("settings", LOGS.values(), ids=LOGS)
def test_whatever_the_log_tells(pool: Pool, sandbox: Sandbox, settings: dict[str, Any]) -> None:
    """Verdicts come from the log where it tells them and from the pool where it does not."""
    with switched(sandbox, **settings):
        check(pool, SOME, [IMPORTED] * len(SOME))


def test_lines_that_come_late_are_waited_for(pool: Pool, sandbox: Sandbox) -> None:
    with switched(sandbox, log_delay_seconds=1):
        check(pool, SOME, [IMPORTED] * len(SOME), jobs=QUICK | {"log_patience_seconds": 5})


def refuse_one(pool: Pool) -> None:
    """Give the address of a user who is about to travel to somebody else."""
    add(pool, "stranger", email="user3@example.com", email_verified="true")


@pytest.mark.parametrize("lost", [0, 1])
def test_whom_every_way_refuses_has_failed(pool: Pool, sandbox: Sandbox, lost: int) -> None:
    """The last way's word counts; where the log does not name a user, the plain truth is told."""
    pool = make_pool(sandbox, pool.folder, AliasAttributes=["email"])
    run_file = pool.run_file(SOME, jobs=QUICK)
    with switched(sandbox, log_drop_every=lost):
        journey = travel(run_file, At("Uploading", lambda: refuse_one(pool)))
    assert journey.summary["balanced"]
    assert journey.counts() == {"imported": len(SOME) - 1, "failed": 1}
    assert journey.reasons() == {"u00003": "not_settled" if lost else "alias_taken"}
    assert len(pool.users()) == len(SOME)


@pytest.mark.parametrize("lost", [0, 1])
@pytest.mark.parametrize("spelling", ["u00003", "U00003"])
def test_who_came_in_between_is_existing(pool: Pool, sandbox: Sandbox, lost: int, spelling: str) -> None:
    """Whoever made the user first keeps them as they are, and the run knows their ``sub``."""
    people = [person(n, id=spelling) if n == 3 else person(n) for n in range(6)]
    run_file = pool.run_file(people, jobs=QUICK)
    with switched(sandbox, log_drop_every=lost):
        journey = travel(run_file, At("Uploading", lambda: add(pool, "u00003")))
    hold(journey, pool, {"u00003": pool.users()["u00003"]})
    assert journey.counts() == {"imported": 5, "existing": 1}
    assert journey.of(spelling)["sub"] == pool.attributes("u00003")["sub"]
    assert "email" not in pool.attributes("u00003")


def test_who_came_before_admin_create_user_is_existing(pool: Pool) -> None:
    people = [person(n, verified="no") for n in range(3)]
    run_file = pool.run_file(people, strategies=["admin_create_user"])
    journey = travel(run_file, At("Creating users", lambda: add(pool, "u00001")))
    assert journey.ends() == [CREATED, EXISTING, CREATED]
    hold(journey, pool, {"u00001": pool.users()["u00001"]})


def come_first(pool: Pool, names: Sequence[str], *, password: bool, **changes: str) -> None:
    """Others make users of the run, by another way than a job, with what the source has and their changes."""
    for name in names:
        own = {**person(int(name[1:])), **changes}
        values = {
            "email": own["email"], "email_verified": "true", "birthdate": "1990-02-03",
            "name": f"{own['first_name']} {own['last_name']}", "custom:tenant": "acme",
        }  # fmt: skip
        add(pool, name, **values)
        if password:
            pool.client.admin_set_user_password(
                UserPoolId=pool.pool_id, Username=name, Password=INVENTED, Permanent=True
            )


THEIRS: dict[str, dict[str, Any]] = {
    "a status that no job gives": {"password": False},
    "other values": {"password": True, "last_name": "Somebody"},
}


@pytest.mark.parametrize("theirs", THEIRS.values(), ids=THEIRS)
def test_who_came_while_the_job_ran_is_existing(pool: Pool, sandbox: Sandbox, theirs: dict[str, Any]) -> None:
    """Without a log the time alone does not tell whose a user is: ``rollback`` would delete a stranger."""
    run_file = pool.run_file(SOME, jobs=QUICK)
    names = ["u00001", "u00007"]
    with switched(sandbox, log_drop_every=1, pending_seconds=1):
        journey = travel(run_file, At("Importing", lambda: come_first(pool, names, **theirs)))
    users = pool.users()
    hold(journey, pool, {name: users[name] for name in names})
    assert journey.counts() == {"imported": len(SOME) - 2, "existing": 2}
    assert [journey.of(name)["verdict"] for name in names] == ["existing"] * 2


def test_who_came_while_a_later_job_ran_is_not_an_earlier_ones(pool: Pool, sandbox: Sandbox) -> None:
    """A job that skips somebody who came in its own time has met a stranger, who travelled before or not."""

    def come() -> None:
        time.sleep(1.5)  # a job's times may be cut to whole seconds
        come_first(pool, ["u00009"], password=True)

    run_file = pool.run_file(SOME, jobs=QUICK)
    fault = [{"kind": "fail", "after_rows": 5}]
    with switched(sandbox, job_faults=fault, pending_seconds=3):
        journey = travel(run_file, At("Importing batch 2", come))
    hold(journey, pool, {"u00009": pool.users()["u00009"]})
    assert journey.counts() == {"imported": len(SOME) - 1, "existing": 1}


# jobs -----------------------------------------------------------------------------------------


def test_a_job_that_takes_its_time(pool: Pool, sandbox: Sandbox) -> None:
    with switched(sandbox, pending_seconds=0.5, rows_per_second=20, upload_settles_seconds=0.5):
        check(pool, SOME, [IMPORTED] * len(SOME))
    assert statuses(pool) == ["Succeeded"]


@pytest.fixture
def busy(sandbox: Sandbox, tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Starts a job in another pool of the account that is active for two seconds."""
    other = make_pool(sandbox, tmp_path / "other")

    def start() -> None:
        import requests  # noqa: PLC0415

        job = other.client.create_user_import_job(
            JobName="other", UserPoolId=other.pool_id, CloudWatchLogsRoleArn=ROLE
        )["UserImportJob"]
        header = other.client.get_csv_header(UserPoolId=other.pool_id)["CSVHeader"]
        encryption = {"x-amz-server-side-encryption": "aws:kms"}
        requests.put(job["PreSignedUrl"], ",".join(header) + "\n", headers=encryption, timeout=10)
        with switched(sandbox, pending_seconds=2):
            other.client.start_user_import_job(UserPoolId=other.pool_id, JobId=job["JobId"])

    yield start
    time.sleep(0.1)


def test_a_job_waits_for_its_turn(pool: Pool, busy: Callable[[], None]) -> None:
    """One job of the account is active at a time (F3.14): the run waits, and goes on."""
    journey = travel(pool.run_file(SOME, jobs=QUICK | {"busy_patience_seconds": 3}), At("Uploading", busy))
    hold(journey, pool)
    assert journey.ends() == [IMPORTED] * len(SOME)
    assert statuses(pool) == ["Succeeded"]


def test_a_run_that_waited_in_vain_goes_on_later(pool: Pool, busy: Callable[[], None]) -> None:
    """Another job that stays active stops the run; the same command starts the job that waits."""
    run_file = pool.run_file(SOME, jobs=QUICK | {"busy_patience_seconds": 0})
    with pytest.raises(TargetError, match="another job"):
        travel(run_file, At("Uploading", busy))
    time.sleep(2)
    journey = travel(run_file)
    hold(journey, pool)
    assert statuses(pool) == ["Succeeded"]


def test_an_upload_url_that_has_expired_costs_one_job(pool: Pool, sandbox: Sandbox) -> None:
    """Only a new job brings a new URL (F3.10)."""
    late = At("Uploading", lambda: sandbox.update(clock_offset_seconds=1000))
    with switched(sandbox, clock_offset_seconds=0):
        journey = travel(pool.run_file(SOME, jobs=QUICK), late)
    hold(journey, pool)
    assert journey.ends() == [IMPORTED] * len(SOME)
    assert statuses(pool) == ["Created", "Succeeded"]


def test_upload_urls_that_never_work_do_not_use_up_the_jobs(pool: Pool, sandbox: Sandbox) -> None:
    """A pool has a thousand jobs in its life (F3.15): a run stops after a few, and goes on later."""
    run_file = pool.run_file(SOME, jobs=QUICK)
    hours = iter(range(1, 1000))
    late = Always("Uploading", lambda: sandbox.update(clock_offset_seconds=next(hours) * 3600))
    with switched(sandbox, clock_offset_seconds=0):
        with pytest.raises(TargetError, match="never ran"):
            travel(run_file, late)
        assert statuses(pool) == ["Created"] * ATTEMPTS
        journey = travel(run_file)
    hold(journey, pool)
    assert statuses(pool) == ["Created"] * ATTEMPTS + ["Succeeded"]


def test_a_job_that_expired_while_the_run_was_away(
    pool: Pool, sandbox: Sandbox, busy: Callable[[], None]
) -> None:
    """A job that was not started for a day is spent (F3.17): its users go in another one."""
    run_file = pool.run_file(SOME, jobs=QUICK | {"busy_patience_seconds": 0})
    with pytest.raises(TargetError, match="another job"):
        travel(run_file, At("Uploading", busy))
    time.sleep(2)
    with switched(sandbox, clock_offset_seconds=2 * DAY):
        journey = travel(run_file)
    hold(journey, pool)
    assert statuses(pool) == ["Expired", "Succeeded"]


def test_users_whom_failing_jobs_never_reach_have_a_reason(pool: Pool, sandbox: Sandbox) -> None:
    """After some jobs without much headway the rest is told apart from those whom the pool refused."""
    pool = make_pool(sandbox, pool.folder, AliasAttributes=["email"])
    run_file = pool.run_file(SOME, jobs=QUICK | {"max_extra_jobs": 1})

    def take_all() -> None:
        for n in range(1, len(SOME)):
            add(pool, f"stranger{n}", email=f"user{n}@example.com", email_verified="true")

    with switched(sandbox, too_many_early_after_rows=2):
        journey = travel(run_file, At("Uploading", take_all))
    assert journey.summary["balanced"]
    assert [job["status"] for job in journey.summary["jobs"]] == ["Failed", "Failed"]
    reasons = {"alias_taken": 4, "job_failed": len(SOME) - 5}
    assert journey.summary["reasons"]["failed"] == dict(sorted(reasons.items(), key=lambda item: -item[1]))


def test_who_travels_on_is_decided_once(
    pool: Pool, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that died after it had handed users on is not contradicted by lines that come later."""
    pool = make_pool(sandbox, pool.folder, AliasAttributes=["email"])
    run_file = pool.run_file(SOME, jobs=QUICK)
    add_batches = Ledger.add_batches

    def die(ledger: Ledger, batches: Sequence[BatchRecord]) -> None:
        add_batches(ledger, batches)
        if any("parent" in batch.facts for batch in batches):
            monkeypatch.setattr(Ledger, "add_batches", add_batches)
            raise KeyboardInterrupt

    monkeypatch.setattr(Ledger, "add_batches", die)
    with switched(sandbox, log_delay_seconds=1, too_many_share=0, too_many_early_after_rows=4):
        with pytest.raises(KeyboardInterrupt):
            travel(run_file, At("Uploading", lambda: refuse_one(pool)))
        time.sleep(1)
        sandbox.update(log_delay_seconds=0)
        journey = travel(run_file)
    assert journey.summary["balanced"]
    assert journey.counts() == {"imported": len(SOME) - 1, "failed": 1}
