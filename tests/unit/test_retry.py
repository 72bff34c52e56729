"""What an AWS error means for the next try, and how long and often is tried again."""

from __future__ import annotations

import logging
import ssl
from typing import Any

import pytest
import tenacity
from botocore import exceptions as aws
from botocore.parsers import ResponseParserError
from botocore.retries.standard import ThrottledRetryableChecker

from connectors.errors import (
    AskThePoolError,
    ConfigurationError,
    PoolferryError,
    RetryError,
    SourceError,
    TargetError,
    ThrottledError,
)
from connectors.retry import THROTTLING_CODES, retrying, translate_botocore, translated

SECRET = "ann.secret@example.com"  # noqa: S105 - stands for a person's data


def refusal(code: str, status: int = 400, request: str = "req-1") -> aws.ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": f"1 validation error: value '{SECRET}' failed"},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": request},
    }
    return aws.ClientError(answer, "AdminCreateUser")


def every_client_side_error() -> list[type[aws.BotoCoreError]]:
    found, todo = [], [aws.BotoCoreError]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        found.append(kind)
    return [kind for kind in found if kind.__module__ == "botocore.exceptions"]


class AnyText(dict[str, str]):
    """Gives every key a person's data."""

    def __missing__(self, key: str) -> str:
        return SECRET


def make(kind: type[aws.BotoCoreError]) -> aws.BotoCoreError:
    """Make an error of botocore with a person's data in every place of its text."""
    error = kind.__new__(kind)
    Exception.__init__(error, kind.fmt.format_map(AnyText()))
    error.kwargs = {}
    return error


def test_the_throttling_codes_are_botocore_s_but_for_used_up_quotas() -> None:
    """LimitExceededException is a quota in Cognito (F4.12): going slower would not help."""
    theirs = set(ThrottledRetryableChecker._THROTTLED_ERROR_CODES)
    assert theirs - {"LimitExceededException"} == THROTTLING_CODES


@pytest.mark.parametrize(
    ("code", "status", "meaning"),
    [
        ("TooManyRequestsException", 400, ThrottledError),
        ("Whatever", 429, ThrottledError),
        ("SlowDown", 503, ThrottledError),
        ("InternalErrorException", 500, RetryError),
        ("RequestTimeout", 400, RetryError),
        ("AccessDeniedException", 400, TargetError),
        ("ExpiredTokenException", 400, TargetError),
        ("LimitExceededException", 400, TargetError),
        ("SomethingNew", 400, TargetError),
    ],
)
def test_a_refusal_says_what_to_do_next(code: str, status: int, meaning: type[PoolferryError]) -> None:
    error = translate_botocore(refusal(code, status))
    assert type(error) is meaning
    assert "AdminCreateUser" in str(error)
    assert code in str(error)
    assert "req-1" in str(error)
    assert SECRET not in str(error)


@pytest.mark.parametrize(
    ("code", "mend"),
    [("AccessDeniedException", "IAM"), ("ExpiredToken", "Sign in"), ("LimitExceededException", "quota")],
)
def test_a_refusal_that_a_person_can_mend_says_how(code: str, mend: str) -> None:
    assert mend in translate_botocore(refusal(code)).mend


def test_a_code_or_request_id_that_is_no_plain_name_is_not_repeated() -> None:
    """A strange server may echo what was sent in any place."""
    text = str(translate_botocore(refusal(f"Bad {SECRET}", request=f"for {SECRET}")))
    assert SECRET not in text
    assert "unknown" in text


@pytest.mark.parametrize("kind", every_client_side_error(), ids=lambda kind: kind.__name__)
def test_every_error_of_botocore_has_a_meaning_and_keeps_its_text(kind: type[aws.BotoCoreError]) -> None:
    error = translate_botocore(make(kind), "ListUsers")
    assert isinstance(error, PoolferryError)
    assert SECRET not in str(error)
    assert "ListUsers" in str(error)
    assert kind.__name__ in str(error)


@pytest.mark.parametrize(
    ("kind", "meaning"),
    [
        (aws.EndpointConnectionError, RetryError),
        (aws.ConnectTimeoutError, RetryError),
        (aws.ProxyConnectionError, RetryError),
        (aws.ReadTimeoutError, AskThePoolError),
        (aws.ConnectionClosedError, AskThePoolError),
        (aws.HTTPClientError, AskThePoolError),
        (aws.SSLError, AskThePoolError),
        (aws.NoCredentialsError, TargetError),
        (aws.UnauthorizedSSOTokenError, TargetError),
        (aws.ParamValidationError, TargetError),
        (aws.NoRegionError, ConfigurationError),
    ],
)
def test_where_a_call_broke_off_decides_what_to_do_next(
    kind: type[aws.BotoCoreError], meaning: type[PoolferryError]
) -> None:
    assert type(translate_botocore(make(kind), "ListUsers")) is meaning


