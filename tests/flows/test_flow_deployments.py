"""What lies in deployments/ works as it stands: examples that are checked, flows that exist."""

from __future__ import annotations

import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow
from prefect.client.schemas.schedules import CronSchedule
from ruamel.yaml import YAML

from flows.settings import load_run_file
from mappings.spec import parse_mapping

ROOT = Path(__file__).parents[2]
DEPLOYMENTS = ROOT / "deployments"
RUN_FILES = sorted((DEPLOYMENTS / "runs").glob("*.yaml"))
DECLARED: dict[str, Any] = YAML(typ="safe").load(DEPLOYMENTS / "prefect.yaml")


def flow_of(deployment: dict[str, Any]) -> Flow[..., Any]:
    module, _, name = deployment["entrypoint"].partition(":")
    found = getattr(import_module(module), name)
    assert isinstance(found, Flow)
    return found


@pytest.mark.parametrize("path", RUN_FILES, ids=lambda path: path.name)
def test_example_run_files_are_good(path: Path) -> None:
    settings = load_run_file(path).settings
    spec = parse_mapping(settings.mapping, where=path.name)
    assert spec.username is not None
    assert settings.target.log_role_arn, "an import job needs a role to log with"


def test_there_is_an_example_of_each_kind_of_file() -> None:
    kinds = {load_run_file(path).settings.source["kind"] for path in RUN_FILES}
    assert kinds == {"cognito", "csv", "jsonl", "parquet"}


def test_the_deployments_are_the_three_flows() -> None:
    names = {f"{flow_of(each).name}/{each['name']}" for each in DECLARED["deployments"]}
    assert names == {"migrate-users/one-off", "plan-migration/one-off", "reconcile-users/nightly"}


@pytest.mark.parametrize("deployment", DECLARED["deployments"], ids=lambda each: each["entrypoint"])
def test_a_deployment_can_be_run_with_the_parameters_it_has(deployment: dict[str, Any]) -> None:
    given = flow_of(deployment).validate_parameters(deployment["parameters"])
    assert (ROOT / given["run_file"]).is_file()
    assert deployment["description"]
    assert deployment["work_pool"]["name"] == "poolferry"


@pytest.mark.parametrize("deployment", DECLARED["deployments"], ids=lambda each: each["entrypoint"])
def test_every_parameter_has_help_in_prefects_form(deployment: dict[str, Any]) -> None:
    schema = flow_of(deployment).parameters
    assert all(each.get("description") for each in schema.properties.values())


def test_schedules_are_off_until_somebody_turns_them_on_and_never_pile_up() -> None:
    """A schedule whose run file has no finished run would fail every night."""
    scheduled = [each for each in DECLARED["deployments"] if each.get("schedules")]
    assert [each["name"] for each in scheduled] == ["nightly"]
    for each in scheduled:
        assert each["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
        for schedule in each["schedules"]:
            assert schedule["active"] is False
            assert CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])


def test_no_file_of_the_deployments_is_ignored_by_git() -> None:
    """`runs/` is where runs go by default, and `deployments/runs` is not such a folder."""
    asked = subprocess.run(["git", "check-ignore", *RUN_FILES], cwd=ROOT, capture_output=True, check=False)
    assert asked.stdout == b""
