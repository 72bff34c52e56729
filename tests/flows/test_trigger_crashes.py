"""Making and removing a trigger's resources, killed in between or met by others: nothing is lost."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse

from connectors.cognito.trigger.clients import make_clients
from connectors.cognito.trigger.deployment import Deployment
from connectors.cognito.trigger.policies import Place
from connectors.errors import TargetError
from tests.flows.journeys import lead_to

if TYPE_CHECKING:
    from collections.abc import Callable
    from connectors.cognito.sandbox import Sandbox

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
