"""Users of a real Django application on a real PostgreSQL, by the preset and the example run file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from sqlalchemy import create_engine

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


ALLAUTH = (
    'CREATE TABLE account_emailaddress (id serial, email varchar(254), verified boolean, "primary" boolean, '
    "user_id integer); INSERT INTO account_emailaddress (email, verified, user_id) "
    "SELECT lower(email), username = 'ada', id FROM auth_user"
)
"""The columns of django-allauth's EmailAddress."""


def test_django_allauth_says_who_has_a_verified_address(url: str, tmp_path: Path) -> None:
    """The query that the example shows as a comment."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(ALLAUTH)
    engine.dispose()
    source, _ = example("django", url, commented=True, table=None)
    people = judged(source, "django", tmp_path)
    assert [name for name, row in people.items() if row["email_verified"] == "true"] == ["ada"]
    assert rejected(people) == {"hal.planted": "email_invalid"}
