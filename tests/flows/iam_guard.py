"""Rights in front of the local Cognito: every call is held against an IAM policy, refused or let through.

moto's own IAM judges no resources, so the calls are judged in the client, before they are sent. Which rights
a call needs, and on which resources, is in AWS's Service Authorization Reference (`policy_sentry` ships it);
the tags of a key are asked of the local account. The policies of this repository only allow: there is no
`NotAction`, `NotResource` or `Deny` in them, and their one condition is `StringEquals`.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from policy_sentry.querying.actions import get_action_data

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pytest

FOLDER: Final = Path(__file__).parents[2] / "deployments" / "iam"
ANY: Final = "*"

_OTHER_NAMES: Final = {
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
}
"""Operations whose right has another name."""
_TAGGING: Final = {
    "CreateFunction": "lambda:TagResource",
    "CreateKey": "kms:TagResource",
    "CreateRole": "iam:TagRole",
    "CreateTable": "dynamodb:TagResource",
}
"""The right that tags given at the making of a resource need besides."""
_BESIDES: Final = {"lambda:GetFunction": "lambda:ListTags"}
"""Rights without which an answer lacks something that is read."""
_PARAMETERS: Final = {
    "UserPoolId": ("UserPoolId",), "LogGroupName": ("logGroupName",), "LogStreamName": ("logStreamName",),
    "TableName": ("TableName",), "FunctionName": ("FunctionName",), "RoleNameWithPath": ("RoleName",),
    "Alias": ("AliasName",), "KeyId": ("KeyId", "TargetKeyId"), "SecretId": ("SecretId",),
    "BucketName": ("Bucket",), "ObjectName": ("Key",),
}  # fmt: skip
"""Placeholder of an ARN in the reference → the parameters of calls that have it."""
_OPEN: Final = frozenset({"cognito-idp:GetProvisionedLimit"})
"""Rights that the reference does not have yet (2026-11); it gives no resource for quotas of an account."""
_FREE: Final = frozenset({"cognito-idp:InitiateAuth", "sts:GetCallerIdentity"})
"""Operations that need no right: the one is for everybody, the other cannot be denied."""


@dataclass(frozen=True)
class Right:
    """One right that a call needs: the action, the ARN, and what conditions may look at."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict, hash=False, compare=False)


class Policy:
    """An IAM policy of ``deployments/iam``, its placeholders filled.

    Args:
        name: the file's name without its ending.
        filled: placeholder → value.
    """

    def __init__(self, name: str, filled: Mapping[str, str] | None = None) -> None:
        text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
        for placeholder, value in (filled or {}).items():
            text = re.sub(rf"\b{placeholder}\b", value, text)
        self.name = name
        self.document = json.loads(text)

    @property
    def statements(self) -> list[dict[str, Any]]:
        """Its statements."""
        found: list[dict[str, Any]] = self.document["Statement"]
        return found

    def without(self, action: str) -> Policy:
        """The same one without an action, wherever it stands."""
        less = deepcopy(self)
        for statement in less.statements:
            statement["Action"] = [each for each in statement["Action"] if each != action]
        return less

    def beside(self, other: Policy) -> Policy:
        """What somebody may do who has both; it goes by the other's name."""
        both = deepcopy(other)
        both.document["Statement"] = [*other.statements, *self.statements]
        return both

    def pairs(self) -> set[tuple[str, str]]:
        """Statement and action, and statement and resource, of all that it grants."""
        return {
            (each["Sid"], granted)
            for each in self.statements
            for granted in (*each["Action"], *listed(each["Resource"]))
        }

    def granting(self, right: Right) -> set[tuple[str, str]]:
        """Which of its ``pairs`` allow a right; none where it is not allowed."""
        return {
            (each["Sid"], granted)
            for each in self.statements
            if right.action in each["Action"] and _holds(each.get("Condition", {}), right.context)
            for resource in listed(each["Resource"])
            if fnmatchcase(right.resource, resource)
            for granted in (right.action, resource)
        }


def listed(value: str | list[str]) -> list[str]:
    """A list, also where a policy writes one resource alone."""
    return [value] if isinstance(value, str) else value


def _holds(condition: Mapping[str, Mapping[str, str]], context: Mapping[str, str]) -> bool:
    assert condition.keys() <= {"StringEquals"}, "this judge knows no other operator"
    return all(context.get(key) == value for key, value in condition.get("StringEquals", {}).items())


