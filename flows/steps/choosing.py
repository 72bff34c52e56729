"""Which mapping source and pool suggest: the preset that knows the source, or rules by names of fields."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from connectors.errors import ConfigurationError
from connectors.records import REASON
from mappings.engine import CompiledMapping, compile_mapping
from mappings.narrow import narrowed, rules_of
from mappings.origins import uses
from mappings.presets_read import preset
from mappings.recognised import recognised
from mappings.rules import Rules
from mappings.spec import MappingSpec, parse_mapping
from mappings.suggest import Suggestion, is_old_id, suggest
from mappings.texts import without_blanks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

    from connectors.records import PoolSchema
    from flows.steps.sampling import Sample
    from mappings.recognised import Recognised

LEAST_NAMED = 0.5
"""Share of the sample that a field must name for it to be suggested as the username."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A mapping that holds against the source's fields and the pool's attributes.

    Attributes:
        mapping: as it may stand below ``mapping:`` in a run file.
        preset: the preset in it, with why it was taken; None where the rules are written out.
        spec: all its rules, those of the preset that find a field included.
        compiled: the same, ready to be applied.
        notes: what a person has to know or decide; no value of the sample is in them.
    """

    mapping: Mapping[str, Any]
    preset: Recognised | None
    spec: MappingSpec
    compiled: CompiledMapping
    notes: tuple[str, ...]


def choose(
    sample: Sample, schema: PoolSchema, *, kind: str, key: str | None, known: Recognised | None = None
) -> Choice:
    """Choose a mapping.

    Args:
        sample: some users of the source.
        schema: the pool.
        kind: the source's kind.
        key: its field that names a user, where one is told.
        known: the preset, where it is known already.

    Raises:
        ConfigurationError: nothing in the source names its users.
    """
    full = [name for name, share in sample.shares.items() if share]
    for found in [known] if known else recognised(kind, sample.fields, full):
        try:
            return _by_preset(found, sample, schema, key)
        except ConfigurationError:  # it finds no username in this source, for one thing
            continue
    suggestion = _suggestion(sample, schema)
    return _held(suggestion.mapping, None, suggestion.notes, (sample, schema, key))


_Ground = tuple["Sample", "PoolSchema", "str | None"]


def _held(
    mapping: Mapping[str, Any], found: Recognised | None, notes: tuple[str, ...], ground: _Ground
) -> Choice:
    """Parse and compile a mapping as a run does."""
    sample, schema, key = ground
    spec = parse_mapping(mapping, where="mapping")
    compiled = compile_mapping(
        spec, key=key, known_fields=sample.fields, known_attributes=schema.attributes, where="mapping"
    )
    fitted = narrowed(spec, key=key, known_fields=sample.fields, where="mapping")
    return Choice(mapping, found, fitted, compiled, notes)


def _by_preset(found: Recognised, sample: Sample, schema: PoolSchema, key: str | None) -> Choice:
    """The preset, less what the pool lacks, and more of what the pool has besides."""
    ground = (sample, schema, key)
    theirs = preset(found.preset).get("attributes", {})
    attributes: dict[str, Any] = {name: None for name in theirs if name not in schema.attributes}
    mapping = {"preset": found.preset, **({"attributes": attributes} if attributes else {})}
    choice = _held(mapping, found, (), ground)
    choice = _with_username(choice, ground)
    extra = _extra(choice, sample, schema, key)
    if extra:
        whole = {**choice.mapping, "attributes": {**choice.mapping.get("attributes", {}), **extra}}
        choice = _held(whole, found, choice.notes, ground)
    return choice


def _with_username(choice: Choice, ground: _Ground) -> Choice:
    """Another rule for ``username`` where the preset's gives most users none that the pool takes."""
    sample, schema, key = ground
    for contact in schema.username_attributes:
        rule = preset(choice.mapping["preset"])["attributes"].get(contact)
        if rule is not None and contact in choice.spec.attributes:
            note = (
                f"username: the pool's users sign in with their {contact}, so it is their username (F1.46)."
            )
            return _renamed(choice, dict(rule), note, ground)
    if _unnamed(choice, sample, schema) <= LEAST_NAMED:
        return choice
    own = choice.spec.username
    for field in dict.fromkeys([*(own.first_of or ()), *([key] if key else []), "id"]):
        if field in sample.fields and _named(sample.rows[field], schema).mean() >= LEAST_NAMED:  # type: ignore[operator]  # a mean of booleans
            note = f"username: the pool refuses most of those that the preset takes, so it is {field} here."
            return _renamed(choice, {"from": field}, note, ground)
    note = "username: the pool refuses most of those that the preset takes; `plan` says why."
    return replace(choice, notes=(*choice.notes, note))


