"""Paths into nested records."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sources.paths import MISSING, getter, paths_in, splits, take_index

RECORD: dict[str, Any] = {
    "id": 1,
    "app_metadata": {"plan": "pro", "a.b": {"c": 2}},
    "emails": [{"value": "a"}, {"value": "b"}, ["x", "y"]],
    "a.b": "dotted",
    "a": {"b": "nested", "b.c": 3},
    "l[0]": "literal",
    "l": ["indexed"],
    "": {"": 0},
    "none": None,
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", 1),
        ("app_metadata.plan", "pro"),
        ("app_metadata.a.b.c", 2),
        ("emails[0].value", "a"),
        ("emails[1].value", "b"),
        ("emails[2][1]", "y"),
        ("emails[2]", ["x", "y"]),
        ("a.b", "dotted"),
        ("a.b.c", 3),
        ("l[0]", "literal"),
        ("none", None),
    ],
)
def test_a_path_finds_its_value(path: str, value: object) -> None:
    assert getter(path)(RECORD) == value


NOT_THERE = ["nope", "id.x", "id[0]", "none.x", "a..b", "app_metadata.", "emails.value", "emails[0].nope"]
NO_INDEX = ["emails[3]", "emails[x]", "emails[-1]", "emails[0]value"]


@pytest.mark.parametrize("path", NOT_THERE + NO_INDEX)
def test_what_is_not_there_is_missing(path: str) -> None:
    assert getter(path)(RECORD) is MISSING


@pytest.mark.parametrize("record", [None, 7, "text", [], [{}]])
def test_what_is_no_object_has_nothing(record: object) -> None:
    assert getter("id")(record) is MISSING
    assert getter("a.b")(record) is MISSING


def test_paths_of_a_record_can_be_asked_for() -> None:
    found = list(
        paths_in({"id": 1, "m": {"a": {"b": 2}, "e": {}}, "l": [{"v": 1}, {"w": 2}], "n": [[0]], "z": []})
    )
    assert found == ["id", "m.a.b", "m.e", "l", "l[0].v", "n", "n[0]", "n[0][0]", "z"]


names = st.text("ab.[]0", min_size=1, max_size=4)
records = st.recursive(
    st.none() | st.integers(),
    lambda inner: st.dictionaries(names, inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=8,
)


@given(st.dictionaries(names, records, min_size=1))
def test_every_path_listed_leads_somewhere(record: dict[str, Any]) -> None:
    for path in paths_in(record):
        assert getter(path)(record) is not MISSING


@given(st.text("ab.[]01", max_size=8), records)
def test_no_path_and_no_record_raises(path: str, record: object) -> None:
    getter(path)(record)


def test_longer_keys_are_tried_first() -> None:
    assert list(splits("a.b[0].c")) == [("a.b[0].c", ""), ("a.b[0]", "c"), ("a.b", "[0].c"), ("a", "b[0].c")]


def test_an_index_is_taken_off_the_front() -> None:
    assert take_index("[12].a") == (12, "a")
    assert take_index("[1][2]") == (1, "[2]")
    assert take_index("[1]a") is None
    assert take_index("a[1]") is None