def test_a_reply_that_cannot_be_parsed_is_a_lost_reply() -> None:
    error = translate_botocore(ResponseParserError(f"<html>{SECRET}"), "AdminCreateUser")
    assert type(error) is AskThePoolError
    assert SECRET not in str(error)


def test_a_lost_reply_to_a_reading_call_is_simply_asked_again() -> None:
    assert type(translate_botocore(make(aws.ReadTimeoutError), "ListUsers", reads=True)) is RetryError


def test_a_certificate_that_is_not_trusted_stops_instead_of_asking_for_ever() -> None:
    error = make(aws.SSLError)
    error.kwargs = {"error": Exception(ssl.SSLCertVerificationError("self-signed"))}
    assert type(translate_botocore(error, "ListUsers", reads=True)) is TargetError


@pytest.mark.parametrize(
    ("code", "meaning"), [("Throttling", ThrottledError), ("InternalError", RetryError), ("X", TargetError)]
)
def test_a_waiter_that_was_refused_means_what_the_refusal_means(
    code: str, meaning: type[PoolferryError]
) -> None:
    waited = aws.WaiterError("function_active_v2", f"refused: {SECRET}", refusal(code).response)
    error = translate_botocore(waited, "GetFunction")
    assert type(error) is meaning
    assert error.what == f"GetFunction failed with {code} (request req-1)."


def test_what_does_not_become_ready_is_no_fault_of_the_settings() -> None:
    waited = aws.WaiterError("function_active_v2", "Max attempts exceeded", {"Configuration": {}})
    error = translate_botocore(waited, "GetFunction", stop=SourceError)
    assert type(error) is SourceError
    assert "did not become ready; run it again" in error.mend


def test_translated_lets_only_our_errors_out_and_does_not_chain_aws_s_text() -> None:
    with pytest.raises(SourceError) as caught, translated("GetObject", stop=SourceError):
        raise refusal("AccessDenied", 403)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_translated_leaves_other_errors_alone() -> None:
    with pytest.raises(ZeroDivisionError), translated("GetObject"):
        _ = 1 / 0


class Failing:
    """Raises some errors, one a call, then gives 7."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return 7


def test_a_policy_tries_again_until_the_call_succeeds() -> None:
    pauses: list[float] = []
    call = Failing(RetryError("a"), ThrottledError("b"))
    assert retrying("ListUsers", sleep=pauses.append)(call) == 7
    assert call.calls == 3
    assert len(pauses) == 2


OTHERS = [AskThePoolError("lost"), TargetError("no"), SourceError("no"), ValueError("bug")]


@pytest.mark.parametrize("error", OTHERS, ids=lambda error: type(error).__name__)
def test_a_policy_lets_every_other_error_leave_at_once(error: Exception) -> None:
    """Above all a lost reply: a second call could do a thing twice."""
    call = Failing(error)
    with pytest.raises(type(error)):
        retrying("AdminCreateUser", sleep=lambda _: None)(call)
    assert call.calls == 1


def test_a_policy_gives_up_with_the_class_of_the_last_error() -> None:
    call = Failing(*[ThrottledError("ListUsers failed.", "Go slower.")] * 3)
    with pytest.raises(ThrottledError) as caught:
        retrying("ListUsers of a pool", attempts=3, sleep=lambda _: None)(call)
    assert str(caught.value) == "ListUsers of a pool: gave up after 3 tries. ListUsers failed. Go slower."
    assert call.calls == 3


def test_pauses_grow_are_bounded_and_longer_when_throttled() -> None:
    def pauses(error: RetryError) -> list[float]:
        taken: list[float] = []
        with pytest.raises(RetryError):
            retrying("ListUsers", attempts=12, sleep=taken.append)(Failing(*[error] * 12))
        return taken

    plain, throttled = pauses(RetryError("x")), pauses(ThrottledError("x"))
    assert 0.5 <= plain[0] <= 1
    assert 2 <= throttled[0] <= 4
    assert max(plain) > 2
    assert max(plain + throttled) <= 30
    assert len(set(plain)) > 6, "pauses must differ, or all workers come back at once"


def test_the_pauses_can_be_chosen() -> None:
    taken: list[float] = []
    retrying("x", wait=tenacity.wait_fixed(3), sleep=taken.append)(Failing(RetryError("x")))
    assert taken == [3]


def test_a_policy_works_as_a_loop_too() -> None:
    call = Failing(RetryError("a"))
    for attempt in retrying("ListUsers", sleep=lambda _: None):
        with attempt:
            result = call()
    assert result == 7


def test_the_log_says_what_is_tried_again_without_the_error_s_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "connectors.retry")
    retrying("ListUsers", sleep=lambda _: None)(Failing(RetryError(SECRET)))
    assert "ListUsers: RetryError; try 2 in" in caplog.text
    assert SECRET not in caplog.text
