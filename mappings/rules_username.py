"""Can this be a username of the pool? (F1.27, F1.45-F1.47)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from connectors.records import USERNAME, PoolSchema
from mappings.rules_base import Rule
from mappings.rules_forms import EMAIL, PHONE_NUMBER, Form, matching
from mappings.rules_looks import BEYOND_ASCII, CONTROL, Look, Looks

if TYPE_CHECKING:
    from mappings.rules_options import RuleOptions

MAX_USERNAME_CHARACTERS = 128

_NO_CHARACTER_OF_A_NAME = r"[^\p{L}\p{M}\p{S}\p{N}\p{P}]"
_EMAIL_SHAPED = r"^[^\s@]+@[^\s@]+\.[^\s@.]+$"
_PHONE_NUMBER_SHAPED = r"^\+[0-9]+$"
"""Wider than the forms of the attributes: a username that only looks like one is refused too."""

_CONTACTS = ("email", "phone_number")
_FORMS = {"email": EMAIL, "phone_number": PHONE_NUMBER}
_VALUE = pl.col(USERNAME)


def username_form(schema: PoolSchema) -> Form | None:
    """The form of a username where the pool's users sign in with a contact instead (F1.46)."""
    patterns = [_FORMS[name] for name in _CONTACTS if name in schema.username_attributes]
    forms = [matching(_VALUE, pattern) for pattern in patterns]
    if not forms:
        return None
    return Form(
        pl.any_horizontal(form.clean for form in forms), pl.all_horizontal(form.bad for form in forms)
    )


def username_rules(schema: PoolSchema, options: RuleOptions) -> list[Rule]:
    """The rules on the username, in the order in which a row's reason is chosen."""
    return [*_every_pool(), *_alias_pool(schema), *_contact_pool(schema, options)]


def _rule(problem: str, bad: pl.Expr, sign: str) -> Rule:
    """A rule that can only be broken where ``sign`` occurs."""
    return Rule(f"username_{problem}", (USERNAME,), bad, lambda looks: looks[USERNAME].has(sign))


def _every_pool() -> list[Rule]:
    missing = _VALUE.is_null() | (_VALUE == "")
    too_long = _VALUE.str.len_chars() > MAX_USERNAME_CHARACTERS
    return [
        Rule("username_missing", (USERNAME,), missing, lambda looks: _has_gap(looks[USERNAME])),
        Rule("username_too_long", (USERNAME,), too_long,
             lambda looks: looks[USERNAME].longest > MAX_USERNAME_CHARACTERS),
        Rule("username_white_space", (USERNAME,), _VALUE.str.contains(r"\s"),
             _may_have_odd_characters, _odd_usernames),
        Rule("username_characters", (USERNAME,), _VALUE.str.contains(_NO_CHARACTER_OF_A_NAME),
             _may_have_odd_characters, _odd_usernames),
    ]  # fmt: skip


def _has_gap(look: Look) -> bool:
    return look.gaps or look.shortest == 0


def _may_have_odd_characters(looks: Looks) -> bool:
    return looks[USERNAME].has(" ", CONTROL, BEYOND_ASCII)


def _odd_usernames(frame: pl.DataFrame, _: Looks) -> pl.Series:
    """Any character but the visible ones of ASCII."""
    return frame[USERNAME].str.contains(r"[^!-~]")


def _alias_pool(schema: PoolSchema) -> list[Rule]:
    shapes = {"email": (_EMAIL_SHAPED, "@"), "phone_number": (_PHONE_NUMBER_SHAPED, "+")}
    return [
        _rule(f"{name}_shaped", _VALUE.str.contains(shape), sign)
        for name, (shape, sign) in shapes.items()
        if name in schema.alias_attributes
    ]


def _contact_pool(schema: PoolSchema, options: RuleOptions) -> list[Rule]:
    form = username_form(schema)
    if form is None:
        return []
    named = [name for name in _CONTACTS if name in schema.username_attributes]
    wrong = Rule(
        f"username_not_{'_or_'.join(named)}", (USERNAME,), form.bad, _is_not_clean, _not_clean_usernames
    )
    equal = [] if options.username_differs == "send" else [_equal(name, schema) for name in named]
    return [wrong, *equal]


def _is_not_clean(looks: Looks) -> bool:
    return looks[USERNAME].filled and not looks[USERNAME].clean


def _not_clean_usernames(_: pl.DataFrame, looks: Looks) -> pl.Series | None:
    return looks[USERNAME].doubtful


def _equal(name: str, schema: PoolSchema) -> Rule:
    """The attribute of a user whose username is one of its kind must be that username (F1.47)."""
    username, value = folded(_VALUE, schema), folded(pl.col(name), schema)
    kind = _VALUE.str.starts_with("+")
    differs = (kind if name == "phone_number" else ~kind) & (username != value)
    return Rule(f"{name}_differs_from_username", (USERNAME, name), differs, lambda looks: looks[name].filled)


def folded(name: pl.Expr, schema: PoolSchema) -> pl.Expr:
    """A sign-in name as the pool compares it: without regard to letter case if it is so set (F1.50)."""
    return name if schema.case_sensitive else name.str.to_lowercase()
