"""One rule of a mapping, compiled: where its value comes from, its steps, and what a bad value means."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import polars as pl

from connectors.errors import ConfigurationError
from connectors.records import ENABLED, GROUPS, IDENTITIES, MFA, PASSWORD, PASSWORD_HASH, USERNAME
from mappings import convert
from mappings.calls import Conversion, VerbCall
from mappings.lists import STRINGS, Cutter
from mappings.origins import Made, made
from mappings.spec import UNSAID, HashRule, ListRule, Rule
from mappings.steps import Step, chained
from mappings.tables import table_of
from mappings.texts import without_blanks
from mappings.verbs import column, renamed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path as FilePath

    from mappings.problems import Path

AnyRule = Rule | HashRule | ListRule
Bad = Literal["reject", "drop", "default"]

_BOOLEAN = Conversion.model_validate("boolean")
IMPLIED = {
    "email_verified": _BOOLEAN,
    "phone_number_verified": _BOOLEAN,
    "enabled": _BOOLEAN,
    "birthdate": Conversion.model_validate({"date": "%Y-%m-%d"}),
    "updated_at": Conversion.model_validate({"epoch": "seconds"}),
}
"""The conversion of a value whose form the API prescribes, where its rule has none (F1.33, F1.37, F1.38)."""

_API_FORM = {"date": Conversion.model_validate({"date": "%Y-%m-%d"}), "epoch": IMPLIED["updated_at"]}


COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "username": USERNAME,
        "password_hash": PASSWORD_HASH,
        "password": PASSWORD,
        "groups": GROUPS,
        "enabled": ENABLED,
        "mfa": MFA,
        "identities": IDENTITIES,
    }
)
"""The column that each part of a mapping fills; an attribute fills the column of its own name."""


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """One rule, ready to run.

    Attributes:
        target: what it fills: ``username``, ``email``, ``groups`` …
        path: where it stands in the mapping.
        made: its origin.
        steps: what is done to the value.
        default: what stands where there is no value.
        bad: what becomes of a bad value.
        promise: the conversion or verb that has made every value, if one has: ``boolean``, ``e164`` …
    """

    target: str
    path: Path
    made: Made
    steps: tuple[Step, ...]
    default: str | tuple[str, ...] | None
    bad: Bad
    promise: str | None = None

    @property
    def column(self) -> str:
        """The column of the mapped page that it fills."""
        return self.target if self.path[0] == "attributes" else COLUMNS[self.target]

    @property
    def defaults_dropped(self) -> bool:
        """Whether a dropped value gets the default: that of ``enabled`` does, or the user could sign in."""
        return self.column == ENABLED

    @property
    def code(self) -> str:
        """Reason code of a user whose value is refused."""
        return f"{self.target}_invalid"

    @property
    def fallback(self) -> pl.Expr:
        """The default as an expression."""
        dtype = STRINGS if isinstance(self.default, tuple) else pl.String
        value = list(self.default) if isinstance(self.default, tuple) else self.default
        return pl.lit(value, dtype=dtype)

    def stages(self) -> tuple[list[tuple[str, pl.Expr]], list[tuple[str, str]], str]:
        """Lay the rule out in columns.

        Returns:
            Columns to make one after another; pairs of columns before and after a checking step;
            the column that has the answer.
        """
        names = (f"@{'.'.join(map(str, self.path))}:{count}" for count in range(2 * len(self.steps) + 2))
        columns: list[tuple[str, pl.Expr]] = []
        checks: list[tuple[str, str]] = []
        value, at = self.made.value, self.made.column

        def settle() -> str:
            columns.append((next(names), value))
            return columns[-1][0]

        for checking, together in groupby(self.steps, key=lambda step: step.checks):
            if not checking:
                value, at = chained(list(together), value), None
                continue
            for step in together:
                before = at or settle()
                value = step.run(pl.col(before))
                at = settle()
                value = pl.col(at)
                checks.append((before, at))
        return columns, checks, at or settle()


def compile_rule(
    target: str, path: Path, rule: AnyRule, *, base: FilePath | None, where: str
) -> CompiledRule:
    """Compile one rule.

    Raises:
        ConfigurationError: its table cannot be read; its constant or default is not in the form
            that the API takes.
    """
    steps = _lookup(target, rule, base, where)
    promise = None
    if isinstance(rule, ListRule):
        steps = (*steps, _list_step(rule))
        default: str | tuple[str, ...] | None = rule.default
    else:
        steps = (*steps, *_steps(target, rule))
        default = _checked_default(target, rule, where)
        promise = _promise(target, rule)
        if rule.const is not None:
            rule, steps = _folded(rule, steps, where), ()
    blanks_do = bool(steps) and not steps[0].minds_blanks
    return CompiledRule(target, path, made(rule, blanks_do=blanks_do), steps, default, rule.bad, promise)


def _promise(target: str, rule: Rule) -> str | None:
    """The conversion, or the verb ``e164``, that makes every value, the default included."""
    conversion = conversion_of(target, rule)
    if conversion is not None and conversion.name != "string":
        return conversion.name if target != "mfa" else None
    return "e164" if rule.default is None and rule.then and rule.then[-1].name == "e164" else None


def _lookup(target: str, rule: AnyRule, base: FilePath | None, where: str) -> tuple[Step, ...]:
    """Two steps where an entry may have no value: only a text that is in no entry is a bad one."""
    if rule.lookup is None:
        return ()
    has_header = rule.lookup.columns is None
    table = table_of(rule.lookup.table, base=base, where=where, has_header=has_header)
    found = {text: other or "" for text, other in table.items()}
    step = Step("lookup", column(renamed(found, keep=False)), checks=True)
    if all(other.strip() for other in found.values()):
        return (step,)
    if target == "enabled" and rule.default is None:
        raise ConfigurationError(f"{where}{UNSAID}")
    return (step, Step("an entry without value", column(without_blanks)))


def _list_step(rule: ListRule) -> Step:
    steps = [_step(call) for call in rule.then]
    if rule.values:
        steps.append(_step(VerbCall.model_validate({"values": rule.values})))
    cutter = Cutter(rule.split, rule.each, tuple(steps))
    return Step("list", column(cutter, STRINGS), checks=True, minds_blanks=False)


def _steps(target: str, rule: Rule) -> tuple[Step, ...]:
    calls = [_step(call) for call in rule.then]
    if (conversion := conversion_of(target, rule)) is not None and conversion.name != "string":
        calls.append(_step(conversion, "as "))
    if target == "mfa":
        calls.append(Step("as mfa", column(convert.mfa_states), checks=True, minds_blanks=False))
    return tuple(calls)


def conversion_of(target: str, rule: Rule) -> Conversion | None:
    """The conversion of a rule, or the one that its target implies.

    ``updated_at`` is seconds for the API, so a ``date`` there gives the seconds of its midnight.
    """
    given = rule.as_
    if given is not None and given.name == "date" and target == "updated_at":
        return Conversion.model_validate({"epoch": given.argument})
    return given or IMPLIED.get(target)


def _step(call: VerbCall, word: str = "") -> Step:
    verb = call.verb
    return Step(f"{word}{call}", call.run, verb.checks, verb.minds_blanks, verb.touches)


def run_alone(text: str, steps: tuple[Step, ...]) -> str | None:
    """Run steps over one text; None where there is no value or a bad one."""
    value = reduce(lambda expr, step: step.run(expr), steps, pl.col("text"))
    answer: str | None = pl.DataFrame({"text": [text]}).select(value).item()
    return answer


def _folded(rule: Rule, steps: tuple[Step, ...], where: str) -> Rule:
    """Do the steps to a constant once and for all."""
    made_of_it = run_alone(rule.const or "", steps)
    if made_of_it is None:
        raise ConfigurationError(
            f"{where}nothing is left of this constant, or it is not what its steps take."
        )
    return rule.model_copy(update={"const": made_of_it})


def _checked_default(target: str, rule: Rule, where: str) -> str | None:
    """The default in the form of the API; of ``mfa`` that is none of a conversion's, but its own words."""
    if rule.default is None:
        return None
    if target == "mfa":
        steps, form = _steps(target, rule)[-1:], f"one of {', '.join(dict.fromkeys(convert.MFA.values()))}"
    elif conversion := conversion_of(target, rule):
        steps = (_step(_API_FORM.get(conversion.name, conversion)),)
        form = "yyyy-mm-dd" if conversion.name == "date" else "what the conversion gives"
    else:
        return rule.default
    default = run_alone(rule.default, steps)
    if default is None:
        raise ConfigurationError(f"{where}this default is not in the form of the API, which is {form}.")
    return default
