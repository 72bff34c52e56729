"""The zip is small, always the same, and brings all that the function needs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
from ruamel.yaml import YAML

from connectors.cognito.trigger import package
from connectors.cognito.trigger.handler.live import AUTHORITIES
from connectors.cognito.trigger.package import REQUIREMENTS, SOURCE, build
from connectors.cognito.trigger.policies import Place, role_policy, trust_policy
from connectors.errors import ConfigurationError
from flows.settings_trigger import TriggerSettings
from tests.servers.slapd import certificate

ROOT = Path(__file__).parent.parent.parent
TEMPLATE = ROOT / "deployments" / "trigger" / "template.yaml"
LINT = Path(sys.executable).with_name("cfn-lint")
IMPORTED = (
    "import json, sys; sys.path.insert(0, sys.argv[1]); before = set(sys.modules); "
    "import connectors_free.main; "
    "print(json.dumps(sorted({name.partition('.')[0] for name in set(sys.modules) - before})))"
)


def test_the_same_input_makes_the_same_small_zip(tmp_path: Path) -> None:
    one, other = (build(tmp_path / f"{name}.zip", here=True) for name in ("one", "other"))
    assert one.sha256 == other.sha256
    assert one.size < 10_000_000 < package.MOST_BYTES
    with ZipFile(one.path) as archive:
        names = set(archive.namelist())
    assert {f"poolferry_trigger/{file.name}" for file in SOURCE.glob("*.py")} <= names
    assert any(name.startswith("bcrypt/") for name in names)
    assert not any(
        "__pycache__" in name or name.startswith(("boto3/", "ldap3/", "polars/")) for name in names
    )


def test_the_old_systems_authorities_come_along(tmp_path: Path) -> None:
    pem, _ = certificate(tmp_path)
    made = build(tmp_path / "trigger.zip", here=True, authorities=pem)
    with ZipFile(made.path) as archive:
        assert archive.read(f"{package.PACKAGE}/{AUTHORITIES.name}") == pem.read_bytes()


@pytest.mark.parametrize("text", [None, "", "no certificate"])
def test_what_is_no_file_of_authorities_is_named(tmp_path: Path, text: str | None) -> None:
    pem = tmp_path / "own.pem"
    if text is not None:
        pem.write_text(text)
    with pytest.raises(ConfigurationError, match=r"own\.pem") as raised:
        build(tmp_path / "trigger.zip", here=True, authorities=pem)
    assert "PEM" in raised.value.mend


def test_without_a_network_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ConfigurationError, match="bcrypt==") as raised:
        build(tmp_path / "none.zip")
    assert "--here" in raised.value.mend
    assert not (tmp_path / "none.zip").exists()


def test_the_packages_are_those_that_everything_else_was_tried_with() -> None:
    pinned = set((ROOT / "constraints.txt").read_text(encoding="utf-8").split())
    assert set(REQUIREMENTS.read_text(encoding="utf-8").split()) <= pinned


def test_a_cold_start_imports_nothing_but_pythons_own_library(tmp_path: Path) -> None:
    (tmp_path / "connectors_free").symlink_to(SOURCE)
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", IMPORTED, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(json.loads(ran.stdout)) - sys.stdlib_module_names == {"connectors_free"}


def test_the_template_gives_the_same_rights_as_deploy() -> None:
    found = YAML(typ="rt").load(_without_tags(TEMPLATE.read_text(encoding="utf-8")))
    role = found["Resources"]["Role"]["Properties"]
    place = Place("aws", "eu-west-1", "123456789012", "Name")
    told = json.loads(json.dumps(role["Policies"][0]["PolicyDocument"]))
    made = role_policy(place, "Key.Arn")
    assert told["Version"] == made["Version"]
    for one, other in zip(told["Statement"], made["Statement"], strict=True):
        assert one["Action"] == other["Action"]
        assert one.get("Condition", {}).keys() == other.get("Condition", {}).keys()
    conditions = [each["Condition"]["StringEquals"] for each in made["Statement"] if "Condition" in each]
    assert [
        each["Condition"]["StringEquals"].keys() for each in told["Statement"] if "Condition" in each
    ] == [each.keys() for each in conditions]
    assert json.loads(json.dumps(role["AssumeRolePolicyDocument"])) == trust_policy()
    function = found["Resources"]["Function"]["Properties"]
    assert function["Handler"] == package.HANDLER
    defaults = {name: info.get("Default") for name, info in found["Parameters"].items()}
    settings = TriggerSettings()
    assert (defaults["Memory"], defaults["Runtime"], defaults["Architecture"]) == (
        settings.memory, settings.runtime, settings.architecture,
    )  # fmt: skip


def test_the_template_passes_its_linter() -> None:
    ran = subprocess.run([LINT, TEMPLATE], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def test_a_broken_template_would_not_pass(tmp_path: Path) -> None:
    broken = tmp_path / "template.yaml"
    broken.write_text(
        TEMPLATE.read_text(encoding="utf-8").replace("Timeout: 5", "Timeout: five"), encoding="utf-8"
    )
    ran = subprocess.run([LINT, broken], capture_output=True, text=True, check=False)
    assert "five" in ran.stdout
    assert ran.returncode


def test_the_handler_is_shipped_as_package_data() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "**/*.txt" in project["tool"]["setuptools"]["package-data"]["connectors"]


def _without_tags(text: str) -> str:
    """CloudFormation's short functions as plain texts."""
    return re.sub(r"!(Ref|GetAtt|Sub) ", "", text)
