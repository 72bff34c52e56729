"""What the errors of our calls mean for the next try, and what their texts never hold."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from connectors.cognito import limits
from connectors.cognito.error_codes import CALLS, pool_call, translate
from connectors.errors import (
    AskThePoolError,
    ConfigurationError,
    RetryError,
    TargetError,
    ThrottledError,
    UserRefusedError,
)

WRITES = [name for name, call in CALLS.items() if not call.reads]
READS = [name for name, call in CALLS.items() if call.reads]


def refusal(code: str, operation: str, status: int = 400) -> ClientError:
    response = {
        "Error": {"Code": code, "Message": "vera@example.com is secret"},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "r-1"},
    }
    return ClientError(response, operation)


@pytest.mark.parametrize("operation", CALLS)
def test_every_declared_code_gets_its_class_and_shows_no_message(operation: str) -> None:
    for code, treatment in CALLS[operation].errors.items():
        told = translate(refusal(code, operation), operation)
        assert type(told) is treatment.error
        assert f"{operation} failed with {code} (request r-1)" in str(told)
        assert "secret" not in str(told)
        if isinstance(told, UserRefusedError):
            assert told.code == treatment.reason


@pytest.mark.parametrize("operation", WRITES)
def test_a_lost_reply_of_a_write_asks_the_pool(operation: str) -> None:
    assert type(translate(ReadTimeoutError(endpoint_url="x"), operation)) is AskThePoolError
    assert type(translate(refusal("InternalErrorThing", operation, 500), operation)) is AskThePoolError


@pytest.mark.parametrize("operation", READS)
def test_a_lost_reply_of_a_read_is_asked_again(operation: str) -> None:
    assert type(translate(ReadTimeoutError(endpoint_url="x"), operation)) is RetryError
    assert type(translate(refusal("InternalErrorThing", operation, 500), operation)) is RetryError


@pytest.mark.parametrize("operation", CALLS)
def test_what_was_never_sent_is_tried_again(operation: str) -> None:
    assert type(translate(EndpointConnectionError(endpoint_url="x"), operation)) is RetryError


@pytest.mark.parametrize("operation", CALLS)
def test_throttling_and_missing_rights_are_the_same_everywhere(operation: str) -> None:
    assert type(translate(refusal("ThrottlingException", operation), operation)) is ThrottledError
    denied = translate(refusal("AccessDeniedException", operation), operation)
    assert type(denied) is TargetError
    assert f"Allow {CALLS[operation].service}:{operation} " in denied.mend


def test_the_original_error_is_not_chained() -> None:
    """A traceback shows chained errors, and AWS's own text may echo what was sent."""
    with pytest.raises(TargetError) as raised, pool_call("ListUsers"):
        raise refusal("ResourceNotFoundException", "ListUsers")
    assert raised.value.__suppress_context__


def test_errors_of_others_pass() -> None:
    with pytest.raises(ZeroDivisionError), pool_call("ListUsers"):
        _ = 1 / 0


def test_a_quota_is_found_by_its_operation() -> None:
    assert limits.quota_of("ListUsers").default_rps == 30
    assert not limits.quota_of("AdminSetUserPassword").adjustable
    assert limits.quota_of("StartUserImportJob").per_pool_rps == 5


def test_an_unknown_operation_lists_the_known_ones() -> None:
    with pytest.raises(
        ConfigurationError, match=r"'ListUser'. Did you mean 'ListUsers'\? Known: .*UpdateGroup"
    ):
        limits.quota_of("ListUser")


def test_no_operation_has_two_quotas() -> None:
    named = [operation for quota in limits.QUOTAS for operation in quota.operations]
    assert len(named) == len(set(named))
