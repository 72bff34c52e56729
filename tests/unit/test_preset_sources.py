"""The source that a preset brings, and the example run file of its name: one text."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import ConfigurationError
from mappings.preset_sources import MORE, PresetSource, parse_source
from mappings.presets_read import parse_preset, preset_names, read_preset
from tests.contracts.example_runs import example

BRINGING = [name for name in preset_names() if read_preset(name).source]
URL = "postgresql+psycopg://reader@db.example.com/app"
PREFIX = "wp_"


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _stripped(one) for key, one in value.items()}
    return value.strip() if isinstance(value, str) else value


def _as_written(source: PresetSource, backend: str) -> dict[str, Any]:
    """The source as the example run file of the preset has it, for a table as systems make it."""
    query = source.query_for(backend, PREFIX)
    place = {"table": source.table} | ({"db_schema": source.db_schema} if source.db_schema else {})
    read = {"query": query.replace(MORE, "")} if query else place
    lists = source.lists_with(PREFIX)
    return dict(_stripped({"kind": "sql", "key": source.key, **read, **({"lists": lists} if lists else {})}))


def _told(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the example run file of a preset reads, and what the preset brings for the same database."""
    own = example(name, URL)[0]
    backend = "mysql" if name in ("wordpress", "laravel") else "postgresql"
    source = read_preset(name).source
    assert source is not None
    return _stripped({key: one for key, one in own.items() if key != "url"}), _as_written(source, backend)


@pytest.mark.parametrize("name", BRINGING)
def test_the_example_run_file_reads_as_its_preset_does(name: str) -> None:
    written, brought = _told(name)
    assert written == brought


def test_databases_of_applications_bring_a_source() -> None:
    told = {"aspnet_identity", "better_auth", "devise", "django", "laravel", "supabase", "wordpress"}
    assert set(BRINGING) == told


@pytest.mark.parametrize("name", BRINGING)
def test_a_query_that_has_drifted_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read = PresetSource.lists_with if read_preset(name).source.query is None else PresetSource.query_for  # type: ignore[union-attr]  # it brings one
    lists = read is PresetSource.lists_with

    def drifted(self: PresetSource, *given: str) -> Any:
        made = read(self, *given)  # type: ignore[call-arg, arg-type]  # as it was called
        return {"groups": {}} if lists else f"{made} LIMIT 1"

    monkeypatch.setattr(PresetSource, read.__name__, drifted)
    written, brought = _told(name)
    assert written != brought


SHOP = {"table": "{prefix}users", "key": "id"}


def test_the_prefix_is_what_the_table_s_name_begins_with() -> None:
    found = parse_source({**SHOP, "query": "SELECT * FROM {prefix}users JOIN {prefix}more"}, "x")
    assert found is not None
    assert found.prefix_of("shop_users") == "shop_"
    assert found.prefix_of("users") == ""
    assert found.prefix_of("shop_people") is None
    assert found.query_for("mysql", "a_") == "SELECT * FROM a_users JOIN a_more"
    assert found.place == "PREFIX_users"


def test_what_the_table_alone_does_not_tell_is_that_of_the_query_and_the_lists() -> None:
    lists = {"groups": {"query": "SELECT 1", "user": "a", "value": "b"}}
    found = PresetSource(table="t", key="id", adds="names", lists=lists)
    assert found.all_it_adds_to(()) == "names or groups"
    assert found.all_it_adds_to({"groups": {}}) == "names"
    assert PresetSource(table="t", key="id", lists=lists).all_it_adds_to(["groups"]) == ""


def test_a_query_may_be_for_some_databases_alone() -> None:
    found = parse_source({**SHOP, "query": {"mysql": "SELECT 1"}}, "x")
    assert found is not None
    assert [found.query_for(one, "") for one in ("mysql", "mariadb", "sqlite")] == [
        "SELECT 1", "SELECT 1", None,
    ]  # fmt: skip
    assert parse_source(None, "x") is None


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ("users", "preset x: source: it is a map with table,"),
        ("{table: users}", "source.key: Field required. Its keys: table,"),
        ("{table: users, key: id, querry: SELECT}", "source.querry: Extra inputs"),
    ],
)
def test_a_wrong_source_is_refused(told: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint.replace(".", r"\.")):
        parse_preset(f"source: {told}\nusername: {{from: id}}\n", where="preset x")


def test_a_source_is_no_rule() -> None:
    read = parse_preset("source: {table: t, key: id, adds: groups}\nusername: {from: id}\n", where="x")
    assert read.source == PresetSource(table="t", key="id", adds="groups")
    assert set(read.rules) == {"username"}
