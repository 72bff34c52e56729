"""The house stays as it is drawn: who may import whom, how long a file may be, whose names are used."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("connectors", "flows", "mappings")
LONGEST = 400


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def kept_arrows(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of a folder in a process of their own: the checker changes logging for good."""
    check = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=None))"
    return subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, cwd=folder, check=False
    )


def test_imports_follow_the_arrows() -> None:
    found = kept_arrows(ROOT)
    assert found.returncode == 0, found.stdout


def test_a_forbidden_arrow_is_noticed(tmp_path: Path) -> None:
    """The contracts bite: the same contracts over a house with one wrong import fail."""
    for name in PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / "mappings" / "rules.py").write_text("import flows\n")
    config = tmp_path / "pyproject.toml"
    config.write_text(
        '[tool.importlinter]\nroot_packages = ["connectors", "flows", "mappings"]\n'
        '[[tool.importlinter.contracts]]\nname = "no flows"\ntype = "forbidden"\n'
        'source_modules = ["mappings"]\nforbidden_modules = ["flows"]\n'
    )
    assert kept_arrows(tmp_path).returncode == 1


@pytest.mark.parametrize("package", PACKAGES)
def test_no_other_distribution_provides_our_import_names(package: str) -> None:
    """The names are generic, so an installed stranger could shadow them."""
    assert set(packages_distributions().get(package, ["poolferry"])) == {"poolferry"}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_wheel_says_that_its_packages_have_types(package: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert (ROOT / package / "py.typed").is_file()
    assert "py.typed" in project["tool"]["setuptools"]["package-data"][package]


def test_files_stay_short_or_say_why() -> None:
    for path in tracked("*.py"):
        text = path.read_text(encoding="utf-8")
        doc = ast.get_docstring(ast.parse(text)) or ""
        assert text.count("\n") <= LONGEST or "longer than" in doc, path


def test_every_module_says_what_it_is_for() -> None:
    for path in tracked("connectors/*.py", "flows/*.py", "mappings/*.py"):
        text = path.read_text(encoding="utf-8")
        assert not text.strip() or ast.get_docstring(ast.parse(text)), path
