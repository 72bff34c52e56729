"""What a run notes of its calls is what the pool's side has counted, also over a stop and a rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flows.ledger.folder import RunFolder
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.reconciling import reconcile
from flows.steps.running import migrate
from tests.flows.conftest import Pool, person
from tests.flows.journeys import QUICK, At, lead_to, travel

if TYPE_CHECKING:
    from connectors.cognito.sandbox import Sandbox

OURS = {"AdminCreateUser", "AdminSetUserPassword", "AdminDisableUser", "StartUserImportJob", "ListUsers"}
PEOPLE = [
    person(1),
    person(2, last_name='Must"er'),
    person(3, email="", verified="false"),
    person(4, active="no"),
    person(5, email="nonsense"),
]


@pytest.fixture(autouse=True)
def _quick(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_to(sandbox, monkeypatch)


def counted(sandbox: Sandbox, before: dict[str, int]) -> dict[str, int]:
    now = sandbox.counters()["operations"]
    return {name: now[name] - before.get(name, 0) for name in OURS}


@pytest.mark.parametrize("stopped", [False, True], ids=["at one go", "stopped on the way"])
def test_the_noted_calls_are_those_that_came(pool: Pool, sandbox: Sandbox, stopped: bool) -> None:  # noqa: FBT001 - a case
    path = pool.run_file(PEOPLE, jobs=QUICK)
    before = sandbox.counters()["operations"]

    def stop() -> None:
        raise KeyboardInterrupt

    if stopped:
        with pytest.raises(KeyboardInterrupt):
            migrate(load_run_file(path), Worker(At("Reading the pool back", stop)))
    journey = travel(path)
    noted = journey.facts()["calls"]
    assert {name: noted[name]["calls"] for name in OURS} == counted(sandbox, before)
    assert all(noted[name]["first"] <= noted[name]["last"] for name in OURS)
    assert {use["limit"] for use in noted.values() if use["category"] == "UserCreation"} == {1_000}
    reconcile(load_run_file(path), Worker())
    assert journey.facts()["calls"] == noted, "a look at the pool is no use of the run"


def test_the_page_tells_them(pool: Pool) -> None:
    folder = RunFolder(travel(pool.run_file(PEOPLE, jobs=QUICK)).folder)
    assert '<th scope="row">AdminCreateUser</th><td class="n">2</td>' in folder.page.read_text()
