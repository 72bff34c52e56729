"""Which rule gave which value to one user, step by step; values are masked unless asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import polars as pl

from connectors.records import FILE, LINE
from mappings.problems import dotted
from mappings.steps import clean
from mappings.texts import refused, without_blanks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mappings.compiled import CompiledRule
    from mappings.engine import CompiledMapping

Outcome = Literal["value", "no value", "default", "rejected", "dropped", "default for a bad value"]

_SECRET = ("password_hash", "password")


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step of a rule and the text after it, None where there is no value."""

    label: str
    text: str | None
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Trace:
    """The way of one value.

    Attributes:
        target: what the rule fills, e.g. ``email``.
        rule: where the rule stands in the mapping, e.g. ``attributes.email``.
        steps: the origin and each step up to the one that refused the value, if one did.
        outcome: how it ended.
        text: the value in the form of the API, None where there is none.
    """

    target: str
    rule: str
    steps: tuple[TraceStep, ...]
    outcome: Outcome
    text: str | None

    def __str__(self) -> str:
        """One line for a terminal, with the texts that the trace holds."""
        way = " → ".join(f"{step.label}: {_shown(step)}" for step in self.steps)
        return f"{self.rule}: {way} ⇒ {self.outcome}{'' if self.text is None else f' {self.text}'}"


def explain(
    mapping: CompiledMapping, row: Mapping[str, str | None], *, show: bool = False
) -> tuple[Trace, ...]:
    """Follow one source row through a mapping.

    Args:
        mapping: the compiled mapping.
        row: the row's fields; those that the mapping needs and ``row`` lacks have no value.
        show: whether texts are shown; without it each is replaced by its length. Passwords and
            their hashes are never shown.

    Returns:
        One trace for every rule, in the order of the mapping.
    """
    page = pl.DataFrame(
        {LINE: [1], FILE: [0], **{field: [row.get(field)] for field in mapping.fields}},
        schema_overrides={LINE: pl.UInt64, FILE: pl.UInt32, **dict.fromkeys(mapping.fields, pl.String)},
    )
    page = page.with_columns(without_blanks(page[field]).alias(clean(field)) for field in mapping.fields)
    return tuple(_trace(rule, page, show=show) for rule in mapping.rules)


def masked(text: str | None) -> str | None:
    """A stand-in that tells nothing about a text but its length."""
    return None if text is None else f"({len(text)} character{'' if len(text) == 1 else 's'})"


def _shown(step: TraceStep) -> str:
    if step.bad:
        return "refused"
    return "none" if step.text is None else step.text


def _trace(rule: CompiledRule, page: pl.DataFrame, *, show: bool) -> Trace:
    text = (lambda value: value) if show and rule.target not in _SECRET else masked
    value = without_blanks(page.select(rule.made.value).to_series())
    steps = [TraceStep(rule.made.label, text(_text(value)))]
    for step in rule.steps:
        before, value = value, pl.DataFrame({"value": value}).select(step.run(pl.col("value"))).to_series()
        bad = step.checks and refused(before, value) is not None
        steps.append(TraceStep(step.label, text(_text(value)), bad))
        if bad:
            break
    outcome, left = _outcome(rule, _text(value), bad=steps[-1].bad)
    return Trace(rule.target, dotted(rule.path), tuple(steps), outcome, text(left))


def _outcome(rule: CompiledRule, value: str | None, *, bad: bool) -> tuple[Outcome, str | None]:
    """How the value ended, and what stands in the page then; what ``engine._answer`` does, for one value."""
    default = (
        rule.default if rule.default is None or isinstance(rule.default, str) else json.dumps(rule.default)
    )
    if bad and rule.bad == "reject":
        return "rejected", None
    if bad and rule.bad == "drop" and not rule.defaults_dropped:
        return "dropped", None
    if bad:
        return "default for a bad value", default
    if value is not None:
        return "value", value
    return ("no value", None) if default is None else ("default", default)


def _text(value: pl.Series) -> str | None:
    """The only value of a series; a list as JSON, an empty one as no value."""
    only = value.item()
    if isinstance(only, pl.Series):
        return json.dumps(only.to_list(), ensure_ascii=False) if only.len() else None
    return None if only is None else str(only)
