"""The rules that one row keeps or breaks, without a pool behind them (F1.27-F1.50, F2.5-F2.12)."""

from __future__ import annotations

import re
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from moto.cognitoidp.exceptions import InvalidParameterException
from moto.cognitoidp.models import CognitoIdpUserPool

from connectors.cognito.sandbox import SandboxSettings
from connectors.cognito.sandbox.attributes import check_attributes
from connectors.cognito.sandbox.csv_reader import LINE, PROBLEM
from connectors.cognito.sandbox.import_log import INVENTED_TEXTS, message
from connectors.cognito.sandbox.outcomes import Outcome
from connectors.cognito.sandbox.pool_schema import complete_schema
from connectors.cognito.sandbox.row_rules import STATUS, PoolRules, judge
from connectors.cognito.sandbox.schema import pool_columns
from connectors.cognito.sandbox.sign_in_names import check_username

SCHEMA: list[dict[str, Any]] = [
    {
        "Name": "tenant",
        "AttributeDataType": "String",
        "StringAttributeConstraints": {"MinLength": "2", "MaxLength": "4"},
    },
    {
        "Name": "age",
        "AttributeDataType": "Number",
        "NumberAttributeConstraints": {"MinValue": "1", "MaxValue": "120"},
    },
    {"Name": "vip", "AttributeDataType": "Boolean"},
    {"Name": "seen", "AttributeDataType": "DateTime"},
]
POOL = CognitoIdpUserPool("123456789012", "eu-west-1", "pool", {"Schema": SCHEMA})
complete_schema(POOL)
COLUMNS = pool_columns(POOL)
BCRYPT = "$2b$10$" + "a" * 53
SCRYPT = "16384$8$1$" + "0a" * 16 + "$" + "ff" * 32
ARGON2ID = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaA"
PBKDF2 = "$pbkdf2-sha256$600000$c29tZXNhbHQ$aGFzaA"


def judged(
    row: dict[str, Any],
    pool: dict[str, Any] | None = None,
    **switches: Any,
) -> tuple[str | None, dict[str, Any]]:
    """The reason code of one row, and the row as it would be stored."""
    rules = PoolRules(**{"columns": COLUMNS, "auto_verified": ("email",), **(pool or {})})
    base = {"cognito:username": "ann", "email": "ann@example.com", "email_verified": "true"}
    cells = {name: value for name, value in {**base, **row}.items() if value is not None}
    block = pl.DataFrame(
        {LINE: [2], PROBLEM: [None], **{name: [value] for name, value in cells.items()}},
        schema_overrides={PROBLEM: pl.String},
    )
    shown = judge(block, rules, SandboxSettings(**switches)).to_dicts()[0]
    return shown[PROBLEM], shown


GOOD: list[dict[str, Any]] = [
    {},
    {"cognito:username": "ünï.cødé+1@home|{}"},
    {"cognito:username": "x" * 128},
    {"email_verified": "TRUE"},
    {"email_verified": "True", "phone_number_verified": "FALSE"},
    {"phone_number": "+14325551212"},
    {"birthdate": "02/29/2000"},
    {"updated_at": "1471453471"},
    {"updated_at": "0"},
    {"address": "1 Main Street, Town"},
    {"name": "x" * 2048},
    {"custom:tenant": "ab"},
    {"custom:tenant": "äöüß"},
    {"custom:age": "120"},
    {"custom:age": "1"},
    {"custom:vip": "False"},
    {"custom:seen": "2026-11-23T10:00:00Z"},
    {"custom:seen": "1471453471"},
    {"cognito:mfa_enabled": ""},
    {"cognito:mfa_enabled": "FALSE"},
]

