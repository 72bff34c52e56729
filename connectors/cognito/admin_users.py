"""The way of single users into the pool: ``AdminCreateUser`` and ``AdminSetUserPassword``.

Nothing here is retried: a throttled call raises ``ThrottledError`` and surely had no effect, so that the
caller, who keeps the pace, can make it again (``connectors.retry``). A lost reply raises
``AskThePoolError``: there is no idempotency token (F5.10), so ask ``users.find_user`` before a second try.
"""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from connectors.cognito.error_codes import pool_call, translate
from connectors.errors import PoolferryError, UserRefusedError
from connectors.retry import aws_errors, error_code

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.literals import DeliveryMediumTypeType
    from mypy_boto3_cognito_idp.type_defs import AdminCreateUserRequestTypeDef, UserTypeTypeDef

    from connectors.records import PoolSchema

PASSWORD_LENGTH: Final = 99
"""Characters of a generated password: no pool can ask for more (``PasswordPolicy.MinimumLength``)."""
_SYMBOLS: Final = "!#$%()*+-./:;=?@[]^_{}~"
_KINDS: Final = (string.ascii_lowercase, string.ascii_uppercase, string.digits, _SYMBOLS)
_ALIAS_TAKEN: Final = "AliasExistsException"


@dataclass(frozen=True, slots=True)
class CreatedUser:
    """A user as the pool made them.

    ``username`` is the pool's: where users sign in with an e-mail address or a phone number it is
    not the one that was sent (F5.6).
    """

    username: str
    sub: str
    status: str


def create_user(  # noqa: PLR0913 - they are AdminCreateUser's own parameters
    client: CognitoIdentityProviderClient,
    schema: PoolSchema,
    username: str,
    attributes: Mapping[str, str],
    *,
    temporary_password: str | None = None,
    invite: Sequence[DeliveryMediumTypeType] = (),
    force_alias: bool = False,
) -> CreatedUser:
    """Make one user.

    The user is ``FORCE_CHANGE_PASSWORD`` then (F5.1), and nobody knows the password; in a pool that
    lets people in without a password none is set, and the user is ``CONFIRMED`` at once (F5.4).

    Args:
        client: a client of the pool's Region; it may be shared between threads.
        schema: the pool.
        username: the username, or the e-mail address or phone number in pools that ask for one.
        attributes: values as the API takes them; never ``sub`` (F5.13).
        temporary_password: a password; default: a strong one of the user's own.
        invite: media by which Cognito sends an invitation with the temporary password (F5.2); the user
            needs a contact for each. None: ``MessageAction`` is ``SUPPRESS`` and nothing is sent.
        force_alias: True takes an e-mail address or phone number away from whoever has it (F5.8).

    Returns:
        The user's name in the pool, ``sub`` and status.

    Raises:
        UserRefusedError: the pool refuses this user; ``code`` says why, ``username_exists`` also for a
            taken alias (F5.8).
        ThrottledError: go slower; nobody was made.
        AskThePoolError: the reply was lost, so the user may have been made.
        TargetError: the pool or the credentials do not allow it for anybody.
    """
    request: AdminCreateUserRequestTypeDef = {
        "UserPoolId": schema.pool_id,
        "Username": username,
        "UserAttributes": [{"Name": name, "Value": value} for name, value in attributes.items()],
        "ForceAliasCreation": force_alias,
    }
    if invite:
        request["DesiredDeliveryMediums"] = list(invite)
    else:
        request["MessageAction"] = "SUPPRESS"
    if temporary_password or not schema.passwordless:
        request["TemporaryPassword"] = temporary_password or new_password()
    try:
        return _created(client.admin_create_user(**request)["User"])
    except aws_errors() as error:
        raise _translate(error, "AdminCreateUser") from None


def set_permanent_password(
    client: CognitoIdentityProviderClient, pool_id: str, username: str, password: str | None = None
) -> None:
    """Set a password that needs no change, which makes the user ``CONFIRMED`` (F7.5).

    Args:
        client: a client of the pool's Region; it may be shared between threads.
        pool_id: the pool.
        username: the username in the pool.
        password: the password; default: a strong one of the user's own that nobody knows.

    Raises:
        UserRefusedError: the password breaks the policy, or the pool does not know the user.
        ThrottledError, AskThePoolError, TargetError: as in ``create_user``; the same password may be
            set again.
    """
    try:
        client.admin_set_user_password(
            UserPoolId=pool_id, Username=username, Password=password or new_password(), Permanent=True
        )
    except aws_errors() as error:
        raise _translate(error, "AdminSetUserPassword") from None


def update_attributes(
    client: CognitoIdentityProviderClient, pool_id: str, username: str, attributes: Mapping[str, str]
) -> None:
    """Write attributes of a user; all others stay as they are.

    A changed e-mail address or phone number needs its ``*_verified`` as ``true`` in the same call: else
    Cognito takes it for unverified and sends a code to it.

    Args:
        client: a client of the pool's Region; it may be shared between threads.
        pool_id: the pool.
        username: the username in the pool.
        attributes: values as the API takes them.

    Raises:
        UserRefusedError: the pool refuses a value or knows no such user; ``alias_taken`` where another
            user signs in with one of them. Some pools move the alias instead (F5.11): look before.
        ThrottledError, AskThePoolError, TargetError: as in ``create_user``; the same values may be
            written again.
    """
    wanted = [{"Name": name, "Value": value} for name, value in attributes.items()]
    with pool_call("AdminUpdateUserAttributes"):
        client.admin_update_user_attributes(UserPoolId=pool_id, Username=username, UserAttributes=wanted)  # type: ignore[arg-type]  # two plain texts


def new_password() -> str:
    """Make a random password that meets any policy a pool can have (F5.3).

    It is as long as the longest minimum length, has all four kinds of characters and no white space.
    """
    one_of_each = [secrets.choice(kind) for kind in _KINDS]
    others = [secrets.choice("".join(_KINDS)) for _ in range(PASSWORD_LENGTH - len(one_of_each))]
    letters = one_of_each + others
    secrets.SystemRandom().shuffle(letters)
    return "".join(letters)


def _created(user: UserTypeTypeDef) -> CreatedUser:
    attributes = {each["Name"]: each.get("Value", "") for each in user.get("Attributes", ())}
    return CreatedUser(user["Username"], attributes.get("sub", ""), user["UserStatus"])


def _translate(error: Exception, operation: str) -> PoolferryError:
    """Translate by the table, and a code that the model forgot besides (F5.8)."""
    told = translate(error, operation)
    if isinstance(error, ClientError) and error_code(error) == _ALIAS_TAKEN:
        return UserRefusedError(
            "username_exists", told.what, "Another user of the pool has the alias; compare."
        )
    return told
