"""Making and removing a trigger's resources, killed in between or met by others: nothing is lost."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from connectors.cognito.trigger.clients import make_clients
from connectors.cognito.trigger.deployment import Deployment
from connectors.cognito.trigger.package import Package, build
from connectors.cognito.trigger.policies import Place
from connectors.errors import TargetError
from tests.flows.journeys import lead_to

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox

POOL_ID = "eu-west-1_Example01"
POOL_ARN = f"arn:aws:cognito-idp:eu-west-1:123456789012:userpool/{POOL_ID}"


@pytest.fixture(autouse=True)
def _local(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_to(sandbox, monkeypatch)


@pytest.fixture
def place() -> Place:
    return Place("aws", "eu-west-1", "123456789012", f"crash-{secrets.token_hex(4)}")


def deployment(place: Place, before: dict[str, Callable[[], Any]] | None = None) -> Deployment:
    """As a command of its own has it; what is done ``before`` some calls may answer in AWS's place."""
    clients = make_clients(place.region, None)
    for call, do in (before or {}).items():
        service = clients.kms if call in ("CreateAlias", "DeleteAlias") else clients.functions
        service = clients.dynamodb if call == "CreateTable" else service
        service.meta.events.register(f"before-call.*.{call}", lambda do=do, **_: do())
    return Deployment(clients, place)


def refusal(code: str, status: int = 400) -> tuple[AWSResponse, dict[str, Any]]:
    answer = {"Error": {"Code": code, "Message": "x"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return AWSResponse("", status, {}, None), answer


def killed() -> None:
    raise KeyboardInterrupt


def keys_of(place: Place) -> dict[str, str]:
    """ARN and state of every key that carries the trigger's tag."""
    kms, found = boto3.client("kms"), {}
    for key in kms.list_keys()["Keys"]:
        tags = {tag["TagValue"] for tag in kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]}
        if place.name in tags:
            found[key["KeyArn"]] = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"]
    return found


def test_a_key_whose_deployment_was_killed_before_its_alias_is_the_next_ones(place: Place) -> None:
    with pytest.raises(KeyboardInterrupt):
        deployment(place, {"CreateAlias": killed}).make_key()
    (lost,) = keys_of(place)
    assert deployment(place).left_keys() == [lost]
    assert deployment(place).make_key() == deployment(place).found().key_arn == lost
    assert deployment(place).left_keys() == []
    assert keys_of(place) == {lost: "Enabled"}


def test_a_key_that_nothing_leads_to_is_removed(place: Place) -> None:
    with pytest.raises(KeyboardInterrupt):
        deployment(place, {"CreateAlias": killed}).make_key()
    assert deployment(place).remove() == [f"key {place.alias}, in 7 days"]
    assert list(keys_of(place).values()) == ["PendingDeletion"]
    assert deployment(place).left_keys() == []
    assert deployment(place).remove() == []


def test_keys_of_other_triggers_are_left_alone(place: Place) -> None:
    other = Place(place.partition, place.region, place.account, f"{place.name}-other")
    with pytest.raises(KeyboardInterrupt):
        deployment(other, {"CreateAlias": killed}).make_key()
    assert deployment(place).make_key() not in keys_of(other)
    deployment(place).remove()
    assert list(keys_of(other).values()) == ["Enabled"]


@pytest.mark.parametrize("again", ["remove", "deploy"])
def test_a_removal_that_was_killed_between_key_and_alias_is_finished(place: Place, again: str) -> None:
    ended = deployment(place).make_key()
    with pytest.raises(KeyboardInterrupt):
        deployment(place, {"DeleteAlias": killed}).remove()
    assert keys_of(place) == {ended: "PendingDeletion"}
    if again == "remove":
        deployment(place).remove()
        assert deployment(place).found().key_arn is None
    else:
        made = deployment(place).make_key()
        assert keys_of(place) == {ended: "PendingDeletion", made: "Enabled"}
        assert deployment(place).found().key_arn == made


def test_a_table_that_another_one_has_made_meanwhile_is_taken(place: Place) -> None:
    key_arn = deployment(place).make_key()

    def another() -> None:
        deployment(place).make_table(key_arn)

    deployment(place, {"CreateTable": another}).make_table(key_arn)
    assert deployment(place).found().table


@pytest.mark.parametrize("code", ["LimitExceededException", "ResourceConflictException"])
def test_a_table_that_cannot_be_made_is_told(place: Place, code: str) -> None:
    with pytest.raises(TargetError, match=code):
        deployment(place, {"CreateTable": lambda: refusal(code)}).make_table("arn:aws:kms:::key/x")


@pytest.fixture
def function(place: Place, tmp_path: Path) -> Deployment:
    """A deployment that has a function."""
    made = deployment(place)
    package: Package = build(tmp_path / "trigger.zip", here=True)
    made.make_function(package, made.make_role(made.make_key()), {}, 128)
    return made


def allowed(place: Place) -> list[str]:
    text = boto3.client("lambda").get_policy(FunctionName=place.name)["Policy"]
    return [each["Sid"] for each in json.loads(text)["Statement"]]


@pytest.mark.usefixtures("function")
def test_a_pool_is_let_in_although_the_function_was_being_changed(place: Place) -> None:
    """The same code as where the permission is there already: only the function's policy tells."""
    answers = [refusal("ResourceConflictException", 409)]
    hooks = {"AddPermission": lambda: answers.pop() if answers else None}
    deployment(place, hooks).let_pool_invoke(POOL_ID, POOL_ARN)
    assert allowed(place) == [f"poolferry-{POOL_ID}"]


def test_a_pool_that_is_let_in_already_is_not_let_in_twice(place: Place, function: Deployment) -> None:
    for _ in range(2):
        function.let_pool_invoke(POOL_ID, POOL_ARN)
    assert allowed(place) == [f"poolferry-{POOL_ID}"]
