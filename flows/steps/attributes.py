"""Custom attributes: those that the target lacks, and those of a pool that nobody takes along."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from unicodedata import category

from connectors.cognito.custom_attributes import add_custom_attributes
from connectors.cognito.limits import MAX_ATTRIBUTE_NAME, MAX_CUSTOM_ATTRIBUTES, MAX_VALUE_BYTES
from connectors.cognito.pool import read_pool
from connectors.errors import ConfigurationError
from connectors.records import PoolAttribute
from connectors.schema_attributes import CUSTOM
from connectors.sources.cognito_pool import CognitoSource
from flows.steps.context import cognito_client, source_of, spec_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.records import PoolSchema
    from connectors.sources.base import Source
    from flows.settings import LoadedRunFile
    from mappings.engine import CompiledMapping
    from mappings.spec import Rule


def create_attributes(loaded: LoadedRunFile) -> list[str]:
    """Add to the target the custom attributes that the mapping fills and the pool lacks.

    One that is taken over from a pool as it stands is declared as there; any other takes text and can be
    changed.

    Returns:
        The names of those that were added; calling it again adds none.

    Raises:
        ConfigurationError: no attribute can have a name, or the pool would have more than 50 of them.
        TargetError, RetryError, AskThePoolError: as ``add_custom_attributes``.
    """
    client, target = cognito_client(loaded), loaded.settings.target
    schema = read_pool(client, target.user_pool_id, profile=target.profile)
    rules = {name: spec_of(loaded).attributes[name] for name in lacking(loaded, schema)}
    if not rules:
        return []
    _refuse_impossible(list(rules), schema)
    theirs = _declared(source_of(loaded))
    wanted = [_like(name, rule, theirs) for name, rule in rules.items()]
    add_custom_attributes(client, target.user_pool_id, wanted)
    return list(rules)


def lacking(loaded: LoadedRunFile, schema: PoolSchema) -> list[str]:
    """Names of the custom attributes that the mapping fills and the pool does not have."""
    names = spec_of(loaded).attributes
    return [name for name in names if name.startswith(CUSTOM) and name not in schema.attributes]


def left_behind(source: Source, mapping: CompiledMapping) -> list[str]:
    """Names of a source pool's attributes that no rule reads; none where the source is no pool."""
    return [name for name in _declared(source) if name not in mapping.fields]


def _declared(source: Source) -> Mapping[str, PoolAttribute]:
    return source.attributes if isinstance(source, CognitoSource) else {}


def _like(name: str, rule: Rule, theirs: Mapping[str, PoolAttribute]) -> PoolAttribute:
    is_as_it_stands = rule.from_ is not None and not rule.then and rule.as_ is None
    if is_as_it_stands and rule.from_ in theirs:
        return replace(theirs[str(rule.from_)], name=name, required=False)
    return PoolAttribute(name, min_length=0, max_length=MAX_VALUE_BYTES)


def _refuse_impossible(names: list[str], schema: PoolSchema) -> None:
    if bad := [name for name in names if not _can_be_one(name.removeprefix(CUSTOM))]:
        raise ConfigurationError(
            f"The pool takes no attribute called {', '.join(bad)}.",
            f"A name has 1 to {MAX_ATTRIBUTE_NAME} characters after `{CUSTOM}`, and no white space.",
        )
    there = sum(name.startswith(CUSTOM) for name in schema.attributes)
    if there + len(names) > MAX_CUSTOM_ATTRIBUTES:
        raise ConfigurationError(
            f"The pool has {there} custom attributes and would get {len(names)} more; it takes "
            f"{MAX_CUSTOM_ATTRIBUTES}.",
            "Take rules away from the mapping.",
        )


def _can_be_one(name: str) -> bool:
    """Whether the API's model takes a name: letters, marks, symbols, numbers and punctuation of Unicode."""
    return 1 <= len(name) <= MAX_ATTRIBUTE_NAME and not any(category(sign)[0] in "ZC" for sign in name)
