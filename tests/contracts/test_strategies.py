"""Every way into the pool keeps the same promises, and the suite notices ways that break them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import polars as pl
import pytest
from polars.exceptions import PolarsError

from connectors.cognito.admin_users import create_user, set_permanent_password
from connectors.cognito.pool import read_pool
from connectors.cognito.sandbox import launch
from connectors.errors import ConfigurationError
from connectors.records import PASSWORD
from flows.ledger.folder import RunFolder
from flows.ledger.segments import write_parquet
from flows.ledger.sqlite import open_sqlite
from flows.ledger.states import BatchState
from flows.settings import StrategyName, load_run_file
from flows.steps import creating
from flows.steps.columns import VERDICT, WHY
from flows.steps.context import Context, Worker, cognito_client
from flows.strategies.chain import strategies_of
from mappings.spec import parse_mapping
from tests.contracts.strategy_suite import (
    PROMISES,
    CopiedLedger,
    Trial,
    an_interruption_loses_nobody,
    an_older_ledger_leads_to_the_same_end,
    batches_keep_to_the_limits,
    landed_users_are_in_the_pool,
    nobody_gets_a_message,
    only_whom_the_pool_refuses_fails,
    reasons_of_outcomes_can_be_explained,
    refusals_are_null_or_known_for_everybody,
    sending_again_changes_nothing,
    whom_it_accepts_it_settles_once,
)
from tests.flows.conftest import person
from tests.flows.journeys import QUICK, add, lead_to, make_pool, mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox
    from flows.settings import RunFile
    from flows.strategies.base import Strategy
    from mappings.spec import MappingSpec

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
    """Makes the trial of a strategy: a run of everybody that has this strategy alone."""
    lead_to(sandbox, monkeypatch)
    opened: list[CopiedLedger] = []

    def make(name: StrategyName, broken: type[Member] | None = None, without: str | None = None) -> Trial:
        pool = make_pool(sandbox, tmp_path)
        add(pool, "there")
        path = pool.run_file(
            PEOPLE,
            jobs={**QUICK, **LIMITS},
            strategies=[name],
            mapping=MAPPING | {"password_hash": {"from": "pw", "without": without}},
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


@pytest.mark.parametrize("without", ["reset", "trigger"])
@pytest.mark.parametrize("name", NAMES)
def test_a_strategy_settles_whom_it_accepts_whatever_becomes_of_hashes(
    name: StrategyName, without: str, ready: Ready
) -> None:
    trial = ready(name, without=without)
    refusals_are_null_or_known_for_everybody(trial)
    whom_it_accepts_it_settles_once(trial)


def test_the_trial_has_something_for_everybody(ready: Ready) -> None:
    """Several batches of several kinds, users who fail while they are sent, and each way refuses somebody."""
    trial = ready("import_job")
    kinds = [batch.algorithm for batch in trial.context.ledger.batches()]
    assert {None, "BCRYPT", "SCRYPT"} == set(kinds)
    assert kinds.count(None) > 1
    assert 0 < len(trial.accepted()) < len(PEOPLE)


class Member:
    """A strategy that is broken in one place and like another one in all others."""

    def __init__(self, own: Strategy, settings: RunFile, spec: MappingSpec) -> None:
        del settings, spec
        self.own = own
        self.name = own.name

    def refusal(self) -> pl.Expr:
        return self.own.refusal()

    def batch_limits(self) -> tuple[int, int]:
        return self.own.batch_limits()

    def send(self, context: Context, number: int) -> None:
        self.own.send(context, number)


class DropsTheLast(Member):
    """Broken: forgets the last user of each batch."""

    def send(self, context: Context, number: int) -> None:
        path = context.folder.batch_users(number)
        users = pl.read_parquet(path)
        write_parquet(users[: max(1, users.height - 1)], path)
        super().send(context, number)


class SettlesTwice(Member):
    """Broken: each batch has two outcomes for its first user."""

    def send(self, context: Context, number: int) -> None:
        super().send(context, number)
        written = pl.read_parquet(context.folder.outcomes(f"batch-{number:04d}"))
        write_parquet(written[:1], context.folder.outcomes(f"again-{number:04d}"))


class SendsTwice(Member):
    """Broken: sends a batch that is settled once more."""

    def send(self, context: Context, number: int) -> None:
        batch = context.ledger.batch(number)
        if batch.state is BatchState.SETTLED:
            context.ledger.advance(batch, BatchState.CREATING, attempt=batch.attempt + 1)
        super().send(context, number)


class SpeaksInTongues(Member):
    """Broken: refuses for a reason that nobody can explain."""

    def refusal(self) -> pl.Expr:
        return pl.coalesce(super().refusal(), pl.lit("too_ugly"))


class FailsInTongues(Member):
    """Broken: its failures have a reason that nobody can explain."""

    def send(self, context: Context, number: int) -> None:
        super().send(context, number)
        path = context.folder.outcomes(f"batch-{number:04d}")
        write_parquet(pl.read_parquet(path).with_columns(pl.col(WHY).replace("invalid_password", "hm")), path)


class StumblesOverGaps(Member):
    """Broken: cannot stand a page on which nobody has a password."""

    def refusal(self) -> pl.Expr:
        return pl.col(PASSWORD).map_batches(_first_letter, return_dtype=pl.String)


def _first_letter(passwords: pl.Series) -> pl.Series:
    assert passwords.null_count() < len(passwords)
    return pl.Series([None] * len(passwords), dtype=pl.String)


class OverfillsBatches(Member):
    """Broken: says less than it takes."""

    def batch_limits(self) -> tuple[int, int]:
        rows, most = super().batch_limits()
        self.batch_limits = lambda: (rows - 1, most)  # type: ignore[method-assign]
        return rows, most


class SendsInvitations(Member):
    """Broken: lets the pool write to its users."""

    def send(self, context: Context, number: int) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(creating, "invited_by", lambda *_: ("EMAIL",))
            super().send(context, number)


class KnowsNobody(Member):
    """Broken: takes whom an earlier start made for strangers."""

    def send(self, context: Context, number: int) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(creating.Creator, "_is_ours", lambda *_: False)
            super().send(context, number)


class ForgetsWhatItDid(Member):
    """Broken: an interrupted start leaves nothing behind, and the next one takes its users for strangers."""

    def send(self, context: Context, number: int) -> None:
        for path in context.folder.parts(number):
            path.unlink()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(creating.Creator, "_is_ours", lambda *_: False)
            super().send(context, number)


class MakesThemFirst(Member):
    """Broken: makes users before it knows whether the pool takes their passwords."""

    def send(self, context: Context, number: int) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(creating, "create_user", _carelessly)
            super().send(context, number)


def _carelessly(client: Any, schema: Any, username: str, attributes: Any, **how: Any) -> Any:
    password = how.pop("temporary_password")
    made = create_user(client, schema, username, attributes, **how)
    set_permanent_password(client, schema.pool_id, made.username, password)
    return made


class ClaimsTooMuch(Member):
    """Broken: says that it made whom it did not make."""

    def send(self, context: Context, number: int) -> None:
        super().send(context, number)
        path = context.folder.outcomes(f"batch-{number:04d}")
        write_parquet(pl.read_parquet(path).with_columns(pl.lit("created").alias(VERDICT)), path)


@pytest.mark.parametrize(
    ("broken", "name", "promise"),
    [
        (SpeaksInTongues, "import_job", refusals_are_null_or_known_for_everybody),
        (StumblesOverGaps, "migration_trigger", refusals_are_null_or_known_for_everybody),
        (DropsTheLast, "import_job", whom_it_accepts_it_settles_once),
        (DropsTheLast, "admin_create_user", whom_it_accepts_it_settles_once),
        (SettlesTwice, "admin_create_user", whom_it_accepts_it_settles_once),
        (FailsInTongues, "admin_create_user", reasons_of_outcomes_can_be_explained),
        (ClaimsTooMuch, "admin_create_user", landed_users_are_in_the_pool),
        (OverfillsBatches, "import_job", batches_keep_to_the_limits),
        (SendsInvitations, "admin_create_user", nobody_gets_a_message),
        (SendsTwice, "import_job", sending_again_changes_nothing),
        (SendsTwice, "admin_create_user", sending_again_changes_nothing),
        (KnowsNobody, "admin_create_user", an_older_ledger_leads_to_the_same_end),
        (ForgetsWhatItDid, "admin_create_user", an_interruption_loses_nobody),
        (MakesThemFirst, "admin_create_user", only_whom_the_pool_refuses_fails),
    ],
    ids=lambda part: part if isinstance(part, str) else part.__name__,
)
def test_the_suite_bites(broken: Any, name: StrategyName, promise: Any, ready: Ready) -> None:
    """A way that breaks a promise is caught by that promise's test, and by nothing before it."""
    trial = ready(name, broken)
    with pytest.raises((AssertionError, ConfigurationError, PolarsError)):
        promise(trial)
