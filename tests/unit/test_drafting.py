from __future__ import annotations

import csv
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.errors import ConfigurationError
from connectors.records import PoolAttribute, PoolSchema
from flows.demo.people import FILE
from flows.settings import load_run_file
from flows.steps import drafting
from flows.steps.context import source_of, spec_of
from flows.steps.field_names import is_a_value
from mappings.engine import compile_mapping

if TYPE_CHECKING:
    from pathlib import Path

    from flows.settings import LoadedRunFile
    from mappings.engine import CompiledMapping

NAMES = (
    "name",
    "given_name",
    "family_name",
    "email",
    "email_verified",
    "birthdate",
    "phone_number",
    "nickname",
)
HASH = "$2b$10$QWWGKrl4AqwDtj4T5Pqk5uxRiw8DhzsxFaubpzjtlC2lgNIDKPh4O"


def pool(**changes: tuple[str, ...]) -> PoolSchema:
    names = (*NAMES, "custom:legacy_id", "custom:tenant")
    plain = PoolSchema(
        pool_id="eu-west-1_Unit",
        name="unit",
        attributes={name: PoolAttribute(name) for name in names},
        csv_header=(*names, "cognito:mfa_enabled", "cognito:username"),
        auto_verified=("email",),
        case_sensitive=False,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.fixture
def schema(monkeypatch: pytest.MonkeyPatch) -> PoolSchema:
    known = pool()
    use(monkeypatch, known)
    return known


def use(monkeypatch: pytest.MonkeyPatch, known: PoolSchema) -> None:
    monkeypatch.setattr(drafting, "cognito_client", lambda _: None)
    monkeypatch.setattr(drafting, "read_pool", lambda _client, _pool_id: known)


def write_csv(folder: Path, rows: list[dict[str, str]]) -> dict[str, str]:
    with (folder / "users.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return {"kind": "csv", "path": "users.csv"}


def draft(source: dict[str, Any], base: Path, **changes: str | None) -> str:
    known = {"pool_id": "eu-west-1_Unit", "region": "eu-west-1", "role_arn": None, "name": "acme"}
    return drafting.draft_run_file(source=source, base=base, **{**known, **changes}).text  # type: ignore[arg-type]  # all are texts


def used(text: str, base: Path, schema: PoolSchema) -> tuple[LoadedRunFile, CompiledMapping]:
    """Load, parse and compile a draft, as a run does."""
    path = base / "run.yaml"
    path.write_text(text, encoding="utf-8")
    loaded = load_run_file(path)
    compiled = compile_mapping(
        spec_of(loaded), known_fields=source_of(loaded).fields(), known_attributes=schema.attributes
    )
    return loaded, compiled


def people(count: int = 40, **columns: str) -> list[dict[str, str]]:
    return [{"id": f"u{n}", "email": f"u{n}@example.com", **columns} for n in range(count)]


def test_the_draft_for_the_demo_is_a_run_file_as_it_stands(tmp_path: Path, schema: PoolSchema) -> None:
    (tmp_path / "users.csv").write_bytes(FILE.read_bytes())
    text = draft({"kind": "csv", "path": "users.csv"}, tmp_path)
    loaded, compiled = used(text, tmp_path, schema)
    assert loaded.settings.target.user_pool_id == "eu-west-1_Unit"
    assert set(compiled.attributes) == set(schema.attributes) - {"custom:tenant", "nickname"}
    assert {"id", "email", "verified", "pw", "roles", "active"} <= set(compiled.fields)
    assert "27 lines among them could not be read" in text


def test_a_draft_holds_no_value_of_the_source(tmp_path: Path, schema: PoolSchema) -> None:
    rows = [
        {"id": f"ZQ-{n}", "email": f"ZQ{n}@example.com", "first_name": f"ZQ {n}", "phone": f"ZQ 030 {n}",
         "born": f"ZQ.{n}.1999", "active": f"ZQ{n}", "pw": f"ZQ{n}", "roles": f"ZQ{n};ZQ", "x": f"ZQ{n}"}
        for n in range(30)
    ]  # fmt: skip
    text = draft(write_csv(tmp_path, rows), tmp_path)
    assert "ZQ" not in text
    used(text, tmp_path, schema)


@given(
    names=st.lists(
        st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=12).filter(
            lambda name: name.strip() == name and not is_a_value(name)
        ),
        min_size=1, max_size=6, unique_by=str.lower,
    )
)  # fmt: skip
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_fields_may_have_any_names(tmp_path: Path, schema: PoolSchema, names: list[str]) -> None:
    """Signs that YAML minds, such as colons, braces and number signs, break neither rules nor comments."""
    rows = [{name: f"ZQ{n}.{at}" for at, name in enumerate(names)} for n in range(5)]
    source = {**write_csv(tmp_path, rows), "delimiter": ",", "quote": '"'}
    text = draft(source, tmp_path)
    assert "ZQ" not in text
    used(text, tmp_path, schema)


def test_a_line_break_in_the_name_of_a_field_ends_no_comment(tmp_path: Path, schema: PoolSchema) -> None:
    rows = [{**row, "last\nseen": "never", "first\nname": "A"} for row in people()]
    text = draft(write_csv(tmp_path, rows), tmp_path)
    assert "# Not mapped: last seen: filled for everybody" in text
    used(text, tmp_path, schema)


def test_comments_say_how_full_a_field_is(tmp_path: Path, schema: PoolSchema) -> None:
    rows = people(200)
    for number, row in enumerate(rows):
        row |= {"phone": "" if number else "+493023125000", "nick": " ", "first_name": "A" if number else ""}
    text = draft(write_csv(tmp_path, rows), tmp_path)
    assert "# phone: filled for 1 %" in text
    assert "# first_name: filled for 99 %" in text
    assert "# Not mapped, and always empty: nick" in text
    assert "# id: filled for everybody" in text
    used(text, tmp_path, schema)


def test_comments_name_what_is_not_read_and_what_stays_empty(tmp_path: Path, schema: PoolSchema) -> None:
    text = draft(write_csv(tmp_path, people(shoe_size="42", last_seen="")), tmp_path)
    assert "# Not mapped: shoe_size: filled for everybody\n" in text
    assert "# Not mapped, and always empty: last_seen\n" in text
    empty = next(line for line in text.splitlines() if "stay empty" in line)
    assert set(empty.partition(": ")[2].split(", ")) == set(schema.attributes) - {"email", "custom:legacy_id"}


def test_a_few_spoilt_ids_do_not_hide_the_field_that_names_users(tmp_path: Path, schema: PoolSchema) -> None:
    rows = people(60)
    rows[5]["id"], rows[9]["id"], rows[13]["id"] = "u4", "a b", ""
    text = draft(write_csv(tmp_path, rows), tmp_path)
    assert "  username: {from: id}" in text
    assert "    custom:legacy_id: {from: id}" in text
    assert "# Check: username: 4 users of the sample share their id" in text
    used(text, tmp_path, schema)


def test_addresses_are_usernames_only_where_users_sign_in_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = people(60, name="Same")
    for row in rows:
        row["id"] = "same"
    source = write_csv(tmp_path, rows)
    use(monkeypatch, pool(username_attributes=("email",)))
    assert "  username: {from: email}" in draft(source, tmp_path)


@pytest.mark.usefixtures("schema")
def test_a_source_that_names_nobody_is_refused(tmp_path: Path) -> None:
    source = write_csv(tmp_path, [{"colour": "red", "size": str(n % 3)} for n in range(30)])
    with pytest.raises(ConfigurationError, match="No field of the source names its users"):
        draft(source, tmp_path)


@pytest.mark.usefixtures("schema")
@pytest.mark.parametrize(
    "first", ["a@example.com,red", "1990-01-01,red", "+49 30 23125000,red", f"red,{HASH}"]
)
def test_a_file_without_header_is_refused_and_its_first_user_is_not_named(tmp_path: Path, first: str) -> None:
    (tmp_path / "users.csv").write_text(f"{first}\n{first}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="seems to be a user") as caught:
        draft({"kind": "csv", "path": "users.csv", "delimiter": ","}, tmp_path)
    assert not any(value in str(caught.value) for value in first.split(","))


@pytest.mark.usefixtures("schema")
def test_a_source_without_users_is_refused(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("id,email\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="no user that can be read"):
        draft({"kind": "csv", "path": "users.csv"}, tmp_path)


@pytest.mark.usefixtures("schema")
def test_where_bytes_hide_everybody_in_a_database_the_way_out_is_told(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "app.db") as database:
        database.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, face BLOB)")
        database.execute("INSERT INTO users VALUES (1, 'ana@example.com', x'ff')")
    database.close()
    with pytest.raises(ConfigurationError, match=r"by a `query`, or have HEX\(it\) there"):
        draft({"kind": "sql", "url": "sqlite:///app.db", "table": "users"}, tmp_path)


@pytest.mark.usefixtures("schema")
def test_an_unfilled_verified_flag_is_pointed_out(tmp_path: Path) -> None:
    """Import jobs take only users whose auto-verified attribute is verified (F1.29)."""
    warned = "# Check: email_verified: nothing fills it"
    assert warned in draft(write_csv(tmp_path, people()), tmp_path)
    assert warned not in draft(write_csv(tmp_path, people(verified="true")), tmp_path)


def test_ways_follow_from_pool_and_hashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, pool())
    assert "strategies: [import_job, admin_create_user]\n" in draft(write_csv(tmp_path, people()), tmp_path)
    text = draft(write_csv(tmp_path, people(pw=HASH)), tmp_path)
    assert "strategies: [import_job, admin_create_user, migration_trigger]\n" in text
    use(monkeypatch, pool(auto_verified=()))
    assert "strategies: [admin_create_user]\n" in draft(write_csv(tmp_path, people()), tmp_path)


def test_the_role_is_written_or_asked_for(tmp_path: Path, schema: PoolSchema) -> None:
    source, arn = write_csv(tmp_path, people()), "arn:aws:iam::123456789012:role/import"
    loaded, _ = used(draft(source, tmp_path, role_arn=arn), tmp_path, schema)
    assert loaded.settings.target.log_role_arn == arn
    text = draft(source, tmp_path, region=None)
    assert "# log_role_arn: import jobs need one" in text
    loaded, _ = used(text, tmp_path, schema)
    assert loaded.settings.target.region is loaded.settings.target.log_role_arn is None


def test_settings_of_the_source_are_kept_and_secrets_stay_unfilled(
    tmp_path: Path, schema: PoolSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USERS_FILE", "users.csv")
    write_csv(tmp_path, people())
    source = {"kind": "csv", "path": "${USERS_FILE}", "delimiter": ",", "key": "id"}
    loaded, _ = used(draft(source, tmp_path), tmp_path, schema)
    assert loaded.settings.source == source
