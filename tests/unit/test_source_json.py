"""JSON files: values exactly as written, paths, broken records, lists that are longer than memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.errors import ConfigurationError, SourceError
from connectors.json_text import DECODER, compact, text_of
from connectors.records import LINE
from connectors.sources import windows
from connectors.sources.json_files import JsonLinesSettings, JsonLinesSource, JsonSettings, JsonSource

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from connectors.records import Page


def lines(
    folder: Path, content: str | bytes, *, block: int = 1 << 20, encoding: str | None = None
) -> JsonLinesSource:
    (folder / "u.jsonl").write_bytes(content.encode() if isinstance(content, str) else content)
    return JsonLinesSource(JsonLinesSettings(path="u.jsonl", encoding=encoding), folder, block_bytes=block)


def listed(
    folder: Path,
    content: str | bytes,
    records: str | None = None,
    *,
    block: int = 1 << 20,
    encoding: str | None = None,
) -> JsonSource:
    (folder / "u.json").write_bytes(content.encode() if isinstance(content, str) else content)
    made = JsonSettings(path="u.json", records=records, encoding=encoding)
    return JsonSource(made, folder, block_bytes=block)


def rows(pages: Sequence[Page], *columns: str) -> list[tuple[Any, ...]]:
    return [row for page in pages for row in page.rows.select(*columns).iter_rows()]


def lost(pages: Sequence[Page]) -> list[tuple[Any, ...]]:
    return [(row[0], row[2]) for page in pages for row in page.unreadable.iter_rows()]


def test_no_beginning_of_a_file_proves_that_nobody_in_it_has_a_field(tmp_path: Path) -> None:
    lines(tmp_path, '{"id": 1}\n').check_fields(["id", "name"])


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ('"00123"', "00123"),
        ('" padded "', " padded "),
        ('""', ""),
        ("null", None),
        ("true", "true"),
        ("false", "false"),
        ("0", "0"),
        ("-0", "-0"),
        ("1.10", "1.10"),
        ("1e5", "1e5"),
        ("1E+05", "1E+05"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("1" * 5000, "1" * 5000),
        ("[]", "[]"),
        ('[ 1, 2.50, "a\\"b", null, true ]', '[1,2.50,"a\\"b",null,true]'),
        ('{ "b": 1e5, "a": {"c": [ ] } }', '{"b":1e5,"a":{"c":[]}}'),
        ('"\\u00e9\\n"', "é\n"),
        ('{"k\\u00e9\\n": "é"}', '{"ké\\n":"é"}'),
    ],
)
def test_a_value_is_text_exactly_as_it_is_written(tmp_path: Path, written: str, text: str | None) -> None:
    assert rows(list(lines(tmp_path, f'{{"v": {written}}}\n').pages(["v"])), "v") == [(text,)]
    assert rows(list(listed(tmp_path, f'[{{"v": {written}}}]').pages(["v"])), "v") == [(text,)]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(values)
def test_compact_json_means_the_same_and_is_as_short_as_it_gets(value: object) -> None:
    short = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert compact(DECODER.decode(json.dumps(value, indent=1))) == short


def test_a_string_that_looks_like_a_number_stays_a_string_in_a_list() -> None:
    assert text_of(DECODER.decode('["1", 1]')) == '["1",1]'


def test_paths_reach_into_records_and_what_is_not_there_is_null(tmp_path: Path) -> None:
    made = lines(
        tmp_path, '{"m":{"plan":"pro"},"e":[{"v":"a"}]}\n{"m":7}\n{"m.plan":"dotted","m":{"plan":"x"}}\n'
    )
    assert rows(list(made.pages(["m.plan", "e[0].v"])), LINE, "m.plan", "e[0].v") == [
        (1, "pro", "a"),
        (2, None, None),
        (3, "dotted", None),
    ]
    assert made.fields() == ["m.plan", "e", "e[0].v", "m"]


@pytest.mark.parametrize("block", [1, 16, 1 << 20])
def test_broken_lines_are_told_with_their_physical_line(tmp_path: Path, block: int) -> None:
    content = (
        b'\xef\xbb\xbf{"id":1}\r\n\r\n{broken\n[]\n"x"\n{"id":"\xff"}\n{"id":"\\ud800"}\n{"id":2} x\n{"id":3}'
    )
    pages = list(lines(tmp_path, content, block=block, encoding="utf-8").pages(["id"]))
    assert rows(pages, LINE, "id") == [(1, "1"), (9, "3")]
    malformed = [(line, "line_malformed") for line in (3, 4, 5)]
    assert lost(pages) == [
        *malformed,
        (6, "line_undecodable"),
        (7, "line_undecodable"),
        (8, "line_malformed"),
    ]


TWICE = ['{"id":1}', '{"id":2,"n":"a","id":3}', '{"id":4,"x":[{"y":{"a":1,"a":1}}]}', '{"id":5,"m":{"id":6}}']


SOURCES_OF_TWICE: dict[str, Callable[[Path, int], JsonLinesSource | JsonSource]] = {
    "lines": lambda folder, block: lines(folder, "\n".join(TWICE), block=block),
    "a list": lambda folder, block: listed(folder, f"[{', '.join(TWICE)}]", block=block),
    "a list under a key": lambda folder, block: listed(
        folder, f'{{"a": {TWICE[1]}, "users": [{",".join(TWICE)}]}}', "users", block=block
    ),
}


@pytest.mark.parametrize("block", [1, 16, 1 << 20])
@pytest.mark.parametrize("kind", SOURCES_OF_TWICE)
def test_a_key_that_stands_twice_in_an_object_rejects_its_record(
    tmp_path: Path, kind: str, block: int
) -> None:
    """Nobody knows which of the two values is the right one, and one would be lost in silence."""
    made = SOURCES_OF_TWICE[kind](tmp_path, block)
    pages = list(made.pages(["id"]))
    assert rows(pages, LINE, "id") == [(1, "1"), (4, "5")]
    assert lost(pages) == [(2, "line_key_twice"), (3, "line_key_twice")]
    assert made.fields() == ["id", "m.id"]
    assert made.find(["m.id", "n"]) == ["m.id"]


def test_what_is_no_json_behind_a_key_that_stands_twice_ends_the_list(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no valid JSON, or cut off"):
        list(listed(tmp_path, '[{"id":1}, {"a":{"b":1,"b":2},}, {"id":2}]').pages(["id"]))


def test_nesting_without_end_is_malformed(tmp_path: Path) -> None:
    deep = '{"a":' * 100_000
    pages = list(lines(tmp_path, f'{deep}\n{{"id":1}}\n').pages(["id"]))
    assert rows(pages, "id") == [("1",)]
    assert lost(pages) == [(1, "line_malformed")]


def test_undecodable_bytes_matter_only_in_asked_fields(tmp_path: Path) -> None:
    made = lines(tmp_path, b'{"id":1,"x":"\xff"}\n', encoding="utf-8")
    assert rows(list(made.pages(["id"])), "id") == [("1",)]


@pytest.mark.parametrize("block", [1, 13, 1 << 20])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_list_under_a_key_is_found_behind_anything(tmp_path: Path, block: int, indent: int | None) -> None:
    around = {
        "n": -1.5e3,
        "users": {"users": [0]},
        "s": 'a"]}[{',
        "é": [[{}]],
        "data": {"x": 1, "users": [{"id": 7}]},
    }
    content = json.dumps(around, indent=indent, ensure_ascii=False)
    made = listed(tmp_path, content, "data.users", block=block)
    assert rows(list(made.pages(["id"])), LINE, "id") == [(1, "7")]


records = st.lists(st.dictionaries(st.sampled_from("abé"), values, max_size=3) | values, max_size=8)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(records, st.sampled_from([1, 7, 50, 1 << 20]), st.sampled_from([None, 1]), st.booleans())
def test_any_list_is_read_back_wherever_it_is_cut(
    tmp_path: Path,
    people: list[object],
    block: int,
    indent: int | None,
    ascii_only: bool,  # noqa: FBT001 - drawn
) -> None:
    made = listed(tmp_path, json.dumps(people, indent=indent, ensure_ascii=ascii_only), block=block)
    pages = list(made.pages(["a"]))
    objects = [(number, person) for number, person in enumerate(people, 1) if isinstance(person, dict)]
    assert rows(pages, LINE, "a") == [
        (number, text_of(DECODER.decode(json.dumps(person.get("a"))))) for number, person in objects
    ]
    broken = set(range(1, len(people) + 1)) - {number for number, _ in objects}
    assert {line for line, _ in lost(pages)} == broken
    for number, page in enumerate(pages, 1):
        rest = list(made.pages(["a"], page.cursor))
        assert rows(pages[:number] + rest, LINE) == rows(pages, LINE)
        assert lost(pages[:number] + rest) == lost(pages)


CUT_OFF = ['[{"id":1},{"id":2', '[{"id":1},{"id":2}']
BROKEN = ['[{"id":1} {"id":2}]', '[{"id":1},,{"id":2}]', '[{"id":1},{"id":nope}]', '[{"id":1};{"id":2}]']


@pytest.mark.parametrize("content", CUT_OFF + BROKEN)
@pytest.mark.parametrize("block", [4, 1 << 20])
def test_a_list_that_is_broken_or_cut_off_stops_the_source(tmp_path: Path, content: str, block: int) -> None:
    """Nobody behind the break can be told apart, so going on would lose people in silence."""
    with pytest.raises(SourceError, match=r"u\.json is no valid JSON, or cut off, behind byte \d+"):
        list(listed(tmp_path, content, block=block).pages(["id"]))


GOES_ON = ['[{"id":1}]\n[{"id":2}]', '[{"id":1}] garbage', '[{"id":1}],', "[]]", '[{"id":1}]{"id":2}']


@pytest.mark.parametrize("content", GOES_ON)
@pytest.mark.parametrize("block", [1, 1 << 20])
def test_what_stands_behind_the_list_stops_the_source(tmp_path: Path, content: str, block: int) -> None:
    """Whoever is told there would be lost in silence; also where a run goes on behind the last record."""
    offset = content.index("]") + 1 + ("\n" in content or " " in content)
    made = listed(tmp_path, content, block=block)
    with pytest.raises(SourceError, match=rf"u\.json goes on .* at byte {offset}; .* `kind: jsonl`"):
        list(made.pages(["id"]))
    with pytest.raises(SourceError, match="goes on behind"):
        list(made.pages(["id"], {"file": 0, "offset": content.index("]"), "record": 2}))


UNDER_A_KEY = {
    '{"u":[{"id":1}]}{"u":[{"id":2}]}': "goes on behind the list of records, at byte 16",
    '{"u":[{"id":1}]} x': "goes on behind the list of records, at byte 17",
    '{"u":[],"u":[{"id":2}]}': "has 'u' twice",
    '{"u":[{"id":1}],"x":[{"u":[1]}],"u":3}': "has 'u' twice",
    '{"v":{"u":[1]},"v":{"u":[2]}}': "has 'v' twice",
    '{"u":[{"id":1}]': "no valid JSON, or cut off",
    '{"u":[{"id":1}],"x" 1}': "no valid JSON, or cut off",
    '{"u":[{"id":1}],"x":[1,}': "no valid JSON, or cut off",
}


@pytest.mark.parametrize(("content", "complaint"), UNDER_A_KEY.items())
@pytest.mark.parametrize("block", [1, 1 << 20])
def test_what_stands_behind_a_list_under_a_key_stops_the_source(
    tmp_path: Path, content: str, complaint: str, block: int
) -> None:
    with pytest.raises(SourceError, match=complaint):
        list(listed(tmp_path, content, "v.u" if "v" in content else "u", block=block).pages(["id"]))


def test_a_list_behind_the_records_may_be_longer_than_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "LONGEST_RECORD", 64)
    logs = json.dumps([{"at": number} for number in range(100)])
    made = listed(tmp_path, f'{{"logs":{logs},"u":[{{"id":1}}],"more":{logs}}}', "u", block=16)
    assert rows(list(made.pages(["id"])), "id") == [("1",)]


def test_an_empty_list_has_nobody(tmp_path: Path) -> None:
    assert list(listed(tmp_path, " [ ] ").pages(["id"])) == []
    assert listed(tmp_path, "[]").fields() == []


@pytest.mark.parametrize(
    ("content", "key", "complaint"),
    [
        ('{"users": []}', None, "no list at the top. Say with `records`"),
        ('{"users": {}}', "users", "no list under 'users'"),
        ("", None, "no list at the top"),
    ],
)
def test_a_file_without_the_list_asks_where_it_is(
    tmp_path: Path, content: str, key: str | None, complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        listed(tmp_path, content, key).check()


def test_an_unknown_key_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"unknown key 'user'\. Did you mean 'users'.*Known: at, users"):
        listed(tmp_path, '{"at": 1, "users": []}', "user").check()


def test_people_s_ids_that_are_keys_are_not_shown(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="looks like data") as caught:
        listed(tmp_path, '{"ann@example.com": {}, "bob@example.com": {}}', "users").check()
    assert "ann" not in str(caught.value)


def test_a_key_in_what_is_no_object_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no object with 'users'"):
        listed(tmp_path, "[]", "users").check()


def test_a_list_read_as_lines_says_which_kind_it_is(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="`kind: json`"):
        lines(tmp_path, '[\n1,\n{"id": 2}]').check()


def test_lines_read_as_a_list_say_which_kind_they_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no list at the top"):
        listed(tmp_path, '{"id":1}\n{"id":2}\n').check()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "latin-1"])
def test_other_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    text = '{"id":"é"}\n{"id":"ü"}\n'
    assert rows(list(lines(tmp_path, text.encode(encoding), encoding=encoding).pages(["id"])), "id") == [
        ("é",),
        ("ü",),
    ]
    whole = '[{"id":"é"}]'.encode(encoding)
    assert rows(list(listed(tmp_path, whole, encoding=encoding, block=2).pages(["id"])), "id") == [("é",)]


def test_fields_come_from_records_that_can_be_read(tmp_path: Path) -> None:
    assert lines(tmp_path, 'nope\n{"a":1}\n{"b":{"c":2}}\n').fields() == ["a", "b.c"]
