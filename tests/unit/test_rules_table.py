"""Each rule has a row that breaks it, a row that just does not, and the fact that it rests on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

import mappings
from connectors.records import PASSWORD, PASSWORD_HASH, REASON, PoolAttribute
from mappings.reasons import PROBLEMS, REASONS, reason
from mappings.rules import CSV_REASON, RuleOptions, Rules
from tests.unit.pool_rules import ARGON2ID, BCRYPT, PBKDF2, SCRYPT, page, pool, user

ALIASES = pool(alias_attributes=("email", "phone_number", "preferred_username"))
BY_EMAIL = pool(username_attributes=("email",))
BY_PHONE = pool(username_attributes=("phone_number",))
BY_BOTH = pool(username_attributes=("email", "phone_number"))
PHONE = "+4915700000001"
LONG = {f"custom:long{number}": "x" * 2000 for number in range(8)}
"""Eight values of 2,000 characters: with the 27 other columns of the header just too long for a row."""

LONG_POOL = pool(*(PoolAttribute(name) for name in LONG))
OWN_CHARACTERS = len(LONG_POOL.csv_header) - 1 + len("false")
ROOM = 16_000 - OWN_CHARACTERS - len("anaana@example.comtrue") - 7 * 2000


@dataclass(frozen=True)
class Case:
    """One rule: ``bad`` breaks it, ``good`` does not, both on top of a user who is fine."""

    code: str
    fact: str
    bad: dict[str, Any]
    good: dict[str, Any]
    column: str = REASON
    schema: Any = field(default_factory=pool)
    options: RuleOptions = field(default_factory=RuleOptions)


def long_row(last: str) -> dict[str, Any]:
    return user() | LONG | {"custom:long7": last}


def has(column: str, value: str | None) -> dict[str, Any]:
    return user() | {column: value}


CASES = [
    Case("username_missing", "F1.27", user(_username=None), user(_username="a")),
    Case("username_missing", "F1.27", user(_username=""), user(_username="0")),
    Case("username_too_long", "F1.27", user(_username="é" * 129), user(_username="é" * 128)),
    Case("username_white_space", "F1.27", user(_username="a b"), user(_username="a-b")),
    Case("username_white_space", "F1.27", user(_username=" ana"), user(_username="_ana")),
    Case("username_white_space", "F1.27", user(_username="a\u2003b"), user(_username="a\u2014b")),
    Case("username_white_space", "F1.27", user(_username="a\tb"), user(_username="a\u00b4b")),
    Case("username_characters", "F1.27", user(_username="a\x07b"), user(_username="аня")),
    Case("username_characters", "F1.27", user(_username="a\x7fb"), user(_username="a\u0301b")),
    Case("username_characters", "F1.27", user(_username="a\u200bb"), user(_username="a€b½!")),
    Case("username_email_shaped", "F1.45", user(_username="a@b.c"), user(_username="a@b"), schema=ALIASES),
    Case("username_phone_number_shaped", "F1.45", user(_username=PHONE), user(_username=PHONE[1:]),
         schema=ALIASES),
    Case("username_not_email", "F1.46", user(), user(_username="ana@example.com"), schema=BY_EMAIL),
    Case("username_not_phone_number", "F1.46", user(), user(_username=PHONE), schema=BY_PHONE),
    Case("username_not_email_or_phone_number", "F1.46", user(), user(_username=PHONE), schema=BY_BOTH),
    Case("email_differs_from_username", "F1.47", user(_username="anna@example.com"),
         user(_username="ana@example.com"), schema=BY_EMAIL),
    Case("email_differs_from_username", "F1.47", user(_username="Ana@example.com"),
         user(_username="ana@example.com"), schema=BY_BOTH),
    Case("phone_number_differs_from_username", "F1.47", user(_username=PHONE, phone_number=PHONE + "2"),
         user(_username=PHONE, phone_number=PHONE), schema=BY_BOTH),
    Case("colour_unknown", "F1.41", user(colour="red"), user(colour=None)),
    Case("sub_unknown", "F1.42", user(sub="1"), user(sub=" ")),
    Case("family_name_missing", "F1.28", user(family_name=None), user(family_name="Example"),
         schema=pool(PoolAttribute("family_name", required=True))),
    Case("family_name_missing", "F1.28", user(), user(family_name="Example"),
         schema=pool(PoolAttribute("family_name", required=True))),
    Case("custom:note_too_many_bytes", "F1.40", user(custom__note="é" * 1025), user(custom__note="é" * 1024)),
    Case("custom:tenant_too_long", "F1.41", user(custom__tenant="é" * 21), user(custom__tenant="é" * 20)),
    Case("custom:tenant_too_short", "F1.41", user(custom__tenant="éé"), user(custom__tenant="ééé")),
    Case("custom:points_too_low", "F1.41", user(custom__points="-5.01"), user(custom__points="-5")),
    Case("custom:points_too_high", "F1.41", user(custom__points="1001"), user(custom__points="1000")),
    Case("custom:points_invalid", "F1.41", user(custom__points="1e2"), user(custom__points="12.50")),
    Case("custom:joined_invalid", "F1.41", user(custom__joined="yesterday"),
         user(custom__joined="2024-02-29T23:59:59Z")),
    Case("custom:vip_invalid", "F1.41", user(custom__vip="yes"), user(custom__vip="false")),
    Case("email_verified_invalid", "F1.33", user(email_verified="1"), user(email_verified="true")),
    Case("phone_number_verified_invalid", "F1.33", user(phone_number_verified="no"),
         user(phone_number_verified="false")),
    Case("email_invalid", "F3.32", user(email="ana@example"), user(email="ana@example.co")),
    Case("email_invalid", "F3.32", user(email="ana@@example.com"), user(email="änä+x@exämple.com")),
    Case("email_invalid", "F3.32", user(email="a na@example.com"), user(email="  ana@example.com ")),
    Case("email_invalid", "F3.32", user(email="Ana <ana@example.com>"), user(email="O'Neil@example.com")),
    Case("phone_number_invalid", "F1.36", user(phone_number="+49 157 1"), user(phone_number="+491571")),
    Case("phone_number_invalid", "F1.36", user(phone_number="004915"), user(phone_number="+4915")),
    Case("phone_number_invalid", "F1.36", user(phone_number="+0491"), user(phone_number="+1" + "0" * 14)),
    Case("birthdate_invalid", "F1.37", user(birthdate="1999-02-29"), user(birthdate="2000-02-29")),
    Case("birthdate_invalid", "F1.37", user(birthdate="02/01/1985"), user(birthdate="1985-02-01")),
    Case("updated_at_invalid", "F1.38", user(updated_at="-1"), user(updated_at="0")),
    Case("updated_at_invalid", "F1.38", user(updated_at="1471453471.5"), user(updated_at="1471453471")),
    Case("email_verified_without_email", "F1.28", user(email=None), user(email="a@example.com")),
    Case("phone_number_verified_without_phone_number", "F1.28", user(phone_number_verified="true"),
         user(phone_number_verified="true", phone_number=PHONE)),
    Case("mfa_invalid", "F1.34", user(_mfa="maybe"), user(_mfa="sms"), schema=pool(mfa="OPTIONAL")),
    Case("mfa_not_in_pool", "F1.34", user(_mfa="totp"), user(_mfa="off")),
    Case("mfa_required_by_pool", "F1.34", user(_mfa="off"), user(_mfa="on"), schema=pool(mfa="ON")),
    Case("password_white_space", "F5.14", has(PASSWORD, "a b"), user(_password=None)),
    Case("password_white_space", "F5.14", has(PASSWORD, "a\tb"), has(PASSWORD, "a_b")),
    Case("password_white_space", "F5.14", has(PASSWORD, "a\u3000b"), has(PASSWORD, "aéb")),
    Case("password_too_long", "F5.14", has(PASSWORD, "é" * 257), user(_password="")),
    # What only an import job cannot carry.
    Case("no_auto_verified_attribute", "F1.30", user(), user(_reason="line_ragged"), CSV_REASON,
         pool(auto_verified=())),
    Case("email_not_verified", "F1.29", user(email_verified="false"), user(), CSV_REASON),
    Case("email_not_verified", "F1.29", user(email_verified=None, phone_number=PHONE,
         phone_number_verified="true"), user(), CSV_REASON),
    Case("no_verified_contact", "F1.29", user(email_verified="false"),
         user(email_verified=None, phone_number=PHONE, phone_number_verified="true"), CSV_REASON,
         pool(auto_verified=("email", "phone_number"))),
    Case("custom:extra_not_in_csv", "F1.11", user(custom__extra="x"), user(custom__extra=None), CSV_REASON,
         pool(csv_header=tuple(name for name in pool().csv_header if name != "custom:extra"))),
    Case("name_line_break", "F1.18", user(name="a\nb"), user(name="a b"), CSV_REASON),
    Case("name_line_break", "F1.18", user(name="a\tb"), user(name="a\u00a0b"), CSV_REASON),
    Case("name_line_break", "F1.18", user(name="a\u2028b"), user(name="\u2028ab"), CSV_REASON),
    Case("name_quotation_mark", "F1.15", user(name='The "Ace"'), user(name="The “Ace”"), CSV_REASON),
    Case("username_quotation_mark", "F1.15", user(_username='a"b'), user(_username="a'b"), CSV_REASON),
    Case("name_backslash", "F1.17", user(name="a\\b"), user(name="a/b"), CSV_REASON),
    Case("name_backslash", "F1.17", user(name="ab\\"), user(name="a\\b"), CSV_REASON,
         options=RuleOptions(backslashes="send")),
    Case("name_backslash", "F1.17", user(name="a\\,b"), user(name="a,\\b"), CSV_REASON,
         options=RuleOptions(backslashes="send")),
    Case("username_backslash", "F1.17", user(_username="a\\b"), user(_username="a,b"), CSV_REASON),
    Case("preferred_username_is_alias", "F1.49", user(preferred_username="ana"), user(), CSV_REASON, ALIASES),
    Case("row_too_long", "F1.22", long_row("x" * (ROOM + 1)), long_row("x" * ROOM), CSV_REASON, LONG_POOL),
    Case("row_too_long", "F1.22", long_row("," * (ROOM // 2 + 1)), long_row("," * (ROOM // 2)), CSV_REASON,
         LONG_POOL),
    Case("row_too_long", "F1.22", long_row("x" * (ROOM - 60)) | {PASSWORD_HASH: BCRYPT},
         long_row("x" * (ROOM - 61)) | {PASSWORD_HASH: BCRYPT}, CSV_REASON, LONG_POOL),
    Case("row_too_long", "F1.22", long_row("x" * (ROOM - 60)) | {PASSWORD_HASH: BCRYPT},
         long_row("x" * (ROOM - 61)) | {PASSWORD_HASH: BCRYPT}, CSV_REASON,
         replace(LONG_POOL, csv_header=(*LONG_POOL.csv_header, "password_hash"))),
    Case("row_too_long", "F1.22", long_row("x" * (ROOM - len(ARGON2ID) - 2)) | {PASSWORD_HASH: ARGON2ID},
         long_row("x" * (ROOM - len(ARGON2ID) - 3)) | {PASSWORD_HASH: ARGON2ID}, CSV_REASON, LONG_POOL),
    Case("hash_unknown_scheme", "F2.9", has(PASSWORD_HASH, "$unheard$of"),
         has(PASSWORD_HASH, SCRYPT), CSV_REASON),
    Case("hash_not_taken", "F2.4", has(PASSWORD_HASH, "{SSHA}YWI="), has(PASSWORD_HASH, BCRYPT), CSV_REASON),
    Case("hash_malformed", "F2.5", has(PASSWORD_HASH, BCRYPT[:-1]), has(PASSWORD_HASH, BCRYPT), CSV_REASON),
    Case("hash_cost_too_high", "F2.6", has(PASSWORD_HASH, BCRYPT.replace("$10$", "$13$")),
         has(PASSWORD_HASH, BCRYPT.replace("$10$", "$12$")), CSV_REASON),
    Case("hash_cost_too_high", "F2.6", has(PASSWORD_HASH, ARGON2ID.replace("19456", "19457")),
         has(PASSWORD_HASH, ARGON2ID), CSV_REASON),
    Case("hash_alphabet", "F2.8", has(PASSWORD_HASH, PBKDF2.replace("Ab", "+b")),
         has(PASSWORD_HASH, PBKDF2), CSV_REASON),
    Case("password_plain", "F7.1", has(PASSWORD, "correct-horse"), has(PASSWORD, ""), CSV_REASON),
]  # fmt: skip

SHORT_VALUES = user(_username="a", custom__tenant="abc", custom__note="n")
LONG_VALUES = user(_username="a" * 128, custom__tenant="a" * 20, custom__note="n" * 2048)
"""Users with the shortest and the longest values that the rules let pass."""

OTHERWISE_JUDGED = {
    "F1.16": "the escape of a comma is counted in F1.22",
    "F1.21": "white space is trimmed, see test_rules_judge.py",
    "F1.32": "a switch that lifts F1.29, see test_rules_options.py",
    "F1.48": "find_duplicates, see test_duplicates.py",
    "F1.50": "find_duplicates, see test_duplicates.py",
    "F2.7": "the commas of Argon2id are counted in F1.22",
}
"""Facts that the rules speak of and that are not the fact of a case."""


def judged(case: Case, *rows: dict[str, Any]) -> list[tuple[str | None, str | None]]:
    return Rules(case.schema, case.options).judge(page(*rows)).select(REASON, CSV_REASON).rows()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_a_row_that_breaks_the_rule_gets_its_code(case: Case) -> None:
    expected = (case.code, None) if case.column == REASON else (None, case.code)
    assert judged(case, case.bad) == [expected]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_a_row_just_inside_the_rule_does_not(case: Case) -> None:
    ((rejected, not_by_csv),) = judged(case, case.good)
    assert (rejected if case.column == REASON else not_by_csv) is None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_a_row_is_judged_alike_alone_and_among_others(case: Case) -> None:
    """What is found of a page as a whole says nothing wrong of one of its rows."""
    rows = [case.good, case.bad, user(), SHORT_VALUES, LONG_VALUES]
    assert judged(case, *rows) == [verdict for row in rows for verdict in judged(case, row)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_the_code_is_explained_by_its_fact(case: Case) -> None:
    assert reason(case.code).fact == case.fact


def test_every_fact_that_the_rules_speak_of_is_named_by_a_reason() -> None:
    files = [path for path in Path(*mappings.__path__).glob("*.py") if _is_of_the_rules(path.name)]
    spoken_of = {fact for path in files for fact in _facts(path.read_text(encoding="utf-8"))}
    assert len(spoken_of) > len(OTHERWISE_JUDGED)
    assert spoken_of - {case.fact for case in CASES} <= OTHERWISE_JUDGED.keys()
    named = {one.fact for one in (*REASONS.values(), *PROBLEMS.values())}
    assert {case.fact for case in CASES} | {"F1.48", "F1.50"} <= named


def _is_of_the_rules(name: str) -> bool:
    return name.startswith("rules") or name in {"hash_formats.py", "duplicates.py"}


def _facts(text: str) -> set[str]:
    """Facts F1.* and F2.* in a text; ``F1.45-F1.47`` stands for all from one to the other."""
    facts = set()
    for chapter, first, last in re.findall(r"F([12])\.(\d+)(?:-F[12]\.(\d+))?", text):
        facts |= {f"F{chapter}.{number}" for number in range(int(first), int(last or first) + 1)}
    return facts
