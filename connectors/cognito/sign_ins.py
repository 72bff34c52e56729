"""Sign one person in with a password, and say what the pool answered; tokens are thrown away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from connectors.cognito.error_codes import translate
from connectors.errors import AskThePoolError, RetryError, UserRefusedError
from connectors.retry import aws_errors, error_code

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

    from connectors.cognito.app_clients import AppClient

SIGNED_IN: Final = "signed_in"
REFUSED: Final = "refused"
_REFUSALS: Final = frozenset({"NotAuthorizedException", "UserNotFoundException"})
"""Codes of a wrong password, an unknown or a disabled user."""


def sign_in(
    client: CognitoIdentityProviderClient, pool_id: str, app: AppClient, username: str, password: str
) -> str:
    """Sign somebody in by the first flow of the app client that shows Cognito the password (F6.13).

    Returns:
        ``signed_in``, ``refused`` (the password or the name is wrong), the name of a challenge in small
        letters, or the reason code of what the pool wants first, ``password_reset_required`` for instance.

    Raises:
        TargetError: the pool or a trigger of it fails.
        RetryError: the reply was lost; a sign-in may be made again.
        ThrottledError: go slower.
    """
    flow = app.password_flows[0]
    parameters = {"USERNAME": username, "PASSWORD": password}
    if secret_hash := app.secret_hash(username):
        parameters["SECRET_HASH"] = secret_hash
    answer: Any
    try:
        if flow == "ADMIN_USER_PASSWORD_AUTH":
            answer = client.admin_initiate_auth(
                UserPoolId=pool_id,
                ClientId=app.client_id,
                AuthFlow="ADMIN_USER_PASSWORD_AUTH",
                AuthParameters=parameters,
            )
        else:
            answer = client.initiate_auth(
                ClientId=app.client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters
            )
    except aws_errors() as error:
        operation = "AdminInitiateAuth" if flow == "ADMIN_USER_PASSWORD_AUTH" else "InitiateAuth"
        return _refusal(error, operation)
    return str(answer.get("ChallengeName") or SIGNED_IN).lower()


def _refusal(error: Exception, operation: str) -> str:
    if isinstance(error, ClientError) and error_code(error) in _REFUSALS:
        return REFUSED
    told = translate(error, operation)
    if isinstance(told, UserRefusedError):
        return told.code
    if isinstance(told, AskThePoolError):
        raise RetryError(told.what)
    raise told
