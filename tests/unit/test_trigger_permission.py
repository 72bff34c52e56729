"""Lambda says in the same words that a permission is there and that the function is being changed.

`test_trigger_crashes.py` lets a pool in at the local Lambda; here is what that one never answers.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber

from connectors import aws
from connectors.cognito.trigger import deployment as module
from connectors.cognito.trigger.clients import Clients
from connectors.cognito.trigger.deployment import Deployment
from connectors.cognito.trigger.policies import Place
from connectors.errors import RetryError, TargetError
from connectors.retry import ATTEMPTS, retrying

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE = Place("aws", "eu-west-1", "123456789012", "acme-trigger")
POOL, ARN = "eu-west-1_Example01", "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_Example01"
THERE = {"Policy": json.dumps({"Statement": [{"Sid": f"poolferry-{POOL}"}]})}
OTHERS = {"Policy": json.dumps({"Statement": [{"Sid": "somebody-else"}]})}


@cache
def client() -> Any:
    """One client for all tests of the file: to make one takes longer than any test."""
    return aws.client("lambda", region="eu-west-1")


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """A client with answers of our own; the policy keeps its rules and does not sleep."""
    monkeypatch.setattr(module, "retrying", lambda what: retrying(what, sleep=lambda _: None))
    with Stubber(client()) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def permit() -> None:
    others: Any = None
    Deployment(Clients(others, others, others, client(), others), PLACE).let_pool_invoke(POOL, ARN)


def test_who_was_first_meanwhile_did_it_for_both(stub: Stubber) -> None:
    stub.add_response("get_policy", OTHERS)
    stub.add_client_error("add_permission", "ResourceConflictException")
    stub.add_response("get_policy", THERE)
    permit()


def test_a_change_that_does_not_end_is_told(stub: Stubber) -> None:
    for _ in range(ATTEMPTS):
        stub.add_response("get_policy", OTHERS)
        stub.add_client_error("add_permission", "ResourceConflictException")
    with pytest.raises(RetryError, match="ResourceConflictException") as raised:
        permit()
    assert "being changed" in raised.value.mend


def test_a_missing_right_is_told_at_once(stub: Stubber) -> None:
    stub.add_response("get_policy", OTHERS)
    stub.add_client_error("add_permission", "AccessDeniedException")
    with pytest.raises(TargetError, match="AccessDenied"):
        permit()
