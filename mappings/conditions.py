"""``when:`` - the closed list of conditions under which a rule has a value at all."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal, Self

import polars as pl
from pydantic import AfterValidator, Field, model_validator

from mappings.arguments import Piece, Strict, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _compiles(pattern: str) -> str:
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError:
        raise refuse(
            "this is no regular expression of Rust's kind, which has no look-around and no back references."
        ) from None
    return pattern


class Condition(Strict):
    """One field and one test of it; a blank text counts as missing, letters' case matters.

    A missing value equals nothing, so that ``not_equals`` holds for it and every other test but
    ``missing`` fails. ``matches`` looks anywhere in the text; ``^`` and ``$`` tie it to the ends.
    """

    field: Piece
    equals: Piece | None = None
    not_equals: Piece | None = None
    in_: tuple[Piece, ...] | None = Field(default=None, alias="in", min_length=1)
    present: Literal[True] | None = None
    missing: Literal[True] | None = None
    starts_with: Piece | None = None
    ends_with: Piece | None = None
    contains: Piece | None = None
    matches: Annotated[Piece, AfterValidator(_compiles)] | None = None

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        if len(self._tests()) != 1:
            names = ", ".join("in" if name == "in_" else name for name in _TESTS)
            raise refuse(f"a condition is a field and exactly one of: {names}.")
        return self

    def _tests(self) -> list[str]:
        return [name for name in _TESTS if getattr(self, name) is not None]

    def holds(self, text: pl.Expr) -> pl.Expr:
        """True where the condition holds; ``text`` is the field, null where it has no value."""
        (name,) = self._tests()
        return _TESTS[name](text, getattr(self, name)).fill_null(value=False)


_TESTS: Mapping[str, Callable[..., pl.Expr]] = MappingProxyType(
    {
        "equals": lambda text, other: text == other,
        "not_equals": lambda text, other: text.ne_missing(pl.lit(other)),
        "in_": lambda text, others: text.is_in(list(others)),
        "present": lambda text, _: text.is_not_null(),
        "missing": lambda text, _: text.is_null(),
        "starts_with": lambda text, start: text.str.starts_with(start),
        "ends_with": lambda text, end: text.str.ends_with(end),
        "contains": lambda text, piece: text.str.contains(piece, literal=True),
        "matches": lambda text, pattern: text.str.contains(pattern),
    }
)
