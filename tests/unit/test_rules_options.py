"""Every open fact is a switch that refuses by default and lets go when it is set."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from connectors.records import MFA, PASSWORD_HASH, REASON, PoolSchema
from mappings.reasons import reason
from mappings.rules import CSV_REASON, RuleOptions, Rules
from tests.unit.pool_rules import BCRYPT, PBKDF2, page, pool, user

SWITCHES: dict[str, tuple[Any, PoolSchema, dict[str, Any], str]] = {
    "quotation_marks": ("send", pool(), user(name='"'), "name_quotation_mark"),
    "backslashes": ("send", pool(), user(name="a\\b"), "name_backslash"),
    "unverified_with_hash": (
        "send", pool(), user(email_verified="false") | {PASSWORD_HASH: BCRYPT}, "email_not_verified",
    ),
    "mfa_against_pool": ("send", pool(), user() | {MFA: "sms"}, "mfa_not_in_pool"),
    "username_differs": (
        "send", pool(username_attributes=("email",)), user(_username="anna@example.com"),
        "email_differs_from_username",
    ),
    "preferred_username_alias": (
        "send", pool(alias_attributes=("preferred_username",)), user(preferred_username="ana"),
        "preferred_username_is_alias",
    ),
    "pbkdf2_alphabet": (
        "base64", pool(), user() | {PASSWORD_HASH: PBKDF2.replace("Ab", "+b")}, "hash_alphabet",
    ),
}  # fmt: skip
"""Switch → what lets go, a pool, a user who meets it there, and the code that he gets until then."""


def test_each_switch_is_tried_here() -> None:
    assert SWITCHES.keys() == {each.name for each in fields(RuleOptions)}


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_refuses_until_it_is_set(name: str) -> None:
    value, schema, row, code = SWITCHES[name]

    def judge(options: RuleOptions) -> set[str | None]:
        judged = Rules(schema, options).judge(page(row))
        return {judged[REASON].item(), judged[CSV_REASON].item()}

    assert judge(RuleOptions()) == {None, code}
    assert judge(RuleOptions(**{name: value})) == {None}


def test_a_user_without_a_usable_hash_needs_a_verified_contact_under_any_switch() -> None:
    """F1.32 is open only for rows that carry a hash."""
    rules = Rules(pool(), RuleOptions(unverified_with_hash="send"))
    unverified = user(email_verified="false")
    judged = rules.judge(page(unverified, unverified | {PASSWORD_HASH: BCRYPT[:-1]}))
    assert judged[CSV_REASON].to_list() == ["email_not_verified"] * 2


@pytest.mark.parametrize("name", SWITCHES)
def test_each_switch_names_its_fact_and_so_does_the_reason_that_it_lifts(name: str) -> None:
    (switch,) = (each for each in fields(RuleOptions) if each.name == name)
    fact = switch.metadata["fact"]
    assert f"({fact})" in str(RuleOptions.__doc__)
    assert reason(SWITCHES[name][3]).fact == (fact if name != "unverified_with_hash" else "F1.29")
