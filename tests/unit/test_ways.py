"""Which way each user takes: the quick look at a page gives what asking everybody everything would give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.records import ALGORITHM, ENABLED, PASSWORD, PASSWORD_HASH, REASON
from flows.steps.columns import FORCED, STRATEGY, VERDICT, WHY
from flows.strategies import chain
from flows.strategies.admin_create_user import AdminCreateUser
from flows.strategies.chain import choose
from flows.strategies.migration_trigger import MigrationTrigger
from mappings.rules import CSV_REASON
from mappings.spec import parse_mapping

if TYPE_CHECKING:
    from flows.strategies.base import Strategy

SPEC = parse_mapping({"username": {"from": "id"}}, where="run.yaml")


class Csv:
    """As the import job refuses."""

    def refusal(self) -> pl.Expr:
        return pl.col(CSV_REASON)


WAYS: dict[str, Any] = {
    "import_job": Csv(),
    "admin_create_user": AdminCreateUser(SPEC),
    "migration_trigger": MigrationTrigger(),
}
TEXT = {REASON: ["email_invalid"], CSV_REASON: ["name_line_break"], VERDICT: ["existing"], PASSWORD: ["pw"],
        PASSWORD_HASH: ["$2b$"], ALGORITHM: ["BCRYPT"]}  # fmt: skip
USERS = st.fixed_dictionaries(
    {name: st.sampled_from([None, None, *values]) for name, values in TEXT.items()}
    | {ENABLED: st.booleans(), FORCED: st.booleans()}
)
SCHEMA = dict.fromkeys(TEXT, pl.String) | {ENABLED: pl.Boolean, FORCED: pl.Boolean}


def one_by_one(users: pl.DataFrame, strategies: dict[str, Strategy]) -> list[tuple[Any, ...]]:
    """Each user asked alone, where there is nobody to be quick for."""
    alone = (chain._chosen(user, strategies) for user in users.iter_slices(1))
    return [chosen.row(0) for chosen in alone]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(USERS, min_size=1, max_size=12),
    st.permutations(list(WAYS)),
    st.integers(1, 3),
    st.sampled_from([[], [FORCED]]),
)
def test_a_page_is_routed_as_its_users_one_by_one(
    rows: list[dict[str, Any]], order: list[str], count: int, absent: list[str]
) -> None:
    users = pl.DataFrame(rows, schema=SCHEMA).drop(absent)
    strategies = {name: WAYS[name] for name in order[:count]}
    routed = choose(users, strategies)  # type: ignore[arg-type]  # names of strategies
    assert routed.select(WHY, STRATEGY, VERDICT).rows() == one_by_one(users, strategies)
    assert routed.drop(WHY, STRATEGY, VERDICT).equals(users.drop(VERDICT))


@pytest.mark.parametrize(
    ("user", "way", "verdict", "why"),
    [
        ({}, "import_job", None, None),
        ({CSV_REASON: "name_line_break"}, "admin_create_user", None, None),
        ({CSV_REASON: "hash_not_taken", PASSWORD_HASH: "x"}, "migration_trigger", "deferred", None),
        ({REASON: "email_invalid"}, None, "rejected", "email_invalid"),
        ({VERDICT: "existing"}, None, "existing", None),
    ],
)
def test_who_takes_which_way(
    user: dict[str, str], way: str | None, verdict: str | None, why: str | None
) -> None:
    nobody = dict.fromkeys(TEXT) | {ENABLED: True}
    page = pl.DataFrame([nobody, nobody | user, nobody], schema={**SCHEMA, FORCED: pl.Boolean}).drop(FORCED)
    routed = choose(page, WAYS)  # type: ignore[arg-type]  # names of strategies
    assert routed.select(STRATEGY, VERDICT, WHY).row(1) == (way, verdict, why)
    assert routed[STRATEGY].to_list()[::2] == ["import_job"] * 2
