"""Origins, conditions, lists and tables: what one rule makes of one field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from connectors.errors import ConfigurationError
from connectors.records import ENABLED, FILE, GROUPS, IDENTITIES, LINE, REASON
from mappings.engine import compile_mapping
from mappings.spec import parse_mapping

if TYPE_CHECKING:
    from pathlib import Path

Row = dict[str, str | None]


def mapped(part: dict[str, Any], *rows: Row, base: Path | None = None) -> pl.DataFrame:
    """Rows through a mapping of ``username`` and one more part."""
    mapping = compile_mapping(
        parse_mapping({"username": {"from": "id"}, **part}, where="m"), base=base, where="m"
    )
    fields = {field: [row.get(field) for row in rows] for field in mapping.fields}
    schema = {LINE: pl.UInt64, FILE: pl.UInt32, **dict.fromkeys(fields, pl.String)}
    numbers = {LINE: range(2, len(rows) + 2), FILE: [0] * len(rows)}
    return mapping.apply(pl.DataFrame({**numbers, **fields}, schema=schema))


def values(rule: dict[str, Any], *texts: str | None, field: str = "a") -> list[str | None]:
    """What an attribute's rule makes of the texts of one field."""
    return mapped({"attributes": {"x": rule}}, *({field: text} for text in texts))["x"].to_list()


def test_an_empty_or_blank_text_is_no_value() -> None:
    assert values({"from": "a"}, "x", " x ", "", " ", "\t\u00a0", None) == [
        "x",
        " x ",
        None,
        None,
        None,
        None,
    ]


def test_first_of_takes_the_first_field_that_has_a_value() -> None:
    rows: list[Row] = [{"a": "1", "b": "2"}, {"a": " ", "b": "2"}, {"a": None, "b": ""}]
    assert mapped({"attributes": {"x": {"first_of": ["a", "b"]}}}, *rows)["x"].to_list() == ["1", "2", None]


@pytest.mark.parametrize(
    ("template", "rows", "expected"),
    [
        ("{a} {b}", [{"a": "Ada", "b": "King"}, {"a": "Ada"}], ["Ada King", "Ada"]),
        ("{a} {b}", [{"b": " King "}, {"a": " "}, {}], ["King", None, None]),
        ("{a}  {b}", [{"a": "van  der", "b": "X"}], ["van der X"]),
        ("{a}-{b}", [{"a": "1", "b": "2"}, {"a": "1"}, {"a": "", "b": " "}], ["1-2", "1-", None]),
        ("{{{a}}}", [{"a": "1"}, {}], ["{1}", None]),
        ("{a.b[0].c}", [{"a.b[0].c": "1"}], ["1"]),
    ],
)
def test_templates(template: str, rows: list[Row], expected: list[str | None]) -> None:
    assert mapped({"attributes": {"x": {"template": template}}}, *rows)["x"].to_list() == expected


def test_a_constant_goes_through_its_steps_once_and_for_all() -> None:
    assert values({"const": " Acme ", "then": ["trim", "upper"]}, "1", None) == ["ACME", "ACME"]
    with pytest.raises(ConfigurationError, match=r"m, attributes\.x: nothing is left of this constant"):
        values({"const": "maybe", "as": "boolean"})


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ({"equals": "b"}, "b"),
        ({"not_equals": "b"}, "acB-"),
        ({"in": ["b", "B"]}, "bB"),
        ({"present": True}, "abcbB"),
        ({"missing": True}, "-"),
        ({"starts_with": "a"}, "a"),
        ({"ends_with": "c"}, "c"),
        ({"contains": "b"}, "b"),
        ({"matches": "^[bc]$"}, "bc"),
    ],
)
def test_conditions(test: dict[str, Any], expected: str) -> None:
    """A rule whose condition does not hold has no value, and so its default."""
    texts = ["a", "b", "c", " ", "B", None]
    rule = {"const": "yes", "when": {"field": "a", **test}, "default": "no"}
    held = {text for text, value in zip(texts, values(rule, *texts), strict=True) if value == "yes"}
    assert {text for text in held if text and text.strip()} == set(expected) - {"-"}
    assert (None in held) == (" " in held) == ("-" in expected)


