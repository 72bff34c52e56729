"""AWS Secrets Manager: the text of one secret. Who reads it keeps it in memory alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.aws import client
from connectors.errors import ConfigurationError, TargetError
from connectors.retry import retrying, translated

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_REGION_FIELD = 3


def read_secret(name: str) -> str:
    """Read the current version of a secret.

    Args:
        name: the secret's name, or its ARN, whose Region is asked then.

    Returns:
        The text; ``GetSecretValue`` is asked again where it is throttled or does not answer.

    Raises:
        ConfigurationError: it is not there, may not be read, or holds bytes and no text.
        RetryError: Secrets Manager does not answer.
    """
    region = name.split(":")[_REGION_FIELD] if name.startswith("arn:") else None
    secrets = client("secretsmanager", region=region)
    try:
        return retrying("GetSecretValue")(_read, secrets, name)
    except TargetError as refused:
        known = refused.mend or "Check its name and Region, and allow secretsmanager:GetSecretValue on it."
        raise ConfigurationError(refused.what, known) from None


def _read(secrets: SecretsManagerClient, name: str) -> str:
    with translated("GetSecretValue", reads=True):
        answer = secrets.get_secret_value(SecretId=name)
    if "SecretString" not in answer:
        raise ConfigurationError("The secret holds bytes.", "Store it as text.")
    return answer["SecretString"]