BAD: list[tuple[str, dict[str, Any]]] = [
    ("username_missing", {"cognito:username": ""}),
    ("username_malformed", {"cognito:username": "a b"}),
    ("username_malformed", {"cognito:username": "a\tb"}),
    ("username_malformed", {"cognito:username": "a\u00a0b"}),
    ("username_malformed", {"cognito:username": "a\u0000b"}),
    ("username_malformed", {"cognito:username": "x" * 129}),
    ("boolean_malformed", {"email_verified": "yes"}),
    ("boolean_malformed", {"phone_number_verified": "1"}),
    ("contact_missing", {"phone_number_verified": "true", "phone_number": ""}),
    ("contact_missing", {"phone_number_verified": "true"}),
    ("contact_missing", {"email": ""}),
    ("email_malformed", {"email": "ann"}),
    ("email_malformed", {"email": "ann@example"}),
    ("email_malformed", {"email": "ann@@example.com"}),
    ("email_malformed", {"email": "an n@example.com"}),
    ("phone_number_malformed", {"phone_number": "14325551212"}),
    ("phone_number_malformed", {"phone_number": "+1 432 555"}),
    ("phone_number_malformed", {"phone_number": "+1-432-555"}),
    ("phone_number_malformed", {"phone_number": "+(1)432"}),
    ("phone_number_malformed", {"phone_number": "+1234567890123456"}),
    ("birthdate_malformed", {"birthdate": "1985-02-01"}),
    ("birthdate_malformed", {"birthdate": "2/1/1985"}),
    ("birthdate_malformed", {"birthdate": "02/30/1985"}),
    ("birthdate_malformed", {"birthdate": "13/01/1985"}),
    ("number_malformed", {"updated_at": "2016-08-17"}),
    ("number_malformed", {"updated_at": "1.5"}),
    ("number_out_of_range", {"updated_at": "-1"}),
    ("value_too_long", {"name": "x" * 2049}),
    ("value_too_long", {"name": "é" * 1025}),
    ("length_out_of_range", {"custom:tenant": "a"}),
    ("length_out_of_range", {"custom:tenant": "abcde"}),
    ("number_malformed", {"custom:age": "old"}),
    ("number_out_of_range", {"custom:age": "0"}),
    ("number_out_of_range", {"custom:age": "121"}),
    ("boolean_malformed", {"custom:vip": "1"}),
    ("time_malformed", {"custom:seen": "yesterday"}),
    ("boolean_malformed", {"cognito:mfa_enabled": "on"}),
    ("mfa_against_pool", {"cognito:mfa_enabled": "true"}),
    ("not_auto_verified", {"email_verified": "false"}),
    ("not_auto_verified", {"email_verified": ""}),
    ("not_auto_verified", {"email_verified": None}),
]


@pytest.mark.parametrize("row", GOOD)
def test_a_good_row_has_no_problem(row: dict[str, str]) -> None:
    assert judged(row)[0] is None


@pytest.mark.parametrize(("reason", "row"), BAD)
def test_a_bad_row_has_its_reason(reason: str, row: dict[str, str]) -> None:
    assert judged(row)[0] == reason


def test_a_problem_of_the_reader_stays() -> None:
    block = pl.DataFrame({LINE: [2], PROBLEM: ["field_count"], "email": [None], "cognito:username": [None]},
                         schema_overrides={"email": pl.String, "cognito:username": pl.String})  # fmt: skip
    shown = judge(block, PoolRules(COLUMNS, auto_verified=("email",)), SandboxSettings())
    assert shown[PROBLEM].to_list() == ["field_count"]


def test_booleans_are_stored_in_lower_case() -> None:
    shown = judged({"email_verified": "TRUE", "custom:vip": "False"})[1]
    assert (shown["email_verified"], shown["custom:vip"]) == ("true", "false")


@pytest.mark.parametrize(("form", "stored"), [("as_given", "02/01/1985"), ("iso", "1985-02-01")])
def test_the_stored_form_of_a_birthdate_is_a_switch(form: str, stored: str) -> None:
    assert judged({"birthdate": "02/01/1985"}, birthdate_stored=form)[1]["birthdate"] == stored


def test_the_unit_of_the_length_limit_is_a_switch() -> None:
    row = {"name": "é" * 2048}
    assert judged(row)[0] == "value_too_long"
    assert judged(row, value_limit_unit="characters")[0] is None


BOTH = {"auto_verified": ("email", "phone_number")}
ONLY_PHONE = {"phone_number": "+491701234567", "phone_number_verified": "true", "email_verified": "false"}


