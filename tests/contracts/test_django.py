"""Users of a real Django application on a real PostgreSQL, by the preset and the example run file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from connectors.records import ENABLED, GROUPS, PASSWORD_HASH
from mappings.password_hashes import PasswordHashes
from tests.contracts.example_runs import attributes, example, judged, rejected
from tests.servers import django_app
from tests.servers.databases import fresh

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def url(postgresql_url: str) -> str:
    """A database of a Django application."""
    made = fresh(postgresql_url, "django")
    django_app.fill(made)
    return made


def test_only_planted_people_are_rejected_and_everybody_has_what_django_knows(
    url: str, tmp_path: Path
) -> None:
    people = judged(*example("django", url), tmp_path)
    assert people.keys() == django_app.PEOPLE.keys()
    assert rejected(people) == {"hal.planted": "email_invalid"}
    assert attributes(people["ada"]) == {
        "email": "ada@example.com", "email_verified": "true", "given_name": "Ada", "family_name": "Example",
        "name": "Ada Example",
    }  # fmt: skip
    assert attributes(people["bob"])["name"] == "Müßig, 李"
    assert attributes(people["gus"]) == {"given_name": "Gus", "name": "Gus"}
    assert people["ada"][GROUPS] == ["Sales_Europe", "editors"]
    assert [name for name, row in people.items() if not row[ENABLED]] == ["dan@work"]


def test_hashes_of_django_travel_up_to_cognito_s_costs(url: str, tmp_path: Path) -> None:
    people = judged(*example("django", url), tmp_path)
    hashes = {name: row[PASSWORD_HASH] for name, row in people.items() if row[PASSWORD_HASH]}
    found = PasswordHashes("base64").judge(pl.Series(hashes.values()))
    assert dict(zip(hashes, found.algorithms, strict=True)) == {
        "ada": "PBKDF2_SHA256", "bob": None, "cyn": None, "dan@work": None, "eve": "BCRYPT",
        "gus": "PBKDF2_SHA256",
    }  # fmt: skip
