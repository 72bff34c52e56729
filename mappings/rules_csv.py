"""Can an import job's CSV carry this user? (F1.11, F1.15-F1.18, F1.22, F1.29, F1.30, F1.32, F1.49)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from connectors.records import ALGORITHM, PASSWORD_HASH, USERNAME, PoolSchema
from mappings.rules_base import Rule
from mappings.rules_looks import CONTROL, WIDE, Look, Looks
from mappings.texts import holds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mappings.rules_options import RuleOptions

MAX_ROW_CHARACTERS = 16_000

_LINE_BREAKS = r"[\x00-\x1f\x7f\x{85}\x{2028}\x{2029}]"
"""Every control character of ASCII, and what Unicode calls the end of a line."""

_AWKWARD = {
    CONTROL: ((0x00, 0x1F), (0x7F, 0x7F)),
    WIDE: ((0xC2, 0xC2), (0xE2, 0xE2)),
    '"': ((0x22, 0x22),),
    "\\": ((0x5C, 0x5C),),
}
"""Sign → bytes, of which a value has one if it has a line break, a quotation mark or a backslash."""

_AMBIGUOUS_BACKSLASH = r"\\(?:,|$)"
_HASH_COLUMN = "password_hash"
_MFA_COLUMN = "cognito:mfa_enabled"
_MFA_CHARACTERS = len("false")


def csv_rules(schema: PoolSchema, options: RuleOptions) -> list[Rule]:
    """The rules on what a CSV can carry, in the order in which a row's reason is chosen.

    The hash's own problems are no part of it: they come last, so that a row with one of them as its
    reason could travel in a CSV without the hash.
    """
    names = [name for name in schema.attributes if name in schema.csv_header]
    absent = [name for name in schema.attributes if name not in schema.csv_header]
    return [
        _verified(schema, options),
        *(_filled(f"{name}_not_in_csv", name) for name in absent),
        *_preferred_username(schema, options),
        *(rule for name in names for rule in _characters(name, name, options)),
        *_characters("username", USERNAME, options),
    ]


def _verified(schema: PoolSchema, options: RuleOptions) -> Rule:
    """An attribute that the pool verifies itself must be true; the very one if it is one (F1.29)."""
    flags = tuple(f"{name}_verified" for name in schema.auto_verified)
    bad = pl.all_horizontal(pl.col(flag).ne_missing("true") for flag in flags) if flags else _every_row()
    if flags and options.unverified_with_hash == "send":
        bad &= pl.col(ALGORITHM).is_null()
    return Rule(_code_of_unverified(schema.auto_verified), flags, bad, lambda _: True)


def _every_row() -> pl.Expr:
    return pl.repeat(value=True, n=pl.len())


def _code_of_unverified(auto_verified: Sequence[str]) -> str:
    if len(auto_verified) == 1:
        return f"{auto_verified[0]}_not_verified"
    return "no_verified_contact" if auto_verified else "no_auto_verified_attribute"


def _filled(code: str, name: str) -> Rule:
    return Rule(code, (name,), pl.col(name).is_not_null(), lambda looks: looks[name].filled)


def _preferred_username(schema: PoolSchema, options: RuleOptions) -> list[Rule]:
    name = "preferred_username"
    if name not in schema.alias_attributes or options.preferred_username_alias == "send":
        return []
    return [_filled("preferred_username_is_alias", name)]


def _characters(label: str, column: str, options: RuleOptions) -> list[Rule]:
    """Rules on characters that have no sure way into a CSV."""
    value, columns = pl.col(column), (column,)

    def doubt(frame: pl.DataFrame, looks: Looks) -> pl.Series:
        signs = (sign for sign in _AWKWARD if looks[column].has(sign))
        return holds(frame[column], tuple(stretch for sign in signs for stretch in _AWKWARD[sign]))

    broken = Rule(f"{label}_line_break", columns, value.str.contains(_LINE_BREAKS),
                  lambda looks: looks[column].has(CONTROL, WIDE), doubt)  # fmt: skip
    quoted = Rule(f"{label}_quotation_mark", columns, value.str.contains('"', literal=True),
                  lambda looks: looks[column].has('"'), doubt)  # fmt: skip
    slashed = Rule(f"{label}_backslash", columns, _has_refused_backslash(value, options),
                   lambda looks: looks[column].has("\\"), doubt)  # fmt: skip
    return [broken, slashed] if options.quotation_marks == "send" else [broken, quoted, slashed]


def _has_refused_backslash(value: pl.Expr, options: RuleOptions) -> pl.Expr:
    if options.backslashes == "refuse":
        return value.str.contains("\\", literal=True)
    return value.str.contains(_AMBIGUOUS_BACKSLASH)


def row_rule(schema: PoolSchema, names: Sequence[str]) -> Rule:
    """The rule on a row's length, escapes and separators counted (F1.22).

    Args:
        schema: the pool.
        names: the attributes of the page.
    """
    header = schema.csv_header
    columns = (USERNAME, *(name for name in names if name in header))
    own = len(header) - 1 + (_MFA_CHARACTERS if _MFA_COLUMN in header else 0)
    hash_comma = 0 if _HASH_COLUMN in header else 1
    travels = pl.col(ALGORITHM).is_not_null()
    hashed = pl.when(travels).then(_cell(PASSWORD_HASH) + hash_comma).otherwise(0)
    length = pl.sum_horizontal(*(_cell(name) for name in columns), hashed) + own

    def possible(looks: Looks) -> bool:
        longest = sum(_longest_cell(looks[name]) for name in (*columns, PASSWORD_HASH))
        return longest + own + hash_comma > MAX_ROW_CHARACTERS

    return Rule("row_too_long", columns, length > MAX_ROW_CHARACTERS, possible)


def _cell(name: str) -> pl.Expr:
    """Characters of a cell: each comma is written with a backslash (F1.16)."""
    value = pl.col(name).str
    return (value.len_chars() + value.count_matches(",", literal=True)).fill_null(0)


def _longest_cell(look: Look) -> int:
    return look.longest * (2 if look.has(",") else 1)