def test_one_of_two_auto_verified_attributes_is_enough() -> None:
    assert judged(ONLY_PHONE, BOTH)[0] is None
    assert judged({"email_verified": "false"}, BOTH)[0] == "not_auto_verified"


def test_the_only_auto_verified_attribute_must_be_true_itself() -> None:
    assert judged(ONLY_PHONE)[0] == "not_auto_verified"


@pytest.mark.parametrize(
    ("mfa", "rule", "allowed"),
    [
        ("OFF", "current", {"", "false"}),
        ("ON", "current", {"", "true"}),
        ("OPTIONAL", "current", {"", "true", "false"}),
        ("OFF", "older", {"false"}),
        ("ON", "older", {"true"}),
        ("OPTIONAL", "older", {"true", "false"}),
    ],
)
def test_what_mfa_enabled_may_say_depends_on_the_pool(mfa: str, rule: str, allowed: set[str]) -> None:
    taken = {
        value
        for value in ("", "true", "false")
        if judged({"cognito:mfa_enabled": value}, {"mfa": mfa}, mfa_rule=rule)[0] is None
    }
    assert taken == allowed


def required(*names: str) -> dict[str, Any]:
    columns = {
        name: type(column)(name=name, type=column.type, required=name in names)
        for name, column in COLUMNS.items()
    }
    return {"columns": columns}


@pytest.mark.parametrize("row", [{"name": ""}, {}])
def test_an_attribute_that_the_pool_requires_must_be_there(row: dict[str, str]) -> None:
    assert judged(row, required("name"))[0] == "attribute_required"
    assert judged({"name": "Ann"}, required("name"))[0] is None


SIGN_IN_EMAIL = {"username_attributes": ("email",)}


@pytest.mark.parametrize(
    ("reason", "row", "pool"),
    [
        (None, {"cognito:username": "ann@example.com"}, SIGN_IN_EMAIL),
        (None, {"cognito:username": "ann@example.com", "email": ""}, SIGN_IN_EMAIL),
        ("username_not_attribute", {"cognito:username": "ann"}, SIGN_IN_EMAIL),
        ("username_not_attribute", {"cognito:username": "eve@example.com"}, SIGN_IN_EMAIL),
        ("username_not_attribute", {"cognito:username": "Ann@Example.com"}, SIGN_IN_EMAIL),
        (None, {"cognito:username": "Ann@Example.com"}, {**SIGN_IN_EMAIL, "case_sensitive": False}),
        ("username_not_attribute", {"cognito:username": "+491701234567"}, SIGN_IN_EMAIL),
        (None, {"cognito:username": "+491701234567"}, {"username_attributes": ("email", "phone_number")}),
        (None, {"cognito:username": "ann@example.com", "email": ""}, {**SIGN_IN_EMAIL, **required("email")}),
    ],
)
def test_in_a_pool_with_username_attributes_the_username_is_the_address(
    reason: str | None, row: dict[str, str], pool: dict[str, Any]
) -> None:
    assert judged(row, pool)[0] == reason


def test_whether_the_username_must_be_the_address_is_a_switch() -> None:
    row = {"cognito:username": "eve@example.com"}
    assert judged(row, SIGN_IN_EMAIL, username_is_attribute=False)[0] is None


@pytest.mark.parametrize(
    ("username", "alias", "reason"),
    [
        ("ann@example.com", "email", "username_like_alias"),
        ("ann@example.com", "phone_number", None),
        ("+491701234567", "phone_number", "username_like_alias"),
        ("ann", "preferred_username", None),
    ],
)
def test_a_username_may_not_look_like_an_alias_of_the_pool(
    username: str, alias: str, reason: str | None
) -> None:
    assert judged({"cognito:username": username}, {"alias_attributes": (alias,)})[0] == reason


