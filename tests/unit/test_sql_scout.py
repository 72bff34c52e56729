"""Which table of a database is taken for the users', and which column for their key."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from connectors.errors import ConfigurationError, SourceError
from connectors.sources.sql_scout import scout
from connectors.sources.sql_source import SqlSettings, SqlSource

if TYPE_CHECKING:
    from pathlib import Path

URL = {"kind": "sql", "url": "sqlite:///app.db"}
ORDERS = "CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER, email TEXT)"


def made(folder: Path, *statements: str) -> dict[str, object]:
    with sqlite3.connect(folder / "app.db") as database:
        for statement in statements:
            database.execute(statement)
    database.close()
    return dict(URL)


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("users (id INTEGER PRIMARY KEY, email TEXT, encrypted_password TEXT)", "id"),
        ("auth_user (id INTEGER PRIMARY KEY, username TEXT, email TEXT, password TEXT)", "id"),
        ("wp_users (ID INTEGER PRIMARY KEY, user_login TEXT, user_email TEXT, user_pass TEXT)", "ID"),
        ("AspNetUsers (Id TEXT PRIMARY KEY, UserName TEXT, Email TEXT, PasswordHash TEXT)", "Id"),
        ("Customer (CustomerNo TEXT UNIQUE NOT NULL, EMail TEXT, Passwort TEXT, Login TEXT)", "CustomerNo"),
        ("app_members (a TEXT, b TEXT, login TEXT NOT NULL, mail TEXT, PRIMARY KEY (a, b))", "login"),
    ],
)
def test_the_users_table_and_its_key_are_found_and_said_why(tmp_path: Path, table: str, key: str) -> None:
    found = scout(made(tmp_path, ORDERS, f"CREATE TABLE {table}", "CREATE TABLE user_log (id INT)"), tmp_path)
    name = table.partition(" ")[0]
    assert found.settings == {"table": name, "key": key}
    assert found.notes[0].startswith(f"table {name}, of 3: ")
    assert found.notes[1].startswith(f"key {key}: ")
    assert all(type(value) is str for value in found.settings.values()), "YAML knows no other kind of text"


def test_of_several_likely_tables_the_others_are_named(tmp_path: Path) -> None:
    told = made(
        tmp_path,
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, password TEXT)",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, password TEXT, username TEXT)",
    )
    found = scout(told, tmp_path)
    assert found.settings["table"] == "users"
    assert "Others that might be: customers (--set table=NAME)" in found.notes[0]


def test_where_no_table_looks_like_users_all_are_named(tmp_path: Path) -> None:
    told = made(tmp_path, "CREATE TABLE orders (id INT)", "CREATE TABLE shoes (size INT)")
    with pytest.raises(ConfigurationError, match=r"There are: orders, shoes\. Name it: --set table=NAME"):
        scout(told, tmp_path)


def test_what_is_told_is_kept_and_the_rest_is_found(tmp_path: Path) -> None:
    told = made(tmp_path, ORDERS, "CREATE TABLE shoes (nr INTEGER PRIMARY KEY, size INT)")
    assert scout({**told, "table": "shoes"}, tmp_path).settings == {"key": "nr"}
    assert scout({**told, "table": "shoes", "key": "size"}, tmp_path).settings == {}
    assert scout({**told, "query": "SELECT user_id, email FROM orders"}, tmp_path).settings == {
        "key": "user_id"
    }
    with pytest.raises(ConfigurationError, match="--set key=COLUMN: nr, size"):
        scout({**told, "query": "SELECT nr, size FROM shoes"}, tmp_path)


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no such table"):
        scout({**made(tmp_path, ORDERS), "table": "shoes"}, tmp_path)


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no file app\.db"):
        scout(URL, tmp_path)
    assert not (tmp_path / "app.db").exists()


USERS = "CREATE TABLE auth_user (id INTEGER PRIMARY KEY, username TEXT, email TEXT, password TEXT)"
TIED = (
    USERS,
    "CREATE TABLE auth_group (id INTEGER PRIMARY KEY, Name TEXT)",
    "CREATE TABLE permission (id INTEGER PRIMARY KEY, name TEXT)",
    (
        "CREATE TABLE auth_user_groups (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES auth_user (id), "
        "group_id INTEGER REFERENCES auth_group (id))"
    ),
    (
        "CREATE TABLE user_permissions (user_id INTEGER REFERENCES auth_user (id), "
        "permission_id INTEGER REFERENCES permission (id))"
    ),
)


def test_a_table_that_ties_users_to_groups_gives_the_field_groups(tmp_path: Path) -> None:
    told = made(
        tmp_path, *TIED,
        "INSERT INTO auth_user VALUES (1, 'ana', '', ''), (2, 'ben', '', '')",
        "INSERT INTO auth_group VALUES (7, 'staff'), (8, 'editors')",
        "INSERT INTO auth_user_groups VALUES (1, 1, 7), (2, 1, 8)",
    )  # fmt: skip
    found = scout(told, tmp_path)
    assert found.notes[-1].startswith("groups: auth_user_groups ties users to auth_group")
    source = SqlSource(SqlSettings.model_validate({**told, **found.settings}), tmp_path)
    (page,) = source.pages(["username", "groups"])
    assert page.rows["groups"].to_list() == ['["editors","staff"]', "[]"]


def test_where_there_are_no_foreign_keys_the_names_of_columns_tell(tmp_path: Path) -> None:
    """As rolify makes them, beside Devise."""
    told = made(
        tmp_path,
        "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, encrypted_password TEXT)",
        "CREATE TABLE roles (id INTEGER PRIMARY KEY, name TEXT, resource_id INTEGER)",
        "CREATE TABLE users_roles (user_id INTEGER, role_id INTEGER)",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER, order_id INTEGER)",
        "INSERT INTO users VALUES (1, 'ana@example.com', '')",
        "INSERT INTO roles VALUES (7, 'staff', NULL)",
        "INSERT INTO users_roles VALUES (1, 7)",
    )
    found = scout(told, tmp_path)
    assert found.notes[-1] == (
        "groups: users_roles ties users to roles, by the names of its columns. "
        "Mind resource_id: such a group may hold for a part alone."
    )
    source = SqlSource(SqlSettings.model_validate({**told, **found.settings}), tmp_path)
    (page,) = source.pages(["groups"])
    assert page.rows["groups"].to_list() == ['["staff"]']


def test_only_tables_that_are_tied_by_keys_are_groups(tmp_path: Path) -> None:
    found = scout(made(tmp_path, *TIED[:3], TIED[4], "CREATE TABLE grouped (group_id INTEGER)"), tmp_path)
    assert "lists" not in found.settings
    own = {"mine": {"query": "SELECT 1 AS a, 2 AS b", "user": "a", "value": "b"}}
    other = tmp_path / "other"
    other.mkdir()
    assert "lists" not in scout({**made(other, *TIED), "lists": own}, other).settings
