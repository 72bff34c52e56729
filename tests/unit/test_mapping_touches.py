"""Verbs that touch certain bytes only give the same on those values as on all of them."""

from __future__ import annotations

from functools import reduce

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.calls import VerbCall
from mappings.convert import booleans, dates
from mappings.engine import compile_mapping
from mappings.phones import phone_numbers
from mappings.rules_forms import DATE, PHONE_NUMBER
from mappings.spec import parse_mapping
from mappings.steps import Step, chained
from mappings.texts import composed, tidy_spaces, where_touched
from mappings.verbs import VERBS

TOUCHING = sorted(name for name, verb in VERBS.items() if verb.touches is not None)
TEXTS = st.lists(
    st.none() | st.text(alphabet=" aZ\t\n\x1f.@é\u00a0\u0130\u2003\u3000e\u0301日😀ß", max_size=5),
    min_size=1,
    max_size=40,
)


def step(name: str) -> Step:
    verb = VerbCall.model_validate(name).verb
    return Step(name, VerbCall.model_validate(name).run, touches=verb.touches)


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.lists(st.sampled_from([*TOUCHING, "nfc"]), min_size=1, max_size=4))
def test_a_chain_is_its_steps_one_after_the_other(values: list[str | None], names: list[str]) -> None:
    frame = pl.DataFrame({"x": pl.Series(values, dtype=pl.String)})
    steps = [step(name) for name in names]
    plain = frame.select(reduce(lambda expr, one: one.run(expr), steps, pl.col("x")))
    assert frame.select(chained(steps, pl.col("x"))).to_series().to_list() == plain.to_series().to_list()


@pytest.mark.parametrize("name", TOUCHING)
def test_a_verb_leaves_alone_what_it_does_not_touch(name: str) -> None:
    """Byte by byte: a verb that changes a text of one character says so."""
    touches = VERBS[name].touches or ()
    for code in range(0x80):
        text = pl.DataFrame({"x": [f"1{chr(code)}1", chr(code)]})
        changed = text.select(step(name).run(pl.col("x"))).to_series().to_list() != text["x"].to_list()
        assert not changed or any(first <= code <= last for first, last in touches)


def test_only_touched_values_are_converted() -> None:
    seen: list[str | None] = []

    def convert(texts: pl.Series) -> pl.Series:
        seen.extend(texts)
        return texts.str.to_uppercase()

    texts = pl.Series([*"abcdefgh", "i!", None, "", "j"])
    found = where_touched(texts, ((0x21, 0x21),), convert)
    assert found.to_list() == [*"abcdefgh", "I!", None, "", "j"]
    assert seen == ["i!", ""]


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_odd_texts_are_mended_and_the_others_left_alone(values: list[str | None]) -> None:
    texts = pl.Series(values, dtype=pl.String)
    tidy = [
        value and (" ".join(value.replace("\x1f", "\x00").split()).replace("\x00", "\x1f") or None)
        for value in values
    ]
    assert tidy_spaces(texts).to_list() == [value or None for value in tidy]
    assert composed(texts).to_list() == texts.str.normalize("NFC").to_list()


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(["2000-02-29", "1900-02-29", "0000-01-01", "10000-01-01", "-001-01-01", "0001-01-01"])
        | st.from_regex(r"[0-9]{1,5}-[0-9]{1,2}-[0-9]{1,2}", fullmatch=True)
        | st.dates().map(str)
        | st.sampled_from([" true", "YES", "off", "maybe", ""]),
        max_size=20,
    ),
    st.sampled_from(["%Y-%m-%d", "iso", "%d.%m.%Y", "seconds"]),
)
def test_what_a_conversion_promises_is_what_the_rules_ask_for(values: list[str], written: str) -> None:
    """The rules do not look at such a column again (``CompiledMapping.promises``)."""
    texts = pl.Series(values, dtype=pl.String)
    assert dates(written)(texts).drop_nulls().str.contains(DATE).all()
    assert set(booleans(texts).drop_nulls()) <= {"true", "false"}


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.text(alphabet="+0123456789 ()-", max_size=20)
        | st.from_regex(r"(\+|0|00)[1-9][0-9]{3,17}", fullmatch=True),
        max_size=20,
    ),
    st.sampled_from(["DE", "JP", None]),
)
def test_what_the_verb_for_numbers_promises_is_what_the_rules_ask_for(
    values: list[str], region: str | None
) -> None:
    numbers = phone_numbers(region)(pl.Series(values, dtype=pl.String))
    assert numbers.drop_nulls().str.contains(PHONE_NUMBER).all()


@pytest.mark.parametrize(
    ("rule", "promised"),
    [
        ({"from": "phone", "then": ["trim", {"e164": "DE"}]}, {"phone_number": "e164"}),
        ({"from": "phone", "then": [{"e164": "DE"}], "as": "string"}, {"phone_number": "e164"}),
        ({"from": "phone", "then": [{"e164": "DE"}, {"suffix": "x"}]}, {}),
        ({"from": "phone", "then": [{"e164": "DE"}], "default": "none"}, {}),
        ({"from": "phone"}, {}),
    ],
)
def test_only_a_rule_that_ends_in_the_verb_promises_numbers(
    rule: dict[str, object], promised: dict[str, str]
) -> None:
    mapping = compile_mapping(
        parse_mapping({"username": {"from": "id"}, "attributes": {"phone_number": rule}}, where="run.yaml")
    )
    assert mapping.promises == promised
