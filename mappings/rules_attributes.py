"""Does the pool's schema take these attributes? (F1.28, F1.33, F1.36-F1.38, F1.40-F1.42)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from mappings.rules_base import Rule
from mappings.rules_forms import form_of
from mappings.rules_looks import BEYOND_ASCII

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.records import PoolAttribute, PoolSchema
    from mappings.rules_forms import Form
    from mappings.rules_looks import Look, Looks

MAX_VALUE_BYTES = 2_048
_UTF8_BYTES = 4
"""Most bytes that one character takes."""


def unknown_rules(names: list[str], schema: PoolSchema) -> list[Rule]:
    """Rules for those of a page's attributes that the pool has not: any value is one too many."""
    return [
        _rule(name, "unknown", pl.col(name).is_not_null(), lambda look: look.filled)
        for name in names
        if name not in schema.attributes
    ]


def attribute_rules(schema: PoolSchema) -> list[Rule]:
    """The rules on single attributes, then those on two, in the order in which a reason is chosen."""
    attributes = schema.attributes.values()
    required = [_missing(each.name) for each in attributes if each.required]
    single = [rule for each in attributes for rule in _rules_of(each)]
    return [*required, *single, *_verified_rules()]


def _rule(name: str, problem: str, bad: pl.Expr, possible: Callable[[Look], bool]) -> Rule:
    return Rule(f"{name}_{problem}", (name,), bad, lambda looks: possible(looks[name]))


def _missing(name: str) -> Rule:
    return _rule(name, "missing", pl.col(name).is_null(), lambda look: look.gaps)


def _rules_of(attribute: PoolAttribute) -> list[Rule]:
    name, form = attribute.name, form_of(attribute)
    size = pl.col(name).str.len_bytes()
    too_many = _rule(
        name, "too_many_bytes", size > MAX_VALUE_BYTES, lambda look: look.longest > MAX_VALUE_BYTES
    )
    wrong = [_invalid(name, form)] if form else []
    bounds = _lengths(attribute) if attribute.type == "String" else _values(attribute)
    return [too_many, *wrong, *bounds]


def _invalid(name: str, form: Form) -> Rule:
    return Rule(
        f"{name}_invalid",
        (name,),
        form.bad,
        possible=lambda looks: looks[name].filled and not looks[name].clean,
        doubt=lambda _, looks: looks[name].doubtful,
    )


def _lengths(attribute: PoolAttribute) -> list[Rule]:
    """Bounds in characters (F1.41). An empty text is no value, so that a minimum of 1 holds always."""
    name, least, most = attribute.name, attribute.min_length or 0, attribute.max_length
    characters = pl.col(name).str.len_chars()
    rules = []
    if least > 1:
        rules.append(_rule(name, "too_short", characters < least, lambda look: _may_be_shorter(look, least)))
    if most is not None:
        rules.append(_rule(name, "too_long", characters > most, lambda look: look.longest > most))
    return rules


def _may_be_shorter(look: Look, least: int) -> bool:
    return look.filled and look.shortest < least * (_UTF8_BYTES if look.has(BEYOND_ASCII) else 1)


def _values(attribute: PoolAttribute) -> list[Rule]:
    """Inclusive bounds of numbers (F1.41); what is no number has a reason already."""
    name, least, most = attribute.name, attribute.min_value, attribute.max_value
    number = pl.col(name).cast(pl.Float64, strict=False)
    rules = []
    if least is not None:
        rules.append(_rule(name, "too_low", number < least, lambda look: look.filled))
    if most is not None:
        rules.append(_rule(name, "too_high", number > most, lambda look: look.filled))
    return rules


def _verified_rules() -> list[Rule]:
    """What is verified must be there (F1.28)."""
    return [_without(name) for name in ("email", "phone_number")]


def _without(name: str) -> Rule:
    flag = f"{name}_verified"
    bad = (pl.col(flag) == "true") & pl.col(name).is_null()

    def possible(looks: Looks) -> bool:
        return looks[flag].filled and looks[name].gaps

    return Rule(f"{flag}_without_{name}", (flag, name), bad, possible)
