"""The flows for after a run: they do what the plain functions do, and nothing by mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prefect import Flow
from prefect.states import StateType

from connectors.errors import ConfigurationError
from flows.migrate import migrate_users
from flows.plan import plan_migration
from flows.purge import purge_run
from flows.reconcile import reconcile_users
from flows.retry import retry_users
from flows.rollback import LEFT_ALONE, roll_back_migration
from flows.settings import load_run_file
from flows.steps.progress import Silence
from tests.flows.conftest import Pool, person
from tests.flows.journeys import QUICK, lead_to, travel

if TYPE_CHECKING:
    from connectors.cognito.sandbox import Sandbox

BCRYPT = "$2b$04$9gLn4nv2KFtdB0Z38PZF/.ds/GSP6BL2lVJnUrzlicMAHiGhD8syS"
PEOPLE = [person(1), person(2, pw=BCRYPT), person(3, email="broken@@example.com")]


@pytest.fixture(autouse=True)
def _quick(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_to(sandbox, monkeypatch)


@pytest.fixture
def run_file(pool: Pool) -> str:
    path = pool.run_file(PEOPLE, jobs=QUICK)
    travel(path)
    return str(path)


def run_ids(run_file: str) -> list[str]:
    return sorted(each.name for each in load_run_file(Path(run_file)).state_folder.iterdir())


def test_a_rollback_counts_first_and_deletes_only_when_the_run_is_named(pool: Pool, run_file: str) -> None:
    looked = roll_back_migration.fn(run_file)
    assert (looked.type, looked.name, looked.data["deleted"]) == (StateType.COMPLETED, LEFT_ALONE, 1)
    with pytest.raises(ConfigurationError, match="run_id: this cannot be taken back"):
        roll_back_migration.fn(run_file, dry_run=False, confirmed_too=True)
    assert len(pool.users()) == 2
    done = roll_back_migration.fn(run_file, looked.data["run_id"], dry_run=False, confirmed_too=True)
    assert (done.name, done.data["deleted"]) == ("Completed", 2)
    assert pool.users() == {}


class Titles(Silence):
    """Notes the titles of a bar."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def stage(self, title: str, total: float | None, unit: str) -> None:
        self.told.append(f"{title} {total:,} {unit}" if total else title)


@pytest.mark.parametrize(
    ("flow", "users"),
    [(migrate_users, 3), (plan_migration, 3), (reconcile_users, 2), (roll_back_migration, 2)],
    ids=lambda value: value.name if isinstance(value, Flow) else None,
)
@pytest.mark.usefixtures("pool")
def test_the_last_text_of_a_bar_is_what_its_flow_has_found(
    run_file: str, monkeypatch: pytest.MonkeyPatch, flow: Flow[..., Any], users: int
) -> None:
    titles = Titles()
    monkeypatch.setattr(f"{flow.fn.__module__}.progress_of", lambda _: titles)
    state = flow.fn(run_file)
    assert titles.told[-1] == f"{state.message.removesuffix('.')} {users} users"


def test_a_retry_takes_whom_the_newest_run_left_and_only_them(pool: Pool, run_file: str) -> None:
    pool.run_file([*PEOPLE[:2], person(3)], jobs=QUICK)
    state = retry_users.fn(run_file, reasons=["email_invalid"])
    assert state.message == "finished: 1 of 1 landed"
    assert set(pool.users()) == {"u00001", "u00002", "u00003"}
    first, child = run_ids(run_file)
    assert state.data["run_id"] == child
    again = retry_users.fn(run_file, first)
    assert again.message == f"Nobody of run {first} is left to retry."
    assert run_ids(run_file) == [first, child]


def test_a_retry_reads_a_corrected_file(pool: Pool, run_file: str, tmp_path: Path) -> None:
    corrected = tmp_path / "corrected.csv"
    rows = [(tmp_path / "users.csv").read_text().splitlines()[line] for line in (0, 3)]
    corrected.write_text("\n".join(rows).replace("broken@@", "mended@") + "\n")
    state = retry_users.fn(run_file, corrected_file=str(corrected))
    assert state.data["verdicts"]["imported"] == 1
    assert pool.attributes("u00003")["email"] == "mended@example.com"


def test_a_purge_looks_first_and_forgets_only_when_the_run_is_named(run_file: str) -> None:
    looked = purge_run.fn(run_file)
    assert [(each["users"], each["done"]) for each in looked.data["runs"]] == [(3, False)]
    with pytest.raises(ConfigurationError, match="run_id: this cannot be taken back"):
        purge_run.fn(run_file, dry_run=False)
    (run_id,) = run_ids(run_file)
    done = purge_run.fn(run_file, run_id, dry_run=False)
    assert [each["done"] for each in done.data["runs"]] == [True]
    with pytest.raises(ConfigurationError, match="was purged"):
        retry_users.fn(run_file)


def test_a_run_that_is_not_there_is_refused_with_those_that_are(run_file: str) -> None:
    (run_id,) = run_ids(run_file)
    for call in (roll_back_migration, retry_users, purge_run):
        with pytest.raises(ConfigurationError, match=f"Newest runs there: acme/{run_id}"):
            call.fn(run_file, "20200101T000000Z-000000")


def test_what_the_flows_hand_to_prefect_names_nobody(run_file: str) -> None:
    told = json.dumps([roll_back_migration.fn(run_file).data, purge_run.fn(run_file).data])
    assert "u0000" not in told
    assert "example.com" not in told
