"""The templates of work pools: Prefect's own, changed only where Poolferry needs it, and good in its eyes."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import jsonschema
import prefect.server.api
import pytest
from botocore.validate import ParamValidator
from prefect.server.schemas.actions import DeploymentCreate, WorkPoolCreate
from prefect.utilities.schema_tools.validation import ValidationError
from prefect.utilities.templating import apply_values, find_placeholders

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
OURS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "deployments" / "work-pools").glob("*.json"))
}
PUBLISHED = (
    Path(prefect.server.api.__path__[0]) / "collections_data" / "views" / "aggregate-worker-metadata.json"
)

ENV = "variables.properties.env.default"
IMAGE = {"variables.properties.image.default", "variables.properties.image.example"}
CONTAINER = "job_configuration.task_definition.containerDefinitions.0"
POD = "job_configuration.job_manifest.spec.template.spec"
CHANGES: dict[str, set[str]] = {
    "process": {ENV},
    "docker": {
        ENV, *IMAGE,
        "variables.properties.image_pull_policy.default",
        "variables.properties.auto_remove.default",
        "variables.properties.volumes.default",
        "variables.definitions.DockerRegistryCredentials.properties.registry_url.example",
    },
    "ecs": {
        ENV, *IMAGE - {"variables.properties.image.example"},
        "variables.properties.cpu.default",
        "variables.properties.memory.default",
        "variables.properties.family.default",
        "variables.properties.container_name.default",
        "variables.properties.efs_file_system_id",
        "variables.properties.efs_access_point_id",
        "variables.required",
        f"{CONTAINER}.stopTimeout",
        f"{CONTAINER}.linuxParameters",
        f"{CONTAINER}.mountPoints",
        "job_configuration.task_definition.volumes",
    },
    "kubernetes": {
        ENV, *IMAGE,
        "variables.properties.finished_job_ttl.default",
        "variables.properties.memory_request.default",
        "variables.properties.state_claim",
        f"{POD}.terminationGracePeriodSeconds",
        f"{POD}.securityContext",
        f"{POD}.volumes",
        f"{POD}.containers.0.securityContext",
        f"{POD}.containers.0.volumeMounts",
    },
}  # fmt: skip
"""What differs from Prefect's own template: whatever else does was changed by a new version of Prefect."""

GIVEN: dict[str, dict[str, Any]] = {
    "ecs": {
        "efs_file_system_id": "fs-0123456789abcdef0",
        "efs_access_point_id": "fsap-0123456789abcdef0",
        "task_role_arn": "arn:aws:iam::123456789012:role/poolferry",
        "execution_role_arn": "arn:aws:iam::123456789012:role/poolferry-start",
    }
}
"""Job variables that somebody must give, since nobody can know them."""


def published(kind: str) -> dict[str, Any]:
    """The template that this version of Prefect gives a new work pool."""
    listed = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    (found,) = (workers[kind] for workers in listed.values() if kind in workers)
    template: dict[str, Any] = found["default_base_job_configuration"]
    return template


def differences(one: Any, other: Any, place: str = "") -> Iterator[str]:
    """The places at which two templates differ; a part that only one has is one place."""
    pairs: list[tuple[str, Any, Any]] = []
    if isinstance(one, dict) and isinstance(other, dict):
        pairs = [(key, one.get(key), other.get(key)) for key in sorted({*one, *other})]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = [(str(at), *both) for at, both in enumerate(zip(one, other, strict=True))]
    elif one != other:
        yield place
    for key, left, right in pairs:
        yield from differences(left, right, f"{place}.{key}".strip("."))


def rendered(kind: str, **variables: Any) -> dict[str, Any]:
    """What a worker makes of a template."""
    properties = OURS[kind]["variables"]["properties"]
    defaults = {name: each["default"] for name, each in properties.items() if "default" in each}
    values = {
        "name": "acme",
        "command": "prefect flow-run execute",
        **defaults,
        **GIVEN.get(kind, {}),
        **variables,
    }
    filled: dict[str, Any] = apply_values(OURS[kind]["job_configuration"], values)
    return filled


