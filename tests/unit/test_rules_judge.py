"""Judging a page: against a plainly written judge of one row, and whatever way the page is cut."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from connectors.records import (
    ALGORITHM,
    ENABLED,
    MAPPED_COLUMNS,
    MFA,
    PASSWORD,
    PASSWORD_HASH,
    REASON,
    USERNAME,
    PoolAttribute,
    PoolSchema,
)
from mappings.reasons import reason
from mappings.rules import CSV_REASON, RuleOptions, Rules
from tests.unit.plain_judge import NOT_USABLE, USABLE, Plain
from tests.unit.pool_rules import BCRYPT, page, pool, user

# Pages of awkward users in awkward pools.

PHONE = "+4915700000001"
LETTERS = st.text(alphabet='aAé€ß\u0301ж½\u200b\u00a0\u2003\u2028\x07\t\n "\\\\,@.+-_<1', max_size=12)
EDGES = st.sampled_from(["", " ", "\u00a0", "\n", "x" * 128, "x" * 129, "é" * 1025, "x" * 2048, "," * 1990])
TEXTS = LETTERS | EDGES
EMAILS = st.sampled_from(["ana@example.com", "ANA@example.com", "a@b", "ä@ö.de", "a@b..c", "a,b@example.com"])
NUMBERS = st.sampled_from(["0", "-5", "-6", "1000", "1000.5", "007", "1.", ".5", "1e3", "+1", "12"])
DATES = st.sampled_from(["2000-02-29", "1900-02-29", "2024-04-31", "0000-01-01", "0001-01-01", "2024-1-01"])
TIMES = st.sampled_from(["2024-02-29T10:00:00Z", "2024-02-30T10:00", "1471453471", "2024-02-29 10:00+0100"])
PHONES = st.sampled_from([PHONE, PHONE + " ", "+1", "+12", "+0123", "+" + "1" * 15, "+" + "1" * 16, "004915"])
TRUTHS = st.sampled_from(["true", "false", "TRUE", "", "1", " true"])

VALUES: dict[str, st.SearchStrategy[str]] = {
    "email": EMAILS | EMAILS | TEXTS,
    "email_verified": st.just("true") | TRUTHS,
    "phone_number": PHONES | TEXTS,
    "phone_number_verified": TRUTHS,
    "preferred_username": TEXTS,
    "birthdate": DATES | TEXTS,
    "updated_at": NUMBERS | TEXTS,
    "name": TEXTS,
    "custom:tenant": TEXTS,
    "custom:points": NUMBERS | TEXTS,
    "custom:joined": TIMES | DATES | TEXTS,
    "custom:vip": TRUTHS,
    "custom:note": TEXTS,
    "custom:extra": TEXTS,
    "colour": st.sampled_from(["red", " "]),
}
OWN: dict[str, st.SearchStrategy[Any]] = {
    USERNAME: st.sampled_from(["ana", "ana@example.com", "Ana@example.com", PHONE, "a@b.c"]) | TEXTS,
    PASSWORD: st.none() | st.sampled_from(["", "secret", "two words", "x" * 257, "a\u2003b"]),
    PASSWORD_HASH: st.none() | st.sampled_from([*USABLE, f" {BCRYPT} ", "", "  ", *NOT_USABLE]),
    MFA: st.none() | st.sampled_from(["off", "on", "sms", "totp", "email", "perhaps"]),
    ENABLED: st.booleans(),
    REASON: st.none() | st.just("line_ragged"),
}


@st.composite
def pools(draw: st.DrawFn) -> PoolSchema:
    kind = draw(st.sampled_from(["username_attributes", "alias_attributes"]))
    names = draw(st.sampled_from([(), (), ("email",), ("phone_number",), ("email", "phone_number")]))
    if kind == "alias_attributes" and draw(st.booleans()):
        names = (*names, "preferred_username")
    header = [name for name in pool().csv_header if name != "custom:extra"]
    return pool(
        PoolAttribute("name", required=draw(st.integers(0, 9)) == 0, max_length=2048),
        auto_verified=draw(
            st.sampled_from([("email",), ("email",), ("phone_number",), ("phone_number", "email"), ()])
        ),
        mfa=draw(st.sampled_from(["OFF", "ON", "OPTIONAL"])),
        case_sensitive=draw(st.booleans()),
        csv_header=tuple(header if draw(st.booleans()) else [*header, "custom:extra", "password_hash"]),
        **{kind: names},
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[pl.DataFrame, PoolSchema]:
    """A pool and up to eight users with the same attributes, of whom each has up to three odd values."""
    schema = draw(pools())
    names = draw(st.lists(st.sampled_from(sorted(VALUES)), unique=True, min_size=3))
    strategies = {name: st.none() | VALUES[name] for name in names} | OWN
    some = st.lists(st.sampled_from(sorted(strategies)), max_size=3, unique=True)
    fine = dict.fromkeys(names) | user(_username=_fine_username(schema), phone_number=PHONE)
    users = [
        fine | {name: draw(strategies[name]) for name in odd}
        for odd in draw(st.lists(some, min_size=1, max_size=8))
    ]
    return page(*users), schema


def _fine_username(schema: PoolSchema) -> str:
    contacts = {"email": "ana@example.com", "phone_number": PHONE}
    return next((contacts[name] for name in schema.username_attributes), "ana")


OPTIONS = st.builds(
    RuleOptions,
    **{
        name: st.sampled_from(["refuse", "send"])
        for name in (
            "quotation_marks", "backslashes", "unverified_with_hash", "mfa_against_pool",
            "username_differs", "preferred_username_alias",
        )
    },
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(cases(), OPTIONS)
def test_the_vectorised_judge_agrees_with_the_plain_one(
    case: tuple[pl.DataFrame, PoolSchema], options: RuleOptions
) -> None:
    mapped, schema = case
    judged = Rules(schema, options).judge(mapped)
    plain = Plain(schema, options)
    expected = [plain.judge(row) for row in mapped.iter_rows(named=True)]
    assert judged.select(REASON, CSV_REASON, ALGORITHM).rows() == expected


@settings(max_examples=60, deadline=None)
@given(cases(), st.integers(0, 10))
def test_a_page_in_two_halves_is_judged_like_the_whole(
    case: tuple[pl.DataFrame, PoolSchema], cut: int
) -> None:
    mapped, schema = case
    rules = Rules(schema)
    halves = [rules.judge(mapped.head(cut)), rules.judge(mapped.slice(cut))]
    assert_frame_equal(pl.concat(halves), rules.judge(mapped))


@settings(max_examples=60, deadline=None)
@given(cases())
def test_rows_order_and_earlier_reasons_stay(case: tuple[pl.DataFrame, PoolSchema]) -> None:
    mapped, schema = case
    numbered = mapped.with_columns(pl.int_range(2, mapped.height + 2, dtype=pl.UInt64).alias("@line"))
    before = numbered.clone()
    judged = Rules(schema).judge(numbered)
    assert_frame_equal(numbered, before)
    assert judged["@line"].equals(numbered["@line"])
    earlier = numbered[REASON].is_not_null()
    assert judged.filter(earlier)[REASON].equals(numbered.filter(earlier)[REASON])
    own = [name for name in numbered.columns if name not in (REASON, PASSWORD, PASSWORD_HASH)]
    own = [name for name in own if name.startswith("@")]
    assert_frame_equal(judged.select(own), numbered.select(own))


@settings(max_examples=60, deadline=None)
@given(cases())
def test_every_code_that_is_given_is_explained(case: tuple[pl.DataFrame, PoolSchema]) -> None:
    mapped, schema = case
    judged = Rules(schema).judge(mapped)
    for code in {*judged[REASON], *judged[CSV_REASON]} - {None}:
        assert reason(code).code == code


@settings(max_examples=100, deadline=None)
@given(cases())
def test_no_rule_is_passed_over_that_a_row_breaks(case: tuple[pl.DataFrame, PoolSchema]) -> None:
    """What is said of whole columns never hides a row: a rule that any row breaks is possible."""
    mapped, schema = case
    rules = Rules(schema)
    names = [name for name in mapped.columns if not name.startswith("@")]
    frame, looks = rules._tidy(rules._with_all_columns(mapped), names)
    for rule in rules._rules:
        if looks.keys() >= set(rule.columns) and frame.select(rule.bad.any()).item():
            assert rule.possible(looks), rule.code


def test_white_space_round_a_value_goes_and_an_empty_text_is_none() -> None:
    """F1.21: the pool would cut it off too, and then the read-back would differ."""
    row = user(name="\u2003 Ana\n", given_name="", family_name=" \t", nickname="A  B") | {PASSWORD: " p "}
    judged = Rules(pool()).judge(page(row)).row(0, named=True)
    assert (judged["name"], judged["given_name"], judged["family_name"]) == ("Ana", None, None)
    assert judged["nickname"] == "A  B"
    assert judged[PASSWORD] == " p "


def test_a_disabled_user_travels_without_his_hash_and_without_a_reason() -> None:
    """F7.12: with a hash he could sign in between import and disabling."""
    rows = [user(_enabled=False) | {PASSWORD_HASH: value} for value in (BCRYPT, "nonsense")]
    judged = Rules(pool()).judge(page(*rows))
    assert judged.select(REASON, CSV_REASON, ALGORITHM).rows() == [(None, None, None)] * 2


def test_an_empty_page_has_all_columns() -> None:
    whole = Rules(pool()).judge(page(user()))
    assert Rules(pool()).judge(page(user()).clear()).schema == whole.schema
    assert whole.schema[CSV_REASON] == pl.String
    assert set(MAPPED_COLUMNS) <= set(whole.columns)


@pytest.mark.parametrize("missing", ["email", "email_verified", "name"])
def test_an_attribute_that_the_mapping_lacks_is_missing_from_every_row(missing: str) -> None:
    """Rules that ask for an attribute do so even where the page has no such column."""
    schema = pool(PoolAttribute("name", required=True))
    row = user(name="Ana")
    del row[missing]
    judged = Rules(schema).judge(page(row))
    codes = {"email": "email_verified_without_email", "email_verified": "email_not_verified"}
    assert {judged[REASON].item(), judged[CSV_REASON].item()} == {None, codes.get(missing, "name_missing")}
    assert missing not in judged.columns
