"""A field that a JSON source's first records lack is looked for in all of it before a rule is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from connectors.errors import ConfigurationError, SourceError
from connectors.sources import json_files
from connectors.sources.json_files import JsonLinesSettings, JsonLinesSource, JsonSettings, JsonSource
from flows.settings import load_run_file
from flows.steps.context import known_fields, source_of, spec_of
from mappings.engine import compile_mapping

if TYPE_CHECKING:
    from pathlib import Path

    from mappings.engine import CompiledMapping


@pytest.fixture(autouse=True)
def _a_sample_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_files, "_SAMPLED", 2)


PEOPLE = [
    {"id": "1", "username": "a"},
    {"id": "2", "username": "b"},
    {"id": "3", "username": "c", "late": {"plan": "gold"}, "email": "c@example.com"},
    {"id": "4", "username": "d", "last": None},
]


def lines_of(folder: Path, *files: list[dict[str, Any]]) -> JsonLinesSource:
    for number, people in enumerate(files):
        text = "".join(f"{json.dumps(person)}\n" for person in people)
        (folder / f"u{number}.jsonl").write_text(text)
    return JsonLinesSource(JsonLinesSettings(path="u*.jsonl"), folder)


def test_fields_behind_the_sample_are_found(tmp_path: Path) -> None:
    source = lines_of(tmp_path, PEOPLE)
    assert source.fields() == ["id", "username"]
    assert source.find(["late.plan", "nowhere", "late", "last"]) == ["late.plan", "late", "last"]


def test_fields_of_a_list_and_of_a_later_file_are_found(tmp_path: Path) -> None:
    (tmp_path / "u.json").write_text(json.dumps({"users": PEOPLE}))
    source = JsonSource(JsonSettings(path="u.json", records="users"), tmp_path)
    assert source.find(["late.plan", "nowhere"]) == ["late.plan"]
    assert lines_of(tmp_path, PEOPLE[:2], PEOPLE[2:]).find(["last"]) == ["last"]


def test_no_more_is_read_than_it_takes(tmp_path: Path) -> None:
    """The second file is broken, and nobody looks at it."""
    lines_of(tmp_path, PEOPLE)
    (tmp_path / "u1.jsonl.gz").write_bytes(b"no gzip")
    source = JsonLinesSource(JsonLinesSettings(path="u*"), tmp_path)
    assert source.find(["late.plan", "id"]) == ["late.plan", "id"]
    with pytest.raises(SourceError):
        source.find(["nowhere"])


def compiled(folder: Path, mapping: str) -> CompiledMapping:
    lines_of(folder, PEOPLE)
    path = folder / "run.yaml"
    path.write_text(
        "name: acme\n"
        "source: {kind: jsonl, path: u0.jsonl}\n"
        f"mapping: {mapping}\n"
        "target: {user_pool_id: eu-west-1_Example01, region: eu-west-1}\n"
        "strategies: [import_job]\n"
    )
    loaded = load_run_file(path)
    source, spec = source_of(loaded), spec_of(loaded)
    return compile_mapping(spec, known_fields=known_fields(source, spec, loaded))


def test_a_rule_of_the_runs_own_may_read_a_late_field(tmp_path: Path) -> None:
    mapping = compiled(tmp_path, "{username: {from: id}, attributes: {nickname: {from: late.plan}}}")
    assert mapping.fields == ("id", "late.plan")


def test_a_rule_that_reads_a_field_of_nobody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="unknown field of the source 'later'"):
        compiled(tmp_path, "{username: {from: id}, attributes: {nickname: {from: later}}}")


def test_a_rule_of_a_preset_that_reads_a_late_field_stays_in(tmp_path: Path) -> None:
    mapping = compiled(tmp_path, "plain")
    assert "email" in mapping.attributes
    assert "nickname" not in mapping.attributes
