"""The AWS clients that a deployment needs, and how their errors are told apart."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from connectors import aws
from connectors.errors import AskThePoolError, ConfigurationError
from connectors.retry import error_code, translated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient

ABSENT = frozenset({"NotFoundException", "ResourceNotFoundException", "NoSuchEntity"})
REFUSED = frozenset({"AccessDenied", "AccessDeniedException"})
TAG: Final = "poolferry-trigger"
"""The tag that every resource of a trigger has; its value is the trigger's name."""


@dataclass(frozen=True, slots=True)
class Clients:
    """One client a service, all of one Region and profile."""

    dynamodb: DynamoDBClient
    iam: IAMClient
    kms: KMSClient
    functions: LambdaClient
    logs: CloudWatchLogsClient


def make_clients(region: str | None, profile: str | None) -> Clients:
    """Make them.

    Raises:
        ConfigurationError: see ``aws.client``.
    """
    return Clients(
        aws.client("dynamodb", region=region, profile=profile),
        aws.client("iam", region=region, profile=profile),
        aws.client("kms", region=region, profile=profile),
        aws.client("lambda", region=region, profile=profile),
        aws.client("logs", region=region, profile=profile),
    )


class _Fine:
    """Leaves its block quietly where AWS answers with one of some codes."""

    def __init__(self, codes: frozenset[str]) -> None:
        self._codes = codes

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        """Swallow those codes, and nothing else."""
        return isinstance(error, ClientError) and error_code(error) in self._codes


def absent_is_fine() -> _Fine:
    """Leave the block quietly where what it looks for is not there."""
    return _Fine(ABSENT)


def present_is_fine(code: str) -> _Fine:
    """Leave the block quietly where what it makes is there already; each service has a code for it."""
    return _Fine(frozenset({code}))


def refused_is_fine() -> _Fine:
    """Leave the block quietly where it may not be looked at; so it is somebody else's."""
    return _Fine(REFUSED)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Let only errors of Poolferry's tree leave a step; a lost reply is mended by doing it again.

    Every step finds what an earlier try has left, so the whole command may be repeated.
    """
    try:
        with translated(what):
            yield
    except AskThePoolError as lost:
        raise AskThePoolError(lost.what, "Run the same command again: it finds what is there.") from None


def refuse_stranger(what: str, name: str, mark: str | None, wanted: str) -> None:
    """Refuse to touch a resource that somebody else made.

    Raises:
        ConfigurationError: its mark is not ours.
    """
    if mark != wanted:
        raise ConfigurationError(
            f"There is a {what} {name} that Poolferry did not make.",
            "Set trigger.name in the run file to another.",
        )
