"""`init` knows databases of applications and reads them whole; `plan` takes what it writes as it stands."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from typer.testing import CliRunner

from connectors.records import ENABLED, GROUPS, MFA, PASSWORD_HASH
from flows.cli import app
from flows.steps import drafting
from flows.steps.preset_source import Reading
from tests.contracts.example_runs import SCRIPTS, example, fill, judged
from tests.servers import django_app, wordpress
from tests.servers.databases import fresh

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flows.settings import LoadedRunFile
    from tests.flows.conftest import Pool

pytestmark = [pytest.mark.system, pytest.mark.slow]


def _script(name: str, **words: str) -> Callable[[str], None]:
    return lambda url: fill(url, name, **words)


MODELS = {kind: f"App\\Models\\{kind.title()}" for kind in ("user", "team")}
APPLICATIONS: dict[str, tuple[str, Callable[[str], object]]] = {
    "django": ("postgresql", django_app.fill),
    "wordpress": ("mariadb", wordpress.fill),
    "devise": ("postgresql", _script("devise")),
    "laravel": ("postgresql", _script("laravel", **MODELS)),
    "aspnet_identity": ("postgresql", _script("aspnet_identity", max="infinity")),
    "better_auth": ("postgresql", _script("better_auth")),
}
"""Which server, and what fills it; GoTrue's tables lie in a schema of their own, see below."""


