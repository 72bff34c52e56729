"""The checker of whole runs bites: every wrong settling that can be thought of is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from tests.faults.balance import User, problems

if TYPE_CHECKING:
    from collections.abc import Callable

BEFORE = [("s9", "u9")]
ROWS = [
    ("u1", "imported", None, "s1"),
    ("u2", "created", None, "s2"),
    ("u3", "rejected", "email_invalid", None),
    ("u4", "failed", "pool_refused", None),
    ("u9", "existing", None, "s9"),
]


def user(sub: str, name: str) -> User:
    return {"Username": name, "Attributes": [{"Name": "sub", "Value": sub}]}


def good() -> dict[str, Any]:
    verdicts = pl.DataFrame(
        [(name, name, *rest) for name, *rest in ROWS],
        schema=dict.fromkeys(("source_id", "username", "verdict", "reason", "sub"), pl.String),
        orient="row",
    )
    counts = {"imported": 1, "created": 1, "rejected": 1, "failed": 1, "existing": 1, "deferred": 0}
    summary = {"state": "finished", "balanced": True, "extracted": 5, "verdicts": counts}
    users = [user("s1", "u1"), user("s2", "u2"), user("s9", "u9")]
    return {
        "summary": summary,
        "verdicts": verdicts,
        "users": users,
        "before": [user(*each) for each in BEFORE],
        "source_ids": [row[0] for row in ROWS],
    }


def settle_as(name: str, **cells: str | None) -> Callable[[dict[str, Any]], None]:
    """Plant another verdict, with the counts of the summary mended, so that only the pool can tell."""

    def change(run: dict[str, Any]) -> None:
        for column, value in cells.items():
            chosen = pl.when(pl.col("source_id") == name).then(pl.lit(value)).otherwise(pl.col(column))
            run["verdicts"] = run["verdicts"].with_columns(chosen.alias(column))
        run["summary"]["verdicts"] = dict(
            run["verdicts"].drop_nulls("verdict")["verdict"].value_counts().iter_rows()
        )

    return change


def count(**numbers: int) -> Callable[[dict[str, Any]], None]:
    return lambda run: run["summary"]["verdicts"].update(numbers)


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "ours is called existing": (settle_as("u1", verdict="existing"), "no verdict says so"),
    "ours is called failed": (
        settle_as("u1", verdict="failed", reason="job_failed", sub=None),
        "no verdict says so",
    ),
    "who is not there is called imported": (
        settle_as("u4", verdict="imported", reason=None),
        "not in the pool",
    ),
    "who was there is called imported": (settle_as("u9", verdict="imported"), "others are called ours"),
    "two verdicts for one user of the pool": (
        settle_as("u4", verdict="imported", username="u1", sub="s1"),
        "two verdicts",
    ),
    "somebody else's sub": (settle_as("u1", sub="s2"), "somebody else's sub"),
    "a sub of nobody": (settle_as("u1", sub="s7"), "does not have"),
    "a user came twice": (lambda run: run["users"].append(user("s8", "u1")), "no verdict says so"),
    "a user is gone": (lambda run: run["users"].pop(0), "does not have"),
    "nobody settled them": (settle_as("u4", verdict=None), "no verdict"),
    "no reason is told": (settle_as("u4", reason=None), "no reason"),
    "the counts are wrong": (count(imported=2), "the summary counts"),
    "the run is not finished": (lambda run: run["summary"].update(state="sending"), "not finished"),
    "a line is missing": (lambda run: run.update(verdicts=run["verdicts"].head(4)), "have a line"),
    "a user of the source is missing": (lambda run: run["source_ids"].append("u5"), "the source's users"),
}


def test_a_run_that_adds_up_has_no_problems() -> None:
    assert problems(**good()) == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_settling_is_named(name: str) -> None:
    run = good()
    change, told = BROKEN[name]
    change(run)
    assert any(told in problem for problem in problems(**run))
