"""What every error code of every AWS operation of this folder means: its class and how to mend it.

A test holds the table against botocore's own model, so that no declared error is forgotten when the
API grows. What is not declared (missing rights, expired credentials, lost replies) is general to
AWS and is told by ``connectors.retry``.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from connectors.errors import (
    AskThePoolError,
    ConfigurationError,
    PoolferryError,
    RefusedJobError,
    RetryError,
    TargetError,
    ThrottledError,
    UserRefusedError,
)
from connectors.retry import aws_errors, error_code, translate_botocore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Treatment:
    """What to do about one error code.

    Attributes:
        error: the class of the tree that says what to do next.
        mend: how to mend it; empty where the class says it all.
        reason: the reason code of the verdict, only with ``UserRefusedError``.
    """

    error: type[PoolferryError]
    mend: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One operation that is called here.

    Attributes:
        service: AWS's name of the service.
        errors: a treatment for each error code that the service's model declares.
        reads: True where the call changes nothing, so that a lost reply is simply asked again.
    """

    service: str
    errors: Mapping[str, Treatment]
    reads: bool = True


_RIGHTS_CODES: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})

_ASK = Treatment(AskThePoolError, "Ask the pool whether it took effect.")
_AGAIN = Treatment(RetryError)
_SLOWER = Treatment(ThrottledError, "Go slower.")
_EXISTS = "The user is in the pool already; compare before anything is changed."
_TRIGGER = "A Lambda trigger of the pool fails: mend or detach it, then resume."
_SMS_ROLE = "The pool's SMS role is broken: mend it in the pool's settings, then resume."
_REPORT = Treatment(TargetError, "The request breaks the service's rules; please report it.")

_NO_USER = Treatment(UserRefusedError, "The pool does not know the user.", "user_not_found")

