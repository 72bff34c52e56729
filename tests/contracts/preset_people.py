"""People of a source, mapped by a preset and judged by the rules of a pool with the standard attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from connectors.records import REASON, USERNAME, PoolAttribute, PoolSchema
from mappings.engine import compile_mapping
from mappings.rules import Rules
from mappings.spec import parse_mapping
from tests.contracts.test_presets import STANDARD

if TYPE_CHECKING:
    from connectors.sources.base import Source

POOL = PoolSchema(
    pool_id="eu-west-1_Example01",
    name="example",
    attributes={
        name: PoolAttribute(name, "Boolean" if name.endswith("_verified") else "String")
        for name in sorted(STANDARD)
    },
    csv_header=(*sorted(STANDARD), "cognito:mfa_enabled", "cognito:username"),
    auto_verified=("email",),
)


def judged(source: Source, preset: str) -> dict[str, dict[str, object]]:
    """Each user's judged row by the username."""
    mapping = compile_mapping(parse_mapping(preset, where="run.yaml"))
    rules = Rules(POOL)
    frames = [rules.judge(mapping.apply(page.rows)) for page in source.pages(mapping.fields)]
    return {str(row[USERNAME]): row for row in pl.concat(frames).iter_rows(named=True)}


def rejected(users: dict[str, dict[str, object]]) -> dict[str, object]:
    """Reasons of those whom the mapping or the pool refuses."""
    return {name: row[REASON] for name, row in users.items() if row[REASON] is not None}
