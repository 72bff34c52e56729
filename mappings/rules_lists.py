"""Do the user's groups and linked identities fit the pool? (resource quotas after F4.9, F7.14, F7.19)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from connectors.records import GROUPS, IDENTITIES, PoolSchema
from mappings.rules_base import Rule

if TYPE_CHECKING:
    from mappings.rules_looks import Looks

MAX_GROUPS_OF_A_USER = 100
MAX_IDENTITIES = 5
MAX_GROUP_NAME_CHARACTERS = 128

GROUP_NAME_INVALID = "group_name_invalid"
"""Reason code of users who are in a group that the pool cannot have; they travel, and do without it."""

_GROUP_NAME = r"^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$"
_PROVIDER_AND_SUBJECT = r"^[^/]+/.+$"


def joinable(groups: pl.Expr) -> pl.Expr:
    """Those of a user's groups that the pool can have, by the form of their names (F7.19)."""
    name = pl.element()
    fits = name.str.contains(_GROUP_NAME) & (name.str.len_chars() <= MAX_GROUP_NAME_CHARACTERS)
    return groups.list.filter(fits)


def has_unjoinable(groups: pl.Expr) -> pl.Expr:
    """Whether a user is in a group that the pool cannot have."""
    return joinable(groups).list.len() < groups.list.len()


def list_rules(schema: PoolSchema) -> list[Rule]:
    """The rules on groups, and on identities where the mapping has any."""
    groups = _rule("groups_too_many", pl.col(GROUPS).list.len() > MAX_GROUPS_OF_A_USER)
    return [groups, *_identity_rules(schema.identity_providers)]


def _identity_rules(providers: tuple[str, ...] | None) -> list[Rule]:
    if providers is None:
        return []
    each, of_user = pl.element(), pl.col(IDENTITIES).list
    known = each.str.extract(r"^([^/]+)/").is_in(list(providers))
    return [
        _rule("identities_too_many", of_user.len() > MAX_IDENTITIES),
        _rule("identities_invalid", of_user.eval(~each.str.contains(_PROVIDER_AND_SUBJECT)).list.any()),
        _rule("identity_provider_unknown", of_user.eval(~known).list.any()),
    ]


def _rule(code: str, bad: pl.Expr) -> Rule:
    return Rule(code, (), bad, _always)


def _always(_: Looks) -> bool:
    return True
