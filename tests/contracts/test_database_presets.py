"""People in tables as systems publish them, by the presets and the example run files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl
import pytest

from connectors.cognito.trigger.handler import hashes as hashes_of_trigger
from connectors.records import ENABLED, GROUPS, IDENTITIES, MFA, PASSWORD_HASH
from flows.settings import load_run_file
from mappings.password_hashes import PasswordHashes
from mappings.spec import parse_mapping
from tests.contracts.example_runs import RUNS, attributes, example, fill, judged, rejected
from tests.servers.databases import fresh
from tests.unit.hash_specimens import PASSWORD
from tests.unit.pool_rules import pool

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contracts.example_runs import People

SQLITE = "sqlite"
POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.system)
MARIADB = pytest.param("mariadb", marks=pytest.mark.system)
ADDRESS = "email_invalid"


@pytest.fixture
def new(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database of the kind that the test asks for by ``new``."""
    if request.param == SQLITE:
        return f"sqlite:///{tmp_path / 'app.db'}"
    name = re.sub(r"\W+", "_", request.node.name)
    return fresh(request.getfixturevalue(f"{request.param}_url"), name[:60].strip("_").lower())


@pytest.mark.parametrize("path", sorted(RUNS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_is_a_run_file_as_it_stands(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hush")
    loaded = load_run_file(path)
    assert parse_mapping(loaded.settings.mapping, where=path.name).username


def disabled(people: People) -> list[str]:
    return [name for name, row in people.items() if not row[ENABLED]]


def algorithms(people: People) -> dict[str, str | None]:
    """The algorithm by which each user who has a hash travels; None: the hash stays behind."""
    hashes = {name: row[PASSWORD_HASH] for name, row in people.items() if row[PASSWORD_HASH]}
    return dict(
        zip(hashes, PasswordHashes("base64").judge(pl.Series(hashes.values())).algorithms, strict=True)
    )


def by_last(people: People) -> People:
    """By the last letters of the id."""
    return {name[-2:]: row for name, row in people.items()}


def check_passwords(people: People) -> None:
    """All hashes are of the same password, and the trigger, which stands for all verifiers, knows each."""
    found = [str(row[PASSWORD_HASH]) for row in people.values() if row[PASSWORD_HASH]]
    assert found
    assert all(hashes_of_trigger.fits(PASSWORD, one, {}) for one in set(found))


@pytest.mark.parametrize("new", [POSTGRESQL], indirect=True)
def test_devise_s_example_tells_locks_that_are_over(new: str, tmp_path: Path) -> None:
    fill(new, "devise")
    people = judged(*example("devise", new), tmp_path)
    assert rejected(people) == {"6": ADDRESS}
    assert attributes(people["1"]) == {"email": "ada@example.com", "email_verified": "true"}
    assert attributes(people["2"]) == {"email": "bob@example.com", "email_verified": "false"}
    assert people["5"]["email"] is None
    assert disabled(people) == ["3"]
    assert {name: row[GROUPS] for name, row in people.items() if row[GROUPS]} == {
        "1": ["editor", "site_admin"]
    }
    assert algorithms(people) == dict.fromkeys("1234", "BCRYPT")
    check_passwords(people)


@pytest.mark.parametrize("new", [SQLITE], indirect=True)
def test_devise_s_table_read_as_it_is_disables_whoever_was_locked(new: str, tmp_path: Path) -> None:
    """In doubt nobody is let in whom the application may have locked out."""
    fill(new, "devise")
    people = judged({"kind": "sql", "url": new, "table": "users", "key": "id"}, "devise", tmp_path)
    assert rejected(people) == {"6": ADDRESS}
    assert disabled(people) == ["3", "4"]


@pytest.mark.parametrize("new", [SQLITE, MARIADB, POSTGRESQL], indirect=True)
def test_laravel_s_example(new: str, tmp_path: Path) -> None:
    slash = "\\\\" if new.startswith("mysql") else "\\"
    models = {kind: slash.join(["App", "Models", kind.title()]) for kind in ("user", "team")}
    fill(new, "laravel", **models)
    people = judged(*example("laravel", new), tmp_path)
    assert rejected(people) == {"4": ADDRESS}
    assert attributes(people["1"]) == {
        "name": "Ada Müßig, 李", "email": "ada@example.com", "email_verified": "true",
    }  # fmt: skip
    assert people["2"]["email_verified"] == "false"
    assert disabled(people) == ["3"]
    groups = {name: row[GROUPS] for name, row in people.items() if row[GROUPS]}
    assert groups == {"1": ["Super_Admin", "writer"], "3": ["writer"]}
    assert algorithms(people) == dict.fromkeys("1234", "BCRYPT")
    check_passwords(people)


@pytest.mark.parametrize("new", [SQLITE, POSTGRESQL], indirect=True)
def test_aspnet_identity_s_example(new: str, tmp_path: Path) -> None:
    """Npgsql writes DateTimeOffset.MaxValue, by which users are locked out for good, as infinity."""
    fill(
        new,
        "aspnet_identity",
        max="9999-12-31 23:59:59.9999999+00:00" if new.startswith(SQLITE) else "infinity",
    )
    people = judged(*example("aspnet_identity", new), tmp_path)
    assert rejected(people) == {"f-planted": ADDRESS}
    assert attributes(people["a-ada"]) == {
        "email": "ada@example.com", "email_verified": "true", "phone_number": "+12025550143",
        "phone_number_verified": "true",
    }  # fmt: skip
    assert attributes(people["b-bob"]) == {
        "preferred_username": "bob", "email": "bob@example.com", "email_verified": "false",
        "phone_number_verified": "false",
    }  # fmt: skip
    assert disabled(people) == ["c-cyn", "d-dan"]
    assert {name: row[GROUPS] for name, row in people.items() if row[GROUPS]} == {
        "a-ada": ["Editor", "Site_Admin"], "c-cyn": ["Editor"],
    }  # fmt: skip
    assert [name for name, row in people.items() if row[MFA]] == ["b-bob"]
    assert algorithms(people) == {"a-ada": "PBKDF2_SHA256", "b-bob": None, "d-dan": None}
    check_passwords(people)


@pytest.mark.parametrize("new", [POSTGRESQL], indirect=True)
def test_aspnet_identity_s_logins_become_linked_identities(new: str, tmp_path: Path) -> None:
    fill(new, "aspnet_identity", max="infinity")
    source, mapping = example("aspnet_identity", new, commented=True)
    google = pool(mfa="OPTIONAL", identity_providers=("Google",))
    people = judged(source, {**mapping, "identities": {"from": "identities"}}, tmp_path, google)
    assert people["e-eve"][IDENTITIES] == ["Google/100000000000000000001"]
    assert rejected(people) == {"f-planted": ADDRESS}


@pytest.mark.parametrize("new", [POSTGRESQL], indirect=True)
def test_supabase_s_example(new: str, tmp_path: Path) -> None:
    fill(new, "supabase")
    people = by_last(judged(*example("supabase", new), tmp_path))
    assert people.keys() == {"0a", "0b", "0c", "0d", "ff"}
    assert rejected(people) == {"ff": ADDRESS}
    assert attributes(people["0a"]) == {
        "email": "ada@example.com", "email_verified": "true", "phone_number": "+15555550101",
        "phone_number_verified": "true", "name": "Ada Müßig, 李", "picture": "https://example.com/ada.png",
    }  # fmt: skip
    assert attributes(people["0b"])["name"] == "Bob Example"
    assert people["0c"]["email_verified"] == "false"
    assert people["0d"]["phone_number"] == "+15555550104"
    assert disabled(people) == ["0c", "0d"]
    assert {name: row[GROUPS] for name, row in people.items() if row[GROUPS]} == {
        "0a": ["site_admin", "editor"]
    }
    assert {name: row[MFA] for name, row in people.items() if row[MFA]} == {"0a": "sms", "0c": "totp"}
    assert algorithms(people) == {"0a": "BCRYPT", "0c": None}
    check_passwords(people)


@pytest.mark.parametrize("new", [POSTGRESQL], indirect=True)
def test_supabase_s_table_read_as_it_is_is_read_in_spite_of_infinity(new: str, tmp_path: Path) -> None:
    fill(new, "supabase")
    table = {"kind": "sql", "url": new, "table": "users", "db_schema": "auth", "key": "id"}
    people = by_last(judged(table, "supabase", tmp_path))
    assert disabled(people) == ["0b", "0c", "0d", "0e"]


@pytest.mark.parametrize("new", [POSTGRESQL], indirect=True)
def test_supabase_s_identities_become_linked_ones(new: str, tmp_path: Path) -> None:
    fill(new, "supabase")
    source, mapping = example("supabase", new, commented=True)
    google = pool(mfa="OPTIONAL", identity_providers=("Google",))
    people = by_last(judged(source, {**mapping, "identities": {"from": "identities"}}, tmp_path, google))
    assert {name: row[IDENTITIES] for name, row in people.items() if row[IDENTITIES]} == {
        "0b": ["Google/100000000000000000002"]
    }


@pytest.mark.parametrize("new", [SQLITE, POSTGRESQL], indirect=True)
def test_better_auth_s_example(new: str, tmp_path: Path) -> None:
    fill(new, "better_auth")
    people = judged(*example("better_auth", new), tmp_path)
    assert rejected(people) == {"eve": ADDRESS}
    assert attributes(people["ada"]) == {
        "name": "Ada Müßig, 李", "preferred_username": "ada.one", "email": "ada@example.com",
        "email_verified": "true", "phone_number": "+15555550101", "phone_number_verified": "true",
        "picture": "https://example.com/ada.png",
    }  # fmt: skip
    assert people["ada"][GROUPS] == ["admin", "user"]
    assert [name for name, row in people.items() if row[MFA]] == ["ada"]
    assert disabled(people) == ["cyn", "dan"]
    assert algorithms(people) == {"ada": None}
    check_passwords(people)


@pytest.mark.parametrize("new", [POSTGRESQL], indirect=True)
def test_better_auth_s_bans_that_are_over_and_linked_accounts(new: str, tmp_path: Path) -> None:
    """As the comments of the example have it."""
    fill(new, "better_auth")
    source, mapping = example("better_auth", new, commented=True)
    told = (RUNS / "better_auth.yaml").read_text(encoding="utf-8")
    (columns,) = re.findall(r"#   (u\.role, .* AS banned)\n", told)
    source["query"] = source["query"].replace("u.*", f"u.id, u.email, {columns}")
    google = pool(mfa="OPTIONAL", identity_providers=("google",))
    people = judged(source, {**mapping, "identities": {"from": "identities"}}, tmp_path, google)
    assert disabled(people) == ["cyn"]
    assert {name: row[IDENTITIES] for name, row in people.items() if row[IDENTITIES]} == {
        "ada": ["google/100000000000000000001"],
        "bob": ["google/100000000000000000002"],
    }
