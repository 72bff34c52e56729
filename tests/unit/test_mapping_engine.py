"""A whole mapping over whole pages: columns, order, reasons, and what it asks of the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import ConfigurationError
from connectors.records import (
    ENABLED,
    FILE,
    GROUPS,
    IDENTITIES,
    LINE,
    MFA,
    PASSWORD,
    PASSWORD_HASH,
    REASON,
    SOURCE_ID,
    USERNAME,
)
from mappings import lists
from mappings.documents import parse_yaml
from mappings.engine import CompiledMapping, compile_mapping
from mappings.spec import parse_mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DOCUMENTED = """
username: {from: id}
attributes:
  email:            {from: email, then: [trim, lower]}
  email_verified:   {from: verified, as: boolean, default: false}
  name:             {template: "{first_name} {last_name}"}
  given_name:       {from: first_name}
  phone_number:     {from: phone, then: [{e164: DE}], bad: drop}
  birthdate:        {from: born, as: {date: "%Y-%m-%d"}}
  custom:tenant:    {const: acme}
  custom:legacy_id: {from: id}
password_hash:      {from: pw}
groups:             {from: roles, split: ";"}
enabled:            {from: active, as: boolean, default: true}
"""
FIELDS = ("id", "email", "verified", "first_name", "last_name", "phone", "born", "pw", "roles", "active")
BEHIND = [PASSWORD_HASH, PASSWORD, GROUPS, ENABLED, MFA, IDENTITIES, REASON]
Rows = list[dict[str, str | None]]


def compiled(
    text: str,
    *,
    key: str | None = None,
    known_fields: Sequence[str] | None = None,
    known_attributes: Iterable[str] | None = None,
) -> CompiledMapping:
    spec = parse_mapping(parse_yaml(text, where="run.yaml"), where="run.yaml")
    return compile_mapping(
        spec, key=key, known_fields=known_fields, known_attributes=known_attributes, where="run.yaml"
    )


def page(rows: Rows, *fields: str) -> pl.DataFrame:
    columns = {field: [row.get(field) for row in rows] for field in fields}
    schema = {LINE: pl.UInt64, FILE: pl.UInt32, **dict.fromkeys(fields, pl.String)}
    return pl.DataFrame({LINE: range(2, len(rows) + 2), FILE: [0] * len(rows), **columns}, schema=schema)


def problem(text: str, *, known_fields: Sequence[str] | None = None, key: str | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        compiled(text, key=key, known_fields=known_fields)
    return str(caught.value)


def test_the_documented_mapping_works_as_it_stands() -> None:
    mapping = compiled(DOCUMENTED)
    assert mapping.fields == FIELDS
    texts = ["00123", " Ada@Example.com ", "YES", "Ada", "King", "030 23125-042", "1815-12-10", "$2b$10$abc"]
    row = dict(zip(FIELDS, [*texts, "admin; user", "0"], strict=True))
    assert mapping.apply(page([row], *FIELDS)).row(0, named=True) == {
        LINE: 2,
        FILE: 0,
        SOURCE_ID: "00123",
        USERNAME: "00123",
        "email": "ada@example.com",
        "email_verified": "true",
        "name": "Ada King",
        "given_name": "Ada",
        "phone_number": "+493023125042",
        "birthdate": "1815-12-10",
        "custom:tenant": "acme",
        "custom:legacy_id": "00123",
        PASSWORD_HASH: "$2b$10$abc",
        PASSWORD: None,
        GROUPS: ["admin", "user"],
        ENABLED: False,
        MFA: None,
        IDENTITIES: [],
        REASON: None,
    }


def test_a_user_without_any_value_has_the_defaults_and_no_fault() -> None:
    mapped = compiled(DOCUMENTED).apply(page([{}], *FIELDS)).row(0, named=True)
    filled = {key: value for key, value in mapped.items() if value is not None}
    defaults = {"email_verified": "false", "custom:tenant": "acme", GROUPS: [], ENABLED: True, IDENTITIES: []}
    assert filled == {LINE: 2, FILE: 0, **defaults}


@pytest.mark.parametrize("rows", [0, 3])
@pytest.mark.parametrize("text", ["username: {from: id}", DOCUMENTED], ids=["least", "documented"])
def test_all_columns_always_exist_and_have_their_types(text: str, rows: int) -> None:
    mapping = compiled(text)
    mapped = mapping.apply(page([{}] * rows, *mapping.fields))
    assert mapped.columns == [LINE, FILE, SOURCE_ID, USERNAME, *mapping.attributes, *BEHIND]
    special = {LINE: pl.UInt64, FILE: pl.UInt32, ENABLED: pl.Boolean, GROUPS: pl.List(pl.String)}
    special[IDENTITIES] = pl.List(pl.String)
    assert mapped.schema == {name: special.get(name, pl.String) for name in mapped.columns}
    assert mapped.height == rows


def test_the_reason_is_the_first_refused_value_in_the_order_of_the_mapping() -> None:
    text = """
    username: {from: id, as: integer}
    attributes:
      birthdate: {from: born}
      email: {from: mail, then: [email]}
      phone_number: {from: tel, then: [e164]}
    enabled: {from: on}
    mfa: {from: mfa}
    """
    bad = {"id": "x", "born": "x", "mail": "x", "tel": "x", "on": "x", "mfa": "x"}
    rows: Rows = [dict.fromkeys(list(bad)[at:], "x") for at in range(len(bad) + 1)]
    mapped = compiled(text).apply(page(rows, *bad))
    names = ["username", "birthdate", "email", "phone_number", "enabled", "mfa"]
    assert mapped[REASON].to_list() == [*(f"{name}_invalid" for name in names), None]
    assert mapped[ENABLED].to_list() == [True] * 7


def test_values_whose_form_the_api_prescribes_need_no_conversion_in_the_mapping() -> None:
    text = """
    username: {from: id}
    attributes:
      email_verified: {from: v}
      birthdate: {from: b}
      updated_at: {from: u}
    mfa: {from: m}
    """
    row = {"id": "1", "v": "T", "b": "1990-2-1", "u": "1471453471.0", "m": "yes"}
    mapped = compiled(text).apply(page([row], *row)).row(0, named=True)
    values = [mapped[name] for name in ("email_verified", "birthdate", "updated_at", MFA)]
    assert values == ["true", "1990-02-01", "1471453471", "on"]


@pytest.mark.parametrize(
    "rule",
    [
        "{from: s, bad: drop",
        "{from: s, bad: default",
        "{const: true, when: {field: s, equals: 'on'}",
        "{from: s, then: [{values: {'on': true}, else: null}]",
        "{from: s, then: [{values: {'off': ' '}}], bad: drop",
        "{from: s, then: [{replace: {'off': ''}}], bad: default",
        "{lookup: {from: s, table: {'on': true}}, bad: drop",
    ],
)
@pytest.mark.parametrize(("default", "others"), [("false", False), ("true", True)])
def test_whoever_comes_to_nothing_in_enabled_gets_its_default(rule: str, default: str, others: bool) -> None:  # noqa: FBT001
    mapping = compiled(f"username: {{from: id}}\nenabled: {rule}, default: {default}}}")
    rows: Rows = [{"s": "on"}, {"s": ""}, {}, {"s": "gone"}]
    mapped = mapping.apply(page(rows, "id", "s"))
    assert mapped[ENABLED].to_list() == [True, others, others, others]
    assert mapped[REASON].to_list() == [None] * 4


def test_malformed_lists_are_found_without_halving_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    malformed = lists._malformed

    def watched(texts: pl.Series, shape: pl.List) -> pl.Series:
        asked.append(len(texts))
        return malformed(texts, shape)

    monkeypatch.setattr(lists, "_malformed", watched)
    texts = [f'["a{at}"' if at % 2 else f'["a{at}"]' for at in range(200)]
    mapping = compiled("username: {from: id}\ngroups: {from: g, bad: drop}")
    found = mapping.apply(page([{"g": text} for text in [*texts, "[NaN]"]], "id", "g"))[GROUPS].to_list()
    assert found == [*([] if at % 2 else [f"a{at}"] for at in range(200)), []]
    assert len(asked) < 20


@pytest.mark.parametrize("number", ["0", "49", "-5"])
def test_a_whole_number_in_its_own_form_is_a_text(number: str) -> None:
    mapped = compiled(f"username: {{from: id}}\nattributes: {{x: {{const: {number}}}}}")
    assert mapped.apply(page([{}], "id"))["x"].to_list() == [number]


def test_a_date_in_updated_at_becomes_seconds() -> None:
    text = "username: {from: id}\nattributes: {updated_at: {from: u, as: {date: '%d.%m.%Y'}}}"
    assert compiled(text).apply(page([{"u": "02.01.1970"}], "id", "u"))["updated_at"].to_list() == ["86400"]


@pytest.mark.parametrize(
    ("rule", "form"),
    [
        ("{from: a, as: boolean, default: perhaps}", "what the conversion gives"),
        ("{from: a, as: {date: '%d.%m.%Y'}, default: 31.12.1999}", "yyyy-mm-dd"),
    ],
)
def test_a_default_is_in_the_form_of_the_api(rule: str, form: str) -> None:
    message = problem(f"username: {{from: id}}\nattributes:\n  custom:x: {rule}\n")
    expected = f"this default is not in the form of the API, which is {form}."
    assert message == f"run.yaml, line 3, attributes.custom:x: {expected}"


@pytest.mark.parametrize("conversion", ["", "as: boolean, ", "as: string, "])
@pytest.mark.parametrize(("default", "expected"), [("false", "off"), ("'off'", "off"), ("sms", "sms")])
def test_the_default_of_mfa_is_one_of_its_own_words(conversion: str, default: str, expected: str) -> None:
    text = f"username: {{from: id}}\nmfa: {{from: m, {conversion}default: {default}}}\n"
    mapped = compiled(text).apply(page([{"id": "1", "m": None}, {"id": "2", "m": "yes"}], "id", "m"))
    assert mapped[MFA].to_list() == [expected, "on"]
    wrong = problem(text.replace(f"default: {default}", "default: perhaps"))
    assert wrong.endswith("the form of the API, which is one of off, on, sms, totp, email.")


def test_the_key_is_the_field_of_the_username_or_the_one_that_is_given() -> None:
    plain, template = "username: {from: id, then: [lower]}", "username: {template: '{a}{b}'}"
    rows: Rows = [{"id": "A1", "key": "k", "a": "x", "b": "y"}, {"id": " "}]
    assert compiled(plain).apply(page(rows, "id"))[SOURCE_ID].to_list() == ["A1", None]
    assert compiled(plain, key="key").fields == ("id", "key")
    assert compiled(plain, key="key").apply(page(rows, "id", "key"))[SOURCE_ID].to_list() == ["k", None]
    assert compiled(template).apply(page(rows, "a", "b"))[SOURCE_ID].to_list() == [None, None]


def test_only_needed_fields_are_asked_for_each_once() -> None:
    text = """
    username: {first_of: [a, b]}
    attributes:
      x: {template: "{b} {c}", when: {field: d, present: true}}
      y: {lookup: {from: e, table: {"1": "2"}}}
      z: {const: q}
    """
    assert sorted(compiled(text, key="c").fields) == ["a", "b", "c", "d", "e"]


def test_unknown_fields_and_attributes_are_refused_all_at_once() -> None:
    text = "username: {from: idd}\nattributes:\n  email: {first_of: [email, mial]}\n  mail: {from: email}\n"
    fields = problem(text, known_fields=["id", "email", "mail"], key="kee").splitlines()
    assert (
        "run.yaml, line 1, username.from: unknown field of the source 'idd'. Did you mean 'id'?" in fields[0]
    )
    assert "run.yaml, line 3, attributes.email.first_of[1]: unknown field of the source 'mial'" in fields[1]
    assert fields[2].startswith("key: unknown field of the source 'kee'")
    with pytest.raises(ConfigurationError) as caught:
        compiled(text, known_attributes=["email", "name"])
    message = str(caught.value)
    assert message.startswith("run.yaml, line 4, attributes.mail: unknown attribute of the pool 'mail'")
    assert "Known: email, name." in message


@pytest.mark.parametrize("row", [["4711", "ada"], ["Ada", "$2b$10$abc"], ["Ada", "{SSHA}x1"], ["a@b.c"]])
def test_a_person_who_stands_where_names_should_is_not_shown(row: list[str]) -> None:
    """A CSV file without a header line has a person there."""
    for text in ("username: {from: id}", "preset: plain"):
        message = problem(text, known_fields=[*row, "King"], key="kee")
        assert "look" in message
        assert "`columns`" in message
        assert not [name for name in (*row, "King") if name in message]


@pytest.mark.parametrize(
    "path", ["meta.plan", "meta", "emails[0].value", "emails[1].value", "meta.plan.tier", "a.b"]
)
def test_a_path_is_known_if_its_beginning_is_or_it_is_the_beginning_of_one(path: str) -> None:
    """A source that looked at a sample cannot know every path."""
    known = ["id", "meta.plan", "emails[0].value", "a.b"]
    assert compiled(
        f"username: {{from: id}}\nattributes: {{x: {{from: '{path}'}}}}", known_fields=known
    ).fields == ("id", path)
    assert "unknown field" in problem("username: {from: me.ta}", known_fields=known)


@pytest.mark.parametrize(
    "path", ["emails[*].value", "emails[-1]", "emails[]", "emails[0]value", "meta.", "a.[0]"]
)
def test_what_is_no_path_is_not_known_by_its_beginning(path: str) -> None:
    """Nobody would have a value there, and the users would come without one."""
    rule = f"username: {{from: id}}\nattributes: {{email: {{from: '{path}'}}}}"
    message = problem(rule, known_fields=["id", "meta.plan", "emails[0].value", "a.b"])
    assert f"unknown field of the source '{path}'." in message


def test_a_preset_asks_only_for_fields_that_the_source_has() -> None:
    mapping = compiled("preset: plain", known_fields=["login", "e_mail", "mail", "surname", "strange"])
    assert mapping.fields == ("login", "surname", "e_mail", "mail")
    assert mapping.attributes == ("family_name", "email")
    assert mapping.key == "login"


def test_a_preset_that_finds_no_username_says_where_it_looked() -> None:
    message = problem("preset: plain", known_fields=["strange"])
    assert message.startswith(
        "run.yaml: the source has none of the fields that the preset takes `username` from (username,"
    )
    assert message.endswith("Fields of the source: strange.")


def test_a_rule_of_the_run_in_a_preset_is_not_left_out_in_silence() -> None:
    text = "preset: plain\nattributes:\n  gender: {first_of: [sexx, sex]}\n"
    assert "attributes.gender.first_of[0]: unknown field" in problem(text, known_fields=["id", "sex"])


VALUES = st.none() | st.sampled_from(
    [
        "",
        " ",
        "1",
        "true",
        "Nope",
        "+4930231250",
        "030 23125042",
        "1990-02-29",
        "2000-02-29",
        "a;b",
        '["a"]',
        "Ada",
        " Zo\u00eb  K ",
        "\u00a0",
        "x@example.com",
        "$2b$10$abc",
    ]
)
PAGES = st.lists(st.fixed_dictionaries(dict.fromkeys(FIELDS, VALUES)), max_size=30)
MAPPING = compiled(DOCUMENTED)


@settings(max_examples=60, deadline=None)
@given(PAGES)
def test_no_row_is_lost_doubled_or_moved(rows: Rows) -> None:
    mapped = MAPPING.apply(page(rows, *FIELDS))
    assert mapped[LINE].to_list() == list(range(2, len(rows) + 2))
    ids = [text if text and text.strip(" \u00a0") else None for text in (row["id"] for row in rows)]
    assert mapped[USERNAME].to_list() == mapped["custom:legacy_id"].to_list() == ids


@settings(max_examples=60, deadline=None)
@given(PAGES, st.integers(0, 30))
def test_a_page_cut_in_two_is_mapped_as_the_whole_page_is(rows: Rows, cut: int) -> None:
    """Whatever fast path a page takes, it is the same for every row."""
    whole = page(rows, *FIELDS)
    halves = pl.concat([MAPPING.apply(whole.head(cut)), MAPPING.apply(whole.slice(cut))])
    assert MAPPING.apply(whole).equals(halves, null_equal=True)


@settings(max_examples=30, deadline=None)
@given(PAGES)
def test_a_row_among_many_others_is_mapped_as_it_is_alone(rows: Rows) -> None:
    """Many distinct values take another way through the engine than few do."""
    others = page([{field: f"{field} {at}" for field in FIELDS} for at in range(300)], *FIELDS)
    alone = page(rows, *FIELDS)
    assert MAPPING.apply(pl.concat([others, alone])).slice(300).equals(MAPPING.apply(alone), null_equal=True)


def test_a_page_is_not_changed_by_mapping_it() -> None:
    before = page(
        [{"id": " ", "phone": "030 23125042", "active": "0"}, {"id": "1", "phone": "+4930231250"}], *FIELDS
    )
    copy = before.clone()
    MAPPING.apply(before)
    assert before.equals(copy, null_equal=True)


@pytest.mark.parametrize("name", ["*", "^id$"])
def test_a_field_that_reads_like_a_pattern_is_refused(name: str) -> None:
    """polars would take such a name for many columns."""
    with pytest.raises(ConfigurationError, match="pattern"):
        compile_mapping(parse_mapping({"username": {"from": name}}, where="run.yaml"))
