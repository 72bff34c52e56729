"""Whether the log role lets Cognito write its log, as far as IAM of the same server knows (F3.34).

Effect, Action, Resource and Principal are judged; a Condition counts as met.
"""

from __future__ import annotations

import json
import re
from fnmatch import translate
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from moto.iam.models import iam_backends

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connectors.cognito.sandbox.moto_types import MotoPool

SERVICE: Final = "cognito-idp.amazonaws.com"
ACTIONS: Final = (
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
)

Statement = dict[str, Any]

MotoRole: TypeAlias = Any
"""An IAM ``Role``."""


def role_problem(role_arn: str, pool: MotoPool) -> str | None:
    """Say why a role will not do, or None. The texts are ours: Cognito's are unknown (F3.19)."""
    role = _role(role_arn)
    if role is None:
        return "The CloudWatch Logs role does not exist."
    trust = list(_statements([role.assume_role_policy_document]))
    if not _allowed(trust, "sts:AssumeRole"):
        return "The CloudWatch Logs role does not trust cognito-idp.amazonaws.com."
    group = f"arn:aws:logs:{pool.region}:{pool.account_id}:log-group:/aws/cognito/userpools/{pool.id}"
    rights = list(_statements(_documents(role)))
    lacking = [action for action in ACTIONS if not _allowed(rights, action, group)]
    return f"The CloudWatch Logs role lacks {lacking[0]}." if lacking else None


def _role(role_arn: str) -> MotoRole:
    _, partition, _, _, account, _ = role_arn.split(":", 5)
    if partition not in iam_backends[account]:
        return None
    roles = list(iam_backends[account][partition].roles.values())
    return next((role for role in roles if role.arn == role_arn), None)


def _documents(role: MotoRole) -> Iterator[str]:
    yield from role.policies.values()
    for policy in role.managed_policies.values():
        yield from (version.document for version in policy.versions if version.is_default)


def _statements(documents: Iterable[str]) -> Iterator[Statement]:
    for document in documents:
        found = json.loads(document).get("Statement", [])
        yield from [found] if isinstance(found, dict) else found


def _allowed(statements: Iterable[Statement], action: str, resource: str | None = None) -> bool:
    """An Allow that fits, and no Deny that does. Without a resource it is a trust policy."""
    effects = {each["Effect"] for each in statements if _fits(each, action, resource)}
    return effects == {"Allow"}


def _fits(statement: Statement, action: str, resource: str | None) -> bool:
    if not _matches(statement.get("Action"), action, fold=True):
        return False
    if resource is None:
        principal = statement.get("Principal")
        services = principal.get("Service") if isinstance(principal, dict) else principal
        return _matches(services, SERVICE)
    return _matches(statement.get("Resource"), resource)


def _matches(patterns: str | list[str] | None, value: str, *, fold: bool = False) -> bool:
    wanted = [patterns] if isinstance(patterns, str) else patterns or []
    flags = re.IGNORECASE if fold else 0
    return any(re.match(translate(each.replace("[", "[[]")), value, flags) for each in wanted)