def test_all_conditions_of_a_list_must_hold() -> None:
    rule = {"from": "a", "when": [{"field": "a", "starts_with": "x"}, {"field": "a", "ends_with": "y"}]}
    assert values(rule, "xy", "xz", "zy") == ["xy", None, None]


@pytest.mark.parametrize(
    ("bad", "value", "reason"), [("reject", None, "x_invalid"), ("drop", None, None), ("default", "0", None)]
)
def test_a_bad_value_is_rejected_dropped_or_replaced(bad: str, value: str | None, reason: str | None) -> None:
    """The default of a missing value does not hide a bad one unless the rule says so."""
    page = mapped(
        {"attributes": {"x": {"from": "a", "as": "integer", "bad": bad, "default": "0"}}},
        {"a": "x"},
        {"a": " "},
        {"a": "7"},
    )
    assert page["x"].to_list() == [value, "0", "7"]
    assert page[REASON].to_list() == [reason, None, None]


def test_only_the_step_that_refuses_makes_a_value_bad() -> None:
    """A verb that does not check may leave nothing, which is no value and no fault."""
    page = mapped(
        {"attributes": {"x": {"from": "a", "then": ["digits", "e164"]}}},
        {"a": "n/a"},
        {"a": "12"},
        {"a": "+4930231250"},
    )
    assert page[REASON].to_list() == [None, "x_invalid", "x_invalid"]


def test_a_value_may_pass_several_checks() -> None:
    rule = {"from": "a", "then": ["email", {"split": "@"}], "as": "integer"}
    page = mapped(
        {"attributes": {"x": rule}}, {"a": "7@example.com"}, {"a": "x@example.com"}, {"a": "7"}, {"a": ""}
    )
    assert page["x"].to_list() == ["7", None, None, None]
    assert page[REASON].to_list() == [None, "x_invalid", "x_invalid", None]


LISTS = [
    ({"split": ";"}, "a; b;;a ", ["a", "b"]),
    ({"split": ";"}, '["a"]', ['["a"]']),
    ({}, "a;b", ["a;b"]),
    ({}, ' ["a", " b ", "", null, "a", 7]', ["a", "b", "7"]),
    ({}, "[1.0, 12345678901234567890123, 1e5, -0, 1.50, 1E400]",
     ["1.0", "12345678901234567890123", "1e5", "-0", "1.50", "1E400"]),
    ({}, '["\\u00e9 1.0", 1.0, true, null, "2.0"]', ["é 1.0", "1.0", "true", "2.0"]),
    ({}, "[]", []),
    ({"split": ";", "then": ["lower", {"prefix": "g-"}]}, "A;B", ["g-a", "g-b"]),
    ({"split": ";", "values": {"admin": "admins", "x": None}}, "admin;user;x", ["admins", "user"]),
    ({"split": ";", "values": {"admin": "", "x": " "}}, "admin;user;x", ["user"]),
    ({"each": "{p}/{u}"}, '[{"p": "Google", "u": 12, "z": []}, null]', ["Google/12"]),
    ({"each": "{p}/{u}"}, '{"p": "Google", "u": "1"}', ["Google/1"]),
    ({"each": "{p}/{u}"}, '{"p":1.0,"u":9007199254740993.0,"z":[1.0]}', ["1.0/9007199254740993.0"]),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "text", "expected"), LISTS)
