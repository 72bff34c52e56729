"""The one home of retry policies, and of what an AWS error means for the next try.

A policy retries only ``RetryError`` and ``ThrottledError``. It is meant for calls that may be made
twice without harm (reads). A call that changes the pool is never in a policy unless its caller has
asked the pool first (``AskThePoolError``).
"""

from __future__ import annotations

import logging
import re
import ssl
import time
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import tenacity
from botocore import exceptions as aws
from tenacity.wait import wait_base

from connectors.errors import (
    AskThePoolError,
    ConfigurationError,
    PoolferryError,
    RetryError,
    StopError,
    TargetError,
    ThrottledError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_log = logging.getLogger(__name__)

ATTEMPTS = 8
"""Calls a policy makes in total; with the default pauses it gives up after one to two minutes."""

THROTTLING_CODES: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",  # HTTP 400 in Cognito (F4.10)
        "TransactionInProgressException",
    }
)
"""botocore's list, but for ``LimitExceededException``: in Cognito that is a used-up quota (F4.12)."""

_TRANSIENT_CODES: Final = frozenset({"InternalError", "RequestTimeout", "RequestTimeoutException"})
_SERVER_FAULT, _TOO_MANY = 500, 429
_LAYERS: Final = 8
"""Errors within errors that are looked through."""

_ALLOW = "Allow it in the IAM policy of the credentials in use, then resume."
_SIGN_IN = "Sign in again or give valid credentials, then resume."
_MEND_BY_CODE: Final = {
    "AccessDenied": _ALLOW,
    "AccessDeniedException": _ALLOW,
    "403": _ALLOW,
    "Forbidden": _ALLOW,
    "UnauthorizedOperation": _ALLOW,
    "ExpiredToken": _SIGN_IN,
    "ExpiredTokenException": _SIGN_IN,
    "RequestExpired": _SIGN_IN,
    "IncompleteSignature": _SIGN_IN,
    "InvalidAccessKeyId": _SIGN_IN,
    "InvalidClientTokenId": _SIGN_IN,
    "InvalidSignatureException": _SIGN_IN,
    "InvalidToken": _SIGN_IN,
    "MissingAuthenticationToken": _SIGN_IN,
    "MissingAuthenticationTokenException": _SIGN_IN,
    "SignatureDoesNotMatch": _SIGN_IN,
    "UnrecognizedClientException": _SIGN_IN,
    "RequestTimeTooSkewed": "Set this machine's clock, then resume.",
    "LimitExceededException": "A quota of the account or pool is used up: raise it, then resume.",
    "ServiceQuotaExceededException": "A quota of the account is used up: raise it, then resume.",
    "NoSuchBucket": "Check the bucket's name and region.",
}

_NO_CREDENTIALS: Final = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.MetadataRetrievalError,
    aws.NoAuthTokenError,
    aws.TokenRetrievalError,
    aws.RefreshWithMFAUnsupportedError,
    aws.SSOError,
    aws.LoginError,
)
_BEFORE_SENDING: Final = (aws.EndpointConnectionError, aws.ConnectTimeoutError, aws.ProxyConnectionError)
_REPLY_LOST: Final = (
    aws.HTTPClientError,  # with its children: ReadTimeoutError, ConnectionClosedError, ResponseStreamingError
    aws.SSLError,
    aws.IncompleteReadError,
    aws.ChecksumError,
)


@cache
def aws_errors() -> tuple[type[Exception], ...]:
    """All that a boto3 call can raise on its own account; ``except`` asks when something was raised."""
    return aws.ClientError, aws.BotoCoreError, _unreadable_reply()


@cache
def _unreadable_reply() -> type[Exception]:
    """The error of a reply that is no reply, a proxy's page for example: a lost one."""
    # Its module brings urllib3 and TLS along, a tenth of the start of a command that calls nobody.
    from botocore.parsers import ResponseParserError  # noqa: PLC0415 - see above

    return ResponseParserError


