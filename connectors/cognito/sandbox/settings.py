"""Every switch of the local Cognito, in one model.

A fact that is unknown or in conflict is a switch here with its F-number, never a silent guess.
"""

from __future__ import annotations

from pydantic import ConfigDict, Field

from connectors.cognito.sandbox.settings_csv import CsvSettings, RowSettings
from connectors.cognito.sandbox.settings_faults import FaultSettings
from connectors.cognito.sandbox.settings_jobs import JobSettings, LogSettings
from connectors.cognito.sandbox.settings_users import UserSettings


class SandboxSettings(JobSettings, LogSettings, CsvSettings, RowSettings, UserSettings, FaultSettings):
    """All settings of a sandbox; ``GET`` and ``PUT /sandbox/settings`` read and change them.

    Immutable: a change makes a new object, so that a request or a job sees one consistent set.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    region: str = Field(
        default="eu-west-1",
        pattern=r"^[a-z]{2}(-[a-z]+)+-\d$",
        description="The Region that `Sandbox.environment` names; every Region is served.",
    )
