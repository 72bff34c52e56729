"""Where a value comes from, as an expression over a page's columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from mappings import templates
from mappings.steps import clean
from mappings.texts import tidy_spaces
from mappings.verbs import column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mappings.problems import Path
    from mappings.spec import Origin


@dataclass(frozen=True, slots=True)
class Made:
    """An origin, ready to run.

    Attributes:
        label: the origin as the mapping has it.
        value: the text, null or blank where there is none.
        column: the column that ``value`` is, if it is just that.
        raw: fields that are read as they stand.
        clean: fields whose blank texts must be null (``steps.clean``).
    """

    label: str
    value: pl.Expr
    column: str | None = None
    raw: tuple[str, ...] = ()
    clean: tuple[str, ...] = ()


def uses(rule: Origin) -> Iterator[tuple[Path, str]]:
    """Yield each field that a rule reads, with the key at which the rule names it."""
    if rule.from_ is not None:
        yield ("from",), rule.from_
    for at, field in enumerate(rule.first_of or ()):
        yield ("first_of", at), field
    if rule.template is not None:
        yield from ((("template",), field) for field in templates.fields(rule.template))
    if rule.lookup is not None:
        yield ("lookup", "from"), rule.lookup.from_
    for at, condition in enumerate(rule.when):
        yield ("when", at, "field"), condition.field


def made(rule: Origin, *, blanks_do: bool) -> Made:
    """Make a rule's origin.

    Args:
        rule: the rule; its constant must be folded already if steps follow it.
        blanks_do: whether what follows takes blank texts, so that they need not be found first.
    """
    plain = _plain(rule, blanks_do=blanks_do and not rule.when)
    if not rule.when:
        return plain
    holds = pl.all_horizontal(c.holds(pl.col(clean(c.field))) for c in rule.when)
    fields = (*plain.clean, *(condition.field for condition in rule.when))
    return Made(f"{plain.label} when …", pl.when(holds).then(plain.value), None, plain.raw, fields)


def _plain(rule: Origin, *, blanks_do: bool) -> Made:
    if rule.template is not None:
        return _template(rule.template)
    if rule.first_of is not None:
        value = pl.coalesce(pl.col(clean(field)) for field in rule.first_of)
        return Made(f"first_of {', '.join(rule.first_of)}", value, clean=rule.first_of)
    if rule.const is not None:
        return Made("const", pl.lit(rule.const, dtype=pl.String))
    field = rule.lookup.from_ if rule.lookup is not None else rule.from_ or ""
    if blanks_do and rule.lookup is None:
        return Made(f"from {field}", pl.col(field), field, raw=(field,))
    return Made(f"from {field}", pl.col(clean(field)), clean(field), clean=(field,))


def _template(template: str) -> Made:
    """Join the parts; with nothing but spaces between fields an empty result tells that all are empty."""
    parts, fields = templates.parts(template), templates.fields(template)
    only_spaces = all(isinstance(part, templates.Field) or part.isspace() for part in parts)
    name: Callable[[str], str] = str if only_spaces else clean
    pieces = [pl.col(name(p.name)) if isinstance(p, templates.Field) else pl.lit(p) for p in parts]
    text = column(tidy_spaces)(pl.concat_str(pieces, ignore_nulls=True))
    label = f"template {template}"
    if only_spaces:
        return Made(label, text, raw=fields)
    some = pl.any_horizontal(pl.col(clean(field)).is_not_null() for field in fields)
    return Made(label, pl.when(some).then(text), clean=fields)