class _SlowerWhenThrottled(wait_base):
    """Seconds, random up to a bound that doubles each time; a throttled call starts four times as slow.

    Never less than the service has asked for.
    """

    _first, _longest, _slower = 1.0, 30.0, 4

    def __call__(self, retry_state: tenacity.RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        first = self._first * (self._slower if isinstance(error, ThrottledError) else 1)
        pause = tenacity.wait_random_exponential(multiplier=first, max=self._longest, min=first / 2)
        asked = error.after if isinstance(error, ThrottledError) else None
        return max(float(pause(retry_state)), asked or 0.0)


def retrying(
    what: str,
    *,
    attempts: int = ATTEMPTS,
    wait: wait_base | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> tenacity.Retrying:
    """Make the policy for a call that may be made twice without harm.

    Use it as ``retrying("ListUsers")(call, argument)`` or ``for attempt in retrying(…): with attempt: …``.

    Args:
        what: what is tried, for the log and the last error; no person's data.
        attempts: how many calls are made in total.
        wait: pauses in seconds; default: exponential with jitter, at most 30, slower when throttled.
        sleep: takes seconds; tests give one that does not sleep.

    Returns:
        The policy. Its last error has the class of the last one that the call raised and says how
        often was tried; every other error leaves at once.
    """
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(RetryError),
        stop=tenacity.stop_after_attempt(attempts),
        wait=wait or _SlowerWhenThrottled(),
        sleep=sleep,
        before_sleep=lambda state: _say_pause(what, state),
        retry_error_callback=lambda state: _give_up(what, state),
    )


def _say_pause(what: str, state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    _log.info(
        "%s: %s; try %d in %.1f s", what, type(error).__name__, state.attempt_number + 1, state.upcoming_sleep
    )


def _give_up(what: str, state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, RetryError):  # pragma: no cover - the policy retries nothing else
        raise TypeError(what)
    raise type(error)(
        f"{what}: gave up after {state.attempt_number} tries. {error.what}", error.mend
    ) from None


@contextmanager
def translated(operation: str, *, stop: type[StopError] = TargetError, reads: bool = False) -> Iterator[None]:
    """Let only errors of Poolferry's tree leave the block; see ``translate_botocore``.

    The AWS error is not chained: its text may echo what was sent.
    """
    try:
        yield
    except aws_errors() as error:
        raise translate_botocore(error, operation, stop=stop, reads=reads) from None


def translate_botocore(
    error: Exception, operation: str = "", *, stop: type[StopError] = TargetError, reads: bool = False
) -> PoolferryError:
    """Say what an error of boto3 means for the next try.

    Args:
        error: what boto3 raised (``aws_errors``).
        operation: the API's name for the call, where the error does not know it itself.
        stop: the class for what a person must mend: ``TargetError``, or ``SourceError`` for a source.
        reads: True where the call changes nothing, so that a lost reply is simply asked again.

    Returns:
        ``ThrottledError`` for throttling codes (F4.10); ``RetryError`` for server faults (5xx) and for
        failures before anything was sent; ``AskThePoolError`` for replies that were lost after
        sending; ``ConfigurationError`` for a missing region or the like; else ``stop``. A waiter's
        error means what the last answer that it saw means. The text
        has the operation, AWS's code and the request id, never AWS's message, which may echo values.
    """
    last: Any = getattr(error, "last_response", None) or {}  # of a waiter, which saw it refused
    if "Error" in last:
        error = aws.ClientError(last, operation)
    if isinstance(error, aws.ClientError):
        return _translate_reply(error, operation, stop)
    what = f"{operation or 'A call to AWS'} failed: {type(error).__name__}."
    if isinstance(error, _BEFORE_SENDING):
        return RetryError(what, "Check the network, the proxy and the endpoint.")
    if isinstance(error, (*_REPLY_LOST, _unreadable_reply())) and not is_bad_certificate(error):
        return RetryError(what) if reads else AskThePoolError(what, "Ask the pool whether it took effect.")
    return _translate_own_fault(error, what, stop)


def _translate_own_fault(error: Exception, what: str, stop: type[StopError]) -> PoolferryError:
    if isinstance(error, _NO_CREDENTIALS):
        return stop(what, _SIGN_IN)
    if isinstance(error, aws.SSLError):
        return stop(what, "The server's certificate is not trusted: set AWS_CA_BUNDLE or the proxy.")
    if isinstance(error, aws.ParamValidationError):
        return stop(what, "The request breaks the API's own rules and was not sent; please report it.")
    if isinstance(error, aws.WaiterError):
        return stop(what, "What was waited for did not become ready; run it again.")
    return ConfigurationError(what, "Mend the region, the profile or the endpoint.")


def _translate_reply(error: aws.ClientError, operation: str, stop: type[StopError]) -> PoolferryError:
    code = error_code(error)
    meta = error.response.get("ResponseMetadata", {})
    status, request = meta.get("HTTPStatusCode", 0), _plain(meta.get("RequestId", ""))
    what = f"{error.operation_name or operation} failed with {code} (request {request})."
    if is_throttled(code, status):
        return ThrottledError(what, "Go slower.")
    if code in _TRANSIENT_CODES or status >= _SERVER_FAULT:
        return RetryError(what)
    return stop(what, _MEND_BY_CODE.get(code, ""))


def is_throttled(code: str, status: int) -> bool:
    """Tell whether a refusal asks for a slower pace, by AWS's code and the HTTP status."""
    return code in THROTTLING_CODES or status == _TOO_MANY


def error_code(error: aws.ClientError) -> str:
    """AWS's code of a refusal, e.g. ``UsernameExistsException``; ``unknown`` where it is no plain name."""
    return _plain(error.response.get("Error", {}).get("Code", ""))


def _plain(text: object) -> str:
    """Let pass only what looks like a name: a strange server may echo anything in any place."""
    return str(text) if re.fullmatch(r"[\w.:/+=-]{1,120}", str(text), re.ASCII) else "unknown"


def is_bad_certificate(error: BaseException) -> bool:
    """Tell whether a server's certificate was refused; every other fault of TLS is one of the network.

    Args:
        error: what botocore, requests or urllib3 raised; they wrap Python's own in several layers.
    """
    seen: object = error
    for _ in range(_LAYERS):
        if isinstance(seen, ssl.SSLCertVerificationError):
            return True
        seen = _wrapped(seen)
    return False


def _wrapped(error: object) -> object:
    named = getattr(error, "kwargs", {}).get("error"), getattr(error, "reason", None)
    return next((one for one in (*named, *getattr(error, "args", ())) if isinstance(one, Exception)), None)
