"""Every row of the fault table: the real command against a local Cognito in which that goes wrong.

Whatever happens, everybody gets one true verdict in the end, the texts are those that the table promises,
and the same command comes to the end once the fault is gone.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from flows import cli
from flows.console import TerminalProgress
from flows.ledger.folder import runs_of
from tests.faults.balance import hold_balance, pool_users
from tests.faults.table import CASES, DISK, Case
from tests.flows.conftest import Pool, person
from tests.flows.journeys import make_pool, statuses, switched

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    from connectors.cognito.sandbox import Sandbox

PEOPLE = [person(number) for number in range(12)]
DIFFERS = {
    r"import-[0-9A-Za-z]{10}": "JOB",
    r"\(request [\w-]+\)": "(request REQUEST)",
    r"\d{8}T\d{6}Z-[0-9a-f]{6}": "RUN",
    r"in \d+\.\d s$": "in SECONDS s",
    rf"(/[\w.-]+)+/{DISK}/acme": "FOLDER",
}
"""What differs each time, and what stands for it in the table."""


def acting(monkeypatch: pytest.MonkeyPatch, stage: str, act: Callable[[], object]) -> None:
    """Let something happen once, as the command begins a stage."""

    class Acting(TerminalProgress):
        due = True

        def stage(self, title: str, total: float | None, unit: str) -> None:
            super().stage(title, total, unit)
            if title.startswith(stage) and Acting.due:
                Acting.due = False
                act()

    monkeypatch.setattr(cli, "TerminalProgress", Acting)


def command(run_file: Path, *options: str) -> Result:
    return CliRunner().invoke(cli.app, ["run", str(run_file), "--json", *options])


def told(result: Result) -> str:
    """Standard error, with names in the place of what differs."""
    text = result.stderr
    for pattern, name in DIFFERS.items():
        text = re.sub(pattern, name, text, flags=re.MULTILINE)
    return text


def settings_of(case: Case) -> dict[str, Any]:
    own = dict(case.run)
    jobs = {
        "poll_seconds": 0.05,
        "log_patience_seconds": own.pop("patience", 0),
        "busy_patience_seconds": own.pop("busy", 0),
        "max_extra_jobs": own.pop("extra", 100),
    }
    source = {"kind": "csv", "path": "users.csv", "key": "id"}
    own |= {"state": DISK} if case.small_disk else {}
    return {"strategies": ["import_job"], "jobs": jobs, "source": source, **own}


@pytest.mark.usefixtures("_local")
@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_run_comes_through(
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    case: Case,
) -> None:
    if case.small_disk:
        request.getfixturevalue("small_disk")
    pool = make_pool(sandbox, tmp_path, **case.pool)
    run_file = pool.run_file(PEOPLE, **settings_of(case))
    with switched(sandbox, **{"clock_offset_seconds": 0, **case.switches}):
        if case.act and case.at != "again":
            acting(monkeypatch, case.at, lambda: case.act and case.act(pool))
        first = command(run_file)
        assert sandbox.counters()["struck"]["faults"] or not case.switches.get("faults")
    assert first.exit_code == case.exit, told(first)
    if case.at == "again":
        assert case.act
        case.act(pool)
        first = command(run_file)
    assert case.sees in told(first)
    assert "Traceback" not in first.output
    if not case.goes_on:
        assert first.exit_code in (2, 3)
        assert command(run_file).exit_code in (2, 3)
        return
    last = go_on(pool, run_file, case) if case.exit in (3, 130) else first
    assert last.exit_code == (0 if case.exit in (3, 130) else case.exit), told(last)
    hold_case(pool, case)


def go_on(pool: Pool, run_file: Path, case: Case) -> Result:
    """Mend what the switches do not mend, and give the same command again."""
    (pool.folder / DISK / "ballast").unlink(missing_ok=True)
    if case.act and not pool.client.describe_user_pool(UserPoolId=pool.pool_id)["UserPool"].get(
        "AutoVerifiedAttributes"
    ):
        pool.client.update_user_pool(UserPoolId=pool.pool_id, AutoVerifiedAttributes=["email"])
    return command(run_file)


def hold_case(pool: Pool, case: Case) -> None:
    (run,) = runs_of(pool.folder / (DISK if case.small_disk else "runs") / "acme")
    users = pool_users(pool.pool_id)
    strangers = [user for user in users if user["Username"].startswith("stranger")]
    hold_balance(run.path, users, before=strangers, source_ids=[one["id"] for one in PEOPLE])
    summary = json.loads(run.summary.read_text(encoding="utf-8"))
    assert {name: count for name, count in summary["verdicts"].items() if count} == dict(case.ends)
    assert not list((run.path / "batches").glob("*.csv*"))
    if case.jobs is not None:
        assert statuses(pool) == list(case.jobs)
    made = sorted(job["JobId"] for job in jobs_of(pool))
    assert sorted(job["job_id"] for job in summary["jobs"]) == made


def jobs_of(pool: Pool) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = pool.client.list_user_import_jobs(UserPoolId=pool.pool_id, MaxResults=50)[
        "UserImportJobs"
    ]
    return listed
