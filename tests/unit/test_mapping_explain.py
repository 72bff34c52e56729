"""Which rule gave which value, and what stays hidden."""

from __future__ import annotations

import polars as pl
import pytest

from connectors.records import ENABLED, FILE, GROUPS, LINE, REASON
from mappings.documents import parse_yaml
from mappings.engine import CompiledMapping, compile_mapping
from mappings.explain import Trace, explain, masked
from mappings.spec import parse_mapping

TEXT = """
username: {from: id}
attributes:
  email: {from: mail, then: [trim, lower, email]}
  phone_number: {from: tel, then: [{e164: DE}], bad: drop}
  birthdate: {from: born, as: {date: "%d.%m.%Y"}}
  locale: {from: lang, when: {field: mail, present: true}, default: en}
  custom:n: {from: n, as: integer, bad: default, default: "0"}
password_hash: {from: pw}
groups: {from: roles, split: ";", default: [users]}
enabled: {from: active}
"""
ROW = {
    "id": "42",
    "mail": " Ada@Example.com",
    "tel": "nobody",
    "born": "32.1.1990",
    "lang": "de",
    "n": "x",
    "pw": "s3cret",
    "roles": "",
    "active": "no",
}


@pytest.fixture
def mapping() -> CompiledMapping:
    return compile_mapping(parse_mapping(parse_yaml(TEXT, where="m"), where="m"))


def by_target(traces: tuple[Trace, ...]) -> dict[str, Trace]:
    return {trace.target: trace for trace in traces}


def test_every_rule_is_followed_step_by_step(mapping: CompiledMapping) -> None:
    traces = by_target(explain(mapping, ROW, show=True))
    email = traces["email"]
    assert [(step.label, step.text) for step in email.steps] == [
        ("from mail", " Ada@Example.com"),
        ("trim", "Ada@Example.com"),
        ("lower", "ada@example.com"),
        ("email", "ada@example.com"),
    ]
    assert (email.rule, email.outcome, email.text) == ("attributes.email", "value", "ada@example.com")
    assert str(email) == (
        "attributes.email: from mail:  Ada@Example.com → trim: Ada@Example.com → lower: ada@example.com "
        "→ email: ada@example.com ⇒ value ada@example.com"
    )


def test_outcomes(mapping: CompiledMapping) -> None:
    traces = by_target(explain(mapping, ROW, show=True))
    assert {name: (trace.outcome, trace.text) for name, trace in traces.items()} == {
        "username": ("value", "42"),
        "email": ("value", "ada@example.com"),
        "phone_number": ("dropped", None),
        "birthdate": ("rejected", None),
        "locale": ("value", "de"),
        "custom:n": ("default for a bad value", "0"),
        "password_hash": ("value", "(6 characters)"),
        "groups": ("default", '["users"]'),
        "enabled": ("value", "false"),
    }
    assert traces["birthdate"].steps[-1].bad
    assert by_target(explain(mapping, {"lang": "de"}, show=True))["locale"].outcome == "default"
    assert by_target(explain(mapping, {}, show=True))["username"].outcome == "no value"


def test_without_leave_no_value_of_the_row_is_shown(mapping: CompiledMapping) -> None:
    told = "\n".join(map(str, explain(mapping, ROW)))
    values = ["Ada", "ada", "nobody", "32.1.1990", "s3cret"]
    assert [value for value in values if value in told] == []
    assert "lower: (15 characters)" in told


def test_a_passwords_hash_is_never_shown(mapping: CompiledMapping) -> None:
    assert "s3cret" not in "\n".join(map(str, explain(mapping, ROW, show=True)))


def test_what_is_explained_is_what_happens(mapping: CompiledMapping) -> None:
    columns = {field: [ROW.get(field)] for field in mapping.fields}
    mapped = mapping.apply(pl.DataFrame({LINE: [2], FILE: [0], **columns})).row(0, named=True)
    traces = by_target(explain(mapping, ROW, show=True))
    for name in mapping.attributes:
        assert mapped[name] == traces[name].text, name
    assert (mapped[REASON], mapped[GROUPS], mapped[ENABLED]) == ("birthdate_invalid", ["users"], False)


@pytest.mark.parametrize("target", ["enabled", "mfa", "attributes: {email_verified", "attributes: {locale"])
@pytest.mark.parametrize("bad", ["drop", "default"])
def test_a_bad_value_is_told_as_it_ends(target: str, bad: str) -> None:
    """A dropped value of ``enabled`` gets the default, since the user could sign in otherwise."""
    end = "}" if "{" in target else ""
    rule = f"{{from: x, as: boolean, bad: {bad}, default: false}}"
    text = f"username: {{from: id}}\n{target}: {rule}{end}\n"
    mapping = compile_mapping(parse_mapping(parse_yaml(text, where="m"), where="m"))
    row = {"id": "1", "x": "perhaps"}
    trace = explain(mapping, row, show=True)[-1]
    page = pl.DataFrame({LINE: [2], FILE: [0], **{field: [row[field]] for field in mapping.fields}})
    (value,) = mapping.apply(page)[mapping.rules[-1].column]
    is_dropped = bad == "drop" and target != "enabled"
    assert trace.outcome == ("dropped" if is_dropped else "default for a bad value")
    assert trace.text == ("false" if value is False else value)


def test_a_mask_tells_the_length_alone() -> None:
    assert [masked(None), masked("a"), masked("ab")] == [None, "(1 character)", "(2 characters)"]