def _renamed(choice: Choice, rule: Mapping[str, Any], note: str, ground: _Ground) -> Choice:
    mapping = {"preset": choice.mapping["preset"], "username": dict(rule), **choice.mapping}
    return _held(mapping, choice.preset, (*choice.notes, note), ground)


def _unnamed(choice: Choice, sample: Sample, schema: PoolSchema) -> float:
    """Share of the sample whose username the pool does not take."""
    judged = Rules(schema).judge(choice.compiled.apply(sample.rows))
    return float(judged[REASON].str.starts_with("username_").fill_null(value=False).mean() or 0.0)  # type: ignore[arg-type]  # same


def _extra(choice: Choice, sample: Sample, schema: PoolSchema, key: str | None) -> dict[str, Any]:
    """Rules for what the pool has of its own, or requires, and the preset does not fill."""
    open_ = {
        name: one
        for name, one in schema.attributes.items()
        if name not in choice.spec.attributes and (name.startswith("custom:") or one.required)
    }
    if not open_:
        return {}
    read = set(choice.compiled.fields)
    fields = [name for name in sample.fields if name not in read]
    found = suggest(fields, sample.rows, open_).mapping.get("attributes", {})
    old = choice.spec.username.from_ or next(iter(choice.spec.username.first_of or ()), None)
    named = {name: {"from": key or old} for name in open_ if is_old_id(name) and (key or old)}
    return {**found, **named}


def _suggestion(sample: Sample, schema: PoolSchema) -> Suggestion:
    """Suggest; where a few users spoil the best username, suggest from the others and say so."""
    found = _suggested(sample, sample.rows, schema)
    chosen = found.mapping.get("username", {}).get("from")
    named = {field: _named(sample.rows[field], schema) for field in sample.fields}
    best = max(named, key=lambda field: int(named[field].sum()))
    is_enough = named[best].sum() >= LEAST_NAMED * sample.rows.height
    if chosen and (named[chosen].all() or not is_enough):
        return found
    if not is_enough:
        raise ConfigurationError(
            "No field of the source names its users: values are missing, shared or hold spaces in each.",
            "Give the source a column with a name or number for every user.",
        )
    return _spoilt(_suggested(sample, sample.rows.filter(named[best]), schema), best, named)


def _spoilt(found: Suggestion, best: str, named: Mapping[str, pl.Series]) -> Suggestion:
    """Add how many users have no username of their own."""
    mapping = {"username": {"from": best}, **found.mapping}
    chosen = mapping["username"]["from"]
    users = int((~named[chosen]).sum())
    text = f"username: {users:,} users of the sample share their {chosen}, have none, or one with spaces."
    notes = (text, *(note for note in found.notes if not note.startswith("username:")))
    return replace(found, mapping=mapping, notes=notes)


def _suggested(sample: Sample, rows: pl.DataFrame, schema: PoolSchema) -> Suggestion:
    contacts = schema.username_attributes
    return suggest(sample.fields, rows, schema.attributes, username_attributes=contacts)


def _named(values: pl.Series, schema: PoolSchema) -> pl.Series:
    """True where a value could be a username: there, nobody else's, and without spaces (F1.27).

    An address is one only where users sign in with it, since an alias pool refuses it (F1.45).
    """
    names = without_blanks(values)
    names = names if schema.case_sensitive else names.str.to_lowercase()
    fine = names.is_unique() & ~names.str.contains(r"\s")
    if "email" not in schema.username_attributes:
        fine &= ~names.str.contains("@", literal=True)
    return fine.fill_null(value=False)


def reads(spec: MappingSpec) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What each rule fills, and the fields that it reads."""
    for name, _, rule in rules_of(spec):
        yield name, tuple(dict.fromkeys(field for _, field in uses(rule)))
