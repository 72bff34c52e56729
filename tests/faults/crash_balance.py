"""What must be true when a run has come to its end, however often it was killed on the way.

``Truth`` is what an undisturbed run leaves behind: every run that was killed has to leave the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from tests.faults.balance import sub_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.flows.conftest import Pool

User = tuple[Any, ...]
PARTS = ("status", "enabled", "attributes", "groups")
ENDED = {"Succeeded", "Failed", "Stopped"}
NEW = ("imported", "created")


@dataclass
class Truth:
    """Who was there before, and what an undisturbed run makes of everybody.

    Attributes:
        verdicts: source id, verdict and reason of everybody in the order of the source.
        users: everybody in the pool: status, enabled, attributes and groups.
        there: usernames of the users who were in the pool before.
    """

    there: set[str]
    verdicts: list[tuple[str, ...]] = field(default_factory=list)
    users: dict[str, User] = field(default_factory=dict)


def read_pool(pool: Pool) -> dict[str, User]:
    """Everybody in the pool, without what differs from pool to pool."""
    groups: dict[str, list[str]] = {}
    for group in pool.client.list_groups(UserPoolId=pool.pool_id)["Groups"]:
        name = group["GroupName"]
        for user in pool.client.list_users_in_group(UserPoolId=pool.pool_id, GroupName=name)["Users"]:
            groups.setdefault(user["Username"], []).append(name)
    return {
        name: (
            user["UserStatus"],
            user["Enabled"],
            sorted((item["Name"], item["Value"]) for item in user["Attributes"] if item["Name"] != "sub"),
            sorted(groups.get(name, [])),
        )
        for name, user in pool.users().items()
    }


def differences(truth: Truth, pool: Pool, state: Path) -> Iterator[str]:
    """Say what is not as it must be, without naming a person."""
    runs = sorted(path for path in state.iterdir() if path.is_dir())
    if len(runs) != 1:
        yield f"{len(runs)} folders of runs"
        return
    yield from _of_run(truth, runs[0])
    yield from _of_files(runs[0], state)
    verdicts = pl.read_parquet(runs[0] / "verdicts.parquet")
    yield from _of_pool(truth, pool, verdicts)
    yield from _of_jobs(pool, verdicts)


def _of_run(truth: Truth, run: Path) -> Iterator[str]:
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    verdicts = pl.read_parquet(run / "verdicts.parquet")
    if summary["state"] != "finished" or not summary["balanced"]:
        yield f"the run is {summary['state']}, balanced: {summary['balanced']}"
    if not summary["extracted"] == verdicts.height == sum(summary["verdicts"].values()):
        yield "the sums do not add up"
    told = list(verdicts.select("source_id", "verdict", "reason").iter_rows())
    for was, now in zip(truth.verdicts, told, strict=False):
        if was != now:
            yield f"a user is {now[1:]} and not {was[1:]}"
    if len(told) != len(truth.verdicts):
        yield f"{len(told)} verdicts for {len(truth.verdicts)} users"
    if not (run / "report.md").is_file():
        yield "there is no report"


def _of_files(run: Path, state: Path) -> Iterator[str]:
    for path in sorted(run.rglob("*")):
        if (path.suffix == ".csv" and path.parent.name == "batches") or path.name.startswith("."):
            yield f"left behind: {path.relative_to(run)}"
    for path in sorted(state.glob(".*")):
        if path.is_dir():
            yield f"left behind: {path.name}"


def _of_pool(truth: Truth, pool: Pool, verdicts: pl.DataFrame) -> Iterator[str]:
    users = read_pool(pool)
    if users.keys() != truth.users.keys():
        yield f"{len(users)} users in the pool and not {len(truth.users)}"
    for name in users.keys() & truth.users.keys():
        for what, was, now in zip(PARTS, truth.users[name], users[name], strict=True):
            if was != now:
                yield f"{what} of a user: {now if what in ('status', 'enabled') else 'other values'}"
    new = verdicts.filter(pl.col("verdict").is_in(NEW))
    subs = {sub_of(user) for name, user in pool.users().items() if name not in truth.there}
    if sorted(new["sub"].drop_nulls()) != sorted(subs):
        yield "the subs of the verdicts are not those of the pool"


def _of_jobs(pool: Pool, verdicts: pl.DataFrame) -> Iterator[str]:
    """Every imported user was made by exactly one job, and no job found somebody there already."""
    listed = pool.client.list_user_import_jobs(UserPoolId=pool.pool_id, MaxResults=50)["UserImportJobs"]
    if running := [job["Status"] for job in listed if job["Status"] not in ENDED]:
        yield f"jobs left behind: {running}"
    made = sum(job["ImportedUsers"] for job in listed)
    imported = verdicts.filter(pl.col("verdict") == "imported").height
    if made != imported:
        yield f"jobs made {made} users, {imported} are called imported"
    if skipped := sum(job["SkippedUsers"] for job in listed):
        yield f"{skipped} users were sent a second time"
