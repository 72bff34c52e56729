"""Groups and linked identities: what no pool takes is refused before anything is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.records import GROUPS, IDENTITIES, REASON, PoolSchema
from mappings.rules import RuleOptions, Rules
from tests.unit.pool_rules import page, pool, user

POOL = replace(pool(), identity_providers=("Google", "corp"))


def reasons(column: str, lists: list[list[str]], schema: PoolSchema = POOL) -> list[str | None]:
    judged = Rules(schema, RuleOptions()).judge(page(*(user(**{column: each}) for each in lists)))
    found: list[str | None] = judged[REASON].to_list()
    return found


def test_a_user_is_in_a_hundred_groups_at_most() -> None:
    groups = [f"g{n}" for n in range(101)]
    assert reasons(GROUPS, [groups[:100], groups, []]) == [None, "groups_too_many", None]


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
