"""Whether a Prefect API is configured is found out without Prefect, and as Prefect itself decides."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from prefect.settings import Settings

from flows.prefect_api import has_prefect_api

if TYPE_CHECKING:
    from pathlib import Path

URL = "http://127.0.0.1:4200/api"
PROFILES = f"""
active = "here"

[profiles.here]
PREFECT_API_URL = "{URL}"

[profiles.alone]
PREFECT_SERVER_ALLOW_EPHEMERAL_MODE = "true"
"""


@pytest.mark.parametrize(
    ("environment", "profiles", "expected"),
    [
        ({}, None, False),
        ({"PREFECT_API_URL": URL}, None, True),
        ({}, PROFILES, True),
        ({"PREFECT_API_URL": ""}, PROFILES, False),
        ({"PREFECT_PROFILE": "alone"}, PROFILES, False),
        ({"PREFECT_PROFILE": "here"}, PROFILES.replace('"here"', '"alone"', 1), True),
        ({"PREFECT_PROFILE": "missing"}, PROFILES, False),
        ({}, 'active = "none of these"', False),
    ],
)
@pytest.mark.parametrize("place", ["home", "path"])
def test_it_decides_as_prefect_does(
    place: str,
    environment: dict[str, str],
    profiles: str | None,
    expected: bool,  # noqa: FBT001 - a column of the table
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / ("profiles.toml" if place == "home" else "other.toml")
    if profiles is not None:
        file.write_text(profiles)
    if place == "home":
        monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    else:
        monkeypatch.setenv("PREFECT_PROFILES_PATH", str(file))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert has_prefect_api() is expected
    assert bool(Settings().api.url) is expected


def test_a_broken_profiles_file_counts_as_no_api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "profiles.toml").write_bytes(b"\xff active =")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    assert not has_prefect_api()


def test_the_question_does_not_import_prefect() -> None:
    """The command asks this before every run, and Prefect takes seconds to import."""
    code = (
        "import sys; from flows.prefect_api import has_prefect_api as h; h(); print('prefect' in sys.modules)"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == "False"
