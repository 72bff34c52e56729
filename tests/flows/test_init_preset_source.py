"""What `init` takes of a preset's source, and what it does where the database refuses it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from connectors.records import ENABLED, GROUPS, PASSWORD_HASH
from flows.cli import app
from tests.contracts.example_runs import fill, judged

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flows.conftest import Pool

DJANGO = (
    "(id INTEGER PRIMARY KEY, password TEXT, username TEXT, email TEXT, is_superuser INTEGER, "
    "is_active INTEGER, date_joined TEXT)"
)
TWICE = (
    "INSERT INTO account (id, accountId, providerId, userId, password, updatedAt) "
    "SELECT 'again', accountId, providerId, userId, password, updatedAt FROM account WHERE id = '1'"
)
PERSON = "(id, username, email, is_superuser) VALUES (1, 'ada', 'ada@example.com', 0)"


@pytest.fixture
def folder(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(pool.folder)
    return pool.folder


def filled(folder: Path, name: str, *statements: str, **words: str) -> None:
    if name:
        fill(f"sqlite:///{folder / 'app.db'}", name, **words)
    with sqlite3.connect(folder / "app.db") as database:
        for one in statements:
            database.execute(one)
    database.close()


def begun(pool: Pool, *more: str) -> tuple[dict[str, Any], str, str]:
    """Draft; give the source, what is shown, and the text of the run file."""
    shown = CliRunner().invoke(app, ["init", "app.db", "--pool", pool.pool_id, *more])
    assert shown.exit_code == 0, shown.output
    text = (pool.folder / "run.yaml").read_text(encoding="utf-8")
    planned = CliRunner().invoke(app, ["plan", "run.yaml", "--json"])
    assert planned.exit_code in (0, 1), planned.output
    return YAML(typ="safe").load(text)["source"], " ".join(shown.stdout.split()), text


def test_hashes_come_from_the_other_table(pool: Pool, folder: Path) -> None:
    filled(folder, "better_auth")
    source, shown, text = begun(pool)
    assert "table" not in source
    assert '  query: |\n    SELECT u.*, a.password FROM "user" u\n' in text
    said = "source: as the preset better_auth reads it; the table user alone does not tell password hashes"
    assert said in shown
    assert f"# {said}" in text
    assert "better_auth N=16384 r=16 p=1" in shown
    assert judged(source, "better_auth", folder)["ada"][PASSWORD_HASH]


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("DROP TABLE account", "source.query: OperationalError SQLITE_ERROR. Check the names"),
        (TWICE, "source.key: id does not name every user: some rows share one. Name a column that is unique"),
    ],
)
def test_where_the_query_does_not_hold_the_table_is_read_and_that_is_said(
    pool: Pool, folder: Path, statement: str, why: str
) -> None:
    """The other table may be gone, or have two passwords for somebody."""
    filled(folder, "better_auth", statement)
    source, shown, text = begun(pool)
    assert (source["table"], source["key"]) == ("user", "id")
    assert "query" not in source
    said = f"source: the query of the preset better_auth cannot be taken ({why}"
    without = "the table user is read, and does not tell password hashes, which are in the table account."
    for place in (shown, text):
        assert said in place
        assert without in place


@pytest.mark.parametrize(
    "told", [["table=user"], ["query=SELECT * FROM user", "key=id"]], ids=["table", "query"]
)
def test_what_somebody_has_told_is_read(pool: Pool, folder: Path, told: list[str]) -> None:
    filled(folder, "better_auth")
    source, shown, _ = begun(pool, *(part for one in told for part in ("--set", one)))
    assert source.get("table", source.get("query")) == told[0].partition("=")[2]
    assert "source:" not in shown


def test_other_settings_stay_beside_the_query(pool: Pool, folder: Path) -> None:
    """A column of the changes may be one that the query has not by itself."""
    filled(folder, "aspnet_identity", 'ALTER TABLE "AspNetUsers" ADD COLUMN "Changed at" TEXT', max="9999")
    source, *_ = begun(pool, "--set", "page_rows=7", "--set", "updated_at=Changed at")
    assert (source["page_rows"], source["updated_at"]) == (7, "Changed at")
    assert 'u."Changed at"' in source["query"]


def test_lists_that_are_told_are_kept(pool: Pool, folder: Path) -> None:
    own = "{groups: {query: \"SELECT id AS who, 'own' AS what FROM users\", user: who, value: what}}"
    filled(folder, "laravel", user="App\\Models\\User", team="App\\Models\\Team")
    source, *_ = begun(pool, "--set", f"lists={own}")
    people = judged(source, "laravel", folder)
    assert all(row[GROUPS] == ["own"] for row in people.values())


def test_without_a_query_for_this_kind_of_database_the_preset_s_lists_are_read(
    pool: Pool, folder: Path
) -> None:
    """Those that were guessed would give people the role that they have for one record alone."""
    filled(folder, "devise")
    source, shown, _ = begun(pool)
    assert source["table"] == "users"
    assert "the query of the preset devise cannot be taken (it has none for sqlite)" in shown
    assert "groups: users_roles ties" not in shown, "that is not what is read"
    people = judged(source, "devise", folder)
    assert people["1"][GROUPS] == ["editor", "site_admin"]
    assert [name for name, row in people.items() if not row[ENABLED]] == ["3", "4"]


def test_where_the_preset_s_list_is_refused_what_was_found_is_read(pool: Pool, folder: Path) -> None:
    filled(
        folder, "", f"CREATE TABLE auth_user {DJANGO}", f"INSERT INTO auth_user {PERSON}",
        "CREATE TABLE auth_group (id INTEGER PRIMARY KEY, name TEXT)",
        "CREATE TABLE memberships (user_id INTEGER REFERENCES auth_user (id), "
        "group_id INTEGER REFERENCES auth_group (id))",
        "INSERT INTO auth_group VALUES (7, 'staff')", "INSERT INTO memberships VALUES (1, 7)",
    )  # fmt: skip
    source, shown, _ = begun(pool)
    assert "groups: the query of the preset django cannot be taken" in shown
    assert "what was found is read instead" in shown
    assert judged(source, "django", folder)["ada"][GROUPS] == ["staff"]


def test_an_old_table_of_the_preset_s_name_is_not_read_in_place_of_the_new_one(
    pool: Pool, folder: Path
) -> None:
    """As with Django's `AUTH_USER_MODEL`."""
    filled(
        folder, "", "CREATE TABLE auth_user (id INTEGER PRIMARY KEY, username TEXT)",
        f"CREATE TABLE people_user {DJANGO}", f"INSERT INTO people_user {PERSON}",
    )  # fmt: skip
    source, shown, _ = begun(pool)
    assert source["table"] == "people_user"
    assert "the preset django has a reading for auth_user with the key id alone" in shown


def test_a_table_of_one_s_own_with_groups_that_were_found_lacks_nothing(pool: Pool, folder: Path) -> None:
    filled(
        folder, "", f"CREATE TABLE people_user {DJANGO}", f"INSERT INTO people_user {PERSON}",
        "CREATE TABLE auth_group (id INTEGER PRIMARY KEY, name TEXT)",
        "CREATE TABLE people_user_groups (user_id INTEGER REFERENCES people_user (id), "
        "group_id INTEGER REFERENCES auth_group (id))",
    )  # fmt: skip
    source, shown, _ = begun(pool)
    assert (source["table"], list(source["lists"])) == ("people_user", ["groups"])
    assert "source: the preset" not in shown
