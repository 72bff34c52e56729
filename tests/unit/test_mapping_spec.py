"""What a mapping may say, and what is said about one that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connectors.errors import ConfigurationError
from mappings.documents import parse_yaml, read_yaml
from mappings.engine import compile_mapping
from mappings.presets_read import preset_names
from mappings.spec import MappingSpec, parse_mapping

if TYPE_CHECKING:
    from pathlib import Path

MAPPING = """
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
password_hash:      {from: pw, scheme: phpass, without: random}
groups:             {from: roles, split: ";", values: {admin: admins}}
enabled:            {from: active, as: boolean, default: true}
"""


def parsed(text: str, where: str = "run.yaml") -> MappingSpec:
    return parse_mapping(parse_yaml(text, where=where), where=where)


def problem(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parsed(text)
    return str(caught.value)


def rule(text: str) -> str:
    """A mapping whose attribute ``email`` has this rule, on line 3."""
    return f"username: {{from: id}}\nattributes:\n  email: {text}\n"


def test_the_documented_mapping_is_understood() -> None:
    spec = parsed(MAPPING)
    assert next(iter(spec.attributes)) == "email"
    assert [str(call) for call in spec.attributes["phone_number"].then] == ["e164 DE"]
    assert spec.attributes["email_verified"].default == "false"
    assert spec.password_hash is not None
    assert (spec.password_hash.scheme, spec.password_hash.without) == ("phpass", "random")
    assert [rule.split for rule in spec.groups] == [";"]


def test_a_spec_that_is_written_down_is_the_same_spec() -> None:
    spec = parsed(MAPPING)
    again = MappingSpec.model_validate(spec.model_dump(by_alias=True, exclude_defaults=True))
    assert again.model_dump() == spec.model_dump()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            rule("{form: mail}"),
            ["run.yaml, line 3, attributes.email.form", "unknown key 'form'", "'from'", "first_of"],
        ),
        (
            rule("{from: mail, then: [trm]}"),
            ["attributes.email.then[0]", "unknown verb 'trm'", "'trim'", "e164"],
        ),
        (rule("{from: mail, then: [{e146: DE}]}"), ["unknown verb 'e146'", "'e164'"]),
        (rule("{from: mail, then: [{e164: XX}]}"), ["then[0].e164", "unknown region 'XX'"]),
        (rule("{from: mail, then: [{trim: 3}]}"), ["'trim' takes no argument"]),
        (rule("{from: mail, then: [prefix]}"), ["'prefix' needs an argument"]),
        (
            rule("{from: mail, then: [{split: {by: x, att: 1}}]}"),
            ["then[0].split.att", "unknown key 'att'", "'at'"],
        ),
        (
            rule("{from: mail, then: [{values: {a: b}, esle: c}]}"),
            ["unknown key beside 'values' 'esle'", "'else'"],
        ),
        (rule("{from: mail, then: [[trim]]}"), ["a verb is a name, or a map"]),
        (rule("{from: mail, as: bool}"), ["attributes.email.as", "unknown conversion 'bool'", "'boolean'"]),
        (rule("{from: mail, as: {date: '%d.%m'}}"), ["as.date", "no day can be read from '%d.%m'"]),
        (
            rule("{from: mail, bad: rejct}"),
            ["attributes.email.bad", "unknown choice 'rejct'", "'reject'", "drop"],
        ),
        (rule("{from: mail, bad: default}"), ["attributes.email.bad", "needs a `default`"]),
        (rule("{from: mail, const: x}"), ["exactly one of", "from and const"]),
        (rule("{then: [trim]}"), ["exactly one of", "it has none"]),
        (rule("{template: plain}"), ["attributes.email.template", "at least one field"]),
        (rule("{template: '{a'}"), ["attributes.email.template", "single '{'"]),
        (rule("{from: mail, default: 1.50}"), ["attributes.email.default", "quotation marks"]),
        (rule("{const: 007}"), ["attributes.email.const", "quotation marks"]),
        (rule("{from: tel, then: [{prefix: +49}]}"), ["attributes.email.then[0].prefix", "quotation marks"]),
        (rule("{from: mail, when: {field: a, equal: b}}"), ["when.equal", "unknown key 'equal'", "'equals'"]),
        (rule("{from: mail, when: [{field: a}]}"), ["when[0]", "exactly one of: equals"]),
        (rule("{from: mail, when: {field: a, matches: '(?=x)'}}"), ["when.matches", "no regular expression"]),
        (rule("{from: mail, when: {field: a, present: false}}"), ["when.present"]),
        (rule("{lookup: {from: a, table: {}}}"), ["lookup.table", "a table is the path"]),
        (rule("{lookup: {from: a}}"), ["lookup.table", "this key is missing"]),
        (rule("mail"), ["attributes.email", "dictionary"]),
        ("attributes: {}\n", ["username: this key is missing"]),
        ("usrname: {from: id}\n", ["line 1, usrname", "unknown key 'usrname'", "'username'"]),
        ("username: {const: me}\n", ["line 1, username.const", "differ from user to user"]),
        (
            "username: {from: a}\npassword: {from: b, default: x}\n",
            ["line 2, password.default", "differ from user"],
        ),
        ("username: {from: a}\nenabled: {from: b, as: string}\n", ["line 2, enabled.as", "is a boolean"]),
        *(
            (f"username: {{from: a}}\nenabled: {rule}\n", ["line 2, enabled", "write `default: false` or"])
            for rule in (
                "{from: b, bad: drop}",
                "{const: true, when: {field: b, equals: active}}",
                "{from: b, then: [{values: {active: true}, else: null}]}",
                "{from: b, then: [{values: {active: true, gone: ''}}]}",
                "{from: b, then: [{replace: {off: ''}}]}",
            )
        ),
        ("username: {from: a}\ngroups: {from: b, splt: x}\n", ["line 2, groups.splt", "unknown key 'splt'"]),
        (
            "username: {from: a}\ngroups: [{from: b}, {from: c, as: boolean}]\n",
            ["groups[1].as", "unknown key 'as'"],
        ),
        (
            "username: {from: a}\nidentities: {from: b, split: x, each: '{c}'}\n",
            ["identities.each", "need no `split`"],
        ),
        ("plane\n", ["unknown preset 'plane'", "'plain'"]),
        ("preset: plane\n", ["run.yaml, line 1, preset", "unknown preset 'plane'"]),
        ("- a\n", ["a map of rules or the name of a preset"]),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_the_known_names(text: str, parts: list[str]) -> None:
    message = problem(text)
    assert [part for part in parts if part not in message] == [], message


def test_every_problem_is_told_at_once() -> None:
    text = "username: {form: id}\nattributes:\n  email: {from: a, then: [trm]}\n  name: {from: b, bad: no}\n"
    lines = problem(text).splitlines()
    assert ["line 1" in lines[0], "line 3" in lines[1], "line 4" in lines[2]] == [True] * 3


def test_lines_survive_where_only_the_top_of_the_document_lost_them() -> None:
    """A run file's own checks may have copied the outermost map."""
    data = dict(parse_yaml(rule("\n    {form: mail}"), where="x"))  # type: ignore[call-overload]
    with pytest.raises(ConfigurationError, match=r"run\.yaml, line 4, attributes\.email\.form"):
        parse_mapping(data, where="run.yaml")


