"""The errors of Cognito that moto lacks or words otherwise.

Texts that the fact sheet or users quote are theirs; a text marked "ours" is unknown and must not
be relied on. Every class carries moto's module, since moto finds the service by it.
"""

from __future__ import annotations

from moto.cognitoidp.exceptions import AliasExistsException, UserNotFoundError
from moto.core.exceptions import JsonRESTError

MOTO_MODULE = "moto.cognitoidp.exceptions"


class InvalidPasswordError(JsonRESTError):  # type: ignore[misc]  # moto ships no types
    """``InvalidPasswordException``; the text names the rule that the password breaks."""

    __module__ = MOTO_MODULE

    def __init__(self, rule: str) -> None:
        super().__init__("InvalidPasswordException", f"Password did not conform with password policy: {rule}")


class AliasTakenError(AliasExistsException):  # type: ignore[misc]  # moto ships no types
    """An e-mail address, phone number or preferred username is another user's sign-in name.

    Args:
        attribute: the attribute that holds the name.
        code: the error code on the wire; AdminCreateUser's is in conflict (F5.8, F5.9).
    """

    __module__ = MOTO_MODULE

    def __init__(self, attribute: str, code: str = "AliasExistsException") -> None:
        JsonRESTError.__init__(self, code, f"An account with the given {attribute} already exists.")
        self.attribute = attribute


class TooManyRequestsError(JsonRESTError):  # type: ignore[misc]  # moto ships no types
    """``TooManyRequestsException``, HTTP 400 and not 429 (F4.10)."""

    __module__ = MOTO_MODULE

    def __init__(self, text: str) -> None:
        super().__init__("TooManyRequestsException", text)


class PasswordResetRequiredError(JsonRESTError):  # type: ignore[misc]  # moto ships no types
    """``PasswordResetRequiredException`` at the sign-in of a RESET_REQUIRED user (F7.2)."""

    __module__ = MOTO_MODULE

    def __init__(self) -> None:
        super().__init__("PasswordResetRequiredException", "Password reset required for the user")


class UnsupportedUserStateError(JsonRESTError):  # type: ignore[misc]  # moto ships no types
    """``UnsupportedUserStateException``: a RESEND to a user who no longer waits (text ours)."""

    __module__ = MOTO_MODULE

    def __init__(self) -> None:
        super().__init__(
            "UnsupportedUserStateException",
            "Resend not possible. The user's status is not FORCE_CHANGE_PASSWORD.",
        )


class LimitExceededError(JsonRESTError):  # type: ignore[misc]  # moto ships no types
    """``LimitExceededException``: a resource quota, not a rate (F4.12)."""

    __module__ = MOTO_MODULE

    def __init__(self, text: str) -> None:
        super().__init__("LimitExceededException", text)


class ServiceQuotaExceededError(JsonRESTError):  # type: ignore[misc]  # moto ships no types
    """``ServiceQuotaExceededException``: a rate above the account's maximum (F4.5; text ours)."""

    __module__ = MOTO_MODULE

    def __init__(self) -> None:
        super().__init__(
            "ServiceQuotaExceededException", "The requested limit is above the account's maximum."
        )


class TriggerError(JsonRESTError):  # type: ignore[misc]  # moto ships no types
    """What a client is told of a trigger that failed (F6.14, F6.19).

    The codes are the model's, the beginnings of the texts as users quote them; the rest is ours.
    """

    __module__ = MOTO_MODULE

    @classmethod
    def not_allowed(cls) -> TriggerError:
        """Cognito may not invoke it, or it is not there (F6.20)."""
        text = "UserMigration invocation failed due to error AccessDeniedException."
        return cls("UnexpectedLambdaException", text)

    @classmethod
    def in_vain(cls) -> TriggerError:
        """No answer came in time, three times."""
        text = "UserMigration invocation failed due to error Socket timeout while invoking Lambda function."
        return cls("UnexpectedLambdaException", text)

    @classmethod
    def raised(cls, text: str) -> TriggerError:
        """It raised."""
        return cls("UserLambdaValidationException", f"UserMigration failed with error {text}.")

    @classmethod
    def unusable(cls, text: str) -> TriggerError:
        """Its answer is no event, or breaks a rule of the pool."""
        return cls("InvalidLambdaResponseException", text)


def user_not_found() -> UserNotFoundError:
    """``UserNotFoundException`` as the API words it."""
    return UserNotFoundError("User does not exist.")


def broken_constraint(member: str, constraint: str) -> str:
    """Text of the API's own input validation; never with the value that broke it."""
    return (
        f"1 validation error detected: Value at '{member}' failed to satisfy constraint: "
        f"Member must {constraint}"
    )
