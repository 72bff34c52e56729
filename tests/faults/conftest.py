"""What the tests of crashes and of several workers share."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import boto3
import pytest

from connectors.cognito.sandbox import launch
from tests.contracts.conftest import postgresql_url
from tests.faults.crash_drill import Drill
from tests.faults.crash_nursery import Nursery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Drills = Callable[..., Drill]

__all__ = ["drills", "postgresql_url"]


@pytest.fixture
def drills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drills]:
    """Makes drills that share a local Cognito and a warm process."""
    monkeypatch.setattr(boto3, "Session", cache(boto3.Session))
    with launch() as sandbox:
        for name, value in {**sandbox.environment, "PREFECT_API_URL": ""}.items():
            monkeypatch.setenv(name, value)
        with Nursery(sandbox.environment) as nursery:
            yield lambda weather, broken=None: Drill(sandbox, nursery, tmp_path, weather, broken)
