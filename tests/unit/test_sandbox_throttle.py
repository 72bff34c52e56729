"""Rates per category, and what is counted (F4.1, F4.2, F4.10, F4.13)."""

from __future__ import annotations

from typing import get_args

import botocore.session
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.cognitoidp.models import cognitoidp_backends
from pydantic import ValidationError

from connectors.cognito.sandbox.meters import Meters, meters_of
from connectors.cognito.sandbox.quotas import CATEGORY_OF, QUOTAS, Category
from connectors.cognito.sandbox.refusals import TooManyRequestsError
from connectors.cognito.sandbox.settings_users import UserSettings
from connectors.cognito.sandbox.throttle import Gate, category_of, counters, rate_of

ON = UserSettings(throttle=True)


def admitted(
    meters: Meters, operation: str, calls: int, *, at: float, rules: UserSettings = ON, **call: str
) -> int:
    """Call an operation some times at one moment and count how often it was let through."""
    done = 0
    for _ in range(calls):
        try:
            Gate(meters, rules, at).admit(operation, **call)
        except TooManyRequestsError:
            continue
        done += 1
    return done


def test_every_operation_of_botocore_has_exactly_one_category() -> None:
    """A new botocore with a new operation must not slip past the rates."""
    model = botocore.session.get_session().get_service_model("cognito-idp")
    placed = [operation for quota in QUOTAS.values() for operation in quota.operations]
    assert sorted(placed) == sorted(model.operation_names)


def test_the_table_covers_the_categories_that_settings_can_name() -> None:
    assert set(QUOTAS) == set(get_args(Category))


@pytest.mark.parametrize(
    ("category", "rate", "adjustable"),
    [
        ("UserCreation", 50, True),
        ("UserAccountRecovery", 30, False),
        ("UserUpdate", 25, False),
        ("UserResourceUpdate", 25, False),
        ("UserRead", 120, True),
        ("UserResourceRead", 50, True),
        ("UserList", 30, False),
        ("UserAuthentication", 120, True),
        ("UserFederation", 25, True),
        ("UserToken", 120, True),
        ("UserPoolRead", 15, False),
        ("UserPoolUpdate", 15, False),
        ("UserPoolResourceRead", 20, False),
        ("UserPoolResourceUpdate", 15, False),
        ("UserPoolClientRead", 15, False),
        ("UserPoolClientUpdate", 15, False),
        ("LimitManagement", 1, False),
    ],
)
def test_default_rates_are_those_of_the_quota_table(
    category: Category, rate: int, *, adjustable: bool
) -> None:
    """The table of F4.1, row by row."""
    assert (QUOTAS[category].rate, QUOTAS[category].adjustable) == (rate, adjustable)


@pytest.mark.parametrize(
    ("operation", "category"),
    [
        ("AdminCreateUser", "UserCreation"),
        ("AdminSetUserPassword", "UserAccountRecovery"),
        ("AdminAddUserToGroup", "UserUpdate"),
        ("AdminLinkProviderForUser", "UserUpdate"),
        ("AdminSetUserMFAPreference", "UserResourceUpdate"),
        ("AdminGetUser", "UserRead"),
        ("AdminListGroupsForUser", "UserResourceRead"),
        ("ListUsers", "UserList"),
        ("InitiateAuth", "UserAuthentication"),
        ("DescribeUserPool", "UserPoolRead"),
        ("GetCSVHeader", "UserPoolResourceRead"),
        ("StartUserImportJob", "UserPoolResourceUpdate"),
        ("UpdateProvisionedLimit", "LimitManagement"),
    ],
)
def test_members_that_the_fact_sheet_names_are_in_their_category(operation: str, category: Category) -> None:
    assert CATEGORY_OF[operation] == category


def test_nothing_is_refused_unless_throttling_is_switched_on() -> None:
    meters = Meters()
    assert admitted(meters, "AdminCreateUser", 1_000, at=0.0, rules=UserSettings()) == 1_000
    assert meters.calls == {"UserCreation": 1_000}
    assert not meters.throttled


def test_a_category_is_one_budget_for_all_its_operations() -> None:
    meters = Meters()
    assert admitted(meters, "AdminUpdateUserAttributes", 20, at=0.0) == 20
    assert admitted(meters, "AdminAddUserToGroup", 20, at=0.0) == 5
    assert meters.calls == {"UserUpdate": 40}
    assert meters.throttled == {"UserUpdate": 15}
    assert admitted(meters, "AdminGetUser", 1, at=0.0) == 1, "another category is another budget"


