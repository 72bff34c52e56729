"""Tables that are kept by hand are held against botocore's own model of the services."""

from __future__ import annotations

import ast
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import botocore.session
import pytest
from botocore import xform_name
from botocore.waiter import WaiterModel

import connectors.cognito
from connectors.cognito import limits
from connectors.cognito.admin_users import PASSWORD_LENGTH, new_password
from connectors.cognito.error_codes import CALLS, action
from connectors.cognito.import_job import ENDED, UNSTARTED, JobStatus, job_name
from connectors.cognito.users import _searched
from connectors.errors import UserRefusedError
from connectors.records import HASH_ALGORITHMS, AttributeType, PoolSchema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import ServiceModel

FOLDER = Path(connectors.cognito.__file__).parent


def model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


def shape(name: str) -> Any:
    return model("cognito-idp").shape_for(name)


def called_methods() -> Iterator[str]:
    """Methods of boto3 clients that the client's own files name."""
    services = {call.service for call in CALLS.values()}
    known = {xform_name(name): name for service in services for name in model(service).operation_names}
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in known:
                yield known[node.attr]
            if isinstance(node, ast.Constant) and node.value in known:  # get_paginator("list_…")
                yield known[node.value]


@pytest.mark.parametrize("operation", CALLS)
def test_every_declared_error_of_a_call_has_a_treatment_and_no_other(operation: str) -> None:
    call = CALLS[operation]
    declared = {error.error_code for error in model(call.service).operation_model(operation).error_shapes}
    assert set(call.errors) == declared


def test_the_table_has_every_operation_that_is_called_and_no_other() -> None:
    assert set(called_methods()) == set(CALLS)


@pytest.mark.parametrize("operation", CALLS)
def test_a_refused_user_has_a_reason_and_nobody_else(operation: str) -> None:
    for treatment in CALLS[operation].errors.values():
        assert bool(treatment.reason) == (treatment.error is UserRefusedError)


@pytest.mark.parametrize("operation", CALLS)
def test_what_reads_is_known_by_its_name(operation: str) -> None:
    assert CALLS[operation].reads == operation.startswith(("Describe", "Get", "List"))


def test_an_iam_action_is_service_and_operation() -> None:
    assert action("DescribeLogGroups") == "logs:DescribeLogGroups"


def test_job_states_are_the_models() -> None:
    assert set(get_args(JobStatus)) == set(shape("UserImportJobStatusType").enum)
    assert set(get_args(JobStatus)) > (ENDED | UNSTARTED)


def test_the_waiter_knows_every_state_and_ends_in_the_final_ones() -> None:
    told = json.loads(files("connectors.cognito").joinpath("waiters.json").read_text("utf-8"))
    waiter = WaiterModel(told).get_waiter("UserImportJobEnded")
    by_state = {each.expected: each.state for each in waiter.acceptors if each.matcher == "path"}
    assert set(by_state) == set(get_args(JobStatus))
    assert {name for name, state in by_state.items() if state == "success"} == ENDED
    assert waiter.operation in model("cognito-idp").operation_names


def test_hash_algorithms_are_the_models() -> None:
    assert set(HASH_ALGORITHMS) == set(shape("PasswordHashingAlgorithmType").enum)


def test_attribute_types_are_the_models() -> None:
    assert set(get_args(AttributeType)) == set(shape("AttributeDataType").enum)


@pytest.mark.parametrize(
    ("constant", "owner", "member"),
    [
        ("LIST_USERS_LIMIT", "ListUsersRequest", "Limit"),
        ("MAX_FILTER_CHARACTERS", "ListUsersRequest", "Filter"),
        ("MAX_USERNAME_CHARACTERS", "AdminCreateUserRequest", "Username"),
        ("MAX_PASSWORD_CHARACTERS", "AdminSetUserPasswordRequest", "Password"),
        ("MAX_VALUE_BYTES", "AttributeType", "Value"),
    ],
)
def test_limits_are_the_models(constant: str, owner: str, member: str) -> None:
    members = shape(owner).members
    assert getattr(limits, constant) == members[member].metadata["max"]


def test_pages_of_jobs_keep_to_both_documented_maxima() -> None:
    asked = shape("ListUserImportJobsRequest").members["MaxResults"]
    assert asked.metadata["max"] >= limits.LIST_JOBS_LIMIT
    assert shape("UserImportJobsListType").metadata["max"] == limits.LIST_JOBS_LIMIT


def test_job_names_fit_the_models_pattern() -> None:
    rule = shape("UserImportJobNameType").metadata
    name = job_name("20261123T031500Z-3f2a9c", 1_000_000, 99)
    assert re.fullmatch(rule["pattern"], name)
    assert len(name) <= rule["max"]


def test_generated_passwords_meet_the_strictest_policy_a_pool_can_have() -> None:
    assert shape("PasswordPolicyMinLengthType").metadata["max"] == PASSWORD_LENGTH
    password = new_password()
    assert len(password) == PASSWORD_LENGTH
    assert re.fullmatch(shape("PasswordType").metadata["pattern"], password)


def test_quota_operations_exist() -> None:
    named = {operation for quota in limits.QUOTAS for operation in quota.operations}
    assert named <= set(model("cognito-idp").operation_names)


def test_priced_plans_are_the_models() -> None:
    assert {price.tier for price in limits.MAU_PRICES} == set(shape("UserPoolTierType").enum)


@pytest.mark.parametrize(
    ("signs_in_with", "name", "searched"),
    [
        ((), "vera", "username"),
        (("email",), "vera@example.com", "email"),
        (("phone_number", "email"), "vera@example.com", "email"),
        (("phone_number", "email"), "+15550100", "phone_number"),
        (("phone_number",), "vera", "phone_number"),
    ],
)
def test_what_is_searched_for_a_name_can_be_searched(
    signs_in_with: tuple[str, ...], name: str, searched: str
) -> None:
    schema = PoolSchema("p", "n", {}, (), username_attributes=signs_in_with)
    assert _searched(schema, name) == searched
    told = re.sub(r"<[^>]+>", "", shape("ListUsersRequest").members["Filter"].documentation)
    assert searched in told