def test_data_without_lines_is_refused_by_key_alone() -> None:
    with pytest.raises(ConfigurationError, match=r"^run\.yaml, attributes\.email\.form: unknown key"):
        parse_mapping({"username": {"from": "id"}, "attributes": {"email": {"form": "x"}}}, where="run.yaml")


def test_no_value_of_a_mapping_is_shown_in_an_error() -> None:
    message = problem(rule("{from: mail, then: [{values: [s3cret]}], default: [s3cret]}"))
    assert "s3cret" not in message


def test_whole_numbers_booleans_and_days_are_texts_as_they_are_written() -> None:
    spec = parsed(rule("{from: 7, default: 1900-01-01, when: {field: a, in: [1, true, no]}}"))
    email = spec.attributes["email"]
    assert (email.from_, email.default, email.when[0].in_) == ("7", "1900-01-01", ("1", "true", "no"))


def test_a_preset_is_a_name_or_the_start_of_a_mapping() -> None:
    assert "plain" in preset_names()
    whole = parse_mapping("plain", where="x")
    changed = parsed("preset: plain\nusername: {from: key}\nattributes:\n  email: {from: mail2}\n  gender:\n")
    assert changed.username.from_ == "key"
    assert changed.attributes["email"].then == ()
    assert set(whole.attributes) - set(changed.attributes) == {"gender"}
    assert changed.attributes["name"] == whole.attributes["name"]