_POOL_READ: Final = {
    "InternalErrorException": _AGAIN,
    "InvalidParameterException": Treatment(TargetError, "Check the pool id, and the job id if there is one."),
    "NotAuthorizedException": Treatment(TargetError, "Allow it in the IAM policy of the credentials in use."),
    "OperationNotEnabledException": Treatment(
        TargetError, "The pool or Region does not offer the operation."
    ),
    "ResourceNotFoundException": Treatment(TargetError, "Check the pool id and the region."),
    "TooManyRequestsException": _SLOWER,
}
_NAME_IT = Treatment(TargetError, "Name the limit in the run file: quotas.limits.")
_LIMIT_READ: Final = {
    "InternalErrorException": _AGAIN,
    "InvalidParameterException": _NAME_IT,
    "NotAuthorizedException": _POOL_READ["NotAuthorizedException"],
    "ResourceNotFoundException": _NAME_IT,
    "TooManyRequestsException": _SLOWER,
}
_POOL_WRITE: Final = _POOL_READ | {"InternalErrorException": _ASK}
_JOB_WRITE: Final = _POOL_WRITE | {
    "PreconditionNotMetException": Treatment(
        TargetError,
        "The job is not in a state for it: look at the job, the upload and the pool's verified attributes.",
    ),
}
_CREATE_JOB: Final = _JOB_WRITE | {
    "InvalidParameterException": Treatment(
        RefusedJobError,
        "Check the log role and the right to pass it (iam:PassRole); with a password hash algorithm: "
        "not every pool takes hashes yet, the console shows whether this one does.",
    ),
    "LimitExceededException": Treatment(
        TargetError, "The pool's import jobs are used up: ask AWS to raise 'import jobs per user pool'."
    ),
    "OperationNotEnabledException": Treatment(
        RefusedJobError, "The pool does not take import jobs, or no password hashes: try without hashes."
    ),
    "PreconditionNotMetException": Treatment(
        TargetError, "Check that the pool verifies an attribute on its own (AutoVerifiedAttributes)."
    ),
}
_ADMIN_USER: Final = _POOL_WRITE | {
    "InvalidParameterException": Treatment(
        UserRefusedError, "An attribute breaks the pool's rules.", "invalid_parameter"
    ),
    "InvalidPasswordException": Treatment(
        UserRefusedError, "The password breaks the pool's policy.", "invalid_password"
    ),
}
_ADMIN_CREATE: Final = _ADMIN_USER | {
    # A message that could not be sent does not say whether the user was made.
    "CodeDeliveryFailureException": _ASK,
    "InvalidLambdaResponseException": Treatment(TargetError, _TRIGGER),
    "InvalidSmsRoleAccessPolicyException": Treatment(TargetError, _SMS_ROLE),
    "InvalidSmsRoleTrustRelationshipException": Treatment(TargetError, _SMS_ROLE),
    "PreconditionNotMetException": Treatment(TargetError, "The pool's settings do not allow it; check them."),
    "UnexpectedLambdaException": Treatment(TargetError, _TRIGGER),
    "UnsupportedUserStateException": Treatment(UserRefusedError, _EXISTS, "unsupported_user_state"),
    "UserLambdaValidationException": Treatment(
        UserRefusedError, "The pool's pre sign-up trigger refuses the user.", "lambda_refused"
    ),
    "UserNotFoundException": Treatment(
        UserRefusedError, "The pool does not know the user.", "user_not_found"
    ),
    "UsernameExistsException": Treatment(UserRefusedError, _EXISTS, "username_exists"),
}
_ADMIN_PASSWORD: Final = _ADMIN_USER | {
    "PasswordHistoryPolicyViolationException": Treatment(
        UserRefusedError, "The pool's policy forbids to use the password again.", "password_history"
    ),
    "UserNotFoundException": Treatment(
        UserRefusedError, "The pool does not know the user.", "user_not_found"
    ),
}
_ADMIN_CHANGE: Final = _POOL_WRITE | {
    "InvalidParameterException": _ADMIN_USER["InvalidParameterException"],
    "UserNotFoundException": _NO_USER,
}
_ADMIN_UPDATE: Final = _ADMIN_CHANGE | {
    "AliasExistsException": Treatment(UserRefusedError, "Another user signs in with it.", "alias_taken"),
    "InvalidEmailRoleAccessPolicyException": Treatment(
        TargetError, "The pool may not send e-mail: mend its e-mail settings, then resume."
    ),
    "InvalidLambdaResponseException": Treatment(TargetError, _TRIGGER),
    "InvalidSmsRoleAccessPolicyException": Treatment(TargetError, _SMS_ROLE),
    "InvalidSmsRoleTrustRelationshipException": Treatment(TargetError, _SMS_ROLE),
    "UnexpectedLambdaException": Treatment(TargetError, _TRIGGER),
    "UserLambdaValidationException": Treatment(
        UserRefusedError, "A trigger of the pool refuses the change.", "lambda_refused"
    ),
}
_ADMIN_LINK: Final = _ADMIN_CHANGE | {
    "AliasExistsException": Treatment(
        UserRefusedError, "Another user has the identity already.", "identity_taken"
    ),
    "LimitExceededException": Treatment(
        UserRefusedError, "The user has five linked identities already.", "identities_too_many"
    ),
    "ResourceNotFoundException": Treatment(
        UserRefusedError, "The pool has no such identity provider.", "identity_provider_unknown"
    ),
}
_ADMIN_MFA: Final = {
    code: treatment for code, treatment in _ADMIN_CHANGE.items() if code != "TooManyRequestsException"
} | {
    "PasswordResetRequiredException": Treatment(
        UserRefusedError, "The user must reset the password first.", "password_reset_required"
    ),
    "UserNotConfirmedException": Treatment(
        UserRefusedError, "The user is not confirmed yet.", "user_not_confirmed"
    ),
}
_PROVIDERS: Final = {
    code: treatment for code, treatment in _POOL_READ.items() if code != "OperationNotEnabledException"
}
_GROUP: Final = _POOL_WRITE | {
    "GroupExistsException": Treatment(TargetError, "The group is there already: use it."),
    "InvalidParameterException": Treatment(
        UserRefusedError, "The pool does not take a group of that name.", "invalid_parameter"
    ),
    "LimitExceededException": Treatment(
        UserRefusedError, "The pool's groups are used up (10,000).", "groups_used_up"
    ),
}
_SCHEMA: Final = _POOL_WRITE | {
    "InvalidParameterException": Treatment(
        TargetError, "Check the attributes' names and bounds, and whether the pool has one of them by now."
    ),
    "UserImportInProgressException": Treatment(TargetError, "Wait until the import job has ended (F3.18)."),
}
_FOREIGN_ROLE = Treatment(
    TargetError, "A role that the pool sends messages with is broken: mend it, then resume."
)
_TIER = Treatment(TargetError, "The pool's feature plan does not allow it.")
_UPDATE_POOL: Final = _POOL_WRITE | {
    "ConcurrentModificationException": Treatment(TargetError, "Somebody else changes the pool: do it again."),
    "FeatureUnavailableInTierException": _TIER,
    "InvalidEmailRoleAccessPolicyException": _FOREIGN_ROLE,
    "InvalidParameterException": Treatment(
        TargetError, "A setting that is carried over is not valid any more (F6.32): mend it in the console."
    ),
    "InvalidSmsRoleAccessPolicyException": _FOREIGN_ROLE,
    "InvalidSmsRoleTrustRelationshipException": _FOREIGN_ROLE,
    "TierChangeNotAllowedException": _TIER,
    "UserImportInProgressException": Treatment(TargetError, "Wait until the import job has ended (F3.18)."),
    "UserPoolTaggingException": Treatment(TargetError, "Allow cognito-idp:TagResource, or look at the tags."),
}
_SIGN_IN: Final = _POOL_READ | {
    "FeatureUnavailableInTierException": _TIER,
    "InternalErrorException": _ASK,
    "InvalidEmailRoleAccessPolicyException": _FOREIGN_ROLE,
    "InvalidLambdaResponseException": Treatment(TargetError, _TRIGGER),
    "InvalidParameterException": Treatment(TargetError, "Check that the app client allows the flow."),
    "InvalidSmsRoleAccessPolicyException": _FOREIGN_ROLE,
    "InvalidSmsRoleTrustRelationshipException": _FOREIGN_ROLE,
    "InvalidUserPoolConfigurationException": Treatment(TargetError, "Look at the pool's settings."),
    "PasswordResetRequiredException": Treatment(
        UserRefusedError, "The user has to set a new password.", "password_reset_required"
    ),
    "UnexpectedLambdaException": Treatment(TargetError, _TRIGGER),
    "UnsupportedOperationException": Treatment(TargetError, "The pool does not offer the flow."),
    "UserLambdaValidationException": Treatment(
        UserRefusedError, "A Lambda trigger refuses the user.", "lambda_refused"
    ),
    "UserNotConfirmedException": Treatment(
        UserRefusedError, "The user has not confirmed the account.", "user_not_confirmed"
    ),
    "UserNotFoundException": _NO_USER,
}
_BLOCKED = Treatment(TargetError, "A web ACL of the pool blocks the request.")
_ADMIN_SIGN_IN: Final = _SIGN_IN | {
    "MFAMethodNotFoundException": Treatment(
        UserRefusedError, "The user has no second factor that the pool asks for.", "mfa_required_by_pool"
    ),
}
_LOGS: Final = {"InvalidParameterException": _REPORT, "ServiceUnavailableException": _AGAIN}
_NOT_THERE_YET = Treatment(RetryError, "The log may still be on its way.")
_LOG_STREAMS: Final = _LOGS | {"ResourceNotFoundException": _NOT_THERE_YET}
_NO_ROLE = Treatment(ConfigurationError, "Check the role's ARN.")
_IAM_READ: Final = {"NoSuchEntity": _NO_ROLE, "ServiceFailure": _AGAIN}
_IAM_POLICY: Final = _IAM_READ | {"InvalidInput": _REPORT}
_IAM_WRITE: Final = {
    "LimitExceeded": Treatment(TargetError, "An IAM quota of the account is used up."),
    "MalformedPolicyDocument": _REPORT,
    "ServiceFailure": Treatment(AskThePoolError, "Look in IAM whether it took effect."),
}
_BUSY = Treatment(RetryError, "Somebody else is changing the role.")
_FIXED = Treatment(ConfigurationError, "AWS protects this role: choose another name.")


