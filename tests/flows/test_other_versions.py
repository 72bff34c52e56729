"""An unfinished run that another version has begun is refused with the way out, and not read wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from connectors.errors import ConfigurationError, TargetError
from connectors.records import FILE, LINE, REASON
from flows.ledger.families import looked_at
from flows.ledger.folder import runs_of
from flows.ledger.segments import LAYOUT
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.running import migrate
from tests.flows.conftest import Pool, person

if TYPE_CHECKING:
    from pathlib import Path

LAYOUT_1 = {
    "@ordinal": pl.UInt64, LINE: pl.UInt64, FILE: pl.UInt32, "@source_id": pl.String, "@username": pl.String,
    "email": pl.String, "email_verified": pl.String, "name": pl.String, "phone_number": pl.Null,
    "birthdate": pl.String, "custom:tenant": pl.String, "@password_hash": pl.Null, "@password": pl.Null,
    "@groups": pl.List(pl.String), "@enabled": pl.Boolean, "@mfa": pl.Null, "@identities": pl.List(pl.String),
    REASON: pl.Null, "@csv_reason": pl.Null, "@algorithm": pl.Null, "@hash_kind": pl.Null,
    "@key_username": pl.UInt64, "@key_email": pl.Null, "@key_phone_number": pl.Null,
    "@key_preferred_username": pl.Null, "@row_bytes": pl.UInt32, "@line_kind": pl.UInt8,
}  # fmt: skip
"""The columns of a page with one user, who has no telephone and no password."""


def stopped(pool: Pool) -> Path:
    """A run file whose run has stopped before its first job."""
    path = pool.run_file([person(1)], target={"user_pool_id": pool.pool_id, "region": "eu-west-1"})
    with pytest.raises(TargetError, match="log_role_arn"):
        migrate(load_run_file(path), Worker())
    return path


def begun_with(path: Path, **facts: Any) -> None:
    """Make the run of a run file one that another version has begun."""
    (folder,) = runs_of(load_run_file(path).state_folder)
    with looked_at(folder) as ledger:
        for name, value in facts.items():
            ledger.change_fact(name, lambda _, value=value: value)


def test_the_layout_is_the_one_whose_number_is_written(pool: Pool) -> None:
    """Whoever changes a page's columns counts ``LAYOUT`` up, and then puts the new columns here."""
    (folder,) = runs_of(load_run_file(stopped(pool)).state_folder)
    (page,) = folder.path.glob("users/*.arrow")
    assert (LAYOUT, dict(pl.read_ipc_schema(page))) == (1, LAYOUT_1)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"layout": LAYOUT + 1, "poolferry": "9.9.9"}, "was begun with Poolferry 9.9.9"),
        ({"layout": None, "poolferry": "0.0.1"}, "was begun with Poolferry 0.0.1"),
        ({"polars": "0.0.1"}, "was begun with polars 0.0.1"),
    ],
)
def test_a_run_of_another_version_is_refused(pool: Pool, facts: dict[str, Any], told: str) -> None:
    path = stopped(pool)
    begun_with(path, **facts)
    with pytest.raises(ConfigurationError, match=told) as refused:
        migrate(load_run_file(path), Worker())
    assert "--new" in refused.value.mend


def test_a_run_of_this_version_goes_on(pool: Pool) -> None:
    path = stopped(pool)
    begun_with(path, poolferry="9.9.9")  # a version with the same layout is welcome
    with pytest.raises(TargetError, match="log_role_arn"):
        migrate(load_run_file(path), Worker())
