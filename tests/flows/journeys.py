"""What the tests of whole runs share: pools of every kind, a run from end to end, and what it promises."""

from __future__ import annotations

import json
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import polars as pl

from connectors.cognito.sandbox import SandboxSettings
from flows.ledger.sqlite import open_sqlite
from flows.ledger.store import Ledger
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.progress import Silence
from flows.steps.running import migrate
from tests.faults.balance import problems
from tests.flows.conftest import MAPPING, Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    import pytest

    from connectors.cognito.sandbox import Sandbox
    from flows.steps.progress import Progress

IMPORTED, CREATED, EXISTING, DEFERRED = [
    (name, None) for name in ("imported", "created", "existing", "deferred")
]
"""Verdict and reason of users with whom all is well."""

QUICK = {"poll_seconds": 0.05, "log_patience_seconds": 0, "busy_patience_seconds": 1}
"""``jobs`` of a run that waits for nothing; lines that the log loses are asked of the pool at once."""


def text_attribute(name: str, **more: Any) -> dict[str, Any]:
    """A custom attribute of a pool that takes any text."""
    bounds = {"MinLength": "0", "MaxLength": "64"}
    return {
        "Name": name,
        "AttributeDataType": "String",
        "Mutable": True,
        "StringAttributeConstraints": bounds,
    } | more


def make_pool(sandbox: Sandbox, folder: Path, **settings: Any) -> Pool:
    """Make a pool of ``CreateUserPool``'s settings: by default it verifies e-mail and ignores letter case."""
    usual = {
        "PoolName": "people",
        "AutoVerifiedAttributes": ["email"],
        "UsernameConfiguration": {"CaseSensitive": False},
        "Schema": [text_attribute("tenant")],
    }
    client = boto3.client("cognito-idp", region_name="eu-west-1")
    asked = {name: value for name, value in {**usual, **settings}.items() if value is not None}
    folder.mkdir(exist_ok=True)
    return Pool(sandbox, client, client.create_user_pool(**asked)["UserPool"]["Id"], folder)


def lead_to(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point boto3 at the local Cognito.

    Sessions are shared: to read AWS's models anew for each client is half of the time of a small run.
    """
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "Session", cache(boto3.Session))


@contextmanager
def switched(sandbox: Sandbox, **settings: Any) -> Iterator[None]:
    """Change switches of the local Cognito for a while."""
    before = SandboxSettings()
    sandbox.update(**settings)
    try:
        yield
    finally:
        sandbox.update(**{name: getattr(before, name) for name in settings})


def rejected(reason: str) -> tuple[str, str]:
    """Verdict and reason of a user whom the rules refuse."""
    return "rejected", reason


def add(pool: Pool, username: str, **attributes: str) -> None:
    """Put somebody into a pool, who is there before the run."""
    pool.client.admin_create_user(
        UserPoolId=pool.pool_id,
        Username=username,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": name, "Value": value} for name, value in attributes.items()],
    )


def mapping(*, without: Collection[str] = (), username: str = "id", **attributes: Any) -> dict[str, Any]:
    """The usual mapping with other attributes; a name may be written with ``__`` for its colon."""
    own = {name.replace("__", ":"): rule for name, rule in attributes.items()}
    usual = deepcopy(MAPPING)  # a test may change what it is given
    kept = {name: rule for name, rule in {**usual["attributes"], **own}.items() if name not in without}
    return {**usual, "username": {"from": username}, "attributes": kept}


@dataclass(frozen=True)
class Journey:
    """A run that has come to its end."""

    folder: Path
    summary: dict[str, Any]
    verdicts: pl.DataFrame

    def of(self, source_id: str) -> dict[str, Any]:
        """The one verdict of a user, by the id in the source."""
        return self.verdicts.row(by_predicate=pl.col("source_id") == source_id, named=True)

    def ends(self) -> list[tuple[str, str | None]]:
        """Verdict and reason of everybody, in the order of the source."""
        return list(self.verdicts.select("verdict", "reason").iter_rows())

    def counts(self) -> dict[str, int]:
        """How many users have each verdict that anybody has."""
        return {name: count for name, count in self.summary["verdicts"].items() if count}

    def reasons(self) -> dict[str, str]:
        """Source id → reason, of everybody who has one."""
        told = self.verdicts.filter(pl.col("reason").is_not_null())
        return dict(told.select("source_id", "reason").iter_rows())

    @property
    def told(self) -> str:
        """All that the run tells without being asked for a user."""
        return json.dumps(self.summary) + (self.folder / "report.md").read_text(encoding="utf-8")

    def facts(self) -> dict[str, Any]:
        """What the ledger notes of the run."""
        ledger = Ledger(open_sqlite(self.folder / "ledger.db"), self.folder.name, lambda: 0.0)
        try:
            return ledger.run().facts
        finally:
            ledger.close()


def travel(run_file: Path, progress: Progress | None = None, **options: Any) -> Journey:
    """Walk a run file from end to end."""
    worker = Worker(progress) if progress else Worker()
    folder, summary = migrate(load_run_file(run_file), worker, **options)
    return Journey(folder.path, summary, pl.read_parquet(folder.verdicts))


def check(
    pool: Pool, people: Sequence[dict[str, str]], expected: Sequence[tuple[str, str | None]], **changes: Any
) -> Journey:
    """Migrate people, hold the run to its promises and compare verdicts and reasons, in order."""
    before = pool.users()
    source = {"kind": "csv", "path": "users.csv", "key": "id"}
    journey = travel(pool.run_file(people, **{"jobs": QUICK, "source": source, **changes}))
    hold(journey, pool, before)
    assert journey.ends() == list(expected)
    return journey


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


def hold(journey: Journey, pool: Pool, before: Mapping[str, Any] | None = None) -> None:
    """Hold a run to its promises: see ``tests.faults.balance``."""
    found = problems(journey.summary, journey.verdicts, pool.users().values(), before=(before or {}).values())
    assert not found, "; ".join(found)
