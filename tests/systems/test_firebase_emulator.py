"""``kind: firebase`` against Firebase's own emulator, live: ``make test-firebase``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from connectors.sources.firebase_api import FirebaseSettings, FirebaseSource
from tests.servers.firebase_emulator import PROJECT, Emulator, firebase_emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.system, pytest.mark.slow]

RECORDED = Path(__file__).parent.parent / "contracts" / "presets"
MOVES = ("validSince", "passwordUpdatedAt", "lastRefreshAt")
"""Members that tell when the emulator was asked."""
SCRYPT = {"hashAlgorithm": "SCRYPT", "signerKey": "", "rounds": 8, "memoryCost": 14, "saltSeparator": "Bw=="}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """With the recorded people, and one who signed up there."""
    with firebase_emulator(tmp_path_factory.mktemp("firebase")) as running:
        people = json.loads((RECORDED / "firebase-people.json").read_text(encoding="utf-8"))
        assert not running.call("accounts:batchCreate", {**people, **SCRYPT}).get("error")
        running.call("accounts", {"email": "eve.late@example.com", "password": "Invented-1"})
        yield running


def source(emulator: Emulator, folder: Path, page_users: int = 3, **more: object) -> FirebaseSource:
    given = {"project": PROJECT, "url": emulator.api, "page_users": page_users, **more}
    return FirebaseSource(FirebaseSettings.model_validate(given), folder, sleep=lambda _: None)


def recorded() -> list[dict[str, Any]]:
    users: list[dict[str, Any]] = json.loads((RECORDED / "firebase-api.json").read_text())["users"]
    return users


def test_everybody_is_read_page_by_page_from_any_page_on(emulator: Emulator, tmp_path: Path) -> None:
    one = source(emulator, tmp_path)
    one.check()
    pages = list(one.pages(["localId"]))
    everybody = [row for page in pages for row in page.rows["localId"]]
    assert len(pages) > 3
    assert {user["localId"] for user in recorded()} < set(everybody)
    assert len(everybody) == len(set(everybody)) == len(recorded()) + 1
    for number, page in enumerate(pages, 1):
        rest = source(emulator, tmp_path).pages(["localId"], json.loads(json.dumps(page.cursor)))
        before = [row for earlier in pages[:number] for row in earlier.rows["localId"]]
        assert before + [row for later in rest for row in later.rows["localId"]] == everybody


def test_the_recorded_answer_is_what_it_still_says(emulator: Emulator, tmp_path: Path) -> None:
    fields = [name for name in FirebaseSource.declared if name not in (*MOVES, "lastSignedInAt")]
    live = {
        row["localId"]: row
        for page in source(emulator, tmp_path).pages(fields)
        for row in page.rows.to_dicts()
    }
    for user in recorded():
        told = live[user["localId"]]
        for name in ("email", "displayName", "phoneNumber", "passwordHash", "salt", "customAttributes"):
            if name in fields:
                assert told[name] == user.get(name), name
        assert told["emailVerified"] == str(user["emailVerified"]).lower()


def test_a_password_of_the_emulator_is_no_hash(emulator: Emulator, tmp_path: Path) -> None:
    rows = [
        row
        for page in source(emulator, tmp_path).pages(["email", "passwordHash"])
        for row in page.rows.to_dicts()
    ]
    (late,) = [row for row in rows if row["email"] == "eve.late@example.com"]
    assert str(late["passwordHash"]).startswith("fakeHash:")
