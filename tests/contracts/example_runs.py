"""The example run files of ``deployments/runs``, led to the databases of tests and judged as a run would."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from ruamel.yaml import YAML
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from connectors.records import REASON, USERNAME
from connectors.registry import make_source
from mappings.engine import compile_mapping
from mappings.rules import Rules
from mappings.spec import parse_mapping
from tests.test_layout import ROOT
from tests.unit.pool_rules import pool

if TYPE_CHECKING:
    from connectors.records import PoolSchema

RUNS = ROOT / "deployments" / "runs"
SCRIPTS = Path(__file__).parent / "presets"
OPTIONAL_MFA = pool(mfa="OPTIONAL")

_COMMENTED = re.compile(
    r"(?m)^( *)# (?= *(?:lists:|identities:|query:|user:|value:|SELECT |FROM |WHERE |AND ))"
)
"""What makes a comment of a line of YAML or SQL."""

People = dict[str, dict[str, Any]]


def fill(url: str, name: str, **words: str) -> None:
    """Run the statements of a file in ``presets``; ``words`` take the place of their names in braces."""
    script = (SCRIPTS / f"{name}.sql").read_text(encoding="utf-8")
    for word, meant in words.items():
        script = script.replace(f"{{{word}}}", meant)
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        for statement in script.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)


def example(
    name: str, url: str, *, commented: bool = False, **changes: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """``source``, at another URL and with other changes, and ``mapping`` of an example.

    Args:
        name: the file's.
        url: of the database to read.
        commented: take in what the example shows as comments, besides sentences.
        changes: keys of ``source``; None takes one away.
    """
    text = (RUNS / f"{name}.yaml").read_text(encoding="utf-8")
    told = YAML(typ="safe").load(_COMMENTED.sub(r"\1", text) if commented else text)
    mapping = told["mapping"]
    source = {**told["source"], "url": url, **changes}
    return (
        {key: value for key, value in source.items() if value is not None},
        {"preset": mapping} if isinstance(mapping, str) else mapping,
    )


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
