"""A first mapping from names and a sample; it must compile and reject nobody it was made from."""

from __future__ import annotations

import polars as pl
import pytest

from connectors.records import FILE, LINE, REASON, PoolAttribute
from mappings.documents import parse_yaml
from mappings.engine import compile_mapping
from mappings.spec import parse_mapping
from mappings.suggest import Suggestion, suggest

NAMES = (
    "name",
    "given_name",
    "family_name",
    "email",
    "phone_number",
    "birthdate",
    "updated_at",
    "custom:legacy_id",
)
POOL = {
    **{name: PoolAttribute(name) for name in NAMES},
    "email_verified": PoolAttribute("email_verified", "Boolean"),
    "custom:age": PoolAttribute("custom:age", "Number"),
    "custom:vip": PoolAttribute("custom:vip", "Boolean"),
}
COLUMNS = {
    "user_id": ["u1", "u2", "u3"],
    "E-Mail": ["a@example.com", "b@example.com", "c@example.com"],
    "emailVerified": ["true", "false", "true"],
    "firstName": ["Ada", "Bo", ""],
    "profile.lastName": ["King", "Li", "Q"],
    "phone": ["+12025550123", "", "+12025550124"],
    "date_of_birth": ["31.12.1990", "01.02.1980", ""],
    "last_modified": ["1471453471000", "1471453472000", "1471453473000"],
    "age": ["20", "30", ""],
    "vip": ["yes", "no", "no"],
    "secret": ["$2b$10$" + "a" * 53, "$argon2id$v=19$m=1", "pbkdf2_sha256$1$a$b"],
    "roles": ["admin|user", "user", ""],
    "blocked": ["0", "1", "0"],
    "favourite colour": ["red", "blue", "green"],
}


def sample(**changes: list[str]) -> pl.DataFrame:
    columns = {**COLUMNS, **changes}
    rows = len(next(iter(columns.values())))
    return pl.DataFrame({LINE: range(rows), FILE: [0] * rows, **columns})


def suggested(**changes: list[str]) -> Suggestion:
    return suggest([*COLUMNS], sample(**changes), POOL)


def test_the_suggestion_reads_names_and_values() -> None:
    found = suggested()
    attributes = found.mapping.pop("attributes")
    assert found.mapping == {
        "username": {"from": "user_id"},
        "password_hash": {"from": "secret"},
        "groups": {"from": "roles", "split": "|"},
        "enabled": {
            "from": "blocked",
            "then": ["trim", "lower", {"values": found.mapping["enabled"]["then"][2]["values"]}],
        },
    }
    assert attributes == {
        "name": {"template": "{firstName} {profile.lastName}"},
        "given_name": {"from": "firstName"},
        "family_name": {"from": "profile.lastName"},
        "email": {"from": "E-Mail", "then": ["trim", "lower"]},
        "phone_number": {"from": "phone", "then": ["e164"]},
        "birthdate": {"from": "date_of_birth", "as": {"date": "%d.%m.%Y"}},
        "updated_at": {"from": "last_modified", "as": {"epoch": "milliseconds"}},
        "custom:legacy_id": {"from": "user_id"},
        "email_verified": {"from": "emailVerified", "as": "boolean", "default": False},
        "custom:age": {"from": "age", "as": "number"},
        "custom:vip": {"from": "vip", "as": "boolean"},
    }
    assert found.unused == ("favourite colour",)


def test_the_suggestion_works_and_rejects_nobody_of_its_sample() -> None:
    found = suggested()
    spec = parse_mapping(parse_yaml(found.yaml, where="suggested"), where="suggested")
    mapping = compile_mapping(spec, known_fields=[*COLUMNS], known_attributes=POOL)
    mapped = mapping.apply(sample())
    assert mapped[REASON].to_list() == [None] * 3
    assert mapped["@enabled"].to_list() == [True, False, True]
    assert mapped["updated_at"].to_list() == ["1471453471", "1471453472", "1471453473"]


def test_yaml_has_one_rule_a_line() -> None:
    assert "\n  email: {from: E-Mail, then: [trim, lower]}\n" in suggested().yaml


