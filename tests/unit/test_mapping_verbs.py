"""Every verb and conversion: its example is true, and all of them work in one mapping."""

from __future__ import annotations

import polars as pl
import pytest

from connectors.records import FILE, LINE, REASON
from mappings.calls import Conversion, VerbCall
from mappings.documents import parse_yaml
from mappings.engine import compile_mapping
from mappings.spec import parse_mapping
from mappings.verbs import CONVERSIONS, VERBS, Verb

EXAMPLES = [
    *[pytest.param(VerbCall, name, verb, id=name) for name, verb in VERBS.items()],
    *[pytest.param(Conversion, name, verb, id=f"as {name}") for name, verb in CONVERSIONS.items()],
]


def run(call: VerbCall, *texts: str | None) -> list[str | None]:
    return (
        pl.DataFrame({"t": texts}, schema={"t": pl.String})
        .select(call.run(pl.col("t")))
        .to_series()
        .to_list()
    )


def called(text: str) -> VerbCall:
    return VerbCall.model_validate(parse_yaml(text, where="test"))


@pytest.mark.parametrize(("kind", "name", "verb"), EXAMPLES)
def test_the_documented_example_is_true(kind: type[VerbCall], name: str, verb: Verb[object]) -> None:
    call = kind.model_validate(parse_yaml(verb.example.call, where="example"))
    assert call.name == name
    assert run(call, verb.example.before, None) == [verb.example.after, None]
    assert verb.example.call in str(verb.example)


@pytest.mark.parametrize(("kind", "name", "verb"), EXAMPLES)
def test_help_is_one_line_and_a_sentence(kind: type[VerbCall], name: str, verb: Verb[object]) -> None:
    assert kind.table[name] is verb
    assert verb.help.endswith(".")
    assert verb.help[0].isupper()
    assert len(verb.help.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("{split: /}", "a/b", "a"),
        ("{split: {by: /, at: 1}}", "a/b", "b"),
        ("{split: {by: /, at: 7}}", "a/b", None),
        ("{split: {by: /, at: last}}", "a/", None),
        ("{slice: {start: -2}}", "abc", "bc"),
        ("{slice: {start: 9}}", "abc", None),
        ("{replace: {abc: ''}}", "abc", None),
        ("{replace: {a.c: x}}", "abc", "abc"),
        ("digits", "none", None),
        ("trim", " \t", None),
        ("collapse_spaces", " \t", None),
        ("{values: {m: male}}", "x", "x"),
        ("{values: {m: male}, else: null}", "x", None),
        ("{values: {m: null}}", "m", None),
        ("{values: {m: ''}}", "m", None),
        ('{values: {m: "\\u00a0"}}', "m", None),
        ("{values: {m: male}, else: ' '}", "x", None),
        ("{values: {1: one}, else: other}", "1", "one"),
        ("e164", "030 23125042", None),
        ("epoch: iso", "1970-01-01T00:01:00Z", "60"),
    ],
)
def test_corners_of_verbs(text: str, before: str, after: str | None) -> None:
    assert run(called(text), before, None) == [after, None]


@pytest.mark.parametrize(
    "text",
    [
        "trim",
        "{e164: DE}",
        "e164",
        "{split: '@'}",
        "{values: {m: male}, else: other}",
        "{slice: {start: 2}}",
        "{prefix: a}",
    ],
)
def test_a_call_that_is_written_down_is_the_same_call(text: str) -> None:
    call = called(text)
    assert VerbCall.model_validate(call.model_dump()) == call


def test_one_mapping_may_use_every_verb() -> None:
    """Each verb has an attribute of its own, whose field holds the text of its example."""
    rules = {f"custom:{name}": parse_yaml(verb.example.call, where="example") for name, verb in VERBS.items()}
    spec = parse_mapping(
        {
            "username": {"from": "id"},
            "attributes": {name: {"from": name, "then": [call]} for name, call in rules.items()},
        },
        where="test",
    )
    row = {f"custom:{name}": [verb.example.before] for name, verb in VERBS.items()}
    page = pl.DataFrame({LINE: [1], FILE: [0], "id": ["7"], **row})
    mapped = compile_mapping(spec).apply(page)
    assert {name: mapped[f"custom:{name}"].item() for name in VERBS} == {
        n: v.example.after for n, v in VERBS.items()
    }
    assert mapped[REASON].to_list() == [None]
