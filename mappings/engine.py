"""Compiling a mapping once, and applying it to whole pages of a source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import TYPE_CHECKING

import polars as pl

from connectors.errors import ConfigurationError
from connectors.records import (
    ENABLED,
    FILE,
    GROUPS,
    IDENTITIES,
    LINE,
    MFA,
    PASSWORD,
    PASSWORD_HASH,
    REASON,
    SOURCE_ID,
    USERNAME,
)
from mappings.compiled import CompiledRule, compile_rule
from mappings.lists import STRINGS
from mappings.narrow import check_attributes, narrowed, rules_of
from mappings.problems import Path
from mappings.steps import clean
from mappings.texts import refused, without_blanks

if TYPE_CHECKING:
    from pathlib import Path as FilePath

    from mappings.spec import MappingSpec

_BEHIND = (PASSWORD_HASH, PASSWORD, GROUPS, ENABLED, MFA, IDENTITIES)
"""The columns behind the attributes, which every mapped page has."""

_LISTS = (GROUPS, IDENTITIES)
_NO_LIST = pl.lit([], dtype=STRINGS)

Lost = Mapping[Path, pl.Series | None]
"""For each rule the rows whose value it refused, or None where it refused none."""


Layout = tuple[CompiledRule, list[tuple[str, pl.Expr]], list[tuple[str, str]], str]


@dataclass(frozen=True)
class CompiledMapping:
    """A mapping, ready to be applied to pages.

    Attributes:
        fields: names of the source's fields that it needs, in a stable order, and no others.
        attributes: the pool's attributes that it fills, in the order of the mapping.
        rules: every rule, compiled, in the order in which the first refused value is looked for.
        key: the field that names a user in the source, if one does.
    """

    fields: tuple[str, ...]
    attributes: tuple[str, ...]
    rules: tuple[CompiledRule, ...]
    key: str | None

    @cached_property
    def _laid_out(self) -> list[Layout]:
        """Every rule with the columns that it makes, what is checked, and where its answer is."""
        return [(rule, *rule.stages()) for rule in self.rules]

    @property
    def promises(self) -> dict[str, str]:
        """Attribute → the conversion that has made all of its values, if one has."""
        return {rule.column: rule.promise for rule in self.rules if rule.promise is not None}

    def apply(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Map one page.

        Args:
            rows: ``LINE``, ``FILE`` and a String column for each of ``fields`` (``Page.rows``).

        Returns:
            As many rows in the same order: ``LINE, FILE, SOURCE_ID, USERNAME``, a String column
            for each of ``attributes`` in the form of the API, then ``PASSWORD_HASH, PASSWORD,
            GROUPS, ENABLED, MFA, IDENTITIES, REASON``. Lists and ``ENABLED`` are never null.
        """
        page = self._cleaned(rows)
        laid_out = self._laid_out
        for columns in zip_longest(*(columns for _, columns, _, _ in laid_out)):
            page = page.with_columns(expr.alias(name) for name, expr in filter(None, columns))
        lost = {rule.path: _lost(page, checks) for rule, _, checks, _ in laid_out}
        answers = {rule.path: _answer(rule, at, lost[rule.path]) for rule, _, _, at in laid_out}
        return page.select(LINE, FILE, self._source_id(), *self._values(answers), self._reason(lost))

    def _cleaned(self, rows: pl.DataFrame) -> pl.DataFrame:
        wanted = dict.fromkeys(field for rule in self.rules for field in rule.made.clean)
        wanted |= dict.fromkeys([self.key] if self.key else [])
        return rows.with_columns(without_blanks(rows[field]).alias(clean(field)) for field in wanted)

    def _source_id(self) -> pl.Expr:
        value = pl.col(clean(self.key)) if self.key else pl.lit(None, dtype=pl.String)
        return value.alias(SOURCE_ID)

    def _values(self, answers: Mapping[Path, pl.Expr]) -> Iterator[pl.Expr]:
        """The value of every column, also of those that no rule fills."""
        for name in (USERNAME, *self.attributes, *_BEHIND):
            found = [answers[rule.path] for rule in self.rules if rule.column == name]
            yield _column(name, found).alias(name)

    def _reason(self, lost: Lost) -> pl.Expr:
        """Reason code of the first refused value that rejects its user."""
        reason: pl.Expr = pl.lit(None, dtype=pl.String)
        for rule in reversed(self.rules):
            mask = lost[rule.path]
            if rule.bad == "reject" and mask is not None:
                reason = pl.when(mask).then(pl.lit(rule.code)).otherwise(reason)
        return reason.alias(REASON)


def compile_mapping(
    spec: MappingSpec,
    *,
    key: str | None = None,
    known_fields: Sequence[str] | None = None,
    known_attributes: Iterable[str] | None = None,
    base: FilePath | None = None,
    where: str = "",
) -> CompiledMapping:
    """Compile a mapping.

    Args:
        spec: the mapping (``parse_mapping``).
        key: the field that names a user in the source; default: the field of ``username`` if it
            is a plain ``from``.
        known_fields: the fields that the source has; others are refused, and rules of a preset
            that need others are left out.
        known_attributes: the attributes that the pool has; others are refused.
        base: the folder that paths of tables start from.
        where: the name of the mapping's file for errors.

    Raises:
        ConfigurationError: a field or attribute does not exist, a table cannot be read, or a
            constant or default is not in the form that the API takes.
    """
    spec = narrowed(spec, key=key, known_fields=known_fields, where=where)
    check_attributes(spec, known_attributes, where)
    rules = tuple(
        compile_rule(target, path, rule, base=base, where=spec.place(where, path))
        for target, path, rule in rules_of(spec)
    )
    key = key or spec.username.from_
    needed = (field for rule in rules for field in (*rule.made.raw, *rule.made.clean))
    fields = tuple(dict.fromkeys([*needed, *([key] if key else [])]))
    _refuse_patterns(fields, where)
    return CompiledMapping(fields, tuple(spec.attributes), rules, key)


def _lost(page: pl.DataFrame, checks: Sequence[tuple[str, str]]) -> pl.Series | None:
    found = [mask for before, after in checks if (mask := refused(page[before], page[after])) is not None]
    if not found:
        return None
    return pl.select(pl.any_horizontal(*found)).to_series()


def _answer(rule: CompiledRule, at: str, lost: pl.Series | None) -> pl.Expr:
    """The value, with the default where there is none; a dropped value gets it only for ``enabled``."""
    value = pl.col(at)
    if rule.default is None:
        return value
    if isinstance(rule.default, tuple):
        value = pl.when(value.list.len() > 0).then(value)
    if lost is None or rule.bad == "default" or rule.defaults_dropped:
        return value.fill_null(rule.fallback)
    return pl.when(value.is_null() & ~lost).then(rule.fallback).otherwise(value)


def _column(name: str, found: Sequence[pl.Expr]) -> pl.Expr:
    if name in _LISTS:
        filled = [one.fill_null(_NO_LIST) for one in found] or [_NO_LIST]
        return pl.concat_list(filled).list.unique(maintain_order=True) if len(filled) > 1 else filled[0]
    value = found[0] if found else pl.lit(None, dtype=pl.String)
    return (value == "true").fill_null(value=True) if name == ENABLED else value


def _refuse_patterns(fields: Sequence[str], where: str) -> None:
    """Refuse names that polars reads as patterns over columns instead of as names."""
    for name in fields:
        if name == "*" or (name.startswith("^") and name.endswith("$")):
            raise ConfigurationError(
                f"{where}: the field {name!r} cannot be told from a pattern.",
                "Give it another name in the source.",
            )
