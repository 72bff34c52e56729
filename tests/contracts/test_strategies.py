"""Every way into the pool keeps the same promises, and the suite notices ways that break them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import pytest

from connectors.cognito.pool import read_pool
from connectors.cognito.sandbox import launch
from flows.ledger.folder import RunFolder
from flows.ledger.store import open_sqlite
from flows.settings import StrategyName, load_run_file
from flows.steps.context import Context, Worker, cognito_client
from flows.strategies.chain import strategies_of
from mappings.spec import parse_mapping
from tests.contracts.strategy_suite import (
    PROMISES,
    CopiedLedger,
    Trial,
    refusals_are_null_or_known_for_everybody,
    whom_it_accepts_it_settles_once,
)
from tests.flows.conftest import person
from tests.flows.journeys import QUICK, add, lead_to, make_pool, mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox
    from flows.strategies.base import Strategy

    Ready = Callable[..., Trial]

NAMES: tuple[StrategyName, ...] = get_args(StrategyName)
BCRYPT = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
SCRYPT = f"1024$8$1${'ab' * 16}${'cd' * 32}"

PEOPLE = [
    *(person(n) for n in range(5)),
    person(5, pw=BCRYPT),
    person(6, pw=SCRYPT),
    person(7, pw=BCRYPT, verified="no"),
    person(8, verified="no"),
    person(9, last_name='"quoted", \\'),
    person(10, active="no", pw=BCRYPT),
    person(11, pw="{SSHA}c29t"),
    person(12, email="nobody"),
    person(1, email="twice@example.com"),
    person(13, id="there"),
    person(14, phone="Long-enough-1"),
    person(15, phone="short", verified="no"),
    person(16, id="UPPER"),
    person(17, phone="Long-enough-2", active="no", verified="no"),
]
MAPPING = mapping(without=["phone_number"]) | {"password": {"from": "phone"}}
LIMITS = {"max_rows": 4, "max_bytes": 1500}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A local Cognito for this module."""
    with launch() as started:
        yield started


@pytest.fixture
def ready(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ready]:
    """Makes the trial of a strategy: a run of everybody, which has this strategy alone and was not sent yet."""
    lead_to(sandbox, monkeypatch)
    opened: list[CopiedLedger] = []

    def make(
        name: StrategyName, broken: Callable[..., Strategy] | None = None, **password_hash: str
    ) -> Trial:
        pool = make_pool(sandbox, tmp_path)
        add(pool, "there")
        path = pool.run_file(
            PEOPLE,
            jobs={**QUICK, **LIMITS},
            strategies=[name],
            mapping=MAPPING | {"password_hash": {"from": "pw", **password_hash}},
        )
        with (tmp_path / "users.csv").open("a", encoding="utf-8") as file:
            file.write("a,ragged,line\n")
        loaded = load_run_file(path)
        spec = parse_mapping(loaded.settings.mapping, where="")
        own = strategies_of(loaded.settings, spec)[name]
        member = broken(own, loaded.settings, spec) if broken else own
        monkeypatch.setattr("flows.steps.route.strategies_of", lambda *_: {name: member})
        folder = RunFolder(loaded.state_folder / "r1").make()
        ledger = CopiedLedger(open_sqlite(folder.ledger), folder.run_id, Worker().clock)
        ledger.copies = tmp_path / "copies"
        ledger.copies.mkdir()
        opened.append(ledger)
        schema = read_pool(cognito_client(loaded), pool.pool_id)
        return Trial(member, pool, Context(loaded, folder, ledger, schema, Worker()), ledger.copies)

    yield make
    for ledger in opened:
        ledger.close()


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_a_strategy_keeps_its_promise(name: StrategyName, promise: Any, ready: Ready) -> None:
    promise(ready(name))


@pytest.mark.parametrize("without", ["reset", "random", "trigger"])
@pytest.mark.parametrize("name", NAMES)
def test_a_strategy_settles_whom_it_accepts_whatever_becomes_of_hashes(
    name: StrategyName, without: str, ready: Ready
) -> None:
    trial = ready(name, without=without)
    refusals_are_null_or_known_for_everybody(trial)
    whom_it_accepts_it_settles_once(trial)


def test_the_trial_is_worth_its_name(ready: Ready) -> None:
    """Every way takes somebody and refuses somebody, and a job's way needs several batches."""
    for name in NAMES:
        pass
    trial = ready("import_job")
    assert len(trial.context.ledger.batches()) > 3
