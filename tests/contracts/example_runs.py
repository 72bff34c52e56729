"""The example run files of ``deployments/runs``, led to the databases of tests and judged as a run would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from ruamel.yaml import YAML

from connectors.records import REASON, USERNAME
from connectors.registry import make_source
from mappings.engine import compile_mapping
from mappings.rules import Rules
from mappings.spec import parse_mapping
from tests.test_layout import ROOT
from tests.unit.pool_rules import pool

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.records import PoolSchema

RUNS = ROOT / "deployments" / "runs"
OPTIONAL_MFA = pool(mfa="OPTIONAL")

People = dict[str, dict[str, Any]]


def example(name: str, url: str, **changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """``source``, at another URL and with other changes, and ``mapping`` of an example."""
    told = YAML(typ="safe").load(RUNS / f"{name}.yaml")
    source = {**told["source"], "url": url, **changes}
    return {key: value for key, value in source.items() if value is not None}, told["mapping"]


def judged(source: dict[str, Any], mapping: Any, folder: Path, schema: PoolSchema = OPTIONAL_MFA) -> People:
    """Every user of a database as a run would judge them, by the username."""
    opened = make_source(source, folder)
    opened.check()
    spec = parse_mapping(mapping, where="test")
    compiled = compile_mapping(spec, key=source["key"], known_fields=opened.fields())
    rows = pl.concat(page.rows for page in opened.pages(compiled.fields))
    frame = Rules(schema).judge(compiled.apply(rows))
    return {str(row[USERNAME]): row for row in frame.iter_rows(named=True)}


def rejected(people: People) -> dict[str, str]:
    """Reasons of those whom the mapping or the pool refuses."""
    return {name: row[REASON] for name, row in people.items() if row[REASON] is not None}


def attributes(row: dict[str, Any]) -> dict[str, Any]:
    """The attributes that a user has."""
    return {name: value for name, value in row.items() if not name.startswith("@") and value is not None}
