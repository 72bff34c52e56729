"""The Dockerfile is linted, and what it copies is there and is all that the builder is given."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deployments" / "docker" / "Dockerfile"
TEXT = DOCKERFILE.read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HADOLINT = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or "hadolint"


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HADOLINT, "--no-color", "--failure-threshold", "info", path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_linter_has_nothing_to_say() -> None:
    done = lint(DOCKERFILE)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("good", "broken", "rule"),
    [
        ("python:3.11-slim-bookworm AS", "python AS", "DL3006"),
        ("USER 10001:10001", "USER root", "DL3002"),
        ("WORKDIR /src", "WORKDIR src", "DL3000"),
    ],
)
def test_the_linter_bites(good: str, broken: str, rule: str, tmp_path: Path) -> None:
    assert good in TEXT
    path = tmp_path / "Dockerfile"
    path.write_text(TEXT.replace(good, broken, 1), encoding="utf-8")
    done = lint(path)
    assert done.returncode == 1
    assert rule in done.stdout


def test_everything_that_is_copied_is_let_through_to_the_builder_and_nothing_else() -> None:
    """A run's folder below the repository, with people in it, must not end up in an image."""
    copied = re.findall(r"^COPY (?!--from)(.+)$", TEXT, re.MULTILINE)
    sources = {source for line in copied for source in line.split()[:-1]}
    assert all((ROOT / source).exists() for source in sources)
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == sources


def test_the_image_is_of_this_version_and_of_a_python_that_is_supported() -> None:
    assert f"--tag poolferry:{PROJECT['version']} " in TEXT
    bases = set(re.findall(r"^FROM python:(\d+\.\d+)-slim", TEXT, re.MULTILINE))
    assert bases == {PROJECT["requires-python"].removeprefix(">=")}


def test_the_extras_that_are_installed_exist() -> None:
    (extras,) = re.findall(r'"\.\[([\w,]+)\]"', TEXT)
    assert set(extras.split(",")) == PROJECT["optional-dependencies"].keys() - {"dev"}
