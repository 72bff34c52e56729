"""What PASSWORDS.md says of each system is what happens: everybody travels and signs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mappings.hash_schemes.refused import UNVERIFIED
from tests.flows.journeys import lead_to
from tests.flows.passwords_measured import NAME, PAGE, measured
from tests.reference import sections
from tests.test_docs import rows
from tests.unit.hash_specimens import specimens

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox


@pytest.mark.slow
def test_the_table_is_what_happens_now(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where this fails, `python -m tests.flows.passwords_measured` writes the table anew."""
    lead_to(sandbox, monkeypatch)
    assert measured(sandbox, tmp_path) == sections(PAGE.read_text(encoding="utf-8"))[NAME]


def test_whoever_travels_with_a_hash_signs_in_and_nobody_else() -> None:
    told = {row[0]: row for row in rows(sections(PAGE.read_text(encoding="utf-8"))[NAME])[2:]}
    assert told.keys() == {one.system for one in specimens()}
    for one in specimens():
        assert told[one.system][4] == ("yes" if one.why is None else "no"), one.system


def test_whoever_is_left_to_the_trigger_signs_in_there_or_is_named_as_lost() -> None:
    told = {row[0]: row for row in rows(sections(PAGE.read_text(encoding="utf-8"))[NAME])[2:]}
    lost = {name for name, row in told.items() if row[5].startswith("no")}
    named = {one.system for one in specimens() if one.kind in UNVERIFIED}
    assert lost == named | {"Firebase: the hash without its salt"}
    left = {name for name, row in told.items() if row[2] == "`migration_trigger`"}
    assert {told[name][5] for name in left - lost} == {"yes"}
