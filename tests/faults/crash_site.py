"""What the tests of crashes and of several workers share."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import boto3
import pytest

from connectors.cognito.sandbox import Sandbox, launch
from tests.faults.crash_drill import BUCKET, Drill
from tests.faults.crash_nursery import Nursery
from tests.faults.crash_scene import WEATHERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from _pytest.terminal import TerminalReporter

    Drills = Callable[..., Drill]
    Site = tuple[Sandbox, Nursery, dict[str, Drill]]


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """A local Cognito, a warm process, and by weather the drill that has enumerated the points."""
    with launch() as sandbox, Nursery({**sandbox.environment, "PREFECT_API_URL": ""}) as nursery:
        yield sandbox, nursery, {}


@pytest.fixture
def drills(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Drills:
    """Makes drills that know their points and the truth; each kind of weather is enumerated once."""
    sandbox, nursery, known = site
    monkeypatch.setattr(boto3, "Session", cache(boto3.Session))
    for name, value in {**sandbox.environment, "PREFECT_API_URL": ""}.items():
        monkeypatch.setenv(name, value)

    def make(weather: str, broken: str | None = None, *, in_s3: bool = False) -> Drill:
        drill = Drill(sandbox, nursery, tmp_path, weather, in_s3)
        sandbox.update(**WEATHERS[weather])
        if in_s3:
            make_bucket()
        if drill.told_as not in known:
            drill.enumerate()
            assert not drill.found
            known[drill.told_as] = drill
        known_one = known[drill.told_as]
        drill.truth, drill.points, drill.broken = known_one.truth, known_one.points, broken
        return drill

    return make


def make_bucket() -> None:
    """Make the bucket of drills whose state is in S3."""
    s3 = boto3.client("s3", region_name="eu-west-1")
    if BUCKET not in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Tell how much was killed."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, told in getattr(report, "user_properties", ()):
                if name == "drill" and report.when == "call":
                    terminalreporter.write_line(f"kill -9: {told}")