def test_rules_of_a_preset_are_told_from_the_runs_own() -> None:
    spec = parsed("preset: plain\nattributes:\n  email: {from: mail2}\n")
    assert spec.is_preset(("username",))
    assert spec.is_preset(("attributes", "name"))
    assert not spec.is_preset(("attributes", "email"))


def test_a_specification_is_taken_as_it_is() -> None:
    spec = parsed("username: {from: id}\n")
    assert parse_mapping(spec, where="x") is spec


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\na: secret\n", "doc, line 2: not YAML: found duplicate key"),
        ("a: [1", "doc, line 1: not YAML"),
        ('a: 1\nb: ["secret\\ud800"]', r"doc, line 2: not YAML: .*\\uD83D\\uDE00"),
        ('a: 1\n"secret\\udc00": 1', "doc, line 2: not YAML: found half a character"),
        ('a: "\\ud83d\\ude00 secret"', "doc, line 1: not YAML: found half a character"),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_line_and_without_values(text: str, expected: str) -> None:
    with pytest.raises(ConfigurationError, match=expected) as caught:
        parse_yaml(text, where="doc")
    assert "secret" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe4")
    with pytest.raises(ConfigurationError, match=r"latin\.yaml is not UTF-8"):
        read_yaml(tmp_path / "latin.yaml")
    with pytest.raises(ConfigurationError, match=r"none\.yaml cannot be read"):
        read_yaml(tmp_path / "none.yaml")


MERGED = """
usual: &usual {from: mail, then: [trim]}
shared: &shared
  name: {from: n, then: [shout]}
mapping:
  username: {from: id}
  attributes:
    <<: *shared
    email: {<<: *usual, form: x}
"""


def test_what_a_merge_key_brings_has_the_line_of_the_deepest_part_that_is_known() -> None:
    data = parse_yaml(MERGED, where="run.yaml")
    assert isinstance(data, dict)
    with pytest.raises(ConfigurationError) as caught:
        parse_mapping(data["mapping"], where="run.yaml")
    first, second = str(caught.value).splitlines()
    assert "run.yaml, line 9, attributes.email.form: unknown key 'form'" in first
    assert "run.yaml, line 4, attributes.name.then[0]: unknown verb 'shout'" in second


def test_a_mapping_with_merge_keys_is_compiled() -> None:
    text = MERGED.replace("shout", "upper").replace(", form: x", "")
    data = parse_yaml(text, where="run.yaml")
    assert isinstance(data, dict)
    mapping = compile_mapping(parse_mapping(data["mapping"], where="run.yaml"), where="run.yaml")
    assert mapping.fields == ("id", "mail", "n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("preset: devise\npasword_hash: null\n",
         "line 2, pasword_hash: unknown key 'pasword_hash'. Did you mean 'password_hash'?"),
        ("preset: devise\nattributes:\n  emial: null\n",
         "line 3, attributes.emial: unknown attribute of the preset 'emial'. Did you mean 'email'?"),
    ],
)  # fmt: skip
def test_null_takes_away_nothing_but_what_is_there(text: str, expected: str) -> None:
    assert expected in problem(text)


def test_null_takes_a_rule_of_the_preset_away() -> None:
    spec = parsed("preset: devise\npassword_hash: null\nmfa: null\nattributes: {name: null}\n")
    assert (spec.password_hash, "name" in spec.attributes) == (None, False)