@pytest.mark.parametrize(
    ("algorithm", "cell"),
    [
        ("BCRYPT", BCRYPT),
        ("BCRYPT", "$2a$12$" + "./Az0" * 10 + "abc"),
        ("BCRYPT", "$2x$04$" + "a" * 53),
        ("BCRYPT", "$2y$10$" + "a" * 53),
        ("SCRYPT", SCRYPT),
        ("SCRYPT", SCRYPT.replace("16384", "65536")),
        ("ARGON2ID", ARGON2ID),
        ("ARGON2ID", "$argon2id$v=19$m=7168,t=1,p=1$c29t+2Fs/A$aGFzaA"),
        ("PBKDF2_SHA256", PBKDF2),
        ("PBKDF2_SHA256", PBKDF2.replace("c29t", "c.+/")),
    ],
)
def test_a_hash_of_the_jobs_algorithm_makes_a_confirmed_user(algorithm: str, cell: str) -> None:
    reason, shown = judged({"password_hash": cell}, {"algorithm": algorithm})
    assert (reason, shown[STATUS]) == (None, "CONFIRMED")


@pytest.mark.parametrize("algorithm", ["BCRYPT", "SCRYPT", "ARGON2ID", "PBKDF2_SHA256"])
def test_an_empty_hash_makes_a_user_who_must_reset(algorithm: str) -> None:
    reason, shown = judged({"password_hash": ""}, {"algorithm": algorithm})
    assert (reason, shown[STATUS]) == (None, "RESET_REQUIRED")


@pytest.mark.parametrize(
    ("reason", "algorithm", "cell"),
    [
        ("hash_over_maximum", "BCRYPT", BCRYPT.replace("$10$", "$13$")),
        ("hash_malformed", "BCRYPT", BCRYPT[:-1]),
        ("hash_malformed", "BCRYPT", BCRYPT + "a"),
        ("hash_malformed", "BCRYPT", BCRYPT.replace("$10$", "$32$")),
        ("hash_malformed", "BCRYPT", BCRYPT.replace("$2b$", "$2$")),
        ("hash_malformed", "BCRYPT", "secret"),
        ("hash_over_maximum", "SCRYPT", SCRYPT.replace("16384", "131072")),
        ("hash_over_maximum", "SCRYPT", SCRYPT.replace("$8$", "$9$")),
        ("hash_over_maximum", "SCRYPT", SCRYPT.replace("$1$", "$2$")),
        ("hash_malformed", "SCRYPT", SCRYPT.replace("16384", "14")),
        ("hash_malformed", "SCRYPT", SCRYPT.replace("16384", "16383")),
        ("hash_malformed", "SCRYPT", SCRYPT + "f"),
        ("hash_malformed", "SCRYPT", SCRYPT.replace("ff", "zz")),
        ("hash_over_maximum", "ARGON2ID", ARGON2ID.replace("19456", "19457")),
        ("hash_over_maximum", "ARGON2ID", ARGON2ID.replace("t=2", "t=3")),
        ("hash_over_maximum", "ARGON2ID", ARGON2ID.replace("p=1", "p=2")),
        ("hash_malformed", "ARGON2ID", ARGON2ID + "=="),
        ("hash_malformed", "ARGON2ID", ARGON2ID.replace("argon2id", "argon2i")),
        ("hash_malformed", "ARGON2ID", ARGON2ID.replace("aGFzaA", "aGFza")),
        ("hash_over_maximum", "PBKDF2_SHA256", PBKDF2.replace("600000", "600001")),
        ("hash_malformed", "PBKDF2_SHA256", PBKDF2 + "="),
        ("hash_malformed", "PBKDF2_SHA256", "pbkdf2_sha256$600000$salt$aGFzaA="),
        ("hash_other_algorithm", "BCRYPT", PBKDF2),
        ("hash_other_algorithm", "SCRYPT", BCRYPT),
        ("hash_other_algorithm", "ARGON2ID", SCRYPT),
        ("hash_other_algorithm", "PBKDF2_SHA256", ARGON2ID),
    ],
)
def test_a_hash_that_will_not_do_fails_its_row(reason: str, algorithm: str, cell: str) -> None:
    assert judged({"password_hash": cell}, {"algorithm": algorithm})[0] == reason


