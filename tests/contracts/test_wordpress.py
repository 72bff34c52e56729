"""Users of a real WordPress on a real MariaDB, by the preset and the example run file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from sqlalchemy import create_engine, text

from connectors.records import ENABLED, GROUPS, PASSWORD_HASH
from mappings.password_hashes import PasswordHashes
from tests.contracts.example_runs import attributes, example, judged, rejected
from tests.servers import wordpress
from tests.servers.databases import fresh

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def url(mariadb_url: str) -> str:
    """A database of a WordPress."""
    made = fresh(mariadb_url, "wordpress")
    wordpress.fill(made)
    return made


def test_only_planted_people_are_rejected_and_everybody_has_what_wordpress_knows(
    url: str, tmp_path: Path
) -> None:
    people = judged(*example("wordpress", url, page_rows=3), tmp_path)
    assert people.keys() == {"owner", *wordpress.PEOPLE}
    assert rejected(people) == {"fay planted": "username_white_space", "gus.planted": "email_invalid"}
    assert attributes(people["ada"]) == {
        "name": "Ada Example", "given_name": "Ada", "family_name": "Example", "nickname": "Addie",
        "email": "ada@example.com", "email_verified": "true", "website": "https://example.com/ada",
        "locale": "de_DE",
    }  # fmt: skip
    assert attributes(people["cyn"]) == {
        "name": "Cyn Müßig, 李", "nickname": "cyn", "email": "cyn@example.com", "email_verified": "true",
    }  # fmt: skip
    assert all(row[ENABLED] for row in people.values())


def test_roles_become_groups(url: str, tmp_path: Path) -> None:
    source, mapping = example("wordpress", url)
    people = judged(source, mapping, tmp_path)
    assert {name: people[name][GROUPS] for name in ("owner", "ada", "bob", "cyn", "dan")} == {
        "owner": ["administrator"], "ada": ["administrator"], "bob": ["editor", "sales_team"], "cyn": [],
        "dan": ["author", "export_reports"],
    }  # fmt: skip
    without = {"from": "wp_capabilities", "values": {"export_reports": None}}
    people = judged(source, {**mapping, "groups": without}, tmp_path)
    assert people["dan"][GROUPS] == ["author"]


def test_bcrypt_travels_and_wordpress_s_own_hashes_are_told(url: str, tmp_path: Path) -> None:
    people = judged(*example("wordpress", url), tmp_path)
    hashes = {name: row[PASSWORD_HASH] for name, row in people.items()}
    found = PasswordHashes().judge(pl.Series(hashes.values()))
    algorithms = dict(zip(hashes, found.algorithms, strict=True))
    assert {name for name, algorithm in algorithms.items() if algorithm} == {"bob"}
    assert set(found.kinds) == {None, "phpass", "bcrypt cost 13"}


def test_a_network_of_sites_has_two_ways_to_disable(url: str, tmp_path: Path) -> None:
    """The columns of wp-admin/includes/schema.php for a multisite."""
    source, mapping = example("wordpress", url)
    engine = create_engine(url)
    with engine.begin() as connection:
        for name in ("spam", "deleted"):
            connection.execute(
                text(f"ALTER TABLE wp_users ADD COLUMN {name} tinyint(2) NOT NULL default '0'")
            )
        connection.execute(text("UPDATE wp_users SET spam = 1 WHERE user_login = 'ada'"))
        connection.execute(text("UPDATE wp_users SET deleted = 1 WHERE user_login = 'cyn'"))
    engine.dispose()
    source["query"] = source["query"].replace("u.display_name,", "u.display_name, u.spam, u.deleted,")
    people = judged(source, mapping, tmp_path)
    assert [name for name, row in people.items() if not row[ENABLED]] == ["ada", "cyn"]