def check(template: dict[str, Any], job_variables: dict[str, Any]) -> None:
    """Prefect's own check, which the server does when something is deployed to a work pool."""
    deployment = DeploymentCreate(name="one-off", flow_id=uuid4(), job_variables=job_variables)
    deployment.check_valid_configuration(template)


def test_there_is_a_template_of_each_kind() -> None:
    assert OURS.keys() == CHANGES.keys()


@pytest.mark.parametrize("kind", OURS)
def test_a_template_is_prefects_own_but_for_what_is_listed(kind: str) -> None:
    assert set(differences(published(kind), OURS[kind])) == CHANGES[kind]


@pytest.mark.parametrize("kind", OURS)
def test_prefect_takes_the_template_and_its_defaults(kind: str) -> None:
    made = WorkPoolCreate(name="poolferry", type=kind, base_job_template=OURS[kind])
    check(made.base_job_template, GIVEN.get(kind, {}))


def test_prefects_check_notices_what_is_of_the_wrong_kind() -> None:
    with pytest.raises(ValidationError, match="1024"):
        check(OURS["ecs"], {**GIVEN["ecs"], "cpu": "1024"})


def test_what_nobody_can_know_must_be_given() -> None:
    """Without a file system the folder of a run would end with its container."""
    asked = OURS["ecs"]["variables"]
    assert set(asked["required"]) == GIVEN["ecs"].keys()
    jsonschema.validate(GIVEN["ecs"], asked)
    for name in GIVEN["ecs"]:
        with pytest.raises(jsonschema.ValidationError, match=name):
            jsonschema.validate({key: value for key, value in GIVEN["ecs"].items() if key != name}, asked)


@pytest.mark.parametrize("kind", OURS)
def test_every_placeholder_has_a_variable_and_none_is_left_over(kind: str) -> None:
    template = OURS[kind]
    asked = {each.name for each in find_placeholders(template["job_configuration"])}
    known = template["variables"]["properties"].keys()
    assert asked <= known
    unused = {name for name in known - asked if name not in published(kind)["variables"]["properties"]}
    assert unused == set()


@pytest.mark.parametrize("kind", OURS)
def test_every_flow_run_says_often_that_it_lives(kind: str) -> None:
    """The automation that finds dead runs expects it."""
    assert OURS[kind]["variables"]["properties"]["env"]["default"] == {
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"
    }


@pytest.mark.parametrize("kind", sorted(OURS.keys() - {"process"}))
def test_the_image_is_that_of_this_version(kind: str) -> None:
    assert OURS[kind]["variables"]["properties"]["image"]["default"] == f"poolferry:{VERSION}"


def test_aws_would_take_the_task_of_ecs() -> None:
    """Held against the model of ECS in botocore: names, kinds and what is required."""
    filled = rendered("ecs")
    calls = boto3.client("ecs", region_name="eu-west-1").meta.service_model
    definition = calls.operation_model("RegisterTaskDefinition").input_shape
    good = {**filled["task_definition"], "cpu": "1024", "memory": "4096"}  # as the worker writes them
    assert not ParamValidator().validate(good, definition).has_errors()
    (volume,) = good["volumes"]
    (mounted,) = good["containerDefinitions"][0]["mountPoints"]
    assert mounted["sourceVolume"] == volume["name"]
    broken = {**good, "volumes": [{**volume, "efsVolumeConfiguration": {}}]}
    assert ParamValidator().validate(broken, definition).has_errors()


def test_a_pod_keeps_the_state_and_has_no_more_rights_than_it_needs() -> None:
    pod = rendered("kubernetes", state_claim="acme")["job_manifest"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["volumes"] == [{"name": "migration", "persistentVolumeClaim": {"claimName": "acme"}}]
    assert container["volumeMounts"] == [{"name": "migration", "mountPath": "/srv/migration"}]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
