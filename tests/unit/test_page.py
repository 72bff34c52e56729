"""The page of a run: it adds up, is one safe file, and names nobody's values."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from flows.reports.page import page
from flows.steps.finishing import standing
from tests.page_run import made_run

if TYPE_CHECKING:
    from pathlib import Path

SOME = [
    *((f"u{number}", "imported", None) for number in range(90)),
    *((f"u{number}", "rejected", "email_invalid") for number in range(90, 96)),
    *((f"u{number}", "deferred", None) for number in range(96, 100)),
]


def data_of(text: str) -> dict[str, Any]:
    """The data that the page's scripts read."""
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    data: dict[str, Any] = json.loads(found)
    return data


def test_the_chart_adds_up_to_those_who_were_read(tmp_path: Path) -> None:
    with made_run(tmp_path, SOME) as run:
        drawn = data_of(run.end())["verdicts"]
    assert {row["name"]: row["users"] for row in drawn if row["users"]} == {
        "imported": 90, "deferred": 4, "rejected": 6,
    }  # fmt: skip
    assert sum(row["users"] for row in drawn) == 100


def test_the_chart_of_an_unfinished_run_adds_up_as_well(tmp_path: Path) -> None:
    with made_run(tmp_path, SOME[:90]) as run:
        run.folder.outcomes("all").rename(run.folder.path / "kept")
        with made_run(tmp_path / "other", SOME[:40]) as other:
            other.folder.outcomes("all").rename(run.folder.outcomes("all"))
        text = page(run.folder, run.ledger, standing(run.folder, run.ledger))
    drawn = {row["name"]: row["users"] for row in data_of(text)["verdicts"]}
    assert (drawn["imported"], drawn["open"]) == (40, 50)
    assert "do not add up yet" in text
