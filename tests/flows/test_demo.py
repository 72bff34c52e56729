"""What the demo's generator planted is what a run of the demo finds, kind by kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import polars as pl
import pytest

from connectors import aws
from connectors.cognito.pool import read_pool
from connectors.cognito.role import check_role
from connectors.records import LINE
from flows.demo import prepare
from flows.demo.dirt import DIRT, IN_POOL
from flows.demo.people import FILE, Person, people, text_of
from flows.settings import load_run_file
from flows.steps.columns import VERDICT, WHY
from flows.steps.context import Worker, cognito_client
from flows.steps.extract import extract
from flows.steps.forecast import scratch
from flows.steps.route import route
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox

IMPORT, CREATE, DEFER = "import_job", "admin_create_user", "deferred"
HARMLESS = (
    "email_padded", "email_twice", "phone_national", "phone_spaced", "phone_invalid",
    "birthdate_empty", "name_comma", "name_decomposed", "name_emoji", "grouped",
    "inactive", "inactive_with_hash", "hash_bcrypt", "hash_pbkdf2",
)  # fmt: skip
EXPECTED: dict[str, tuple[str, str | None]] = {
    **dict.fromkeys(HARMLESS, (IMPORT, None)),
    **dict.fromkeys(("email_empty", "unverified", "verified_missing"), (CREATE, None)),
    **dict.fromkeys(("name_quotation_mark", "name_backslash", "name_line_break"), (CREATE, None)),
    **dict.fromkeys(("hash_pbkdf2_ambiguous", "hash_foreign", "unverified_with_hash"), (DEFER, None)),
    "email_invalid": ("rejected", "email_invalid"),
    "email_empty_but_verified": ("rejected", "email_verified_without_email"),
    "id_twice": ("rejected", "duplicate_username"),
    "id_differs_by_case": ("rejected", "duplicate_username"),
    "username_with_space": ("rejected", "username_white_space"),
    "username_too_long": ("rejected", "username_too_long"),
    "value_too_long": ("rejected", "name_too_many_bytes"),
    "birthdate_invalid": ("rejected", "birthdate_invalid"),
    "line_too_short": ("rejected", "line_ragged"),
    "line_too_long": ("rejected", "line_ragged"),
    "line_undecodable": ("rejected", "line_undecodable"),
    IN_POOL: ("existing", None),
}
"""Kind of dirt → the way or the verdict, and the reason."""


@pytest.fixture
def run_file(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    return prepare(tmp_path / "demo", sandbox.environment)


def lines_of(persons: list[Person]) -> Iterator[int]:
    """The physical line at which each user begins."""
    head = text_of([]).count(b"\n")
    line = head + 1
    for person in persons:
        yield line
        line += text_of([person]).count(b"\n") - head


def test_every_kind_of_dirt_ends_where_it_must(run_file: Path) -> None:
    with scratch(load_run_file(run_file), Worker()) as context:
        extract(context)
        route(context)
        found = pl.concat([pl.read_parquet(path) for path in context.folder.all("outcomes")])
        travelling = [
            pl.read_parquet(context.folder.batch_users(batch.number)).select(
                ORDINAL, pl.lit(batch.strategy).alias(VERDICT), pl.lit(None, pl.String).alias(WHY)
            )
            for batch in context.ledger.batches()
        ]
        users = pl.concat([context.folder.scan_users().select(ORDINAL, LINE).collect()])
    ends = pl.concat([found.select(ORDINAL, VERDICT, WHY), *travelling]).join(users, on=ORDINAL)
    end_of = {line: (way, why) for line, way, why in ends.select(LINE, VERDICT, WHY).iter_rows()}
    persons = people()
    assert len(end_of) == len(persons)
    wrong = [
        (person.kind and person.kind.name, end_of[line])
        for line, person in zip(lines_of(persons), persons, strict=True)
        if end_of[line] != (EXPECTED[person.kind.name] if person.kind else (IMPORT, None))
    ]
    assert wrong == []


def test_every_kind_of_dirt_is_expected_somewhere() -> None:
    assert EXPECTED.keys() == DIRT.keys()


def test_the_folder_is_ready_to_run(run_file: Path) -> None:
    loaded = load_run_file(run_file)
    schema = read_pool(cognito_client(loaded), loaded.settings.target.user_pool_id)
    assert (run_file.parent / "users.csv").read_bytes() == FILE.read_bytes()
    assert {"custom:tenant", "custom:legacy_id"} <= schema.attributes.keys()
    assert schema.auto_verified == ("email",)
    assert not schema.case_sensitive
    assert schema.mfa == "OFF"
    assert check_role(aws.client("iam"), loaded.settings.target.log_role_arn or "") == []


def test_the_pool_holds_the_users_who_are_to_be_there_already(run_file: Path) -> None:
    pool_id = load_run_file(run_file).settings.target.user_pool_id
    pages = boto3.client("cognito-idp").get_paginator("list_users").paginate(UserPoolId=pool_id)
    there = {user["Username"] for page in pages for user in page["Users"]}
    assert there == {p.cells["id"].lower() for p in people() if p.kind and p.kind.name == IN_POOL}


def test_preparing_again_replaces_what_is_in_the_folder(run_file: Path, sandbox: Sandbox) -> None:
    before = load_run_file(run_file).settings.target.user_pool_id
    (run_file.parent / "users.csv").write_text("spoilt", encoding="utf-8")
    again = prepare(run_file.parent, sandbox.environment)
    assert again == run_file
    assert load_run_file(again).settings.target.user_pool_id != before
    assert (again.parent / "users.csv").read_bytes() == FILE.read_bytes()
