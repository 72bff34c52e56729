"""Import jobs and their logs as they come in real life: slow, late, spent, out of order, in the way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from connectors.errors import TargetError
from flows.steps.progress import Silence
from flows.strategies.import_job import ATTEMPTS
from tests.flows.conftest import ROLE, Pool, person
from tests.flows.journeys import (
    CREATED,
    EXISTING,
    IMPORTED,
    QUICK,
    add,
    check,
    hold,
    lead_to,
    make_pool,
    mapping,
    rejected,
    switched,
    travel,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox

SOME = [person(n) for n in range(12)]
DAY = 86_400


@pytest.fixture
def pool(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pool:
    """A pool whose name has what no log group's name may have (F3.26)."""
    lead_to(sandbox, monkeypatch)
    return make_pool(sandbox, tmp_path, PoolName="Our people, all + more")


class At(Silence):
    """Does something once, at the beginning of a stage."""

    def __init__(self, title: str, act: Callable[[], object]) -> None:
        self._title = title
        self._act: Callable[[], object] | None = act

    def stage(self, title: str, total: float | None, unit: str) -> None:
        del total, unit
        if title.startswith(self._title) and self._act:
            act, self._act = self._act, None
            act()


class Always(At):
    """Does something at the beginning of a stage, each time."""

    def __init__(self, title: str, act: Callable[[], object]) -> None:
        super().__init__(title, self._every_time)
        self._do = act

    def _every_time(self) -> None:
        self._do()
        self._act = self._every_time


def statuses(pool: Pool) -> list[str]:
    """States of the pool's jobs, the first one first."""
    listed = pool.client.list_user_import_jobs(UserPoolId=pool.pool_id, MaxResults=50)["UserImportJobs"]
    return [job["Status"] for job in reversed(listed)]


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
def test_whom_a_job_refuses_has_failed(pool: Pool, sandbox: Sandbox, lost: int) -> None:
    """A refusal is told with what the log says, or with the plain truth where the log does not say it."""
    pool = make_pool(sandbox, pool.folder, AliasAttributes=["email"])
    run_file = pool.run_file(SOME, jobs=QUICK)
    with switched(sandbox, log_drop_every=lost):
        journey = travel(run_file, At("Uploading", lambda: refuse_one(pool)))
    assert journey.summary["balanced"]
    assert journey.counts() == {"imported": len(SOME) - 1, "failed": 1}
    assert journey.reasons() == {"u00003": "not_settled" if lost else "pool_refused"}
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


# proof ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("verify", ["full", "sample", "none"])
def test_how_much_is_read_back(pool: Pool, verify: str) -> None:
    people = [person(1, id="Ann"), person(2, verified="no"), person(3, email="")]
    expected = [IMPORTED, CREATED, rejected("email_verified_without_email")]
    journey = check(pool, people, expected, verify=verify)
    assert (journey.of("Ann")["sub"] is None) is (verify == "none")
    assert journey.of("u00002")["sub"] == pool.attributes("u00002")["sub"]
    assert journey.facts().get("read_back") == (None if verify == "none" else 2)


@pytest.mark.parametrize("verify", ["full", "sample"])
def test_who_is_not_there_any_more_has_failed(pool: Pool, verify: str) -> None:
    run_file = pool.run_file(SOME[:3], jobs=QUICK, verify=verify)

    def remove() -> None:
        pool.client.admin_delete_user(UserPoolId=pool.pool_id, Username="u00001")

    title = "Reading the pool back" if verify == "full" else "Reading a sample back"
    journey = travel(run_file, At(title, remove))
    assert journey.reasons() == {"u00001": "not_in_pool"}
    assert journey.counts() == {"imported": 2, "failed": 1}


def test_what_was_changed_on_the_way_is_told_by_attribute(pool: Pool) -> None:
    run_file = pool.run_file(SOME[:3], jobs=QUICK)

    def change() -> None:
        pool.client.admin_update_user_attributes(
            UserPoolId=pool.pool_id, Username="u00001", UserAttributes=[{"Name": "name", "Value": "Other"}]
        )

    journey = travel(run_file, At("Reading the pool back", change))
    assert journey.facts()["drift"] == {"name": 1}
    assert "Other" not in journey.told


@pytest.mark.parametrize("verify", ["full", "sample", "none"])
def test_nobody(pool: Pool, verify: str) -> None:
    """A header alone is a source without users: a run that ends well, without a job."""
    journey = check(pool, [], [], verify=verify)
    assert journey.summary["jobs"] == []
    assert statuses(pool) == []
    assert journey.facts().get("read_back") == (None if verify == "none" else 0)


def test_one_user(pool: Pool) -> None:
    check(pool, SOME[:1], [IMPORTED])


def test_only_lines_that_are_no_rows(pool: Pool) -> None:
    run_file = pool.run_file([])
    with (run_file.parent / "users.csv").open("a") as file:
        file.write("a,b\nc\n")
    journey = travel(run_file)
    hold(journey, pool)
    assert journey.ends() == [rejected("line_ragged")] * 2
    assert journey.verdicts["line"].to_list() == [2, 3]


def test_passwords_that_the_policy_refuses_make_nobody(pool: Pool) -> None:
    """A user who has failed is not in the pool, so that a second try is possible."""
    own = mapping() | {"password": {"from": "pw"}}
    own.pop("password_hash")
    people = [
        person(1, pw="Long-enough-1"),
        person(2, pw="short"),
        person(3, pw="Long-enough-2", active="no"),
    ]
    failed = ("failed", "invalid_password")
    check(pool, people, [CREATED, failed, CREATED], mapping=own, strategies=["admin_create_user"])
    found = {name: user["UserStatus"] for name, user in pool.users().items()}
    assert found == {"u00001": "CONFIRMED", "u00003": "FORCE_CHANGE_PASSWORD"}
