"""The tables of the keys of run file and mapping, from their models; ``tests/reference.py`` places them."""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeGuard, Union, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from connectors.registry import source_kind, source_kinds
from connectors.sources.base import Delivers, SourceTraits
from flows.reports.markdown import table
from flows.settings import RunFile
from mappings.conditions import Condition
from mappings.presets_read import preset_names
from mappings.spec import ORIGINS, HashRule, ListRule, Lookup, MappingSpec, Rule
from mappings.verbs import CONVERSIONS, VERBS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mappings.verbs import Verb


def run_file() -> str:
    """Every key of a run file, at every level; ``source`` and ``mapping`` have tables of their own."""
    rows = [(f"`{key}`", takes, default, meaning) for key, takes, default, meaning in run_file_keys(RunFile)]
    return table(("key", "takes", "default", "meaning"), rows)


def run_file_keys(model: type, above: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Key, what it takes, default and meaning, depth first."""
    for name, info in _fields_of(model):
        key, part = f"{above}{name}", _part_of(info.annotation)
        meaning = info.description or paragraph(part.__doc__ if part else None)
        yield key, _takes(info.annotation), written(info), meaning
        if part:
            yield from run_file_keys(part, f"{key}.")


def _part_of(kind: object) -> type | None:
    """The part of a run file that a key takes, also where it may be left out."""
    return next((one for one in (kind, *get_args(kind)) if _is_part(one)), None)


def _is_part(kind: object) -> TypeGuard[type]:
    return isinstance(kind, type) and (issubclass(kind, BaseModel) or is_dataclass(kind))


def _fields_of(model: type) -> Iterable[tuple[str, FieldInfo]]:
    """The fields of a pydantic model, or those of a dataclass in the form of one."""
    if issubclass(model, BaseModel):
        return list(model.model_fields.items())
    meanings, kinds = described(model), inspect.get_annotations(model, eval_str=True)
    return [
        (name, FieldInfo(annotation=kinds[name], default=field.default, description=meanings[name]))
        for name, field in ((each.name, each) for each in fields(cast("Any", model)))
    ]


def described(documented: type) -> dict[str, str]:
    """Name → meaning, from the list of attributes in a class's docstring."""
    _, _, listed = inspect.cleandoc(documented.__doc__ or "").partition("Attributes:\n")
    items = re.split(r"\n    (?=\w+: )", "\n" + listed.split("\n\n", maxsplit=1)[0])[1:]
    pairs = (item.split(": ", 1) for item in items)
    return {name: _sentence(meaning) for name, meaning in pairs}


def _sentence(text: str) -> str:
    """A docstring's words as a table has them."""
    plain = " ".join(text.split()).replace("``", "`")
    return plain[0].upper() + plain[1:]


def _takes(kind: object) -> str:
    """What a key takes, in words."""
    origin, inside = get_origin(kind), [one for one in get_args(kind) if one not in (NoneType, ...)]
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in inside)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_takes(one) for one in inside))
    if origin is tuple:
        return f"list of {_takes(inside[0])}"
    if origin is dict or _is_part(kind):
        return "map"
    words: dict[object, str] = {str: "text", int: "whole number", float: "number", bool: "`true`, `false`"}
    return words[kind]


def written(info: FieldInfo) -> str:
    """A default as a run file or a settings file says it."""
    if info.is_required():
        return "required"
    default = info.get_default(call_default_factory=True, validated_data={})
    if default is None or default is PydanticUndefined or default in ({}, "") or _is_part(type(default)):
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`[{', '.join(default)}]`" if isinstance(default, tuple) else f"`{default}`"


def sources() -> str:
    """Every kind of source with its settings."""
    rows = [
        (f"`{kind}`", f"`{name}`", written(info), info.description or "")
        for kind in source_kinds()
        for name, info in source_kind(kind).settings.model_fields.items()
        if name != "kind"
    ]
    return table(("kind", "setting", "default", "meaning"), rows)


def claims() -> str:
    """What every kind of source claims that it can do; the contract suite holds it to that."""
    rows = [(f"`{kind}`", *("yes" if claim else "" for claim in _claims(kind))) for kind in source_kinds()]
    head = ("resumes", "counts", "changes", "parts", "live", "hashes", "groups", "MFA", "identities")
    return table(("kind", *head), rows)


