"""What a terminal of 80 columns shows: names and ids stay whole, so that they can be read and copied.

The page of a plan in Prefect tells the same in the same words.
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest
from rich.console import Console

from flows.console import TerminalProgress, forecast_tables, reasons_table
from flows.reports.cards import forecast_markdown
from flows.reports.costs import cost_rows
from flows.reports.explaining import steps_table
from flows.reports.status import batches_table
from flows.steps.forecast import BatchForecast, CallForecast, Forecast, ReasonForecast
from flows.steps.forecast_hashes import EXPERIENCE, WITH_HASH, HashForecast
from mappings.explain import Trace, TraceStep

if TYPE_CHECKING:
    from rich.console import RenderableType

    from flows.steps.finishing import Summary

NARROW = 80
PLANNED = Forecast(
    extracted=40,
    ways={"import_job": 12, "migration_trigger": 25},
    existing=0,
    rejected=3,
    reasons=(
        ReasonForecast("admin_create_user", "email_verified_without_email", 3, ("00200", "line 1941")),
    ),
    batches=(),
    seconds={"import_job": 0.4},
    calls=(),
    active_users=200,
    unread={},
    hashes=(
        HashForecast("bcrypt", "cost 4", 12, WITH_HASH, "", EXPERIENCE[WITH_HASH]),
        HashForecast(
            "django_pbkdf2_sha256", "600000 iterations", 25, "migration_trigger", "hash_cost_too_high",
            EXPERIENCE["migration_trigger"],
        ),
    ),
)  # fmt: skip


def shown(*parts: RenderableType, width: int = NARROW) -> str:
    """What a terminal shows of a result."""
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(*parts)
    return console.export_text()


@pytest.mark.parametrize("width", [NARROW, 140])
def test_a_plan_breaks_no_name_and_no_word(width: int) -> None:
    said = shown(*forecast_tables(PLANNED), width=width)
    for name in (
        "admin_create_user", "email_verified_without_email", "for example 00200, line 1941",
        "django_pbkdf2_sha256", "600000 iterations", WITH_HASH, "not with the hash: hash_cost_too_high",
    ):  # fmt: skip
        assert name in said
    for text in EXPERIENCE[WITH_HASH].split():
        assert text in said


def test_the_id_of_a_job_can_be_copied() -> None:
    batch = {
        "number": 1_000, "strategy": "import_job", "algorithm": "PBKDF2_SHA256", "users": 100_000,
        "state": "settled", "job_id": "import-B5UiKQRL9u", "status": "Succeeded",
    }  # fmt: skip
    said = shown(batches_table([batch, batch | {"strategy": "admin_create_user", "algorithm": None}]))
    for name in ("import-B5UiKQRL9u", "Succeeded", "PBKDF2_SHA256", "admin_create_user", "100,000"):
        assert name in said


def test_reasons_and_attributes_can_be_copied() -> None:
    reasons = {"rejected": {"email_verified_without_email": 1_000_000}}
    told = reasons_table(cast("Summary", {"reasons": reasons}))
    assert told
    assert "│ rejected │ email_verified_without_email │ 1,000,000 │" in shown(told)
    steps = tuple(TraceStep(f"lookup in table {number}", "x" * 40) for number in range(4))
    traces = [
        Trace(rule.split(".")[-1].split("[")[0], rule, steps, "default for a bad value", "x" * 40)
        for rule in ("attributes.custom:legacy_id_of_everybody", "identities[0]")
    ]
    said = shown(steps_table(tuple(traces)))
    assert "custom:legacy_id_of_everybody" in said
    assert "identities[0]" in said


def bars(width: int) -> str:
    """What stays of the bars of a run in a terminal."""
    console = Console(width=width, record=True, file=io.StringIO(), force_terminal=True)
    with TerminalProgress(console) as progress:
        for title, total, unit in (
            ("Uploading batch 1", 279_600, "bytes"),
            ("Reading who is in the pool already", 1_000_000, "users"),
            ("Waiting for another worker", None, ""),
        ):
            progress.stage(title, total, unit)
            progress.update(total or 0)
    return console.export_text()


@pytest.mark.parametrize("width", [NARROW, 140])
def test_a_bar_is_one_row_and_names_its_unit_once(width: int) -> None:
    said = bars(width)
    assert "279.6 kB" in said
    assert "bytes" not in said
    last = [line.rstrip() for line in said.splitlines() if line.strip()][-3:]
    assert [line[2:9] for line in last] == ["Uploadi", "Reading", "Waiting"]
    assert "1,000,000 users" in last[1]


def test_the_most_that_a_run_can_cost_is_for_everybody_who_may_become_billable() -> None:
    rows = dict(cost_rows(replace(PLANNED, active_users=200, active_unknown=25)))
    assert rows["users of whom AWS does not say whether they become billable (F8.5)"] == "25"
    (most,) = (value for label, value in rows.items() if "the price of both in the ESSENTIALS" in label)
    assert most == "at most $3.38"
    known = dict(cost_rows(PLANNED))
    assert [value for label, value in known.items() if "their price" in label] == [
        "at most $1.10", "at most $3.00", "at most $4.00",
    ]  # fmt: skip


def test_prefect_shows_what_a_run_takes_as_the_terminal_does() -> None:
    call = CallForecast("ListUsers", 47, "UserRead", 30, "default", 0.5, 0.0009, "")
    planned = replace(
        PLANNED, active_unknown=25, calls=(call,), seconds={"import_job": 86.4, "ListUsers": 3.1},
        batches=(BatchForecast(1, "import_job", None, 2_351, 330_600),),
    )  # fmt: skip
    card, terminal = forecast_markdown("acme", planned), shown(*forecast_tables(planned), width=200)
    assert "| extracted | 40 |" in card
    for label, value in cost_rows(planned):
        assert f"| {label} | {value} |" in card
        assert label in terminal
    for text in ("1 min 26 s", "3.1 s", "330.6 kB", "does not say whether they become billable", "at most $"):
        assert text in card
        assert text in terminal