def _cognito(errors: Mapping[str, Treatment], *, reads: bool = True) -> Call:
    return Call("cognito-idp", errors, reads)


CALLS: Final[Mapping[str, Call]] = MappingProxyType(
    {
        "AddCustomAttributes": _cognito(_SCHEMA, reads=False),
        "AdminAddUserToGroup": _cognito(_ADMIN_CHANGE, reads=False),
        "AdminCreateUser": _cognito(_ADMIN_CREATE, reads=False),
        "AdminDeleteUser": _cognito(_ADMIN_CHANGE, reads=False),
        "AdminDisableUser": _cognito(_ADMIN_CHANGE, reads=False),
        "AdminLinkProviderForUser": _cognito(_ADMIN_LINK, reads=False),
        "AdminSetUserMFAPreference": _cognito(_ADMIN_MFA, reads=False),
        "AdminInitiateAuth": _cognito(_ADMIN_SIGN_IN, reads=False),
        "AdminSetUserPassword": _cognito(_ADMIN_PASSWORD, reads=False),
        "AdminUpdateUserAttributes": _cognito(_ADMIN_UPDATE, reads=False),
        "CreateGroup": _cognito(_GROUP, reads=False),
        "CreateUserImportJob": _cognito(_CREATE_JOB, reads=False),
        "DescribeUserImportJob": _cognito(_POOL_READ),
        "DescribeUserPool": _cognito(_POOL_READ | {"UserPoolTaggingException": _REPORT}),
        "DescribeUserPoolClient": _cognito(_POOL_READ),
        "GetCSVHeader": _cognito(_POOL_READ),
        "GetProvisionedLimit": _cognito(_LIMIT_READ),
        "GetUserPoolMfaConfig": _cognito(
            {code: what for code, what in _POOL_READ.items() if code != "OperationNotEnabledException"}
        ),
        "InitiateAuth": _cognito(_SIGN_IN | {"ForbiddenException": _BLOCKED}, reads=False),
        "ListUserImportJobs": _cognito(_POOL_READ),
        "ListIdentityProviders": _cognito(_PROVIDERS),
        "ListUserPoolClients": _cognito(_POOL_READ),
        "ListUsers": _cognito(_POOL_READ),
        "ListUsersInGroup": _cognito(
            _POOL_READ
            | {
                "ResourceNotFoundException": Treatment(
                    UserRefusedError, "The pool has no such group.", "group_not_found"
                )
            }
        ),
        "StartUserImportJob": _cognito(_JOB_WRITE, reads=False),
        "StopUserImportJob": _cognito(_JOB_WRITE, reads=False),
        "UpdateUserPool": _cognito(_UPDATE_POOL, reads=False),
        "DescribeLogGroups": Call("logs", _LOGS),
        "DescribeLogStreams": Call("logs", _LOG_STREAMS),
        "GetLogEvents": Call("logs", _LOG_STREAMS),
        "GetPolicy": Call("iam", _IAM_POLICY),
        "GetPolicyVersion": Call("iam", _IAM_POLICY),
        "GetRole": Call("iam", _IAM_READ),
        "GetRolePolicy": Call("iam", _IAM_READ),
        "ListAttachedRolePolicies": Call("iam", _IAM_POLICY),
        "ListRolePolicies": Call("iam", _IAM_READ),
        "CreateRole": Call(
            "iam",
            _IAM_WRITE
            | {
                "ConcurrentModification": _BUSY,
                "EntityAlreadyExists": Treatment(
                    ConfigurationError, "Check that role, or choose another name."
                ),
                "InvalidInput": Treatment(ConfigurationError, "Choose another name for the role."),
            },
            reads=False,
        ),
        "DeleteRole": Call(
            "iam",
            {
                "ConcurrentModification": _BUSY,
                "DeleteConflict": Treatment(TargetError, "Take the role's policies away first."),
                "LimitExceeded": _IAM_WRITE["LimitExceeded"],
                "NoSuchEntity": _NO_ROLE,
                "ServiceFailure": _IAM_WRITE["ServiceFailure"],
                "UnmodifiableEntity": _FIXED,
            },
            reads=False,
        ),
        "PutRolePolicy": Call(
            "iam", _IAM_WRITE | {"NoSuchEntity": _NO_ROLE, "UnmodifiableEntity": _FIXED}, reads=False
        ),
    }
)
"""Every operation that is called here, with a treatment for each of its declared errors."""


