"""Users of real applications' databases, by the example run files, in the pool; they sign in as before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.forecast import plan
from tests.contracts.example_runs import example, fill
from tests.flows.journeys import CREATED, DEFERRED, IMPORTED, QUICK, hold, rejected, travel
from tests.flows.passwords_measured import Door, app_client, attach
from tests.servers import django_app, wordpress
from tests.servers.databases import fresh
from tests.unit.hash_specimens import OTHER, PASSWORD

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flows.conftest import Pool
    from tests.flows.journeys import Journey

pytestmark = pytest.mark.slow


def carried(pool: Pool, name: str, url: str, **changes: Any) -> tuple[Journey, Path]:
    """Migrate what an example run file reads; give the journey and the run file."""
    source, mapping = example(name, url)
    own = f"{name.replace('_', '-')}-{pool.pool_id[-6:]}"  # the trigger's table is called after the run
    settings = {
        "name": own,
        "source": source,
        "mapping": mapping,
        "jobs": QUICK,
        "rules": {"pbkdf2_alphabet": "base64"},
    }
    run_file = pool.run_file([], **(settings | changes))
    told = plan(load_run_file(run_file), Worker())
    assert not pool.users()
    journey = travel(run_file)
    hold(journey, pool)
    assert told.ways == dict(
        journey.verdicts.filter(pl.col("strategy") != "")["strategy"].value_counts().iter_rows()
    )
    assert told.rejected == journey.counts().get("rejected", 0)
    return journey, run_file


def ends(journey: Journey) -> dict[str, tuple[str, str | None]]:
    """Verdict and reason by username."""
    return {name: (verdict, reason) for name, verdict, reason in
            journey.verdicts.select("username", "verdict", "reason").iter_rows()}  # fmt: skip


def groups(pool: Pool, username: str) -> list[str]:
    """The groups of a user in the pool."""
    told = pool.client.admin_list_groups_for_user(UserPoolId=pool.pool_id, Username=username)
    return sorted(group["GroupName"] for group in told["Groups"])


@pytest.mark.system
def test_a_django_application_moves(postgresql_url: str, pool: Pool) -> None:
    url = fresh(postgresql_url, "django_whole")
    django_app.fill(url)
    journey, run_file = carried(pool, "django", url)
    assert ends(journey) == {
        "ada": IMPORTED, "eve": IMPORTED, "fay": IMPORTED, "dan@work": IMPORTED,
        "bob": DEFERRED, "cyn": DEFERRED, "gus": DEFERRED, "hal.planted": rejected("email_invalid"),
    }  # fmt: skip
    assert groups(pool, "ada") == ["Sales_Europe", "editors"]
    assert [name for name, user in pool.users().items() if not user["Enabled"]] == ["dan@work"]

    door = Door(pool, app_client(pool))
    assert not door.lets_in("ada", OTHER)
    assert {name for name in pool.users() if door.lets_in(name, django_app.PASSWORD)} == {"ada", "eve"}
    attach(run_file)
    for name in ("bob", "cyn", "gus"):
        assert not door.lets_in(name, OTHER)
        assert door.lets_in(name, django_app.PASSWORD), name
    assert "example.com" not in journey.told


@pytest.mark.system
def test_a_wordpress_site_moves(mariadb_url: str, pool: Pool) -> None:
    url = fresh(mariadb_url, "wordpress_whole")
    wordpress.fill(url)
    journey, run_file = carried(pool, "wordpress", url)
    left = ("owner", "ada", "cyn", "dan", "eve@work.example")
    assert ends(journey) == {
        "bob": IMPORTED, **dict.fromkeys(left, DEFERRED),
        "fay planted": rejected("username_white_space"), "gus.planted": rejected("email_invalid"),
    }  # fmt: skip
    assert groups(pool, "bob") == ["editor", "sales_team"]

    door = Door(pool, app_client(pool))
    assert not door.lets_in("bob", OTHER)
    assert door.lets_in("bob", wordpress.PASSWORD)
    attach(run_file)
    for name in ("ada", "cyn", "dan", "eve@work.example"):
        assert not door.lets_in(name, OTHER)
        assert door.lets_in(name, wordpress.PASSWORD), name
    assert pool.attributes("ada")["locale"] == "de_DE"
    assert "example.com" not in journey.told


def test_a_laravel_application_moves(pool: Pool, tmp_path: Path) -> None:
    """Whoever has no verified address keeps the password by the trigger; who was deleted has none."""
    url = f"sqlite:///{tmp_path / 'app.db'}"
    fill(url, "laravel", user=r"App\Models\User", team=r"App\Models\Team")
    journey, run_file = carried(pool, "laravel", url)
    assert ends(journey) == {"1": IMPORTED, "2": DEFERRED, "3": IMPORTED, "4": rejected("email_invalid")}
    assert groups(pool, "1") == ["Super_Admin", "writer"]
    assert [name for name, user in pool.users().items() if not user["Enabled"]] == ["3"]
    door = Door(pool, app_client(pool))
    assert [name for name in "123" if door.lets_in(name, PASSWORD)] == ["1"]
    attach(run_file)
    assert not door.lets_in("2", OTHER)
    assert door.lets_in("2", PASSWORD)


def test_better_auth_moves_by_the_trigger(pool: Pool, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'app.db'}"
    fill(url, "better_auth")
    mapping = {"preset": "better_auth", "mfa": None}
    journey, run_file = carried(pool, "better_auth", url, mapping=mapping)
    assert ends(journey) == {
        "ada": DEFERRED, "bob": CREATED, "cyn": IMPORTED, "dan": IMPORTED, "eve": rejected("email_invalid"),
    }  # fmt: skip
    door = Door(pool, app_client(pool))
    attach(run_file)
    assert not door.lets_in("ada", OTHER)
    assert door.lets_in("ada", PASSWORD)
    assert {name for name, user in pool.users().items() if not user["Enabled"]} == {"cyn", "dan"}
