"""A finished run, and what happens to its people afterwards: for tests of ``reconcile`` and of repairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.reconciling import reconcile
from flows.steps.repairing import with_repair
from flows.steps.running import migrate
from tests.flows.conftest import Pool, person
from tests.flows.journeys import QUICK, Journey, add, hold, travel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from flows.steps.reconciled import Reconciliation

BCRYPT = "$2b$10$" + "abcdefghijklmnopqrstuu" + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcde"
PEOPLE = [person(n, pw=BCRYPT if n == 2 else "") for n in range(9)]
CHOSEN: dict[str, Any] = {"Password": "Invented-1234", "Permanent": True}
SECRETS = ("@example.com", "Vera", "Muster", "Another", "1990-02-03", "+49", BCRYPT)
"""Parts of values that nobody has asked for."""


@dataclass
class Scene:
    """A finished run, and what happens to its people afterwards."""

    pool: Pool
    path: Path

    @classmethod
    def of(cls, pool: Pool, people: Sequence[dict[str, str]] = PEOPLE, **changes: Any) -> Scene:
        path = pool.run_file(people, jobs=QUICK, **changes)
        travel(path)
        return cls(pool, path)

    def source(self, people: Sequence[dict[str, str]], **changes: Any) -> None:
        self.path = self.pool.run_file(people, jobs=QUICK, **changes)

    def call(self, operation: str, number: int, **more: Any) -> None:
        named = {"UserPoolId": self.pool.pool_id, "Username": f"u{number:05d}"}
        getattr(self.pool.client, operation)(**named, **more)

    def write(self, number: int, name: str, value: str) -> None:
        self.call("admin_update_user_attributes", number, UserAttributes=[{"Name": name, "Value": value}])

    def held(self, **options: Any) -> Reconciliation:
        return reconcile(load_run_file(self.path), Worker(), **options)

    def files(self, found: Reconciliation) -> Path:
        return load_run_file(self.path).state_folder / found.run_id / found.folder

    def rows(self, found: Reconciliation) -> pl.DataFrame:
        return pl.read_parquet(self.files(found) / "differences.parquet")

    def repair(self, file: Path) -> Journey:
        loaded = with_repair(load_run_file(self.path), file)
        before = self.pool.users()
        folder, summary = migrate(loaded, Worker())
        journey = Journey(folder.path, summary, pl.read_parquet(folder.verdicts))
        hold(journey, self.pool, before)
        return journey


def wrong(found: Reconciliation) -> dict[str, int]:
    return {what: count for what, count in found.differences.items() if count}


def ids(rows: pl.DataFrame, what: str) -> list[str | None]:
    return rows.filter(pl.col("what") == what)["source_id"].to_list()


EVERYTHING = {
    "missing": 1, "replaced": 1, "altered": 1, "access": 1, "extra": 1, "new": 1, "changed": 1, "vanished": 1,
    "state": 2,
}  # fmt: skip
"""What ``planted`` does, one user each; the disabled one has another state as well."""


def planted(pool: Pool) -> Scene:
    """Every difference, by real calls to the pool and another file of the source."""
    scene = Scene.of(pool)
    scene.call("admin_delete_user", 1)
    scene.call("admin_set_user_password", 3, **CHOSEN)
    scene.write(2, "phone_number", "+493023125042")  # the source has none
    scene.write(4, "name", "Another Name")
    scene.call("admin_disable_user", 5)
    scene.call("admin_delete_user", 6)
    add(pool, "u00006")
    add(pool, "stranger")
    scene.source([*PEOPLE[:7], person(7, first_name="Vera Maria"), person(9)])
    return scene