def translate(error: Exception, operation: str) -> PoolferryError:
    """Say what an error of one of our calls means for the next try.

    Args:
        error: what boto3 raised.
        operation: the API's name of the operation, a key of ``CALLS``.

    Returns:
        An error of the tree. Its text has the operation, AWS's code and the request id, and names
        the IAM action where a right is missing. It never has AWS's message.
    """
    call = CALLS[operation]
    general = translate_botocore(error, operation, reads=call.reads)
    if not isinstance(error, ClientError):
        return general
    code = error_code(error)
    if code in _RIGHTS_CODES or code == "NotAuthorizedException":
        return TargetError(general.what, f"Allow {action(operation)} in the IAM policy of the credentials.")
    if code in call.errors:
        return _treated(call.errors[code], general)
    if type(general) is RetryError and not call.reads:
        return AskThePoolError(general.what, _ASK.mend)
    return general


def _treated(treatment: Treatment, general: PoolferryError) -> PoolferryError:
    if treatment.error is UserRefusedError:
        return UserRefusedError(treatment.reason, general.what, treatment.mend)
    return treatment.error(general.what, treatment.mend)


def action(operation: str) -> str:
    """Name the IAM action that allows one of our calls, e.g. ``cognito-idp:ListUsers``."""
    return f"{CALLS[operation].service}:{operation}"


def harmless_again(error: Exception, operation: str) -> PoolferryError:
    """Translate for a call that can be made twice without harm: a lost reply is simply asked again."""
    told = translate(error, operation)
    return RetryError(told.what, told.mend) if isinstance(told, AskThePoolError) else told


@contextmanager
def pool_call(operation: str) -> Iterator[None]:
    """Let only errors of Poolferry's tree leave the block, translated by ``CALLS``.

    The AWS error is not chained: its text may echo what was sent.
    """
    try:
        yield
    except aws_errors() as error:
        raise translate(error, operation) from None
