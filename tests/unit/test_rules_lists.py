"""Groups and linked identities: what no pool takes is refused before anything is sent."""

from __future__ import annotations

from dataclasses import replace

import botocore.session
import polars as pl
import pytest

from connectors.records import GROUPS, IDENTITIES, REASON, PoolSchema
from mappings.rules import RuleOptions, Rules
from mappings.rules_lists import MAX_GROUP_NAME_CHARACTERS, has_unjoinable, joinable
from tests.unit.pool_rules import page, pool, user

POOL = replace(pool(), identity_providers=("Google", "corp"))


def reasons(column: str, lists: list[list[str]], schema: PoolSchema = POOL) -> list[str | None]:
    judged = Rules(schema, RuleOptions()).judge(page(*(user(**{column: each}) for each in lists)))
    found: list[str | None] = judged[REASON].to_list()
    return found


def test_a_user_is_in_a_hundred_groups_at_most() -> None:
    groups = [f"g{n}" for n in range(101)]
    assert reasons(GROUPS, [groups[:100], groups, []]) == [None, "groups_too_many", None]


LONG = "g" * MAX_GROUP_NAME_CHARACTERS
FINE = ["staff", "Ärzte/1", "李雷", "a+b=c", "e\u0301", LONG]


@pytest.mark.parametrize(
    ("groups", "kept"),
    [
        (FINE, FINE),
        (["Site Admins", "staff"], ["staff"]),
        (["a\u00a0b", "a\tb", "a\u200bb", "a\u3000b", LONG + "g"], []),
        (["staff\n"], []),
        ([], []),
    ],
)
def test_a_group_has_a_name_that_the_api_takes(groups: list[str], kept: list[str]) -> None:
    """And who is in another one is not refused for it: they are in the pool without it (F7.19)."""
    column = pl.col(GROUPS)
    frame = pl.DataFrame({GROUPS: [groups, ["x"]]}, schema={GROUPS: pl.List(pl.String)})
    found = frame.select(joinable(column), has_unjoinable(column).alias("lacks"))
    assert found.rows() == [(kept, kept != groups), (["x"], False)]
    assert reasons(GROUPS, [groups]) == [None]


def test_names_of_groups_are_held_to_the_models_length() -> None:
    shape = botocore.session.get_session().get_service_model("cognito-idp").shape_for("GroupNameType")
    assert (shape.metadata["min"], shape.metadata["max"]) == (1, MAX_GROUP_NAME_CHARACTERS)
    assert shape.metadata["pattern"] == r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+"


@pytest.mark.parametrize(
    ("identities", "reason"),
    [
        ([], None),
        (["Google/1"], None),
        (["Google/1", "corp/a/b c"], None),
        ([f"corp/{n}" for n in range(5)], None),
        ([f"corp/{n}" for n in range(6)], "identities_too_many"),
        (["Google"], "identities_invalid"),
        (["Google/"], "identities_invalid"),
        (["/1"], "identities_invalid"),
        (["Google/1", "google/1"], "identity_provider_unknown"),
    ],
)
def test_an_identity_has_a_provider_that_the_pool_knows(identities: list[str], reason: str | None) -> None:
    assert reasons(IDENTITIES, [[], identities, ["Google/9"]]) == [None, reason, None]


def test_without_a_rule_for_identities_nobody_asks_for_providers() -> None:
    assert reasons(IDENTITIES, [["nobody/1"]], pool()) == [None]
