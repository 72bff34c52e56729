"""`init` knows databases of applications by their columns, and `plan` takes what it writes as it stands."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from tests.contracts.example_runs import fill
from tests.servers import django_app, wordpress
from tests.servers.databases import fresh

if TYPE_CHECKING:
    from collections.abc import Callable

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


def begun(url: str, pool: Pool, *more: str) -> dict[str, Any]:
    """Draft a run file, let ``plan`` read it, and give what ``init`` said."""
    run = partial(CliRunner().invoke, app)
    drafted = run(["init", url, "--pool", pool.pool_id, "--json", *more])
    assert drafted.exit_code == 0, drafted.output
    planned = run(["plan", "run.yaml", "--json"])
    assert planned.exit_code in (0, 1), planned.output
    assert json.loads(planned.stdout.splitlines()[-1])["extracted"] > 2
    return dict(json.loads(drafted.stdout.splitlines()[-1]))


@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_application_is_known_by_its_columns(
    name: str, request: pytest.FixtureRequest, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pool.folder)
    server, make = APPLICATIONS[name]
    url = fresh(request.getfixturevalue(f"{server}_url"), f"begun_{name}")
    make(url)
    assert begun(url, pool)["preset"] == name


def test_supabase_is_known_once_its_schema_is_named(
    postgresql_url: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pool.folder)
    url = fresh(postgresql_url, "begun_supabase")
    fill(url, "supabase")
    told = begun(url, pool, "--set", "db_schema=auth", "--set", "table=users")
    assert told["preset"] == "supabase"
