"""Change one setting of a pool with every other one carried over (F6.21-F6.30).

``UpdateUserPool`` sets what it is not given to its default, so everything that ``DescribeUserPool`` shows is
sent back. Afterwards the pool is described again: if anything else has changed, what was there is put back
and said.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from connectors.cognito.error_codes import pool_call
from connectors.errors import ConfigurationError, TargetError
from connectors.retry import retrying

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

RENAMED: Final = {"Id": "UserPoolId", "Name": "PoolName"}
"""Member of the description to parameter of the update (F6.25)."""
DESCRIBED_ONLY: Final = frozenset(
    {
        "AliasAttributes", "Arn", "CreationDate", "CustomDomain", "Domain", "EmailConfigurationFailure",
        "EstimatedNumberOfUsers", "LastModifiedDate", "SchemaAttributes", "SmsConfigurationFailure", "Status",
        "UsernameAttributes", "UsernameConfiguration",
    }
)  # fmt: skip
"""What no update takes (F6.26)."""
ACTIVE_JOB: Final = frozenset({"Pending", "InProgress", "Stopping"})
_JOBS_LOOKED_AT: Final = 50
"""Newest first (F3.5); a job that is older than fifty others is over."""
_LINK: Final = {"EmailMessageByLink", "EmailSubjectByLink"}
_CODE: Final = {"EmailMessage", "EmailSubject"}


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """A pool as it was described.

    Attributes:
        described: ``DescribeUserPool``'s ``UserPool``.
        mfa: ``GetUserPoolMfaConfig``'s answer: what no update of a pool touches (F6.30).
    """

    described: Mapping[str, Any]
    mfa: Mapping[str, Any]

    @property
    def arn(self) -> str:
        """The pool's ARN."""
        return str(self.described["Arn"])

    @property
    def triggers(self) -> dict[str, Any]:
        """A copy of ``LambdaConfig``."""
        return deepcopy(dict(self.described.get("LambdaConfig") or {}))


def read_settings(client: CognitoIdentityProviderClient, pool_id: str) -> PoolSettings:
    """Describe a pool with all that an update could lose.

    Raises:
        TargetError: there is no such pool, or a right is missing.
    """
    described = retrying("DescribeUserPool")(_described, client, pool_id)
    mfa = retrying("GetUserPoolMfaConfig")(_mfa, client, pool_id)
    return PoolSettings(described, mfa)


def carried_over(described: Mapping[str, Any]) -> dict[str, Any]:
    """Make the request that changes nothing of a described pool.

    ``UnusedAccountValidityDays`` goes where the policy has its newer name (F6.27).
    """
    kept = {name: value for name, value in described.items() if name not in DESCRIBED_ONLY}
    request = deepcopy({RENAMED.get(name, name): value for name, value in kept.items()})
    policy = request.get("Policies", {}).get("PasswordPolicy", {})
    if policy.get("TemporaryPasswordValidityDays"):
        request.get("AdminCreateUserConfig", {}).pop("UnusedAccountValidityDays", None)
    return request


def update_pool(
    client: CognitoIdentityProviderClient, before: PoolSettings, changes: Mapping[str, Any]
) -> PoolSettings:
    """Change settings of a pool, and make sure that nothing else changed.

    Args:
        client: a client of the pool's Region.
        before: the pool as ``read_settings`` has read it; if it is another by now, nothing is changed.
        changes: parameters of ``UpdateUserPool`` that shall differ.

    Returns:
        The pool as it is now.

    Raises:
        ConfigurationError: an import job is active (F3.18), a setting cannot be carried over (F6.28), or
            somebody has changed the pool meanwhile.
        TargetError: the pool refuses, or something else has changed too; what was there was put back.
        AskThePoolError: the reply was lost: look at the pool.
    """
    pool_id = before.described["Id"]
    refuse_two_messages(before)
    refuse_during_jobs(client, pool_id)
    if moved := differences(before, read_settings(client, pool_id)):
        raise ConfigurationError(
            f"Somebody has changed {', '.join(sorted(moved))} of the pool meanwhile.",
            "Run the same command again: it looks at the pool anew.",
        )
    _update(client, {**carried_over(before.described), **changes})
    now = read_settings(client, pool_id)
    if lost := differences(before, now) - changes.keys():
        _update(client, carried_over(before.described))
        left = differences(before, read_settings(client, pool_id))
        raise TargetError(
            f"UpdateUserPool changed more than it was asked to: {', '.join(sorted(lost))}. What was there "
            f"was put back{'' if not left else ', but for ' + ', '.join(sorted(left))}.",
            "Look at these settings in the console, and set the trigger there.",
        )
    return now


def differences(before: PoolSettings, after: PoolSettings) -> set[str]:
    """Name the settings in which two descriptions of a pool differ; those of its factors as ``mfa.NAME``."""
    pool = _differing(carried_over(before.described), carried_over(after.described))
    return pool | {f"mfa.{name}" for name in _differing(before.mfa, after.mfa)}


def refuse_during_jobs(client: CognitoIdentityProviderClient, pool_id: str) -> None:
    """Refuse while an import job is active, in which the pool cannot be changed (F3.18).

    Raises:
        ConfigurationError: names the job.
    """
    jobs = retrying("ListUserImportJobs")(_jobs, client, pool_id)
    active = [job["JobId"] for job in jobs if job["Status"] in ACTIVE_JOB]
    if active:
        raise ConfigurationError(
            f"The import job {active[0]} is active, and a pool cannot be changed meanwhile (F3.18).",
            "Wait until it has ended, then do it again.",
        )


def refuse_two_messages(pool: PoolSettings) -> None:
    """Refuse a pool that has a message by code and one by link: no update takes both (F6.28).

    Raises:
        ConfigurationError: names the texts, one of which an update would delete.
    """
    texts = (pool.described.get("VerificationMessageTemplate") or {}).keys()
    if texts & _LINK and texts & _CODE:
        both = ", ".join(sorted(texts & (_LINK | _CODE)))
        raise ConfigurationError(
            f"VerificationMessageTemplate has {both}, and Cognito takes the texts of a code or of a link: "
            "to change the pool would delete one (F6.28).",
            "Remove the unused ones, or set the trigger in the console.",
        )


def _update(client: CognitoIdentityProviderClient, request: dict[str, Any]) -> None:
    with pool_call("UpdateUserPool"):
        client.update_user_pool(**request)


def _described(client: CognitoIdentityProviderClient, pool_id: str) -> dict[str, Any]:
    with pool_call("DescribeUserPool"):
        return dict(client.describe_user_pool(UserPoolId=pool_id)["UserPool"])


def _mfa(client: CognitoIdentityProviderClient, pool_id: str) -> dict[str, Any]:
    with pool_call("GetUserPoolMfaConfig"):
        answer = client.get_user_pool_mfa_config(UserPoolId=pool_id)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def _jobs(client: CognitoIdentityProviderClient, pool_id: str) -> list[Any]:
    with pool_call("ListUserImportJobs"):
        listed = client.list_user_import_jobs(UserPoolId=pool_id, MaxResults=_JOBS_LOOKED_AT)
    return list(listed.get("UserImportJobs", ()))


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> set[str]:
    return {name for name in {*one, *other} if one.get(name) != other.get(name)}
