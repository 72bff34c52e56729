"""Every reason code is explained; a code that nobody knows is an error that lists the known ones."""

from __future__ import annotations

import re

import pytest

from connectors.cognito.error_codes import CALLS
from connectors.errors import ConfigurationError
from mappings.duplicates import CODES
from mappings.password_hashes import HASH_REASONS
from mappings.reasons import PROBLEMS, REASONS, Reason, reason
from mappings.rules import RuleOptions, Rules
from tests.unit.pool_rules import pool

ALL = {**REASONS, **PROBLEMS}

ELSEWHERE = {
    "line_ragged", "line_undecodable", "line_malformed", "line_key_twice", "no_strategy", "already_in_pool",
    "pool_refused", "not_settled", "job_failed", "job_stopped", "upload_failed", "email_taken_in_pool",
    "groups_invalid",
    "custom:tenant_invalid", "username_invalid", "enabled_invalid", "hash_would_be_lost", "disabled_user",
    "no_password_to_keep", "not_in_pool", "pool_takes_no_hashes", "password_random",
}  # fmt: skip
"""Codes that sources, mappings, strategies and jobs give."""


@pytest.mark.parametrize("code", [*REASONS, *CODES.values(), *HASH_REASONS, *sorted(ELSEWHERE)])
def test_a_listed_code_is_explained(code: str) -> None:
    assert reason(code).code == code


@pytest.mark.parametrize("one", ALL.values(), ids=lambda one: one.code)
def test_texts_are_whole_sentences_and_facts_are_numbers(one: Reason) -> None:
    for text in (one.sentence, one.mend):
        assert re.fullmatch(r"[`A-Z<].*\.", text), text
        assert "\n" not in text
    assert re.fullmatch(r"(F\d+\.\d+)?", one.fact)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_problem_speaks_of_the_attribute_that_it_is_asked_for(problem: str) -> None:
    explained = reason(f"custom:a_b_{problem}")
    assert explained.code == f"custom:a_b_{problem}"
    assert "`custom:a_b`" in explained.sentence
    assert "<attribute>" not in explained.sentence + explained.mend
    assert explained.fact == PROBLEMS[problem].fact


def test_a_code_of_its_own_goes_before_the_problem_that_it_ends_in() -> None:
    assert reason("phone_number_invalid").fact == "F1.36"
    assert reason("custom:phone_number_invalid").fact == "F1.41"
    assert reason("nickname_taken_in_pool") != reason("nickname_taken")


@pytest.mark.parametrize(
    "code", ["", "_invalid", "emial_invalid", "email", "email_odd", "invalid", "custom:_a b_taken"]
)
def test_an_unknown_code_is_an_error_that_lists_the_known_ones(code: str) -> None:
    with pytest.raises(ConfigurationError, match=r"unknown reason code .* Known: .*pool_refused"):
        reason(code)


def test_an_attribute_that_the_pool_lacks_may_have_any_name() -> None:
    assert "`emial`" in reason("emial_unknown").sentence


def test_every_rule_of_a_pool_gives_a_code_that_is_explained() -> None:
    aliases = pool(alias_attributes=("email", "phone_number", "preferred_username"), csv_header=("email",))
    contacts = pool(username_attributes=("email", "phone_number"), mfa="ON", auto_verified=())
    for schema in (aliases, contacts, pool()):
        rules = Rules(schema, RuleOptions())
        for rule in (*rules._rules, *rules._csv_rules):
            assert reason(rule.code).code == rule.code


def test_every_code_of_a_refused_call_is_explained() -> None:
    codes = {treatment.reason for call in CALLS.values() for treatment in call.errors.values()} - {""}
    assert codes
    for code in codes:
        assert reason(code).code == code


def test_who_was_left_alone_is_not_sent_to_what_the_run_file_says_already() -> None:
    """The same verdict comes with both policies: with ``update`` where nothing had to be written."""
    told = reason("already_in_pool")
    assert "was left alone" not in told.sentence
    assert "with `existing: update` nothing differed" in told.mend
