"""What may stand behind a key of a mapping: texts, names, and the arguments of verbs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from connectors.errors import unknown_name
from mappings.convert import understands
from mappings.phones import REGIONS


def refuse(text: str, below: tuple[object, ...] = ()) -> PydanticCustomError:
    """Make the error that a validator raises; ``below`` leads from its place to the culprit."""
    return PydanticCustomError("refused", "{text}", {"text": text, "below": below})


class Strict(BaseModel):
    """A part of a mapping: frozen, and every key that it does not know is refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        known = [name for field, info in cls.model_fields.items() if (name := info.alias or field)]
        for key in data:
            if key not in known:
                raise refuse(unknown_name("key", str(key), known), (key,))
        return data


def as_text(value: object) -> object:
    """Take what YAML made of a text back to the text, where nothing of it is lost."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if type(value) is int:
        return str(value)
    if isinstance(value, int | float):
        raise refuse("a number that is written like this loses its form; put quotation marks round it.")
    if type(value) is dt.date:
        return value.isoformat()
    return value


def _known_region(code: str) -> str:
    if code not in REGIONS:
        raise refuse(
            f"unknown region {code!r}. Give a two-letter country code (ISO 3166-1) such as DE or US."
        )
    return code


def _whole_day(written: str) -> str:
    if not understands(written):
        raise refuse(
            f"no day can be read from {written!r}. Give a format with year, month and day such as "
            "%d.%m.%Y, or one of: filetime, iso, milliseconds, seconds."
        )
    return written


Text = Annotated[str, BeforeValidator(as_text)]
"""A text; YAML's whole numbers, booleans and days are taken as they are written."""

Piece = Annotated[Text, Field(min_length=1)]
"""A text that is not empty."""

Region = Annotated[Text, AfterValidator(_known_region)] | None
Written = Annotated[Text, AfterValidator(_whole_day)]
Dates = Annotated[
    tuple[Text, ...],
    BeforeValidator(lambda given: tuple(given) if isinstance(given, list | tuple) else (given,)),
    AfterValidator(lambda formats: tuple(map(_whole_day, formats))),
    Field(min_length=1),
]
"""One format of a date, or several of which the first that fits is taken."""
Replace = Annotated[dict[Piece, Text], Field(min_length=1)]


class Slice(Strict):
    """``{slice: {start: 0, length: 3}}``."""

    start: int = 0
    length: int | None = Field(default=None, ge=1)


class Split(Strict):
    """``{split: {by: "@", at: last}}``, or ``{split: "@"}`` for the first part."""

    by: Piece
    at: Literal["first", "last"] | Annotated[int, Field(ge=0)] = "first"

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: object) -> object:
        return {"by": data} if isinstance(data, str) else data

    @property
    def index(self) -> int:
        """Place of the part, as lists count."""
        if isinstance(self.at, int):
            return self.at
        return 0 if self.at == "first" else -1


class Values(Strict):
    """``{values: {m: male}, else: other}``; without ``else`` an unlisted value stays as it is."""

    values_: dict[Text, Text | None] = Field(alias="values", min_length=1)
    otherwise: Text | None = Field(default=None, alias="else")

    @property
    def keeps(self) -> bool:
        """Whether an unlisted value stays as it is."""
        return "otherwise" not in self.model_fields_set
