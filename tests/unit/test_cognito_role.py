"""The role of the import log: what is wrong with one, and how one is made."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import ANY, Stubber

from connectors import aws
from connectors.cognito import role as role_module
from connectors.cognito.role import (
    ACTIONS,
    DESCRIPTION,
    POLICY_NAME,
    check_role,
    create_role,
    log_policy,
    trust_policy,
)
from connectors.errors import AskThePoolError, ConfigurationError, TargetError
from connectors.retry import retrying

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "poolferry-import"
ARN = f"arn:aws:iam::123456789012:role/team/{NAME}"
REGION = "eu-west-1"
Policy = dict[str, Any]


@cache
def client() -> Any:
    """One client for all tests of the file: to make one takes longer than any test."""
    return aws.client("iam")


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """A client with answers of our own; the policy keeps its rules and does not sleep."""
    monkeypatch.setattr(role_module, "retrying", lambda what: retrying(what, sleep=lambda _: None))
    with Stubber(client()) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def described(trust: Policy, description: str = "") -> dict[str, Any]:
    return {
        "Path": "/team/",
        "RoleName": NAME,
        "RoleId": "AROAEXAMPLEEXAMPLE01",
        "Arn": ARN,
        "CreateDate": "2026-01-01T00:00:00Z",
        "AssumeRolePolicyDocument": json.dumps(trust),
        "Description": description,
    }


def add_role(stub: Stubber, trust: Policy, *own: Policy, description: str = "") -> None:
    stub.add_response("get_role", {"Role": described(trust, description)}, {"RoleName": NAME})
    names = [f"own-{number}" for number, _ in enumerate(own)]
    stub.add_response("list_role_policies", {"PolicyNames": names}, {"RoleName": NAME})
    for name, document in zip(names, own, strict=True):
        told = {"RoleName": NAME, "PolicyName": name, "PolicyDocument": json.dumps(document)}
        stub.add_response("get_role_policy", told, {"RoleName": NAME, "PolicyName": name})


def add_attached(stub: Stubber, *documents: Policy) -> None:
    arns = [f"arn:aws:iam::aws:policy/attached-{number}" for number, _ in enumerate(documents)]
    attached = [{"PolicyName": "p", "PolicyArn": arn} for arn in arns]
    stub.add_response("list_attached_role_policies", {"AttachedPolicies": attached}, {"RoleName": NAME})
    for arn, document in zip(arns, documents, strict=True):
        stub.add_response("get_policy", {"Policy": {"DefaultVersionId": "v3"}}, {"PolicyArn": arn})
        told = {"PolicyVersion": {"Document": json.dumps(document), "VersionId": "v3"}}
        stub.add_response("get_policy_version", told, {"PolicyArn": arn, "VersionId": "v3"})


def allowing(**changes: Any) -> Policy:
    """Our own policy with members of its statement changed, or taken away by None."""
    policy = copy.deepcopy(log_policy(ARN, region=REGION))
    statement = policy["Statement"][0] | changes
    policy["Statement"] = {key: value for key, value in statement.items() if value is not None}
    return policy


def problems(
    stub: Stubber, *policies: Policy, trust: Policy | None = None, region: str | None = REGION
) -> list[str]:
    add_role(stub, trust or trust_policy(), *policies)
    add_attached(stub)
    return check_role(stub.client, ARN, region=region)


def test_the_role_that_we_make_is_good(stub: Stubber) -> None:
    assert problems(stub, log_policy(ARN, region=REGION)) == []


def test_an_attached_policy_counts_by_its_default_version(stub: Stubber) -> None:
    add_role(stub, trust_policy())
    add_attached(stub, log_policy(ARN, region=REGION))
    assert check_role(stub.client, ARN, region=REGION) == []


def test_rights_may_lie_in_several_policies(stub: Stubber) -> None:
    assert problems(stub, *(allowing(Action=action) for action in ACTIONS)) == []


@pytest.mark.parametrize(
    "fitting",
    [
        {"Action": "logs:*"},
        {"Action": ["LOGS:create*", "logs:Describe*", "logs:PutLogEvent?"]},
        {"Action": None, "NotAction": "iam:*"},
        {"Resource": "*"},
        {"Resource": ["arn:aws:s3:::x", "arn:aws:logs:*:*:log-group:/aws/cognito/userpools/*:*"]},
        {"Resource": None, "NotResource": "arn:aws:s3:::*"},
    ],
)
def test_other_ways_to_allow_the_same_are_good(stub: Stubber, fitting: Policy) -> None:
    assert problems(stub, allowing(**fitting)) == []


@pytest.mark.parametrize("missing", ACTIONS)
def test_each_missing_right_is_named(stub: Stubber, missing: str) -> None:
    kept = [action for action in ACTIONS if action != missing]
    (problem,) = problems(stub, allowing(Action=kept))
    assert problem == f"No policy of the role allows {missing} on /aws/cognito/* log groups."


@pytest.mark.parametrize(
    "unfit",
    [
        {"Resource": "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/*"},
        {"Resource": "arn:aws:logs:us-east-1:123456789012:log-group:/aws/cognito/*"},
        {"Resource": "arn:aws:logs:eu-west-1:999999999999:log-group:/aws/cognito/*"},
        {"Action": None, "NotAction": "logs:*"},
        {"Resource": None, "NotResource": "*"},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}},
        {"Effect": "Deny"},
    ],
)
def test_what_does_not_reach_the_log_is_a_problem_for_every_right(stub: Stubber, unfit: Policy) -> None:
    assert len(problems(stub, allowing(**unfit))) == len(ACTIONS)


def test_a_denial_wins(stub: Stubber) -> None:
    found = problems(stub, allowing(), allowing(Effect="Deny", Action="logs:Put*"))
    assert found == [
        "A policy of the role denies logs:PutLogEvents on /aws/cognito/* log groups, perhaps on a condition."
    ]


def test_without_a_region_any_one_region_will_do(stub: Stubber) -> None:
    assert problems(stub, log_policy(ARN, region="us-east-1"), region=None) == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"Principal": {"Service": "lambda.amazonaws.com"}}, "does not let"),
        ({"Principal": {"AWS": "*"}}, "does not let"),
        ({"Action": "sts:TagSession"}, "does not let"),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "1"}}}, "condition"),
        ({"Effect": "Deny"}, "denies"),
    ],
)
def test_a_role_that_cognito_cannot_take_is_told(stub: Stubber, changes: Policy, word: str) -> None:
    trust = trust_policy()
    trust["Statement"][0] |= changes
    (problem,) = problems(stub, allowing(), trust=trust)
    assert word in problem
    assert "cognito-idp.amazonaws.com" in problem


def test_one_of_several_services_is_enough(stub: Stubber) -> None:
    trust = trust_policy()
    trust["Statement"][0]["Principal"] = {"Service": ["lambda.amazonaws.com", "cognito-idp.amazonaws.com"]}
    assert problems(stub, allowing(), trust=trust) == []


@pytest.mark.parametrize(
    "arn", ["poolferry-import", "arn:aws:iam::123456789012:user/vera", "arn:aws:iam::1:role/"]
)
def test_what_is_no_role_is_not_asked_for(stub: Stubber, arn: str) -> None:
    with pytest.raises(ConfigurationError, match="no ARN of a role"):
        check_role(stub.client, arn)


def test_a_role_that_is_not_there_is_a_wrong_setting(stub: Stubber) -> None:
    stub.add_client_error("get_role", "NoSuchEntity", http_status_code=404)
    with pytest.raises(ConfigurationError, match="Check the role's ARN"):
        check_role(stub.client, ARN)


def test_a_missing_right_to_look_is_named(stub: Stubber) -> None:
    stub.add_client_error("get_role", "AccessDenied", http_status_code=403)
    with pytest.raises(TargetError, match="Allow iam:GetRole"):
        check_role(stub.client, ARN)


CREATE = {
    "RoleName": NAME,
    "Description": DESCRIPTION,
    "AssumeRolePolicyDocument": json.dumps(trust_policy()),
}
PUT = {
    "RoleName": NAME,
    "PolicyName": POLICY_NAME,
    "PolicyDocument": json.dumps(log_policy(ARN, region=REGION)),
}


def test_a_role_is_made_with_the_least_it_needs(stub: Stubber) -> None:
    stub.add_response("create_role", {"Role": described(trust_policy())}, CREATE)
    stub.add_response("put_role_policy", {}, PUT)
    assert create_role(stub.client, NAME, region=REGION) == ARN
    (statement,) = log_policy(ARN, region=REGION)["Statement"]
    assert statement["Resource"] == "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/cognito/*"
    assert tuple(statement["Action"]) == ACTIONS


def test_a_role_that_cannot_be_finished_is_taken_away(stub: Stubber) -> None:
    stub.add_response("create_role", {"Role": described(trust_policy())}, CREATE)
    stub.add_client_error("put_role_policy", "AccessDenied", http_status_code=403)
    stub.add_response("delete_role", {}, {"RoleName": NAME})
    with pytest.raises(TargetError, match="Allow iam:PutRolePolicy"):
        create_role(stub.client, NAME)


def test_a_good_role_of_that_name_is_left_as_it_is(stub: Stubber) -> None:
    stub.add_client_error("create_role", "EntityAlreadyExists", http_status_code=409)
    stub.add_response("get_role", {"Role": described(trust_policy())})
    add_role(stub, trust_policy(), allowing())
    add_attached(stub)
    assert create_role(stub.client, NAME, region=REGION) == ARN


def test_a_strangers_role_is_not_changed(stub: Stubber) -> None:
    stub.add_client_error("create_role", "EntityAlreadyExists", http_status_code=409)
    stub.add_response("get_role", {"Role": described(trust_policy(), "for something else")})
    add_role(stub, trust_policy(), description="for something else")
    add_attached(stub)
    with pytest.raises(ConfigurationError, match="choose another name"):
        create_role(stub.client, NAME, region=REGION)


def test_our_own_role_that_was_left_half_made_is_finished(stub: Stubber) -> None:
    stub.add_client_error("create_role", "EntityAlreadyExists", http_status_code=409)
    stub.add_response("get_role", {"Role": described(trust_policy(), DESCRIPTION)})
    add_role(stub, trust_policy(), description=DESCRIPTION)
    add_attached(stub)
    stub.add_response("put_role_policy", {}, PUT)
    assert create_role(stub.client, NAME, region=REGION) == ARN


def test_a_name_that_iam_does_not_take_is_a_wrong_setting(stub: Stubber) -> None:
    stub.add_client_error("create_role", "InvalidInput")
    stub.add_client_error("get_role", "NoSuchEntity", http_status_code=404)
    with pytest.raises(ConfigurationError, match="CreateRole failed with InvalidInput"):
        create_role(stub.client, NAME)


def test_a_lost_reply_is_not_tried_again(stub: Stubber) -> None:
    stub.add_client_error(
        "create_role", "ServiceFailure", http_status_code=500, expected_params=CREATE | {"Description": ANY}
    )
    with pytest.raises(AskThePoolError):
        create_role(stub.client, NAME)
