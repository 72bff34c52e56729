"""The role by which Cognito writes the log of an import job: is it good, and how to make one (F3.34).

A policy is judged by what its documents say. Permission boundaries and organisation policies are not
seen, and a condition is not computed: it is reported, since the job fails as a whole with a bad role
(F3.36) and cannot be made again for free (F3.15).
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from connectors.cognito.error_codes import pool_call
from connectors.errors import ConfigurationError, PoolferryError
from connectors.retry import retrying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mypy_boto3_iam import IAMClient

_T = TypeVar("_T")
_Statement = dict[str, Any]

PRINCIPAL: Final = "cognito-idp.amazonaws.com"
ACTIONS: Final = (
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
)
"""What the role must be allowed to do (F3.34)."""
POLICY_NAME: Final = "poolferry-import-log"
DESCRIPTION: Final = "Lets Amazon Cognito write the logs of the user import jobs of Poolferry."
"""By this a role is known as one of ours."""

_ROLE_ARN: Final = re.compile(
    r"arn:(?P<partition>[\w-]+):iam::(?P<account>\d+):role/(?:[\w+=,.@/-]+/)?(?P<name>[\w+=,.@-]+)"
)
_A_STREAM: Final = "log-group:/aws/cognito/userpools/pool/name:log-stream:job/name"
"""Stands for the stream of any job (F3.25): what fits it fits the log groups and all streams."""
_RESOURCE_FIELDS: Final = 6
_REGION_FIELD: Final = 3


def check_role(iam: IAMClient, role_arn: str, *, region: str | None = None) -> list[str]:
    """Find what keeps a role from writing the log of an import job.

    Args:
        iam: an IAM client.
        role_arn: the role, ``target.log_role_arn``.
        region: the pool's Region; None leaves the Region in the policies' resources alone.

    Returns:
        Problems in words, one a line; empty where the role is good.

    Raises:
        ConfigurationError: that is no role's ARN, or there is no such role.
        TargetError: the role may not be looked at; the text names the missing right.
    """
    parts = _parts(role_arn)
    role = _call("GetRole", partial(iam.get_role, RoleName=parts["name"]))["Role"]
    trust: Any = role["AssumeRolePolicyDocument"]
    target = f"arn:{parts['partition']}:logs:{region or '*'}:{parts['account']}:{_A_STREAM}"
    statements = [each for document in _documents(iam, parts["name"]) for each in _statements(document)]
    return [*_trust_problems(trust), *_right_problems(statements, target)]


def create_role(iam: IAMClient, name: str, *, region: str | None = None) -> str:
    """Make a role that can write the logs of import jobs, and nothing else.

    A role of that name that is good already is left as it is; one that this function made and could
    not finish is finished. IAM takes some seconds to tell a new role to all services: a job that is
    made at once may fail.

    Args:
        iam: an IAM client.
        name: the role's name.
        region: the pool's Region; None allows the logs of every Region.

    Returns:
        The ARN of the role.

    Raises:
        ConfigurationError: another role has the name, or the name is not allowed.
        TargetError: a right is missing; a new role that cannot be finished is taken away again.
        AskThePoolError: a reply was lost: do it once more.
    """
    make = partial(
        iam.create_role,
        RoleName=name,
        Description=DESCRIPTION,
        AssumeRolePolicyDocument=json.dumps(trust_policy()),
    )
    try:
        arn = _call("CreateRole", make)["Role"]["Arn"]
    except ConfigurationError as refused:
        return _existing(iam, name, region, refused)
    try:
        _allow(iam, arn, region)
    except PoolferryError:
        with suppress(PoolferryError):  # the first error is the one to mend
            _call("DeleteRole", partial(iam.delete_role, RoleName=name))
        raise
    return arn


def _existing(iam: IAMClient, name: str, region: str | None, refused: ConfigurationError) -> str:
    """Use the role that has the name already: finish our own, take a good one, change no other."""
    try:
        role = _call("GetRole", partial(iam.get_role, RoleName=name))["Role"]
    except ConfigurationError:
        raise refused from None
    if not check_role(iam, role["Arn"], region=region):
        return role["Arn"]
    if role.get("Description") != DESCRIPTION or _trust_problems(role["AssumeRolePolicyDocument"]):
        raise refused
    _allow(iam, role["Arn"], region)
    return role["Arn"]


def _allow(iam: IAMClient, arn: str, region: str | None) -> None:
    document = json.dumps(log_policy(arn, region=region))
    name = _parts(arn)["name"]
    _call(
        "PutRolePolicy",
        partial(iam.put_role_policy, RoleName=name, PolicyName=POLICY_NAME, PolicyDocument=document),
    )


def trust_policy() -> dict[str, Any]:
    """Who may take the role: Cognito (F3.34)."""
    allowed = {"Effect": "Allow", "Principal": {"Service": PRINCIPAL}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [allowed]}


def log_policy(role_arn: str, *, region: str | None = None) -> dict[str, Any]:
    """What the role may do: write the logs of Cognito in its own account (F3.34)."""
    parts = _parts(role_arn)
    resource = f"arn:{parts['partition']}:logs:{region or '*'}:{parts['account']}:log-group:/aws/cognito/*"
    allowed = {"Effect": "Allow", "Action": list(ACTIONS), "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [allowed]}


def _parts(role_arn: str) -> dict[str, str]:
    found = _ROLE_ARN.fullmatch(role_arn)
    if not found:
        raise ConfigurationError(
            f"{role_arn!r} is no ARN of a role.",
            "Set target.log_role_arn to one like arn:aws:iam::123456789012:role/poolferry-import.",
        )
    return found.groupdict()


def _call(operation: str, call: Callable[[], _T]) -> _T:
    def once() -> _T:
        with pool_call(operation):
            return call()

    return retrying(operation)(once)


def _documents(iam: IAMClient, name: str) -> Iterator[Any]:
    """All policies of a role, its own and the attached ones, as documents."""
    own = _call("ListRolePolicies", lambda: _inline_names(iam, name))
    for policy in own:
        yield _call("GetRolePolicy", partial(iam.get_role_policy, RoleName=name, PolicyName=policy))[
            "PolicyDocument"
        ]
    for arn in _call("ListAttachedRolePolicies", lambda: _attached_arns(iam, name)):
        version = _call("GetPolicy", partial(iam.get_policy, PolicyArn=arn))["Policy"]["DefaultVersionId"]
        told = _call("GetPolicyVersion", partial(iam.get_policy_version, PolicyArn=arn, VersionId=version))
        yield told["PolicyVersion"]["Document"]


def _inline_names(iam: IAMClient, name: str) -> list[str]:
    pages = iam.get_paginator("list_role_policies").paginate(RoleName=name)
    return [policy for page in pages for policy in page["PolicyNames"]]


def _attached_arns(iam: IAMClient, name: str) -> list[str]:
    pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=name)
    return [policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]]


def _statements(document: Any) -> list[_Statement]:  # noqa: ANN401 - a policy is JSON, decoded or not
    policy = json.loads(document) if isinstance(document, str) else document
    return [each for each in _listed(policy.get("Statement")) if isinstance(each, dict)]


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - a policy writes a list of one as the one
    return value if isinstance(value, list) else [] if value is None else [value]


def _trust_problems(trust: Any) -> list[str]:  # noqa: ANN401 - a policy is JSON, decoded or not
    taking = [each for each in _statements(trust) if _speaks_of(each, "sts:AssumeRole") and _is_cognito(each)]
    if any(each.get("Effect") == "Deny" for each in taking):
        return [f"The role's trust policy denies sts:AssumeRole to {PRINCIPAL}."]
    if not taking:
        return [f"The role's trust policy does not let {PRINCIPAL} assume it (sts:AssumeRole)."]
    if all(each.get("Condition") for each in taking):
        return [
            f"The role's trust policy lets {PRINCIPAL} assume it only under a condition, which is not judged."
        ]
    return []


def _is_cognito(statement: _Statement) -> bool:
    principal = statement.get("Principal")
    if principal == "*":
        return True
    services = principal.get("Service") if isinstance(principal, dict) else None
    return PRINCIPAL in _listed(services)


def _right_problems(statements: Iterable[_Statement], target: str) -> list[str]:
    fitting = [each for each in statements if _covers(each, target)]
    problems = (
        _right_problem(action, [each for each in fitting if _speaks_of(each, action)]) for action in ACTIONS
    )
    return [problem for problem in problems if problem]


def _right_problem(action: str, statements: list[_Statement]) -> str:
    allowing = [each for each in statements if each.get("Effect") == "Allow"]
    if any(each.get("Effect") == "Deny" for each in statements):
        return f"A policy of the role denies {action} on /aws/cognito/* log groups, perhaps on a condition."
    if not allowing:
        return f"No policy of the role allows {action} on /aws/cognito/* log groups."
    if all(each.get("Condition") for each in allowing):
        return f"The role may {action} only under a condition, which is not judged."
    return ""


def _speaks_of(statement: _Statement, action: str) -> bool:
    """Whether a statement's actions include this one; IAM does not mind their letter case."""
    negated = "NotAction" in statement
    patterns = _listed(statement.get("NotAction" if negated else "Action"))
    return negated != any(_matches(each.lower(), action.lower()) for each in patterns)


def _covers(statement: _Statement, target: str) -> bool:
    """Whether a statement's resources include the log; with Region ``*`` in the target, of any Region."""
    negated = "NotResource" in statement
    patterns = _listed(statement.get("NotResource" if negated else "Resource"))
    return negated != any(_matches(each, _in_the_region_of(each, target)) for each in patterns)


def _in_the_region_of(pattern: str, target: str) -> str:
    asked, wanted = pattern.split(":", _RESOURCE_FIELDS - 1), target.split(":", _RESOURCE_FIELDS - 1)
    if len(asked) == _RESOURCE_FIELDS and wanted[_REGION_FIELD] == "*":
        wanted[_REGION_FIELD] = asked[_REGION_FIELD]
    return ":".join(wanted)


def _matches(pattern: str, name: str) -> bool:
    """Compare as IAM does: ``*`` is any text, ``?`` any one character, all else itself."""
    return bool(re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), name))
