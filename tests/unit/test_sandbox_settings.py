"""The switches of the local Cognito."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from pydantic import ValidationError

from connectors.cognito.sandbox import SandboxSettings
from connectors.cognito.sandbox.state import SandboxState

NO_FACT = {"region"}
"""Switches that stand for no fact of Cognito's."""


@pytest.mark.parametrize("name", sorted(set(SandboxSettings.model_fields) - NO_FACT))
def test_every_switch_says_which_fact_it_stands_for(name: str) -> None:
    description = SandboxSettings.model_fields[name].description or ""
    assert re.search(r"\((F\d+\.\d+|table 1e)\b.*\)", description), description


def test_an_unknown_switch_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        SandboxSettings.model_validate({"line_base": 2})


def test_a_change_keeps_the_other_switches() -> None:
    state = SandboxState(SandboxSettings(pending_seconds=3))
    state.update({"quotes": "keep"})
    assert (state.settings.pending_seconds, state.settings.quotes) == (3, "keep")


def test_a_wrong_change_changes_nothing() -> None:
    state = SandboxState()
    before = state.settings
    with pytest.raises(ValidationError):
        state.update({"quotes": "keep", "pending_seconds": -1})
    assert state.settings is before


def test_the_clock_is_shifted_by_a_switch() -> None:
    state = SandboxState()
    before = state.now()
    state.update({"clock_offset_seconds": 3600})
    assert (state.now() - before).total_seconds() == pytest.approx(3600, abs=5)


def test_importing_the_package_loads_neither_moto_nor_polars() -> None:
    """A command that only mentions the sandbox does not wait for a second."""
    code = "import sys, connectors.cognito.sandbox; print({'moto', 'polars', 'boto3'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