def begun(url: str, pool: Pool, *more: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draft a run file and let ``plan`` read it; give what both say."""
    run = partial(CliRunner().invoke, app)
    drafted = run(["init", url, "--pool", pool.pool_id, "--json", *more])
    assert drafted.exit_code == 0, drafted.output
    planned = run(["plan", "run.yaml", "--json"])
    assert planned.exit_code in (0, 1), planned.output
    said, forecast = (json.loads(one.stdout.splitlines()[-1]) for one in (drafted, planned))
    assert forecast["extracted"] > 2
    return said, forecast


def people_of(source: dict[str, Any], mapping: Any, folder: Path) -> dict[str, tuple[Any, ...]]:
    """By the username what must not get lost: hash, groups, second factor, and who is locked out."""
    kept = (PASSWORD_HASH, GROUPS, MFA, ENABLED, "email", "given_name")
    return {
        name: tuple(row.get(each) for each in kept) for name, row in judged(source, mapping, folder).items()
    }


def hold(name: str, url: str, pool: Pool) -> dict[str, Any]:
    """The draft reads the very people that the example run file reads; give what ``plan`` says of them."""
    said, forecast = begun(url, pool)
    assert said["preset"] == name
    assert [note for note in said["notes"] if note.startswith(f"source: as the preset {name} reads it")]
    read = said["source"]
    assert people_of(read, {"preset": name}, pool.folder) == people_of(*example(name, url), pool.folder)
    assert "@example.com" not in json.dumps([said, forecast])
    return forecast


def made(name: str, request: pytest.FixtureRequest, database: str) -> str:
    server, make = APPLICATIONS[name]
    url = fresh(request.getfixturevalue(f"{server}_url"), database)
    make(url)
    return url


def schemes(forecast: dict[str, Any]) -> set[str]:
    """Schemes of the hashes that ``plan`` has seen."""
    return {one["scheme"] for one in forecast["hashes"]} - {"none", "not looked at"}


def calls(forecast: dict[str, Any], operation: str) -> int:
    return sum(one["calls"] for one in forecast["calls"] if one["operation"] == operation)


SCHEMES = {
    "django": {"django_pbkdf2_sha256", "argon2id", "bcrypt"},
    "wordpress": {"phpass", "bcrypt"},
    "better_auth": {"better_auth"},
}
GROUPS_ADDED = {"devise": 2, "laravel": 3, "aspnet_identity": 1, "better_auth": 1}
"""Calls for the groups of those who travel at once; the trigger sees to the others'."""


@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_application_is_read_as_its_example_run_file_reads_it(
    name: str, request: pytest.FixtureRequest, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pool.folder)
    forecast = hold(name, made(name, request, f"begun_{name}"), pool)
    assert schemes(forecast) >= SCHEMES.get(name, set())
    assert calls(forecast, "AdminAddUserToGroup") == GROUPS_ADDED.get(name, 0)


def test_supabase_is_found_in_its_schema_and_deleted_users_are_left_out(
    postgresql_url: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pool.folder)
    url = fresh(postgresql_url, "begun_supabase")
    fill(url, "supabase")
    assert hold("supabase", url, pool)["extracted"] == len(LIVING)
    drafted = YAML(typ="safe").load((pool.folder / "run.yaml").read_text(encoding="utf-8"))
    people = judged(drafted["source"], "supabase", pool.folder)
    assert {name[-2:] for name in people} == LIVING


LIVING = {"0a", "0b", "0c", "0d", "ff"}
"""Of Supabase: neither deleted nor anonymous."""


def test_the_contract_bites(
    request: pytest.FixtureRequest, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table alone, and a note that says otherwise."""
    monkeypatch.chdir(pool.folder)
    url = made("better_auth", request, "begun_biting")

    def lying(loaded: LoadedRunFile, preset: str, **_: Any) -> Reading:
        return Reading(loaded.settings.source, (f"source: as the preset {preset} reads it",))

    monkeypatch.setattr(drafting, "read_by_preset", lying)
    with pytest.raises(AssertionError):
        hold("better_auth", url, pool)


def _statements(url: str, *statements: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        for one in statements:
            connection.exec_driver_sql(one)


def test_a_wordpress_site_may_have_a_prefix_of_its_own_and_be_one_of_a_network(
    request: pytest.FixtureRequest, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The columns of wp-admin/includes/schema.php for a multisite come along with the others of the table."""
    monkeypatch.chdir(pool.folder)
    url = made("wordpress", request, "begun_network")
    _statements(
        url, "RENAME TABLE wp_users TO shop_users, wp_usermeta TO shop_usermeta",
        "UPDATE shop_usermeta SET meta_key = 'shop_capabilities' WHERE meta_key = 'wp_capabilities'",
        "ALTER TABLE shop_users ADD COLUMN spam tinyint(2) NOT NULL default '0'",
        "ALTER TABLE shop_users ADD COLUMN deleted tinyint(2) NOT NULL default '0'",
        "UPDATE shop_users SET spam = 1 WHERE user_login = 'ada'",
    )  # fmt: skip
    said, _ = begun(url, pool)
    people = judged(said["source"], "wordpress", pool.folder)
    assert people["bob"][GROUPS] == ["editor", "sales_team"]
    assert people["ada"]["given_name"] == "Ada"
    assert [name for name, row in people.items() if not row[ENABLED]] == ["ada"]


def _on_mariadb(name: str, mariadb_url: str) -> str:
    """The tables of a script with MariaDB's types and quotes."""
    url = fresh(mariadb_url, f"begun_{name}_there")
    script = (SCRIPTS / f"{name}.sql").read_text(encoding="utf-8")
    types = {'"': "`", " text": " varchar(255)", " timestamptz": " datetime", " timestamp": " datetime(6)"}
    for theirs, here in {**types, "+00:00": ""}.items():
        script = script.replace(theirs, here)
    _statements(url, *(one for one in script.split(";\n") if one.strip()))
    return url


def test_a_better_auth_on_mariadb_has_a_query_of_its_own(
    mariadb_url: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pool.folder)
    said, forecast = begun(_on_mariadb("better_auth", mariadb_url), pool)
    assert "LEFT JOIN account" in said["source"]["query"]
    assert schemes(forecast) == {"better_auth"}


def test_devise_on_mariadb_tells_locks_that_are_over(
    mariadb_url: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one that ends in a moment and one that has just ended, by the clock in UTC as Rails writes it."""
    monkeypatch.chdir(pool.folder)
    url = _on_mariadb("devise", mariadb_url)
    _statements(
        url, "UPDATE users SET locked_at = UTC_TIMESTAMP() - INTERVAL 50 MINUTE WHERE id = 1",
        "UPDATE users SET locked_at = UTC_TIMESTAMP() - INTERVAL 70 MINUTE WHERE id = 2",
    )  # fmt: skip
    said, _ = begun(url, pool)
    people = judged(said["source"], "devise", pool.folder)
    assert [name for name, row in people.items() if not row[ENABLED]] == ["1", "3"]
    assert people["1"][GROUPS] == ["editor", "site_admin"]


def test_a_login_that_may_not_read_the_passwords_is_told_so(
    request: pytest.FixtureRequest, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pool.folder)
    url = made("better_auth", request, "begun_unallowed")
    _statements(url, "CREATE ROLE begun_reader LOGIN", 'GRANT SELECT ON "user" TO begun_reader')
    said, forecast = begun(url.replace("poolferry@", "begun_reader@"), pool)
    (note,) = [one for one in said["notes"] if one.startswith("source:")]
    assert "Give the database user the right to SELECT" in note
    assert "does not tell password hashes, which are in the table account." in note
    assert not schemes(forecast)


def test_without_the_tables_of_the_roles_locks_are_told_all_the_same(
    request: pytest.FixtureRequest, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pool.folder)
    url = made("devise", request, "begun_roleless")
    _statements(url, "DROP TABLE users_roles", "ALTER TABLE users ADD COLUMN first_name text",
                "UPDATE users SET first_name = 'Ada' WHERE id = 1")  # fmt: skip
    said, _ = begun(url, pool)
    assert "lists" not in said["source"]
    assert [one for one in said["notes"] if one.startswith("groups: the query of the preset devise cannot")]
    people = judged(said["source"], "devise", pool.folder)
    assert [name for name, row in people.items() if not row[ENABLED]] == ["3"]
    assert people["1"]["given_name"] == "Ada", "columns of one's own come along"
