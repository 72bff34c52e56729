"""The preset that knows a source, fitted to the pool; and what a sample shows, counted, never a value."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from connectors.records import FILE, LINE, PoolAttribute
from flows.reports.profiles import profile_tables
from flows.steps.choosing import choose
from flows.steps.profiling import profile
from flows.steps.sampling import Sample
from mappings.recognised import asked_by_presets
from tests.contracts.preset_people import POOL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.records import PoolSchema
    from flows.steps.choosing import Choice
    from flows.steps.profiling import Profile

PHONE = "+493023125000"
BCRYPT = "$2b$10$QWWGKrl4AqwDtj4T5Pqk5uxRiw8DhzsxFaubpzjtlC2lgNIDKPh4O"


def pool(*custom: str, **changes: Any) -> PoolSchema:
    more = {name: PoolAttribute(name) for name in custom}
    return replace(POOL, attributes={**POOL.attributes, **more}, case_sensitive=False, **changes)


def sample(people: Sequence[dict[str, str | None]], kind: str = "csv") -> Sample:
    fields = list(people[0])
    columns = dict.fromkeys((*fields, *asked_by_presets(kind, fields)))
    rows = pl.DataFrame(
        [{name: each.get(name) for name in columns} for each in people],
        schema=dict.fromkeys(columns, pl.String),
    )
    places = rows.with_row_index(LINE).select(pl.col(LINE).cast(pl.UInt64), pl.lit(0, pl.UInt32).alias(FILE))
    return Sample(fields, pl.concat([places, rows], how="horizontal"), 2)


def okta(count: int = 10, **more: str) -> Sample:
    people = [
        {"id": f"00u{n}", "status": "ACTIVE", "profile.login": f"u{n}@example.com",
         "profile.email": f"u{n}@example.com", "profile.plan": "pro", **more}
        for n in range(count)
    ]  # fmt: skip
    return sample(people, "okta")


def chosen(taken: Sample, schema: PoolSchema, kind: str = "okta", key: str | None = "id") -> Choice:
    return choose(taken, schema, kind=kind, key=key)


def test_the_preset_that_knows_the_source_is_taken_as_it_stands() -> None:
    found = chosen(okta(), pool())
    assert found.mapping == {"preset": "okta"}
    assert found.preset is not None
    assert found.preset.why == "kind okta"
    assert {"email", "preferred_username"} <= set(found.compiled.attributes)


def test_where_people_sign_in_with_their_address_it_is_the_username() -> None:
    found = chosen(okta(), pool(username_attributes=("email",)))
    assert found.mapping["username"] == {"from": "profile.email", "then": ["trim", "lower"]}
    assert "sign in with their email" in found.notes[0]


def test_where_addresses_are_refused_as_usernames_the_system_s_id_is_taken() -> None:
    """A pool in which e-mail is an alias refuses usernames that look like one (F1.45)."""
    found = chosen(okta(), pool(alias_attributes=("email",)))
    assert found.mapping["username"] == {"from": "id"}
    assert "the pool refuses most" in found.notes[0]


def test_what_the_pool_has_of_its_own_is_filled_by_fields_of_that_name_and_by_the_id() -> None:
    found = chosen(okta(), pool("custom:plan", "custom:legacy_id", "custom:colour"))
    assert found.mapping["attributes"] == {
        "custom:plan": {"from": "profile.plan"},
        "custom:legacy_id": {"from": "id"},
    }


def test_what_a_preset_fills_and_the_pool_lacks_is_taken_away() -> None:
    lacking = replace(POOL, attributes={k: v for k, v in POOL.attributes.items() if k != "locale"})
    assert chosen(okta(), lacking).mapping["attributes"] == {"locale": None}


def test_custom_attributes_of_another_pool_go_where_the_same_name_is() -> None:
    people = sample([{"Username": f"u{n}", "custom:tenant": "acme"} for n in range(5)], "cognito")
    found = chosen(people, pool("custom:tenant"), "cognito", None)
    assert found.mapping == {"preset": "cognito", "attributes": {"custom:tenant": {"from": "custom:tenant"}}}


def test_a_preset_without_anybody_s_name_gives_way_to_rules() -> None:
    people = sample([{"login": f"u{n}", "status": "ACTIVE"} for n in range(5)], "okta")
    found = chosen(people, pool(), "okta", None)
    assert found.preset is None
    assert found.mapping["username"] == {"from": "login"}


PEOPLE: list[dict[str, str | None]] = [
    {"id": "U1", "email": "ZQ1@example.com", "verified": "true", "phone": PHONE, "born": "1990-02-03",
     "pw": BCRYPT, "nick": ""},
    {"id": "u1", "email": "zq1@example.com", "verified": "true", "phone": PHONE, "born": "1990-02-04",
     "pw": BCRYPT, "nick": None},
    {"id": "u3", "email": "zq3@example.com", "verified": "false", "phone": "", "born": "1990-02-05",
     "pw": BCRYPT, "nick": ""},
    {"id": "u4", "email": "zq no address", "verified": "false", "phone": None, "born": "ZQ", "pw": BCRYPT,
     "nick": None},
]  # fmt: skip


@pytest.fixture
def seen() -> Profile:
    taken = sample(PEOPLE)
    schema = pool()
    return profile(taken, choose(taken, schema, kind="csv", key=None), schema, {"kind": "csv"})


def test_a_profile_counts_what_a_person_has_to_know(seen: Profile) -> None:
    assert (seen.users, seen.unreadable) == (4, 2)
    assert seen.empty == ("nick",)
    assert seen.unmapped == {"nick": 0.0}
    assert {name: (one.users, one.duplicates) for name, one in seen.names.items()} == {
        "username": (4, 1),
        "email": (4, 1),
        "phone_number": (2, 1),
    }
    assert seen.unverified == {"email": 2, "phone_number": 2}
    assert seen.hashes == {"bcrypt cost 10": 4}
    assert seen.rejected == {"birthdate_invalid": 1}
    by_name = {one.name: one for one in seen.fields}
    assert by_name["email"].forms == {"e-mail": 3, "text": 1}
    assert by_name["born"].forms == {"date 2000-12-31": 3, "text": 1}
    assert (by_name["phone"].filled, by_name["phone"].distinct) == (0.5, 1)
    assert by_name["phone"].fills == ("phone_number",)


def test_a_profile_holds_no_value(seen: Profile) -> None:
    told = json.dumps(seen.to_json())
    cells = [str(cell) for table in profile_tables(seen) for column in table.columns for cell in column.cells]
    for value in {
        value for each in PEOPLE for value in each.values() if value and value not in ("true", "false")
    }:
        assert value not in told
        assert not any(value in cell for cell in cells)
    assert "zq" not in told.lower()


def test_a_profile_that_told_a_value_would_be_noticed(seen: Profile) -> None:
    leaking = replace(seen, empty=("zq1@example.com",))
    with pytest.raises(AssertionError):
        test_a_profile_holds_no_value(leaking)


def test_hashes_of_disabled_users_are_counted_as_well() -> None:
    people = [{"id": f"u{n}", "pw": BCRYPT, "active": "false" if n else "true"} for n in range(4)]
    taken, schema = sample(people), pool()
    seen = profile(taken, choose(taken, schema, kind="csv", key=None), schema, {"kind": "csv"})
    assert seen.hashes == {"bcrypt cost 10": 4}
