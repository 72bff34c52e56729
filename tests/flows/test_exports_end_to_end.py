"""Exports of other systems, mapped by their presets alone, into the local Cognito."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.flows.journeys import QUICK, hold, travel

if TYPE_CHECKING:
    from tests.flows.conftest import Pool

PEOPLE = Path(__file__).parent.parent / "contracts" / "presets"

EXPORTS: dict[str, tuple[dict[str, Any], dict[str, int], set[str]]] = {
    "keycloak": (
        {"kind": "keycloak_export", "path": str(PEOPLE / "keycloak.json"), "key": "id"},
        {"imported": 8, "created": 1, "deferred": 3, "rejected": 1},
        {"ada.one", "kim.eleven"},
    ),
    "auth0": (
        {"kind": "auth0_export", "path": f"{PEOPLE}/auth0.jsonl", "hashes": f"{PEOPLE}/auth0-hashes.jsonl"},
        {"imported": 7, "created": 2, "deferred": 1, "rejected": 2},
        {"google-oauth2|100000000000000000006"},
    ),
    "firebase": (
        {"kind": "firebase_export", "path": str(PEOPLE / "firebase.json")},
        {"imported": 2, "created": 2, "deferred": 6, "rejected": 1},
        {"MuxIapYHZaNAR3zlT4BNLZ2mpkGC"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("preset", EXPORTS)
def test_an_export_travels_by_its_preset(pool: Pool, preset: str) -> None:
    """The pool has no MFA, so that second factors are left behind on purpose.

    Deferred are those whose hash no import job takes: of Firebase all, of Keycloak SHA-1, costly Argon2id and
    signs that are no alphabet's for sure (F2.8), of Auth0 one without a verified contact (F1.32).
    """
    source, counts, there = EXPORTS[preset]
    mapping = {"preset": preset, "mfa": None}
    journey = travel(pool.run_file([], source=source, mapping=mapping, jobs=QUICK))
    hold(journey, pool)
    assert journey.counts() == counts
    assert there <= pool.users().keys()
