"""By which names a pool's users sign in, and which of them clash (F1.45-F1.50)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl
from moto.cognitoidp.exceptions import InvalidParameterException

from connectors.cognito.sandbox.refusals import broken_constraint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from connectors.cognito.sandbox.moto_types import MotoPool

EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]+")
"""What counts as an e-mail address. The real rule is unknown; this one is ours."""

PHONE_NUMBER = re.compile(r"\+[0-9]{2,15}")
"""``+``, country code, digits only (F1.36); 15 digits at most by E.164."""

SHAPES: Mapping[str, re.Pattern[str]] = {"email": EMAIL, "phone_number": PHONE_NUMBER}
SHAPE_WORDS: Mapping[str, str] = {"email": "email", "phone_number": "phone number"}

MAX_USERNAME = 128
"""Characters (F1.27)."""


@dataclass(frozen=True, slots=True)
class SignInNames:
    """The settings of a pool that say what a sign-in name is; none of them can be changed later.

    Attributes:
        username_attributes: ``email`` or ``phone_number`` stand in for the username (F1.46).
        alias_attributes: attributes that sign in beside the username (F1.45).
        fold: makes two spellings of one name equal (F1.50).
    """

    username_attributes: tuple[str, ...]
    alias_attributes: tuple[str, ...]
    fold: Callable[[str], str]

    @property
    def attributes(self) -> tuple[str, ...]:
        """All attributes whose value can be a sign-in name."""
        return self.username_attributes + self.alias_attributes

    def claims(self, attributes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Yield attribute and folded value of each sign-in name that these attributes make.

        An e-mail address or phone number is an alias only while it is verified (F5.8); in place of
        a username it counts in any case (F1.48).
        """
        for name in self.username_attributes:
            if value := attributes.get(name):
                yield name, self.fold(value)
        for name in self.alias_attributes:
            value = attributes.get(name)
            if value and (name == "preferred_username" or is_true(attributes.get(f"{name}_verified"))):
                yield name, self.fold(value)

    def attribute_of(self, username: str) -> str:
        """Name the attribute that a username of this pool is the value of (F5.7).

        Raises:
            InvalidParameterException: it has the shape of none of them.
        """
        for name in self.username_attributes:
            if SHAPES[name].fullmatch(username):
                return name
        raise InvalidParameterException(self._wanted_shape())

    def _wanted_shape(self) -> str:
        if len(self.username_attributes) > 1:
            return "Username should be either an email or a phone number."
        article = "an" if self.username_attributes == ("email",) else "a"
        return f"Username should be {article} {SHAPE_WORDS[self.username_attributes[0]]}"

    def refuse_alias_shape(self, username: str) -> None:
        """Refuse a username that looks like an alias of the pool (F1.45).

        Raises:
            InvalidParameterException: it does.
        """
        for name in self.alias_attributes:
            if name in SHAPES and SHAPES[name].fullmatch(username):
                word = SHAPE_WORDS[name]
                raise InvalidParameterException(
                    f"Username cannot be of {word} format, since user pool is configured for {word} alias."
                )


def sign_in_names(pool: MotoPool) -> SignInNames:
    """Read them off a moto pool."""
    config = pool.extended_config
    sensitive = (config.get("UsernameConfiguration") or {}).get("CaseSensitive", True)
    return SignInNames(
        username_attributes=tuple(config.get("UsernameAttributes") or ()),
        alias_attributes=tuple(config.get("AliasAttributes") or ()),
        fold=str if sensitive else str.lower,
    )


USERNAME_LETTERS: Final = r"^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$"
"""Judged by the same tables of Unicode as the rows of import files, which are newer than Python's."""


def check_username(username: str) -> None:
    """Refuse what the API takes for no username: white space, control characters, length (F1.27).

    Raises:
        InvalidParameterException: it is none.
    """
    if not 1 <= len(username) <= MAX_USERNAME:
        raise InvalidParameterException(
            broken_constraint("username", f"have length between 1 and {MAX_USERNAME}")
        )
    if not pl.Series([username]).str.contains(USERNAME_LETTERS).item():
        raise InvalidParameterException(
            broken_constraint("username", r"satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+")
        )


def is_true(value: str | None) -> bool:
    """Whether a Boolean attribute is true; letter case does not matter (F1.33)."""
    return value is not None and value.lower() == "true"
