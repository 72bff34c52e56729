"""What a terminal of 80 columns shows: names and ids stay whole, so that they can be read and copied."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from flows.console import forecast_tables
from flows.steps.forecast import Forecast, ReasonForecast
from flows.steps.forecast_hashes import EXPERIENCE, WITH_HASH, HashForecast

if TYPE_CHECKING:
    from rich.console import RenderableType

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