def test_the_budget_fills_again_with_time() -> None:
    meters = Meters()
    admitted(meters, "AdminSetUserPassword", 100, at=0.0)
    assert admitted(meters, "AdminSetUserPassword", 100, at=0.5) == 15
    assert admitted(meters, "AdminSetUserPassword", 100, at=60.0) == 30, "never more than the burst"


def test_burst_and_rate_can_be_set() -> None:
    rules = UserSettings(throttle=True, throttle_rates={"UserCreation": 10}, throttle_burst_seconds=3)
    meters = Meters()
    assert admitted(meters, "AdminCreateUser", 100, at=0.0, rules=rules) == 30
    assert admitted(meters, "AdminCreateUser", 100, at=1.0, rules=rules) == 10


def test_a_category_that_does_not_exist_cannot_be_set() -> None:
    with pytest.raises(ValidationError, match="UserCreation"):
        UserSettings.model_validate({"throttle_rates": {"UserCreations": 10}})


def test_an_operation_on_one_pool_has_five_calls_a_second() -> None:
    """Import-job operations are limited per pool, below their category's rate (F4.1)."""
    meters = Meters()
    assert admitted(meters, "DescribeUserImportJob", 9, at=0.0, pool_id="a") == 5
    assert admitted(meters, "DescribeUserImportJob", 9, at=0.0, pool_id="b") == 5
    assert admitted(meters, "GetCSVHeader", 9, at=0.0, pool_id="a") == 5


def test_a_refused_call_on_one_pool_costs_the_category_nothing() -> None:
    meters = Meters()
    admitted(meters, "GetCSVHeader", 100, at=0.0, pool_id="a")
    elsewhere = [admitted(meters, "GetCSVHeader", 5, at=0.0, pool_id=pool) for pool in "bcd"]
    assert elsewhere == [5, 5, 5]


def test_challenge_responses_have_three_times_the_rate_and_then_count_as_sign_ins() -> None:
    rules = UserSettings(throttle=True, throttle_rates={"UserAuthentication": 10})
    meters = Meters()
    assert admitted(meters, "RespondToAuthChallenge", 100, at=0.0, rules=rules) == 40
    assert admitted(meters, "InitiateAuth", 1, at=0.0, rules=rules) == 0


def test_a_new_password_counts_as_account_recovery() -> None:
    assert category_of("RespondToAuthChallenge", "NEW_PASSWORD_REQUIRED") == "UserAccountRecovery"
    assert category_of("RespondToAuthChallenge", "SMS_MFA") == "UserAuthentication"
    assert category_of("NoSuchOperation") is None


def test_a_provisioned_rate_is_in_force_at_once_unless_settings_say_otherwise() -> None:
    meters = Meters(provisioned={"UserCreation": 80})
    assert rate_of("UserCreation", meters, ON) == 80
    assert rate_of("UserCreation", meters, UserSettings(throttle_rates={"UserCreation": 2})) == 2


def test_the_refusal_is_http_400_with_the_text_that_users_see() -> None:
    rules = UserSettings(throttle=True, throttle_rates={"UserList": 1})
    meters = Meters()
    Gate(meters, rules, 0.0).admit("ListUsers")
    with pytest.raises(TooManyRequestsError) as refused:
        Gate(meters, rules, 0.0).admit("ListUsers")
    assert refused.value.code == 400
    assert refused.value.error_type == "TooManyRequestsException"
    assert refused.value.message == "Rate exceeded"


def test_counters_add_up_accounts_and_regions_and_moto_resets_them() -> None:
    before = counters()["operations"].get("ListGroups", 0)
    for account, region in (("111111111111", "eu-west-1"), ("222222222222", "us-east-1")):
        Gate(meters_of(account, region), UserSettings(), 0.0).admit("ListGroups")
    assert counters()["operations"]["ListGroups"] == before + 2
    cognitoidp_backends["111111111111"]["eu-west-1"].reset()
    assert counters()["operations"]["ListGroups"] == before + 1
    cognitoidp_backends["222222222222"]["us-east-1"].reset()


@settings(max_examples=50, deadline=None)
@given(
    rate=st.integers(1, 50),
    burst=st.floats(0.1, 3.0),
    gaps=st.lists(st.floats(0.0, 0.5), min_size=1, max_size=60),
)
def test_no_stretch_of_time_lets_more_through_than_burst_and_rate(
    rate: int, burst: float, gaps: list[float]
) -> None:
    """The promise of a token bucket, whatever the calls look like."""
    rules = UserSettings(throttle=True, throttle_rates={"UserRead": rate}, throttle_burst_seconds=burst)
    meters, now, passed = Meters(), 0.0, 0
    for gap in gaps:
        now += gap
        passed += admitted(meters, "AdminGetUser", 3, at=now, rules=rules)
    assert passed <= max(1.0, rate * burst) + rate * now + 1e-6
