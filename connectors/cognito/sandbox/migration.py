"""The user migration trigger: whom the pool does not have, an attached function may bring in (F6.1-F6.20)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from moto.cognitoidp.exceptions import (
    AliasExistsException,
    InvalidParameterException,
    NotAuthorizedError,
    UsernameExistsException,
)

from connectors.cognito.sandbox.attributes import check_values
from connectors.cognito.sandbox.directory import add_user, directory_of, find_user
from connectors.cognito.sandbox.functions import FunctionError, NoAnswerError, NotAllowedError
from connectors.cognito.sandbox.messages import count_messages
from connectors.cognito.sandbox.refusals import TriggerError
from connectors.cognito.sandbox.request import SandboxRequest
from connectors.cognito.sandbox.sign_in_names import SHAPES

if TYPE_CHECKING:
    from connectors.cognito.sandbox.moto_types import MotoPool
    from connectors.cognito.sandbox.stored_user import StoredUser

AUTHENTICATION: Final = "UserMigration_Authentication"
FORGOT_PASSWORD: Final = "UserMigration_ForgotPassword"  # noqa: S105 - a source's name
TRIES: Final = 3
"""How often Cognito invokes a function that fails (F6.14)."""

ANSWERS: Final = (
    "userAttributes", "finalUserStatus", "messageAction", "desiredDeliveryMediums", "forceAliasCreation",
    "enableSMSMFA",
)  # fmt: skip
"""Members of the event's response, empty when it is sent (F6.2)."""


class Migration(SandboxRequest):
    """Asks the pool's migration trigger for somebody."""

    def migrated(self, pool: MotoPool, source: str, name: str, password: str | None) -> StoredUser | None:
        """Ask the attached trigger for a user whom the pool does not have.

        Args:
            pool: moto's pool.
            source: ``AUTHENTICATION`` or ``FORGOT_PASSWORD``.
            name: what was typed.
            password: what was typed, with ``AUTHENTICATION``.

        Returns:
            The user, who is in the pool now; None without a trigger, or where it knows nobody.

        Raises:
            UnexpectedLambdaException: it may not be invoked, or did not answer in time, three times.
            UserLambdaValidationException: it raised (F6.19).
            InvalidLambdaResponseException: its answer is none, or breaks a rule.
        """
        arn = (pool.extended_config.get("LambdaConfig") or {}).get("UserMigration")
        if not arn:
            return None
        event = self._event(pool, source, name, password)
        response = _response(self._invoked(arn, pool, event))
        if not response.get("userAttributes"):
            return None
        return self._put_in(pool, name, password, response)

    def _event(self, pool: MotoPool, source: str, name: str, password: str | None) -> dict[str, Any]:
        data = self._get_param("ClientMetadata")
        request = {"password": password, "validationData": data} if password else {"clientMetadata": data}
        agent = re.search(r"aws-sdk-[\w-]+|Boto3/[\d.]+", self.headers.get("User-Agent", ""))
        return {
            "version": "1",
            "region": pool.region,
            "userPoolId": pool.id,
            "userName": name,
            "callerContext": {
                "awsSdkVersion": agent[0] if agent else "aws-sdk-unknown-unknown",
                "clientId": self._get_param("ClientId"),
            },
            "triggerSource": source,
            "request": request,
            "response": dict.fromkeys(ANSWERS),
        }

    def _invoked(self, arn: str, pool: MotoPool, event: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON of a function
        functions, problem = self.sandbox.functions, TriggerError.in_vain()
        for _ in range(TRIES):
            try:
                return functions.invoke(
                    arn, pool.arn, event, url=self.sandbox.url, seconds=self.settings.trigger_seconds
                )
            except NotAllowedError:
                raise TriggerError.not_allowed() from None
            except NoAnswerError:
                problem = TriggerError.in_vain()
            except FunctionError as error:
                problem = TriggerError.raised(str(error))
                if self.settings.trigger_retries == "timeouts":
                    break
        raise problem

    def _put_in(
        self, pool: MotoPool, name: str, password: str | None, response: dict[str, Any]
    ) -> StoredUser | None:
        attributes = {key: str(value) for key, value in response["userAttributes"].items() if value}
        if "sub" in attributes:  # F6.11
            raise NotAuthorizedError("Incorrect username or password.")
        username = _username(pool, name, attributes)
        keeps = response.get("finalUserStatus") == "CONFIRMED" and password is not None
        try:
            check_values(pool, attributes, creating=True)
            _check_second_factor(pool, response, attributes)
            user = add_user(
                pool,
                username,
                attributes,
                status="CONFIRMED" if keeps else "RESET_REQUIRED",
                force_alias=bool(response.get("forceAliasCreation")),
            )
        except AliasExistsException:
            raise
        except UsernameExistsException:
            return find_user(pool, name)  # another sign-in of the same person was quicker
        except InvalidParameterException as refused:
            raise TriggerError.unusable(refused.description) from None
        self._finish(pool, user, response, password if keeps else None)
        return user

    def _finish(
        self, pool: MotoPool, user: StoredUser, response: dict[str, Any], password: str | None
    ) -> None:
        """Keep the password, whatever the policy says of it (F6.6), and count the welcome message (F6.7)."""
        if password is not None:
            user.password = password
        if response.get("enableSMSMFA"):
            user.sms_mfa_enabled = True
        if response.get("messageAction") != "SUPPRESS":
            count_messages(pool, "invitation", response.get("desiredDeliveryMediums") or ["SMS"])


def _response(answer: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON of a function
    """Take the response out of the returned event (F6.4)."""
    response = answer.get("response") if isinstance(answer, dict) else None
    attributes = response.get("userAttributes") if isinstance(response, dict) else None
    if not isinstance(response, dict) or not isinstance(attributes, dict | None):
        raise TriggerError.unusable("Unrecognizable lambda output")
    return response


def _username(pool: MotoPool, typed: str, attributes: dict[str, str]) -> str:
    """Work out the username by the rule for typed aliases (F6.10, F6.18)."""
    names = directory_of(pool).names
    given = attributes.pop("username", None)
    if given is None or given == typed:
        return typed
    shaped = [name for name in names.alias_attributes if name not in SHAPES or SHAPES[name].fullmatch(typed)]
    if any(names.fold(attributes.get(name, "")) == names.fold(typed) for name in shaped):
        return given
    raise TriggerError.unusable("The username differs from the one of the request.")  # text ours


def _check_second_factor(pool: MotoPool, response: dict[str, Any], attributes: dict[str, str]) -> None:
    """F6.9; the text is ours."""
    if response.get("enableSMSMFA") and (pool.mfa_config == "OFF" or not attributes.get("phone_number")):
        raise InvalidParameterException("enableSMSMFA needs MFA in the pool and a phone number.")