def test_no_value_of_the_sample_is_in_a_suggestion() -> None:
    found = suggested(user_id=["same", "same", "x"], phone=["030 23125042", "", ""])
    told = found.yaml + "\n".join(found.notes)
    assert [
        value for values in COLUMNS.values() for value in values if len(value) > 5 and value in told
    ] == []


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"phone": ["030 23125042", "", "x"]}, "phone_number: 2 numbers of the sample have no country code"),
        ({"date_of_birth": ["01/02/1990", "03/04/1990", ""]}, "does not tell day from month"),
        ({"date_of_birth": ["01/02/90", "03/04/90", ""]}, "does not tell day from month"),
        ({"date_of_birth": ["31.12.90", "1.2.80", ""]}, "have two digits, so that the century is guessed"),
        ({"date_of_birth": ["long ago", "", ""]}, "birthdate: the sample of date_of_birth has no format"),
        ({"vip": ["maybe", "no", "no"]}, "custom:vip: the sample of vip has values that are no booleans"),
        (
            {"user_id": ["same", "same", "x"], "E-Mail": ["a b", "c d", "e f"]},
            "username: no field names every user",
        ),
    ],
)
def test_what_could_not_be_decided_is_said(changes: dict[str, list[str]], note: str) -> None:
    assert any(note in line for line in suggested(**changes).notes)


def test_the_username_is_what_the_pool_takes_for_one() -> None:
    found = suggest([*COLUMNS], sample(), POOL, username_attributes=["email"])
    assert found.mapping["username"] == {"from": "E-Mail"}
    assert found.mapping["attributes"]["email"]["from"] == "E-Mail"


@pytest.mark.parametrize("ids", [["u1", " ", "u3"], ["u1", "u1", "u3"], ["u 1", "u 2", "u 3"]])
def test_a_field_that_does_not_name_everybody_is_passed_over(ids: list[str]) -> None:
    assert suggested(user_id=ids).mapping["username"] == {"from": "E-Mail"}


def test_what_the_pool_requires_and_the_source_lacks_is_said() -> None:
    pool = {**POOL, "locale": PoolAttribute("locale", required=True)}
    assert any(
        note.startswith("locale: the pool requires it") for note in suggest([*COLUMNS], sample(), pool).notes
    )


def test_a_password_that_is_no_known_hash_is_left_to_a_person() -> None:
    found = suggest(["id", "password"], pl.DataFrame({"id": ["1"], "password": ["hunter-2"]}), POOL)
    assert "password_hash" not in found.mapping
    assert any(note.startswith("password: password may hold") for note in found.notes)


def test_a_source_without_sample_still_gets_names() -> None:
    found = suggest(["login", "mail"], pl.DataFrame(), POOL)
    assert found.mapping["username"] == {"from": "login"}
    assert found.mapping["attributes"]["email"] == {"from": "mail", "then": ["trim", "lower"]}


@pytest.mark.parametrize(
    ("values", "split"),
    [
        (["a;b", "c"], ";"),
        (["a,b", "c"], ","),
        (["a", "b"], None),
        (['["a"]', '["b"]'], None),
        (["", ""], None),
    ],
)
def test_separators_of_lists(values: list[str], split: str | None) -> None:
    found = suggest(["id", "groups"], pl.DataFrame({"id": ["1", "2"], "groups": values}), POOL)
    assert found.mapping["groups"].get("split") == split


def test_a_few_odd_days_do_not_hide_the_format_of_the_others() -> None:
    days = [*(f"{day:02d}.02.1990" for day in range(1, 20)), "ZQ"]
    frame = pl.DataFrame({"id": [f"u{n}" for n in range(20)], "born": days})
    found = suggest(["id", "born"], frame, {"birthdate": PoolAttribute("birthdate")})
    assert found.mapping["attributes"]["birthdate"] == {"from": "born", "as": {"date": "%d.%m.%Y"}}
    assert found.notes[0].startswith(
        "birthdate: 1 values of born in the sample are not of the format %d.%m.%Y"
    )
    assert "ZQ" not in found.notes[0]
