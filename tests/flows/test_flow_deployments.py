"""What lies in deployments/ works as it stands: examples that are checked, flows that exist."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow
from prefect.client.schemas.schedules import CronSchedule
from ruamel.yaml import YAML

from flows.settings import load_run_file
from flows.tasks import CHANGING_SECONDS, READING_SECONDS
from mappings.spec import parse_mapping

ROOT = Path(__file__).parents[2]
DEPLOYMENTS = ROOT / "deployments"
RUN_FILES = sorted((DEPLOYMENTS / "runs").glob("*.yaml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
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
    assert kinds == {"cognito", "csv", "jsonl", "parquet", "sql"}


def full_name(deployment: dict[str, Any]) -> str:
    return f"{flow_of(deployment).name}/{deployment['name']}"


def test_every_flow_is_deployed() -> None:
    assert {full_name(each) for each in DECLARED["deployments"]} == {
        "migrate-users/one-off", "migrate-users/delta", "plan-migration/one-off", "reconcile-users/nightly",
        "retry-users/one-off", "roll-back-migration/one-off", "purge-run/one-off",
    }  # fmt: skip


@pytest.mark.parametrize("deployment", DECLARED["deployments"], ids=full_name)
def test_a_deployment_can_be_run_with_the_parameters_it_has(deployment: dict[str, Any]) -> None:
    given = flow_of(deployment).validate_parameters(deployment["parameters"])
    assert (ROOT / given["run_file"]).is_file()
    assert deployment["description"]
    assert deployment["version"] == flow_of(deployment).version == PROJECT["version"]
    assert deployment["tags"][0] == "poolferry"
    assert deployment["work_pool"]["name"] == "poolferry"


@pytest.mark.parametrize("deployment", DECLARED["deployments"], ids=full_name)
def test_a_flow_ends_some_time_and_is_not_run_again_unasked(deployment: dict[str, Any]) -> None:
    """Whatever Prefect's settings of the machine say: batches are what is tried again."""
    deployed = flow_of(deployment)
    assert deployed.retries == 0
    is_long = "changes-the-pool" in deployment["tags"]
    assert deployed.timeout_seconds == (CHANGING_SECONDS if is_long else READING_SECONDS)
    assert deployed.persist_result is False


@pytest.mark.parametrize("deployment", DECLARED["deployments"], ids=full_name)
def test_two_of_what_changes_anything_never_run_at_once(deployment: dict[str, Any]) -> None:
    if "reads-only" not in deployment["tags"]:
        assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}


@pytest.mark.parametrize("deployment", DECLARED["deployments"], ids=full_name)
def test_every_parameter_has_a_title_and_help_in_prefects_form(deployment: dict[str, Any]) -> None:
    schema = flow_of(deployment).parameters
    for name, shown in schema.properties.items():
        assert shown["title"] not in ("", name)
        assert shown["description"].endswith(".")
        is_switch = shown.get("type") == "boolean"
        assert is_switch or shown["examples"], f"{name}: an example says what is meant"


@pytest.mark.parametrize("deployment", DECLARED["deployments"], ids=full_name)
def test_parameters_are_references_and_switches(deployment: dict[str, Any]) -> None:
    """Prefect stores and shows them, so no person and no secret may fit in."""
    assert flow_of(deployment).parameters.properties.keys() <= {
        "run_file", "run_id", "new", "reasons", "corrected_file", "dry_run", "confirmed_too", "force",
        "no_source", "with_groups", "with_values",
    }  # fmt: skip


def test_what_cannot_be_taken_back_is_not_done_by_default() -> None:
    dry = {full_name(each) for each in DECLARED["deployments"] if each["parameters"].get("dry_run")}
    assert dry == {"roll-back-migration/one-off", "purge-run/one-off"}
    for each in DECLARED["deployments"]:
        switch = flow_of(each).parameters.properties.get("dry_run", {"default": True})
        assert switch["default"] is True


def test_the_delta_goes_on_from_the_bulk() -> None:
    """Both run files are one migration: the delta would find no finished run to go on from otherwise."""
    bulk, delta = (load_run_file(DEPLOYMENTS / "runs" / name) for name in ("acme.yaml", "acme-delta.yaml"))
    assert delta.state_folder == bulk.state_folder
    changed = {"mode": "delta", "existing": "update"}
    assert delta.settings == bulk.settings.model_copy(update=changed)


def test_schedules_are_off_until_somebody_turns_them_on_and_never_pile_up() -> None:
    """A schedule whose run file has no finished run would fail every night."""
    scheduled = [each for each in DECLARED["deployments"] if each.get("schedules")]
    assert [each["name"] for each in scheduled] == ["delta", "nightly"]
    for each in scheduled:
        assert each["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
        for schedule in each["schedules"]:
            assert schedule["active"] is False
            assert CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])


def test_no_file_of_the_deployments_is_ignored_by_git() -> None:
    """`runs/` is where runs go by default, and `deployments/runs` is not such a folder."""
    asked = subprocess.run(["git", "check-ignore", *RUN_FILES], cwd=ROOT, capture_output=True, check=False)
    assert asked.stdout == b""


def test_the_page_on_prefect_names_every_deployment_with_its_parameters() -> None:
    page = (DEPLOYMENTS / "PREFECT.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `([\w-]+/[\w-]+)` \| (.*?) \|", page, re.MULTILINE))
    assert told.keys() == {full_name(each) for each in DECLARED["deployments"]}
    for each in DECLARED["deployments"]:
        named = re.findall(r"`(\w+)`", told[full_name(each)])
        if "the same" not in told[full_name(each)]:
            assert named == list(flow_of(each).parameters.properties)


def test_the_readme_names_every_deployment() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `([\w-]+/[\w-]+)` \|", readme, re.MULTILINE))
    assert told == {full_name(each) for each in DECLARED["deployments"]}


def test_the_limits_are_named_as_the_page_says() -> None:
    page = (DEPLOYMENTS / "PREFECT.md").read_text(encoding="utf-8")
    code = (ROOT / "flows" / "prefect_limits.py").read_text(encoding="utf-8")
    for limit in re.findall(r"`(poolferry-[a-z-]+-)[A-Z]", page):
        assert f'f"{limit}{{' in code
