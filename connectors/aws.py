"""The one place that makes AWS clients.

botocore's own retries are switched off (``total_max_attempts`` 1): ``connectors.retry`` owns retrying,
and two retry loops that are stacked on one another multiply. Credentials and endpoints are found the
usual way of boto3 (profiles, roles, ``AWS_ENDPOINT_URL``); Poolferry adds no second way.
"""

from __future__ import annotations

import logging
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal, overload

from connectors.errors import ConfigurationError, unknown_name

if TYPE_CHECKING:
    from botocore.config import Config
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sts import STSClient

_log = logging.getLogger(__name__)

SERVICES = ("cognito-idp", "dynamodb", "iam", "kms", "lambda", "logs", "s3", "secretsmanager", "sts")
"""AWS's names of the services that are used anywhere here."""
CONNECT_SECONDS = 10
READ_SECONDS = 60
CONNECTIONS = 50
"""Connections one client keeps open: an upper bound on the threads that can use it without waiting."""


@overload
def client(
    service: Literal["cognito-idp"], *, region: str | None = None, profile: str | None = None
) -> CognitoIdentityProviderClient: ...
@overload
def client(
    service: Literal["dynamodb"], *, region: str | None = None, profile: str | None = None
) -> DynamoDBClient: ...
@overload
def client(
    service: Literal["iam"], *, region: str | None = None, profile: str | None = None
) -> IAMClient: ...
@overload
def client(
    service: Literal["kms"], *, region: str | None = None, profile: str | None = None
) -> KMSClient: ...
@overload
def client(
    service: Literal["lambda"], *, region: str | None = None, profile: str | None = None
) -> LambdaClient: ...
@overload
def client(
    service: Literal["logs"], *, region: str | None = None, profile: str | None = None
) -> CloudWatchLogsClient: ...
@overload
def client(service: Literal["s3"], *, region: str | None = None, profile: str | None = None) -> S3Client: ...
@overload
def client(
    service: Literal["secretsmanager"], *, region: str | None = None, profile: str | None = None
) -> SecretsManagerClient: ...
@overload
def client(
    service: Literal["sts"], *, region: str | None = None, profile: str | None = None
) -> STSClient: ...
def client(service: str, *, region: str | None = None, profile: str | None = None) -> Any:
    """Make a boto3 client that never retries by itself and never waits without a bound.

    Args:
        service: AWS's name of the service, e.g. ``cognito-idp``.
        region: the region; default: where boto3 finds it.
        profile: a profile of AWS's shared configuration; default: where boto3 finds it.

    Returns:
        The client; it may be shared between threads.

    Raises:
        ConfigurationError: no region, an unknown profile or service, or an unreadable configuration.
    """
    import boto3  # noqa: PLC0415 - a tenth of the start of whatever talks to nobody
    from botocore.exceptions import BotoCoreError, UnknownServiceError  # noqa: PLC0415 - same

    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        made = session.client(service, config=_config())  # type: ignore[call-overload]
    except UnknownServiceError:
        raise ConfigurationError(unknown_name("AWS service", service, SERVICES)) from None
    except (BotoCoreError, ValueError) as error:
        raise ConfigurationError(
            f"No {service} client can be made: {error}",
            "Mend the region, profile or endpoint in the run file or in AWS's own configuration.",
        ) from None
    made.meta.events.register("before-call", _began)
    made.meta.events.register("after-call", _told)
    made.meta.events.register("after-call-error", _lost)
    return made


def _began(context: dict[str, Any], **_: object) -> None:
    context["poolferry_began"] = time.monotonic()


def _told(http_response: Any, model: Any, context: dict[str, Any], **_: object) -> None:  # noqa: ANN401 - botocore's
    """Note a call that was answered: its name, the status, how long it took; nothing of its content."""
    took = time.monotonic() - context.get("poolferry_began", time.monotonic())
    status = http_response.status_code
    extra = {"operation": model.name, "status": status, "seconds": round(took, 4)}
    _log.debug("%s answered %d", model.name, status, extra=extra)


def _lost(exception: Exception, event_name: str, **_: object) -> None:
    operation = event_name.rpartition(".")[2]
    _log.debug("%s failed: %s", operation, type(exception).__name__, extra={"operation": operation})


def user_agent() -> str:
    """Poolferry's name and version as servers see it, ``poolferry/1.2.3``."""
    return f"poolferry/{version('poolferry')}"


def _config() -> Config:
    from botocore.config import Config  # noqa: PLC0415 - as above

    return Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=CONNECTIONS,
        retries={"total_max_attempts": 1},
        tcp_keepalive=True,
        user_agent_extra=user_agent(),
    )
