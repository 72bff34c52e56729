"""The governor of a client: which limit, which share of it, and that every call waits for its turn."""

from __future__ import annotations

import gc
import io
import json
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError

from connectors import aws
from connectors.cognito.error_codes import CALLS
from connectors.cognito.limits import QUOTAS, quota_of
from connectors.cognito.pace import SLOWER, PaceTable
from connectors.cognito.quotas import Governor
from connectors.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Clock

POOL, OTHER = "eu-west-1_Example01", "eu-west-1_Example02"


class Service:
    """Answers the requests of a client where they would leave this machine, and counts them.

    Args:
        errors: the code of a refusal by operation; of a list one after the other, then none.
        limit: what ``GetProvisionedLimit`` tells.
        region: where the client looks for it.
    """

    def __init__(self, region: str = "eu-west-1", *, limit: int = 50, **errors: list[str]) -> None:
        self.limit, self.errors, self.asked = limit, errors, Counter[str]()
        self.client = aws.client("cognito-idp", region=region)
        self.client.meta.events.register("before-send", self.answer)

    def answer(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        self.asked[operation] += 1
        refusals = self.errors.get(operation, [])
        body: dict[str, Any] = {"Limit": {"ProvisionedLimitValue": self.limit, "FreeLimitValue": 50}}
        if refusals:
            body = {"__type": refusals.pop(0), "message": "values of people"}
        raw = io.BytesIO(json.dumps(body).encode())
        raw.stream = lambda *_, **__: iter([raw.getvalue()])  # type: ignore[attr-defined]  # as urllib3's
        return AWSResponse(request.url, 400 if "__type" in body else 200, {}, raw)

    def govern(self, clock: Clock, table: PaceTable | None = None, **settings: Any) -> Governor:
        """Make the governor; to sleep moves the clock."""

        def sleep(seconds: float) -> None:
            clock.now += seconds

        table = table or PaceTable.in_memory(clock)
        return Governor(self.client, table, clock=clock, sleep=sleep, **settings)

    def read(self) -> None:
        self.client.list_users(UserPoolId=POOL)

    def create(self) -> None:
        self.client.admin_create_user(UserPoolId=POOL, Username="vera")


def seconds(clock: Clock, call: Callable[[], object], times: int) -> float:
    """How long some calls one after the other take; the first one of a queue need not wait."""
    began = clock.now
    for _ in range(times):
        call()
    return clock.now - began


def test_calls_take_half_of_the_default_rate(clock: Clock) -> None:
    service = Service()
    service.govern(clock)
    assert seconds(clock, service.read, 16) == pytest.approx(15 / 15, abs=1e-3)


def test_the_share_is_the_one_that_was_asked_for(clock: Clock) -> None:
    service = Service()
    service.govern(clock, share=0.1)
    assert seconds(clock, service.read, 4) == pytest.approx(3 / 3, abs=1e-3)


def test_operations_of_one_category_share_its_rate(clock: Clock) -> None:
    service = Service()
    service.govern(clock)
    began = clock.now
    service.client.admin_disable_user(UserPoolId=POOL, Username="vera")
    service.client.admin_enable_user(UserPoolId=POOL, Username="vera")
    assert clock.now - began == pytest.approx(1 / 12.5, abs=1e-3)


def test_one_operation_on_one_pool_keeps_to_its_own_limit_besides(clock: Clock) -> None:
    """Twenty a second for all, five for each operation and pool; half of both (F4.1)."""
    service = Service()
    service.govern(clock)

    def header(pool: str) -> float:
        return seconds(clock, partial(service.client.get_csv_header, UserPoolId=pool), 1)

    waits = [header(pool) for pool in (POOL, OTHER, POOL)]
    assert waits == pytest.approx([0, 1 / 10, 1 / 2.5 - 1 / 10], abs=1e-3)


def test_an_adjustable_limit_is_asked_for_once_and_taken(clock: Clock) -> None:
    service = Service(limit=200)
    governor = service.govern(clock)
    assert seconds(clock, service.create, 11) == pytest.approx(10 / 100, abs=1e-3)
    found = governor.allowance("AdminCreateUser")
    assert (found.limit, found.rate, found.origin, found.note) == (200, 100, "provisioned", "")
    assert found.text == "100 of 200 a second (provisioned)"
    assert service.asked == {"GetProvisionedLimit": 1, "AdminCreateUser": 11}


def test_a_limit_that_may_not_be_asked_for_is_the_default_and_that_is_said(clock: Clock) -> None:
    service = Service(limit=200, GetProvisionedLimit=["AccessDeniedException"])
    governor = service.govern(clock)
    assert seconds(clock, service.create, 6) == pytest.approx(5 / 25, abs=1e-3)
    found = governor.allowance("AdminCreateUser")
    assert (found.limit, found.origin) == (50, "default")
    assert found.note.startswith("GetProvisionedLimit failed with AccessDeniedException")
    assert "people" not in found.note
    assert service.asked["GetProvisionedLimit"] == 1


def test_a_limit_of_the_run_file_is_not_asked_for(clock: Clock) -> None:
    service = Service()
    governor = service.govern(clock, limits={"UserCreation": 80})
    assert seconds(clock, service.create, 5) == pytest.approx(4 / 40, abs=1e-3)
    assert governor.allowance("AdminCreateUser").origin == "run file"
    assert not service.asked["GetProvisionedLimit"]


def test_a_fixed_limit_is_not_asked_for(clock: Clock) -> None:
    service = Service()
    assert service.govern(clock).allowance("AdminSetUserPassword").text == "15 of 30 a second (default)"
    assert not service.asked


def test_a_throttled_call_makes_all_slower_and_is_not_tried_again_here(clock: Clock) -> None:
    service = Service(ListUsers=["TooManyRequestsException"])
    service.govern(clock)
    with pytest.raises(ClientError):
        service.read()
    service.read()
    assert service.asked["ListUsers"] == 2
    assert seconds(clock, service.read, 1) == pytest.approx(1 / 15 / SLOWER, rel=0.01)


@pytest.mark.parametrize(
    "code", ["LimitExceededException", "InternalErrorException", "NotAuthorizedException"]
)
def test_other_errors_are_no_reason_to_go_slower(clock: Clock, code: str) -> None:
    service = Service(ListUsers=[code])
    service.govern(clock)
    with pytest.raises(ClientError):
        service.read()
    assert seconds(clock, service.read, 15) == pytest.approx(15 / 15, abs=1e-3)


def test_clients_of_one_table_and_region_are_paced_together(clock: Clock) -> None:
    table = PaceTable.in_memory(clock)
    for region, waits in (("eu-west-1", 0.0), ("eu-west-1", 1 / 15), ("eu-central-1", 0.0)):
        service = Service(region)
        service.govern(clock, table)
        assert seconds(clock, service.read, 1) == pytest.approx(waits, abs=1e-3)


def test_an_operation_of_no_known_category_is_not_sent(clock: Clock) -> None:
    service = Service()
    service.govern(clock)
    with pytest.raises(ConfigurationError, match="unknown Cognito operation 'TagResource'"):
        service.client.tag_resource(ResourceArn="arn:aws:cognito-idp:eu-west-1:1:userpool/x", Tags={})
    assert not service.asked


@pytest.mark.parametrize("operation", [name for name, call in CALLS.items() if call.service == "cognito-idp"])
def test_every_operation_that_is_called_has_a_category(operation: str) -> None:
    assert quota_of(operation) in QUOTAS


def test_a_client_that_nobody_holds_any_more_closes_its_file(clock: Clock, tmp_path: Any) -> None:
    governor = Governor(
        aws.client("cognito-idp", region="eu-west-1"), PaceTable.in_file(tmp_path / "pace.db", clock)
    )
    engine = governor._table.engine
    governor._table.reserve("q", 1, 1)
    assert engine.pool.checkedin() == 1
    del governor
    gc.collect()
    assert engine.pool.checkedin() == 0