def traits() -> str:
    """What a kind of another package says of itself."""
    defaults = {each.name: each.default for each in fields(SourceTraits)}
    rows = [
        (f"`{name}`", f"`{defaults[name]}`" if isinstance(defaults[name], bool) else "nothing", meaning)
        for name, meaning in described(SourceTraits).items()
    ]
    return table(("trait", "default", "meaning"), rows)


def _claims(kind: str) -> Iterator[bool]:
    told = traits_of(kind)
    yield from (told.resumable, told.counts, told.changed_since, told.partitions, told.live)
    yield from (each in told.delivers for each in get_args(Delivers))


def traits_of(kind: str) -> SourceTraits:
    """The claims of a kind's class; where a function chooses among classes, all claim the same."""
    make = source_kind(kind).make
    names = (
        [make.__name__] if isinstance(make, type) else inspect.get_annotations(make)["return"].split(" | ")
    )
    (found,) = {getattr(sys.modules[make.__module__], name).traits for name in names}
    return cast("SourceTraits", found)


def mapping_keys() -> str:
    """What a mapping has rules for."""
    meanings = {"preset": "The name of a preset, whose rules the others replace."} | described(MappingSpec)
    return table(("key", "meaning"), [(f"`{name}`", meaning) for name, meaning in meanings.items()])


def origins() -> str:
    """Where a value comes from."""
    return table(("key", "meaning"), [(f"`{name}`", _meanings(Rule)[name]) for name in ORIGINS])


def rule_keys() -> str:
    """What may stand beside an origin, and in which rules."""
    found: dict[tuple[str, str, str], list[str]] = {}
    models: dict[str, type[BaseModel]] = {"values": Rule, "hashes": HashRule, "lists": ListRule}
    for where, model in models.items():
        for name, meaning in _meanings(model).items():
            if name not in ORIGINS:
                found.setdefault((name, _choices(model, name), meaning), []).append(where)
    rows = [(f"`{name}`", ", ".join(where), takes, said) for (name, takes, said), where in found.items()]
    return table(("key", "in rules for", "one of", "meaning"), rows)


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """Key as a mapping writes it → meaning, from the docstrings of the model and those above it."""
    said: dict[str, str] = {}
    for each in reversed(model.__mro__):
        said |= described(each)
    return {info.alias or name: said[name] for name, info in model.model_fields.items()}


def _choices(model: type[BaseModel], key: str) -> str:
    """What a key takes, where that is a closed list."""
    kinds = {info.alias or name: info.annotation for name, info in model.model_fields.items()}
    closed = [one for one in (kinds[key], *get_args(kinds[key])) if get_origin(one) is Literal]
    return _takes(closed[0]) if closed else ""


def lookups() -> str:
    """What ``lookup`` and ``when`` are made of."""
    tests = [info.alias or name for name, info in Condition.model_fields.items() if name != "field"]
    keys = [info.alias or name for name, info in Lookup.model_fields.items()]
    return (
        f"`lookup` has {listed(keys)}. A CSV table has two columns below a header line; where it has no such "
        "line, `columns: [code, plan]` names them. What the table does not have is a bad value; an entry "
        "that is empty or null is no value.\n"
        f"A condition has `field` and exactly one of {listed(tests)}."
    )


def listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def verbs() -> str:
    """Every verb of ``then``."""
    return _verbs(VERBS)


def conversions() -> str:
    """Every conversion of ``as``."""
    return _verbs(CONVERSIONS)


def _verbs(known: Mapping[str, Verb[Any]]) -> str:
    rows = [
        (f"`{name}`", verb.help, *(f"`{part}`" for part in (one.call, one.before, one.after)))
        for name, verb in known.items()
        for one in (verb.example,)
    ]
    return table(("name", "what it does", "for example", "makes of", "this"), rows)


def presets() -> str:
    """The mappings that are shipped."""
    return f"Shipped: {listed(preset_names())}."


def paragraph(text: str | None) -> str:
    """The first paragraph of a help text or docstring, on one line."""
    return " ".join((text or "").split("\n\n", maxsplit=1)[0].split())
