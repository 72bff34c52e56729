"""A look at real database servers: schemas, names that need quotes, constraints, groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text

from connectors.sources.sql_scout import scout
from connectors.sources.sql_source import SqlSettings, SqlSource
from tests.servers.databases import fresh

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

pytestmark = pytest.mark.system


def _run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


@pytest.mark.parametrize("server", ["postgresql", "mariadb"])
def test_table_key_and_groups_are_found_and_read_as_found(
    server: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url: str = request.getfixturevalue(f"{server}_url")
    engine = create_engine(url)
    names = ("staff_orders", "shop_user_role", "shop_role", "shop_user")
    gone = [f"DROP TABLE IF EXISTS {name}" for name in names]
    _run(
        engine, *gone,
        "CREATE TABLE shop_user (nr integer PRIMARY KEY, username varchar(50), email varchar(50), "
        "password varchar(90))",
        "CREATE TABLE shop_role (id integer PRIMARY KEY, title varchar(50))",
        "CREATE TABLE shop_user_role (user_nr integer REFERENCES shop_user (nr), "
        "role_id integer REFERENCES shop_role (id))",
        "CREATE TABLE staff_orders (id integer PRIMARY KEY, email varchar(50))",
        "INSERT INTO shop_user VALUES (1, 'ana', 'ana@example.com', ''), (2, 'ben', NULL, NULL)",
        "INSERT INTO shop_role VALUES (7, 'staff'), (8, 'editors')",
        "INSERT INTO shop_user_role VALUES (1, 7), (1, 8)",
    )  # fmt: skip
    try:
        found = scout({"kind": "sql", "url": url, "table": "shop_user"}, tmp_path)
        assert found.settings["key"] == "nr"
        source = SqlSource(SqlSettings(url=url, table="shop_user", **found.settings), tmp_path)  # type: ignore[arg-type]  # checked by the model
        source.check()
        (page,) = source.pages(["username", "groups"])
        assert page.rows["groups"].to_list() == ['["editors","staff"]', "[]"]
        guessed = scout({"kind": "sql", "url": url}, tmp_path)
        assert "shop_user" in guessed.notes[0]
        assert "staff_orders" not in guessed.notes[0]
    finally:
        _run(engine, *gone)
        engine.dispose()


def test_another_database_of_the_same_server_is_left_alone(mariadb_url: str, tmp_path: Path) -> None:
    """Even where its table looks more like users."""
    better, own = (fresh(mariadb_url, name) for name in ("scout_better", "scout_own"))
    columns = {
        better: "email varchar(50), username varchar(50), password varchar(50)",
        own: "email varchar(50)",
    }
    for url, told in columns.items():
        engine = create_engine(url)
        _run(engine, f"CREATE TABLE users (id integer PRIMARY KEY, {told})")
        engine.dispose()
    found = scout({"kind": "sql", "url": own}, tmp_path)
    assert found.settings == {"table": "users", "key": "id"}
    assert found.notes[0] == "table users, of 1: its name says so and it has email."


def test_the_users_table_may_be_in_another_schema(postgresql_url: str, tmp_path: Path) -> None:
    engine = create_engine(postgresql_url)
    _run(
        engine,
        "CREATE SCHEMA auth",
        "CREATE TABLE auth.users (nr int, id uuid PRIMARY KEY, email text, encrypted_password text)",
        "CREATE TABLE profiles (id uuid PRIMARY KEY, username text)",
        'CREATE TABLE auth."Role" (id int PRIMARY KEY, name text)',
        'CREATE TABLE auth.members (who uuid REFERENCES auth.users, role int REFERENCES auth."Role")',
        "INSERT INTO auth.users VALUES (1, '00000000-0000-4000-8000-000000000001', 'a@example.com', '')",
        "INSERT INTO auth.\"Role\" VALUES (7, 'staff')",
        "INSERT INTO auth.members VALUES ('00000000-0000-4000-8000-000000000001', 7)",
    )
    try:
        found = scout({"kind": "sql", "url": postgresql_url}, tmp_path)
        lists = found.settings["lists"]
        assert found.settings == {"table": "users", "db_schema": "auth", "key": "id", "lists": lists}
        told = SqlSettings.model_validate({"url": postgresql_url, **found.settings})
        (page,) = SqlSource(told, tmp_path).pages(["email", "groups"])
        assert page.rows["groups"].to_list() == ['["staff"]']
        assert found.notes[0].startswith("table auth.users, of ")
    finally:
        _run(engine, "DROP SCHEMA auth CASCADE", "DROP TABLE profiles")
        engine.dispose()
