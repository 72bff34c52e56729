"""The policies of `deployments/iam` as files: actions exist, each granted on no more than it must be."""

from __future__ import annotations

import json

import pytest
from botocore.session import Session

from connectors.cognito.error_codes import CALLS
from tests.flows.iam_guard import FOLDER, Policy, arn_formats, listed
from tests.reference import RIGHTS

NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))

AFTER_AN_ATTACHED_POLICY = {"iam:GetPolicy", "iam:GetPolicyVersion"}
"""``check`` reads them only where the import role has policies of their own; SECURITY.md says so."""


@pytest.mark.parametrize("name", NAMES)
def test_every_action_exists_and_is_granted_on_no_more_than_its_resource(name: str) -> None:
    """AWS's reference says of each action which resources it can be narrowed to; then it must be."""
    for statement in Policy(name).statements:
        for action in statement["Action"]:
            service, operation = action.split(":")
            assert not operation.endswith("*")
            kinds = {_kind(form) for form in arn_formats(action)}
            for resource in listed(statement["Resource"]):
                if resource == "*":
                    assert not kinds or statement.get("Condition"), action
                else:
                    assert _kind(resource) in kinds, (action, resource)
            if service == "cognito-idp":
                model = Session().get_service_model("cognito-idp")
                assert operation in model.operation_names


def _kind(arn: str) -> tuple[str, str]:
    """The service and the kind of a resource: ``("iam", "role")``; S3's ARNs do not say theirs."""
    _, _, service, _, _, rest, *_ = arn.split(":")
    if service == "s3":
        return service, "object" if "/" in rest else "bucket"
    return service, rest.split("/")[0]


@pytest.mark.parametrize("name", NAMES)
def test_policies_are_short_enough_and_written_alike(name: str) -> None:
    """A managed policy has at most 6,144 characters without white space; sorted, so that a diff tells."""
    policy = Policy(name)
    assert len(json.dumps(policy.document, separators=(",", ":"))) <= 6_144
    for statement in policy.statements:
        assert statement["Effect"] == "Allow"
        assert statement["Action"] == sorted(statement["Action"])
    assert len({each["Sid"] for each in policy.statements}) == len(policy.statements)


def test_the_roles_have_together_what_the_readme_asks_for() -> None:
    granted = {a for name in NAMES for each in Policy(name).statements for a in each["Action"]}
    asked = {f"{CALLS[call].service}:{call}" for calls in RIGHTS.values() for call in calls} - {
        "cognito-idp:InitiateAuth"
    }
    assert asked - granted == AFTER_AN_ATTACHED_POLICY


def test_only_a_rollback_and_a_trial_of_hashes_delete_users() -> None:
    holders = {name for name in NAMES if "cognito-idp:AdminDeleteUser" in str(Policy(name).document)}
    assert holders == {"rollback", "setup"}


def test_an_action_that_aws_does_not_have_is_noticed() -> None:
    with pytest.raises(AssertionError, match="no action"):
        arn_formats("cognito-idp:AdminDropUser")