class Guard:
    """Judges the calls of all clients that are made from now on, while somebody acts under a policy.

    Args:
        monkeypatch: puts boto3 back afterwards.
        account: the local account.
        region: its Region.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, account: str, region: str) -> None:
        self._place = {"Partition": "aws", "Account": account, "Region": region}
        self._policy: Policy | None = None
        self.seen: defaultdict[str, set[Right]] = defaultdict(set)
        self.refused: set[Right] = set()
        guard, plain = self, boto3.Session
        self._kms = plain().client("kms", region_name=region)
        self._secrets = plain().client("secretsmanager", region_name=region)

        class Guarded(plain):
            def client(self, *arguments: Any, **options: Any) -> Any:
                made = super().client(*arguments, **options)
                made.meta.events.register_first("before-parameter-build", guard._note)
                made.meta.events.register_first("before-call", guard._judge)
                return made

        monkeypatch.setattr(boto3, "Session", Guarded)

    @contextmanager
    def acting(self, policy: Policy) -> Iterator[None]:
        """Let calls have the rights of a policy alone for a while."""
        self._policy = policy
        try:
            yield
        finally:
            self._policy = None

    def _note(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["poolferry_parameters"] = dict(params)

    def _judge(self, model: Any, context: dict[str, Any], **_: Any) -> Any:
        if self._policy is None:
            return None
        rights = self._rights(model, context["poolferry_parameters"])
        lacking = {right for right in rights if not self._policy.granting(right)}
        self.seen[self._policy.name] |= rights
        self.refused |= lacking
        return _denied(lacking) if lacking else None

    def _rights(self, model: Any, params: Mapping[str, Any]) -> set[Right]:
        service = model.service_model.endpoint_prefix
        action = _OTHER_NAMES.get(f"{service}:{model.name}", f"{service}:{model.name}")
        if action in _FREE:
            return set()
        tags = _tags(params)
        rights = set(self._rights_of(action, params, tags))
        for more in (_TAGGING[model.name] if tags else None, _BESIDES.get(action)):
            rights |= set(self._rights_of(more, params, tags)) if more else set()
        return rights | set(_passed(model.name, params))

    def _rights_of(self, action: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> Iterator[Right]:
        requested = {f"aws:RequestTag/{name}": value for name, value in tags.items()}
        for arn in self._arns(action, params):
            yield Right(action, arn, requested | self._context(arn))

    def _arns(self, action: str, params: Mapping[str, Any]) -> set[str]:
        """The resources that a call is about; ``*`` where the reference knows none for the action.

        A log group is asked for with and without ``:*``: AWS's own documents write it in both ways.
        """
        values = self._place | _values(params)
        if "KeyId" in values and not (values := self._with_key(values)):
            return set()
        if secret := values.pop("SecretId", None):
            return {self._secrets.describe_secret(SecretId=secret)["ARN"]}
        found = {_filled(form, values) for form in arn_formats(action)} - {None}
        arns = {arn for arn in found if arn is not None} or {ANY}
        return arns | {f"{arn}:*" for arn in arns if re.search(r":log-group:[^:]+$", arn)}

    def _context(self, arn: str) -> dict[str, str]:
        """The tags of a key that is there."""
        if ":key/" not in arn:
            return {}
        tags = self._kms.list_resource_tags(KeyId=arn.rpartition("/")[2])["Tags"]
        return {f"aws:ResourceTag/{tag['TagKey']}": tag["TagValue"] for tag in tags}

    def _with_key(self, values: dict[str, str]) -> dict[str, str]:
        """A key by its own id, whatever way it was written; empty for an alias that KMS does not know."""
        key = values["KeyId"].rpartition(":key/")[2]
        if not key.startswith("alias/"):
            return values | {"KeyId": key}
        try:
            return values | {"KeyId": self._kms.describe_key(KeyId=key)["KeyMetadata"]["KeyId"]}
        except ClientError:
            return {}


def arn_formats(action: str) -> tuple[str, ...]:
    """The forms of the ARNs of an action's resources, ``*`` left out; empty where it has none.

    Raises:
        AssertionError: the reference has no such action.
    """
    service, name = action.split(":")
    known = get_action_data(service, name)
    assert known or action in _OPEN, f"AWS has no action {action}"
    forms = (each["resource_arn_format"] for each in known[service]) if known else ()
    return tuple(form for form in forms if form != ANY)


def _filled(form: str, values: Mapping[str, str]) -> str | None:
    """An ARN in which every placeholder is known, or None."""
    names = re.findall(r"\$\{(\w+)\}", form)
    if not set(names) <= values.keys():
        return None
    return re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], form)


def _values(params: Mapping[str, Any]) -> dict[str, str]:
    values = {
        placeholder: str(params[name])
        for placeholder, names in _PARAMETERS.items()
        for name in names
        if name in params
    }
    if "RequestItems" in params:
        (values["TableName"],) = params["RequestItems"]
    if "Delete" in params:  # all of them are below one prefix
        values["ObjectName"] = params["Delete"]["Objects"][0]["Key"]
    if "ResourceArn" in params:
        values["TableName"] = params["ResourceArn"].rpartition("/")[2]
    return values | ({"Alias": values["Alias"].removeprefix("alias/")} if "Alias" in values else {})


def _tags(params: Mapping[str, Any]) -> dict[str, str]:
    tags = params.get("Tags", {})
    if isinstance(tags, list):
        return {tag.get("Key", tag.get("TagKey")): tag.get("Value", tag.get("TagValue")) for tag in tags}
    return dict(tags)


def _passed(operation: str, params: Mapping[str, Any]) -> Iterator[Right]:
    """The roles that a call hands to a service."""
    sms = params.get("SmsConfiguration", {}).get("SnsCallerArn")
    handed = {
        "CreateUserImportJob": (params.get("CloudWatchLogsRoleArn"), "cognito-idp.amazonaws.com"),
        "UpdateUserPool": (sms, "cognito-idp.amazonaws.com"),
        "CreateFunction": (params.get("Role"), "lambda.amazonaws.com"),
        "UpdateFunctionConfiguration": (params.get("Role"), "lambda.amazonaws.com"),
    }
    role, service = handed.get(operation, (None, ""))
    if role:
        yield Right("iam:PassRole", role, {"iam:PassedToService": service})


def _denied(lacking: set[Right]) -> tuple[AWSResponse, dict[str, Any]]:
    """What AWS answers to somebody who lacks a right."""
    text = "; ".join(sorted(f"{right.action} on {right.resource}" for right in lacking))
    error = {"Error": {"Code": "AccessDeniedException", "Message": f"not authorized: {text}"}}
    return AWSResponse("", 403, {}, None), {**error, "ResponseMetadata": {"HTTPStatusCode": 403}}
