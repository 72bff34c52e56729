"""Lists in arrays that PHP has serialised, as WordPress keeps roles."""

from __future__ import annotations

import json
import shutil
import subprocess

import polars as pl
import pytest

from connectors.records import FILE, GROUPS, LINE, REASON
from mappings.engine import compile_mapping
from mappings.php import names_of
from mappings.spec import parse_mapping
from tests.servers.installed import missing

FINE = {
    'a:1:{s:6:"editor";b:1;}': ["editor"],
    'a:2:{s:13:"administrator";b:1;s:6:"author";b:0;}': ["administrator"],
    'a:2:{s:6:"editor";s:1:"1";s:6:"author";s:1:"0";}': ["editor"],
    'a:2:{i:0;s:2:"ä";i:1;s:4:"a";b";}': ["ä", 'a";b'],
    'a:1:{s:2:"x}";i:1;}': ["x}"],
    "a:1:{i:0;N;}": [],
    "a:0:{}": [],
}
BROKEN = [
    'a:2:{s:6:"editor";b:1;}', 'a:1:{s:7:"editor";b:1;}', 'a:1:{s:1:"ä";b:1;}', 'a:1:{s:6:"editor";a:0:{}}',
    'a:1:{s:1:"x";O:8:"stdClass":0:{}}', 'a:1:{s:999999999:"x";b:1;}', "a:1:{b:1;}", "a:9:{}",
    'a:1:{s:6:"editor";b:2;}', 'a:1:{s:6:"editor";b:1;};}',
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FINE.items())
def test_names_are_read(text: str, expected: list[str]) -> None:
    assert names_of(text) == expected


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_or_nested_array_is_refused(text: str) -> None:
    assert names_of(text) is None


@pytest.mark.system
def test_php_reads_the_same() -> None:
    if shutil.which("php") is None:
        missing("PHP", "php-cli")
    script = (
        "$found = []; foreach (json_decode(stream_get_contents(STDIN)) as $text) {"
        "$array = @unserialize($text, ['allowed_classes' => false]); $names = [];"
        "foreach (is_array($array) ? $array : [] as $key => $value) { if ($value) {"
        "$names[] = is_string($key) ? $key : $value; } } $found[] = is_array($array) ? $names : null; }"
        "echo json_encode($found);"
    )
    flat = [
        text for text in (*FINE, *BROKEN[:-1]) if ":{}}" not in text
    ]  # PHP forgives what stands behind one
    told = subprocess.run(
        ["php", "-r", script], input=json.dumps(flat), capture_output=True, text=True, check=True
    )
    assert json.loads(told.stdout) == [names_of(text) for text in flat]


def test_they_become_groups_beside_other_texts_and_a_broken_one_rejects_its_user() -> None:
    texts = ['a:1:{s:6:"editor";b:1;}', '["a", "b"]', " ", None, "plain", "a:0:{}", BROKEN[0], " a:1:{x} "]
    mapping = compile_mapping(
        parse_mapping({"username": {"from": "id"}, "groups": {"from": "roles"}}, where="m"), where="m"
    )
    schema = {LINE: pl.UInt64, FILE: pl.UInt32, "id": pl.String, "roles": pl.String}
    size = len(texts)
    rows = pl.DataFrame(
        {LINE: range(size), FILE: [0] * size, "id": ["u"] * size, "roles": texts}, schema=schema
    )
    found = mapping.apply(rows)
    assert found[GROUPS].to_list() == [["editor"], ["a", "b"], [], [], ["plain"], [], [], []]
    assert found[REASON].to_list() == [None] * 6 + ["groups_invalid"] * 2
