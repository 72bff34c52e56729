"""One use of a verb or of a conversion, as it stands in a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_serializer, model_validator

from connectors.errors import unknown_name
from mappings.arguments import Values, refuse
from mappings.problems import first_problem
from mappings.verbs import CONVERSIONS, VERBS, Run, Verb

_MAY_EMPTY = ("replace", "slice", "split", "digits")
"""Verbs that may take away all of a text."""


class VerbCall(BaseModel):
    """``trim``, ``{e164: DE}`` or ``{values: {m: male}, else: other}``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    table: ClassVar[Mapping[str, Verb[Any]]] = VERBS
    what: ClassVar[str] = "verb"

    name: str
    argument: Any = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, data: object) -> object:
        if isinstance(data, cls):
            return data
        if isinstance(data, str):
            return {"name": data, "argument": _argument(cls._verb(data), data, None)}
        if not isinstance(data, Mapping) or not data:
            raise refuse(f"a {cls.what} is a name, or a map of a name to its argument.")
        return cls._read_map(data)

    @classmethod
    def _read_map(cls, data: Mapping[object, object]) -> dict[str, object]:
        name = next((key for key in data if key in cls.table), next(iter(data)))
        verb = cls._verb(str(name))
        for key in data:
            if key != name and key not in verb.beside:
                text = unknown_name(f"key beside {name!r}", str(key), verb.beside)
                raise refuse(text, (key,))
        return {"name": name, "argument": _argument(verb, str(name), data if verb.beside else data[name])}

    @classmethod
    def _verb(cls, name: str) -> Verb[Any]:
        if name not in cls.table:
            raise refuse(unknown_name(cls.what, name, cls.table))
        return cls.table[name]

    @model_serializer
    def _write(self) -> object:
        takes = self.verb.takes
        if takes is None or self.argument is None:
            return self.name
        written: object = takes.dump_python(self.argument, mode="json", by_alias=True, exclude_unset=True)
        return written if self.verb.beside else {self.name: written}

    @property
    def verb(self) -> Verb[Any]:
        """The verb that is called."""
        return self.table[self.name]

    @property
    def run(self) -> Run:
        """The verb with its argument, as an expression of one text."""
        run: Run = self.verb.build(self.argument)
        return run

    @property
    def may_leave_nothing(self) -> bool:
        """Whether nothing may be left of a text without its being a bad value."""
        if isinstance(self.argument, Values):
            others = [] if self.argument.keeps else [self.argument.otherwise]
            results = [*self.argument.values_.values(), *others]
            return not all(result and result.strip() for result in results)
        return self.name in _MAY_EMPTY

    def __str__(self) -> str:
        """Name and argument, where the argument is just a text."""
        return f"{self.name} {self.argument}" if isinstance(self.argument, str) else self.name


class Conversion(VerbCall):
    """``boolean`` or ``{date: "%d.%m.%Y"}``."""

    table: ClassVar[Mapping[str, Verb[Any]]] = CONVERSIONS
    what: ClassVar[str] = "conversion"


def _argument(verb: Verb[Any], name: str, given: object) -> object:
    if verb.takes is None:
        if given is not None:
            raise refuse(f"{name!r} takes no argument.", (name,))
        return None
    if given is None:
        if not verb.without:
            raise refuse(f"{name!r} needs an argument, as in {verb.example.call}")
        return None
    return checked(verb.takes, given, () if verb.beside else (name,))


def checked(takes: TypeAdapter[Any], given: object, place: tuple[object, ...]) -> object:
    """Validate a part of a mapping that stands at ``place`` below the validator that asks."""
    try:
        answer: object = takes.validate_python(given)
    except ValidationError as error:
        where, text = first_problem(error)
        raise refuse(text, (*place, *where)) from error
    return answer
