"""The role that writes the log of the local Cognito's import jobs (F3.34, F3.36)."""

from __future__ import annotations

import json
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import pytest

from connectors.cognito.sandbox import Sandbox, SandboxSettings, start
from tests.unit.sandbox_jobs import ROLE, client_for, make_pool, person, switched

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with start(SandboxSettings(check_role=True)) as running:
        yield running


TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "cognito-idp.amazonaws.com"},
        "Action": "sts:AssumeRole",
    },
}
RIGHTS: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
            ],
            "Resource": ["arn:aws:logs:eu-west-1:123456789012:log-group:/aws/cognito/*"],
        }
    ],
}


def make_role(sandbox: Sandbox, trust: object, rights: object, *, managed: bool = False) -> str:
    """Make a role of a fresh name; returns its ARN."""
    iam = client_for(sandbox, "iam")
    name = f"log-{token_hex(4)}"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    if managed:
        policy = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(rights))
        iam.attach_role_policy(RoleName=name, PolicyArn=policy["Policy"]["Arn"])
    elif rights:
        iam.put_role_policy(RoleName=name, PolicyName="log", PolicyDocument=json.dumps(rights))
    return str(role["Role"]["Arn"])


def changed(document: dict[str, Any], **changes: object) -> dict[str, Any]:
    """The document with a changed first statement."""
    statement = document["Statement"]
    first = statement[0] if isinstance(statement, list) else statement
    return {**document, "Statement": [{**first, **changes}]}


DENY = {"Effect": "Deny", "Action": "logs:Put*", "Resource": "*"}


@pytest.mark.parametrize(
    ("trust", "rights", "problem"),
    [
        (TRUST, RIGHTS, None),
        (TRUST, changed(RIGHTS, Action="logs:*", Resource="*"), None),
        (
            changed(TRUST, Principal={"Service": ["lambda.amazonaws.com", "cognito-idp.amazonaws.com"]}),
            RIGHTS,
            None,
        ),
        (changed(TRUST, Principal={"Service": "lambda.amazonaws.com"}), RIGHTS, "does not trust"),
        (changed(TRUST, Action="sts:TagSession"), RIGHTS, "does not trust"),
        (changed(TRUST, Effect="Deny"), RIGHTS, "does not trust"),
        (TRUST, None, "lacks logs:CreateLogGroup"),
        (TRUST, changed(RIGHTS, Action=["logs:Create*", "logs:Describe*"]), "lacks logs:PutLogEvents"),
        (TRUST, changed(RIGHTS, Resource="arn:aws:logs:us-east-1:*"), "lacks logs:CreateLogGroup"),
        (TRUST, {**RIGHTS, "Statement": [*RIGHTS["Statement"], DENY]}, "lacks logs:PutLogEvents"),
    ],
)
def test_a_role_must_be_trusted_and_have_its_four_rights(
    sandbox: Sandbox, trust: dict[str, Any], rights: dict[str, Any] | None, problem: str | None
) -> None:
    pool = make_pool(sandbox)
    job = pool.imported(person("ann"), CloudWatchLogsRoleArn=make_role(sandbox, trust, rights))
    if problem is None:
        assert job["Status"] == "Succeeded"
        assert len(pool.lines(job, 1)) == 1
    else:
        assert (job["Status"], job["ImportedUsers"]) == ("Failed", 0)
        assert problem in job["CompletionMessage"]


def test_the_rights_may_come_from_a_managed_policy(sandbox: Sandbox) -> None:
    role = make_role(sandbox, TRUST, RIGHTS, managed=True)
    job = make_pool(sandbox).imported(person("ann"), CloudWatchLogsRoleArn=role)
    assert job["Status"] == "Succeeded"


@pytest.mark.parametrize("arn", [ROLE, ROLE.replace(":aws:", ":aws-xx:"), ROLE.replace("1", "2")])
def test_a_role_that_does_not_exist_fails_the_job_and_writes_nothing(sandbox: Sandbox, arn: str) -> None:
    pool = make_pool(sandbox)
    job = pool.imported(person("ann"), CloudWatchLogsRoleArn=arn)
    assert (job["Status"], job["CompletionMessage"]) == ("Failed", "The CloudWatch Logs role does not exist.")
    prefix = f"/aws/cognito/userpools/{pool.id}/"
    assert client_for(sandbox, "logs").describe_log_groups(logGroupNamePrefix=prefix)["logGroups"] == []


def test_unless_it_is_switched_on_no_role_needs_to_exist(sandbox: Sandbox) -> None:
    with switched(sandbox, check_role=False):
        assert make_pool(sandbox).imported(person("ann"))["Status"] == "Succeeded"
