"""Which names a user takes in the pool, and which of them two users cannot share."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import polars as pl
import pytest

from connectors.records import REASON, USERNAME, PoolSchema
from mappings.duplicates import CODES
from mappings.rules import KEY_EMAIL, KEY_PHONE_NUMBER, KEY_PREFERRED_USERNAME, KEY_USERNAME, Rules
from tests.unit.pool_rules import page, pool, user

PHONE = "+4915700000001"
PLAIN = pool()
ALIASES = pool(alias_attributes=("email", "phone_number", "preferred_username"))
FOLDING = pool(alias_attributes=("email", "preferred_username"), case_sensitive=False)
CONTACTS = pool(username_attributes=("email", "phone_number"), case_sensitive=False)


def key_values(schema: PoolSchema, row: dict[str, Any]) -> dict[str, str]:
    """The names that a user takes, by the key column without its prefix."""
    rules = Rules(schema)
    values = rules.key_values(rules.judge(page(row))).row(0, named=True)
    assert list(values) == list(CODES)
    return {key.removeprefix("@key_"): value for key, value in values.items() if value is not None}


@pytest.mark.parametrize(
    ("schema", "row", "expected"),
    [
        (PLAIN, user(preferred_username="P"), {"username": "ana"}),
        (ALIASES, user(_username="Ana"), {"username": "Ana", "email": "ana@example.com"}),
        (ALIASES, user(email_verified="false"), {"username": "ana"}),
        (ALIASES, user(email_verified=None), {"username": "ana"}),
        (ALIASES, user(phone_number=PHONE, phone_number_verified="true", preferred_username="An"),
         {"username": "ana", "email": "ana@example.com", "phone_number": PHONE, "preferred_username": "An"}),
        (ALIASES, user(phone_number=PHONE), {"username": "ana", "email": "ana@example.com"}),
        (FOLDING, user(_username="ÄNA", email="ANA@Example.com", preferred_username="AN"),
         {"username": "äna", "email": "ana@example.com", "preferred_username": "an"}),
        (CONTACTS, user(_username="ANA@example.com", email_verified="false"),
         {"username": "ana@example.com", "email": "ana@example.com"}),
        (CONTACTS, user(_username="ANA@example.com", email=None, email_verified=None),
         {"username": "ana@example.com", "email": "ana@example.com"}),
        (CONTACTS, user(_username=PHONE),
         {"username": PHONE, "email": "ana@example.com", "phone_number": PHONE}),
        (PLAIN, user(_reason="line_ragged"), {}),
        (PLAIN, user(_username="a b"), {}),
    ],
)  # fmt: skip
def test_the_names_that_a_user_takes(
    schema: PoolSchema, row: dict[str, Any], expected: dict[str, str]
) -> None:
    """F1.45-F1.50, F5.8: aliases only while verified, contacts in any case, nothing for the rejected."""
    assert key_values(schema, row) == expected


def test_two_users_have_the_same_key_if_and_only_if_they_take_the_same_name() -> None:
    rules = Rules(FOLDING)
    names = ["ana", "Ana", "bo", None, "bo ", "ANA"]
    judged = rules.judge(
        page(*(user(_username=f"u{n}", preferred_username=name) for n, name in enumerate(names)))
    )
    values = rules.key_values(judged)[KEY_PREFERRED_USERNAME]
    hashes = judged[KEY_PREFERRED_USERNAME]
    assert hashes.dtype == pl.UInt64
    assert values.to_list() == ["ana", "ana", "bo", None, "bo", "ana"]
    for n, left in enumerate(values):
        for m, right in enumerate(values):
            assert (hashes[n] == hashes[m]) == (left == right), (n, m)


def test_a_key_does_not_depend_on_the_page_or_the_process() -> None:
    """Keys of pages that were judged in another process are compared with each other."""
    judged = Rules(PLAIN).judge(page(user(_username="bo"), user(_username="ana")))
    code = "import polars as pl; print(pl.select(pl.lit('ana').hash()).item())"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    alone = Rules(PLAIN).judge(page(user(_username="ana")))[KEY_USERNAME].item()
    assert judged[KEY_USERNAME][1] == alone == int(there.stdout)


def test_names_that_a_pool_has_no_use_for_have_no_key() -> None:
    judged = Rules(PLAIN).judge(page(user(phone_number=PHONE, phone_number_verified="true")))
    unused = judged.select(KEY_EMAIL, KEY_PHONE_NUMBER, KEY_PREFERRED_USERNAME)
    assert unused.rows() == [(None, None, None)]
    assert set(unused.dtypes) == {pl.UInt64}
    assert judged.select(USERNAME, REASON).rows() == [("ana", None)]