def test_lists(keys: dict[str, Any], text: str, expected: list[str]) -> None:
    """The same on a column of one text as on a column of many different ones."""
    part = {"groups": {"from": "a", **keys}}
    assert mapped(part, {"a": text})[GROUPS].to_list() == [expected]
    others = [{"a": f"[]{' ' * at}" if "each" in keys else f"n{at}"} for at in range(300)]
    assert mapped(part, *others, {"a": text}, {"a": ""}, {})[GROUPS].to_list()[300:] == [expected, [], []]


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({}, "[admin]"),
        ({}, '["a"'),
        ({}, '[{"a": 1}]'),
        ({}, '[1.0, {"a": 1}]'),
        ({}, "[1.0, 2"),
        ({"each": "{p}/{u}"}, '[{"p": "x"}]'),
        ({"each": "{p}"}, "Google"),
    ],
)
def test_a_list_that_cannot_be_read_rejects_its_user_and_nobody_else(keys: dict[str, Any], text: str) -> None:
    fine = '[{"p": "x", "u": "y"}]' if keys else '["a"]'
    page = mapped({"identities": {"from": "a", **keys}}, {"a": fine}, {"a": text}, {"a": fine})
    assert page[REASON].to_list() == [None, "identities_invalid", None]
    assert page[IDENTITIES].list.len().to_list() == [1, 0, 1]


def test_a_part_that_a_verb_refuses_spoils_its_list() -> None:
    page = mapped(
        {"groups": {"from": "a", "split": ";", "then": ["email"]}},
        {"a": "a@example.com;x"},
        {"a": "b@example.com"},
    )
    assert page[REASON].to_list() == ["groups_invalid", None]
    assert page[GROUPS].to_list() == [[], ["b@example.com"]]


def test_lists_of_several_rules_are_joined() -> None:
    part = {
        "groups": [
            {"from": "a", "split": ";"},
            {"const": "all"},
            {"from": "b", "when": {"field": "b", "equals": "vip"}},
        ]
    }
    page = mapped(part, {"a": "x;all", "b": "vip"}, {"b": "no"})
    assert page[GROUPS].to_list() == [["x", "all", "vip"], ["all"]]


def test_the_default_of_a_list_stands_for_an_empty_one() -> None:
    part = {"groups": {"from": "a", "split": ";", "default": ["users"]}}
    assert mapped(part, {"a": "x"}, {"a": ";"}, {})[GROUPS].to_list() == [["x"], ["users"], ["users"]]


TABLES = {
    "t.csv": '\ncode,plan\n01,gold\n"0,2","sil\nver"\n03,\n',
    "t.json": '{"01": "gold", "0,2": "sil\\nver", "03": null}',
    "t.yaml": '"01": gold\n"0,2": "sil\\nver"\n"03":\n',
}


@pytest.mark.parametrize("name", [*TABLES, None], ids=str)
def test_a_lookup_takes_its_table_from_a_file_or_from_the_mapping(name: str | None, tmp_path: Path) -> None:
    for file, text in TABLES.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    table = name or {"01": "gold", "0,2": "sil\nver", "03": None}
    part = {"attributes": {"x": {"lookup": {"from": "a", "table": table}, "bad": "drop", "default": "none"}}}
    page = mapped(part, {"a": "01"}, {"a": "0,2"}, {"a": "1"}, {"a": ""}, base=tmp_path)
    assert page["x"].to_list() == ["gold", "sil\nver", None, "none"]


@pytest.mark.parametrize("name", [*TABLES, None], ids=str)
def test_an_entry_without_a_value_is_no_value_and_rejects_nobody(name: str | None, tmp_path: Path) -> None:
    for file, text in TABLES.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    lookup = {"from": "a", "table": name or {"01": "gold", "03": None, "04": " "}}
    rows: tuple[Row, ...] = ({"a": "03"}, {"a": "01"}, {"a": "5"}, {"a": "04"} if name is None else {})
    plain = mapped({"attributes": {"x": {"lookup": lookup}}}, *rows, base=tmp_path)
    assert plain["x"].to_list() == [None, "gold", None, None]
    assert plain[REASON].to_list() == [None, None, "x_invalid", None]
    worked = {"lookup": lookup, "then": [{"prefix": "p-"}], "default": "none"}
    assert mapped({"attributes": {"x": worked}}, *rows, base=tmp_path)["x"].to_list()[:2] == [
        "none",
        "p-gold",
    ]
    assert mapped({"groups": {"lookup": lookup}}, *rows, base=tmp_path)[GROUPS].to_list()[:2] == [
        [],
        ["gold"],
    ]