@pytest.mark.parametrize(
    ("alphabet", "taken"), [("either", {"+", "."}), ("base64", {"+"}), ("passlib", {"."})]
)
def test_the_alphabet_of_pbkdf2_is_a_switch(alphabet: str, taken: set[str]) -> None:
    cells = {sign: PBKDF2.replace("c29t", f"c{sign}9t") for sign in "+."}
    problems = {
        sign: judged({"password_hash": cell}, {"algorithm": "PBKDF2_SHA256"}, pbkdf2_alphabet=alphabet)[0]
        for sign, cell in cells.items()
    }
    assert {sign for sign, problem in problems.items() if problem is None} == taken


@pytest.mark.parametrize(("switch", "problem"), [("fail_row", "hash_without_algorithm"), ("ignore", None)])
def test_what_a_hash_does_in_a_job_without_an_algorithm_is_a_switch(switch: str, problem: str | None) -> None:
    reason, shown = judged({"password_hash": BCRYPT}, hash_without_algorithm=switch)
    assert (reason, shown[STATUS]) == (problem, "RESET_REQUIRED")
    assert judged({"password_hash": ""}, hash_without_algorithm=switch)[0] is None


@pytest.mark.parametrize(("cell", "problem"), [(BCRYPT, None), ("", "not_auto_verified")])
def test_a_hash_can_stand_in_for_a_verified_contact(cell: str, problem: str | None) -> None:
    row, pool = {"email_verified": "false", "password_hash": cell}, {"algorithm": "BCRYPT"}
    assert judged(row, pool)[0] == "not_auto_verified"
    assert judged(row, pool, auto_verified_waived_by_hash=True)[0] == problem


@pytest.mark.parametrize(
    ("row", "algorithm", "switches", "status"),
    [
        ({}, None, {}, "CONFIRMED"),
        ({}, None, {"passwordless_status": "RESET_REQUIRED"}, "RESET_REQUIRED"),
        ({"password_hash": ""}, "BCRYPT", {}, "RESET_REQUIRED"),
        ({"password_hash": ""}, "BCRYPT", {"passwordless_empty_hash": "CONFIRMED"}, "CONFIRMED"),
        ({"password_hash": BCRYPT}, "BCRYPT", {}, "CONFIRMED"),
    ],
)
def test_who_can_sign_in_with_a_code_is_confirmed(
    row: dict[str, str], algorithm: str | None, switches: dict[str, str], status: str
) -> None:
    pool = {"code_factors": ("email",), "algorithm": algorithm}
    assert judged(row, pool, **switches)[1][STATUS] == status


def test_who_lacks_the_contact_of_the_code_must_reset() -> None:
    assert judged({}, {"code_factors": ("phone_number",)})[1][STATUS] == "RESET_REQUIRED"


def test_a_missing_column_can_fail_all_rows() -> None:
    pool = {"missing": ("name",)}
    assert judged({}, pool, missing_column="fail_rows")[0] == "column_missing"
    assert judged({}, pool, missing_column="allow")[0] is None


def test_every_reason_has_words_for_the_log() -> None:
    assert {reason for reason, _ in BAD} - {"not_auto_verified"} <= set(INVENTED_TEXTS)
    for reason in INVENTED_TEXTS:
        text = message(7, Outcome("FAILED", reason), SandboxSettings())
        assert re.fullmatch(r"\[FAILED\] Line Number 7 - [A-Z][^{}]+\.", text)


VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), max_size=12)
LIKELY = st.sampled_from(
    ["true", "FALSE", "a@b.c", "a@b", "+491701234567", "+4", "02/29/2000", "02/29/2001", "12", "1e3", "0"]
)


@given(
    st.dictionaries(st.sampled_from(sorted(COLUMNS)), VALUES | LIKELY, max_size=3), st.just("ann") | VALUES
)
@effort(max_examples=200)
def test_what_passes_here_passes_the_rules_of_the_user_operations(
    attributes: dict[str, str], username: str
) -> None:
    """Two readings of the same facts: a row that a job takes is one that AdminCreateUser would take."""
    reason, shown = judged({"cognito:username": username, **attributes})
    if reason is None:
        check_username(username)
        check_attributes(POOL, {name: shown[name] for name in attributes}, creating=True)


def test_the_comparison_with_the_user_operations_can_fail() -> None:
    with pytest.raises(InvalidParameterException):
        check_attributes(POOL, {"custom:age": "121"}, creating=True)
