"""Do the user's second factor and password fit the pool? (F1.34, F5.14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from connectors.records import MFA, PASSWORD, PoolSchema
from mappings.rules_base import Rule
from mappings.rules_looks import CONTROL, WIDE

if TYPE_CHECKING:
    from mappings.rules_looks import Looks
    from mappings.rules_options import RuleOptions

MAX_PASSWORD_CHARACTERS = 256

_FACTORS = ("on", "sms", "totp", "email")


def sign_in_rules(schema: PoolSchema, options: RuleOptions) -> list[Rule]:
    """The rules on second factor and password."""
    return [*_mfa_rules(schema, options), *_password_rules()]


def _mfa_rules(schema: PoolSchema, options: RuleOptions) -> list[Rule]:
    factor = pl.col(MFA)
    has_one, has_none = factor.is_in(_FACTORS), factor == "off"
    rules = [_mfa_rule("mfa_invalid", ~(has_one | has_none))]
    if options.mfa_against_pool == "refuse" and schema.mfa == "OFF":
        rules.append(_mfa_rule("mfa_not_in_pool", has_one))
    if options.mfa_against_pool == "refuse" and schema.mfa == "ON":
        rules.append(_mfa_rule("mfa_required_by_pool", has_none))
    return rules


def _mfa_rule(code: str, bad: pl.Expr) -> Rule:
    return Rule(code, (MFA,), bad, lambda looks: looks[MFA].filled)


def _password_rules() -> list[Rule]:
    value = pl.col(PASSWORD)
    return [
        Rule("password_white_space", (PASSWORD,), value.str.contains(r"\s"), _password_may_have_spaces),
        Rule("password_too_long", (PASSWORD,), value.str.len_chars() > MAX_PASSWORD_CHARACTERS,
             lambda looks: looks[PASSWORD].longest > MAX_PASSWORD_CHARACTERS),
    ]  # fmt: skip


def _password_may_have_spaces(looks: Looks) -> bool:
    return looks[PASSWORD].has(" ", CONTROL, WIDE)