def test_an_entry_without_a_value_lets_nobody_in_unsaid() -> None:
    """Whoever has no `enabled` may sign in."""
    rule = {"lookup": {"from": "a", "table": {"on": "true", "gone": None}}}
    with pytest.raises(ConfigurationError, match=r"m, enabled: .* write `default: false`"):
        mapped({"enabled": rule})
    page = mapped({"enabled": {**rule, "default": "false"}}, {"a": "on"}, {"a": "gone"}, {})
    assert page[ENABLED].to_list() == [True, False, False]
    assert page[REASON].to_list() == [None, None, None]


def test_a_table_without_a_header_line_loses_no_entry_where_its_columns_are_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("01,gold\n02,silver\n", encoding="utf-8")
    lookup = {"from": "a", "table": "t.csv", "columns": ["code", "plan"]}
    page = mapped({"attributes": {"x": {"lookup": lookup}}}, {"a": "01"}, {"a": "02"}, base=tmp_path)
    assert page["x"].to_list() == ["gold", "silver"]


@pytest.mark.parametrize("table", ["t.json", {"1": "one"}])
def test_only_a_csv_table_has_columns_to_name(table: Any) -> None:
    lookup = {"from": "a", "table": table, "columns": ["code", "plan"]}
    with pytest.raises(ConfigurationError, match=r"lookup\.columns: only a table in a CSV file has columns"):
        mapped({"attributes": {"x": {"lookup": lookup}}})


@pytest.mark.parametrize(
    "text", ["01,gold\n02,silver\n", "a@example.com,x\n", "A,gold\nB,gold\n", "A,\nB,gold\n", "A,007\n"]
)
def test_an_entry_in_the_place_of_the_header_line_is_refused(text: str, tmp_path: Path) -> None:
    """It would be lost, and whoever has it would be refused or get the default."""
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"t\.csv: the first line looks like an entry") as caught:
        mapped({"attributes": {"x": {"lookup": {"from": "a", "table": "t.csv"}}}}, base=tmp_path)
    assert "`columns: [code, plan]`" in str(caught.value)
    assert "gold" not in str(caught.value)


def test_what_a_table_does_not_have_is_a_bad_value() -> None:
    page = mapped(
        {"attributes": {"x": {"lookup": {"from": "a", "table": {"1": "one"}}}}}, {"a": "2"}, {"a": "1"}, {}
    )
    assert page[REASON].to_list() == ["x_invalid", None, None]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "a,b\n1,x\n1,y\n", "t.csv, line 3: this entry stands further up"),
        ("t.csv", "a,b\n1\n", "t.csv, line 2: a table has two columns, this line has 1"),
        ("t.csv", "a,b,c\n1,x\n", "t.csv, line 1: a table has two columns, this line has 3"),
        ("t.csv", 'a,b\n"1,x\n', "t.csv, line 2: not CSV"),
        ("t.json", "{", "t.json, line 1: not JSON"),
        ("t.json", '{"a": 1, "a": 2}', "t.json: a key stands twice"),
        ("t.json", '{"a": {"b": 1}}', "t.json: a table is a flat map of texts"),
        ("t.yaml", "- a\n", "t.yaml: a table is a flat map of texts"),
        ("t.txt", "", "unknown kind of table '.txt'. Known: .csv, .json, .yaml, .yml"),
        ("none.csv", None, "none.csv cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(
    name: str, text: str | None, message: str, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    part = {"attributes": {"x": {"lookup": {"from": "a", "table": name}}}}
    with pytest.raises(ConfigurationError) as caught:
        mapped(part, base=tmp_path)
    assert message in str(caught.value)
    assert str(caught.value).startswith("m, attributes.x: ") or "unknown kind" in message
