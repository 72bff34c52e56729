"""Whether attribute values fit a pool's schema (F1.36-F1.41, F5.5, F5.13)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import TYPE_CHECKING, Final

from moto.cognitoidp.exceptions import InvalidParameterException

from connectors.cognito.sandbox.refusals import broken_constraint
from connectors.cognito.sandbox.schema import pool_columns
from connectors.cognito.sandbox.settings import SandboxSettings
from connectors.cognito.sandbox.sign_in_names import EMAIL, PHONE_NUMBER, is_true

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from connectors.cognito.sandbox.moto_types import MotoPool

MAX_VALUE: Final = 2048
"""Length of any value; in bytes or characters, the sources disagree (F1.40)."""

SURELY_SHORT: Final = MAX_VALUE // 4
"""Characters that fit whatever they are: a character of UTF-8 has at most four bytes."""

SYSTEM_ATTRIBUTES: Final = ("sub", "identities")
"""Only Cognito itself writes these (F5.13)."""

_MONTH, _DAY = "(0[1-9]|1[0-2])", "(0[1-9]|[12][0-9]|3[01])"
BIRTHDATES: Final = (re.compile(f"[0-9]{{4}}-{_MONTH}-{_DAY}"), re.compile(f"{_MONTH}/{_DAY}/[0-9]{{4}}"))
"""yyyy-mm-dd and mm/dd/yyyy; OpenID Connect allows the year 0000 (F1.37)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What the schema says of one attribute; lengths in characters, bounds inclusive."""

    name: str
    type: str
    required: bool
    mutable: bool
    shortest: int | None
    longest: int | None
    lowest: Decimal | None
    highest: Decimal | None

    def problem(self, value: str) -> str | None:
        """Say what is wrong with a value, without the value, or None.

        The two texts on length are Cognito's; those on Number, Boolean and DateTime are ours.
        """
        if self.type == "String":
            return self._length(value)
        if self.type == "Number":
            return self._number(value)
        if self.type == "Boolean":
            return None if value.lower() in {"true", "false"} else f"{self.name}: Must be true or false"
        return None if _is_time(value) else f"{self.name}: Must be an ISO 8601 time or epoch seconds"

    def _length(self, value: str) -> str | None:
        if self.shortest is not None and len(value) < self.shortest:
            return f"{self.name}: String must be no shorter than {self.shortest} characters"
        if self.longest is not None and len(value) > self.longest:
            return f"{self.name}: String must be no longer than {self.longest} characters"
        return None

    def _number(self, value: str) -> str | None:
        number = _decimal(value)
        if number is None:
            return f"{self.name}: Must be a number"
        if self.lowest is not None and number < self.lowest:
            return f"{self.name}: Number must be no less than {self.lowest}"
        if self.highest is not None and number > self.highest:
            return f"{self.name}: Number must be no greater than {self.highest}"
        return None


def check_attributes(pool: MotoPool, attributes: dict[str, str], *, creating: bool) -> None:
    """Refuse attributes that the pool would refuse.

    An empty value is no value: nothing but ``required`` looks at it.

    Args:
        pool: a moto user pool.
        attributes: name to value, in the form the API takes.
        creating: a new user must have every required attribute (F1.28) and may have immutable
            ones; a change may touch neither (F1.41).

    Raises:
        InvalidParameterException: an attribute is unknown, of the system's, missing, immutable,
            too long or short, out of bounds or of a wrong form.
    """
    check_values(pool, attributes, creating=creating)
    if creating:
        require_attributes(pool, attributes)


def check_values(pool: MotoPool, attributes: Mapping[str, str], *, creating: bool) -> None:
    """Do the same but for what is missing (F5.5: a temporary password lets them be missing).

    Raises:
        InvalidParameterException: as ``check_attributes``.
    """
    rules, settings = rules_of(pool), settings_of(pool)
    _refuse_system(attributes)
    _refuse_unknown(rules, attributes, creating=creating)
    if not creating:
        _refuse_locked(rules, attributes)
    for name, value in attributes.items():
        if value:
            _check_size(value, settings)
            _check_form(name, value, settings)
    if problems := [
        problem for name, value in attributes.items() if value and (problem := rules[name].problem(value))
    ]:
        raise InvalidParameterException(_beginning(creating=creating) + "\n".join(problems))


def require_attributes(pool: MotoPool, attributes: Mapping[str, str]) -> None:
    """Refuse a user who lacks a required attribute.

    Raises:
        InvalidParameterException: names all that are missing.
    """
    if missing := [
        f"{rule.name}: The attribute is required" for rule in missing_attributes(pool, attributes)
    ]:
        raise InvalidParameterException("Attributes did not conform to the schema: " + "\n".join(missing))


def missing_attributes(pool: MotoPool, attributes: Mapping[str, str]) -> list[Rule]:
    """Return the required attributes without a value, in the order of the schema."""
    return [rule for rule in _required(rules_of(pool)) if not attributes.get(rule.name)]


def refuse_unbacked(attributes: Mapping[str, str]) -> None:
    """Refuse ``email_verified`` without ``email``, ``phone_number_verified`` without a number (F1.28).

    Raises:
        InvalidParameterException: one is true and its contact is empty (text ours).
    """
    for contact in ("email", "phone_number"):
        if is_true(attributes.get(f"{contact}_verified")) and not attributes.get(contact):
            raise InvalidParameterException(f"{contact} is required when {contact}_verified is true")


def rules_of(pool: MotoPool) -> dict[str, Rule]:
    """Return the schema of a moto pool as rules; made anew after AddCustomAttributes."""
    size = len(pool.schema_attributes)
    made: tuple[int, dict[str, Rule]] | None = vars(pool).get("rules")
    if made is None or made[0] != size:
        made = pool.rules = (size, {rule.name: rule for rule in _rules(pool)})
    return made[1]


def settings_of(pool: MotoPool) -> SandboxSettings:
    """Return the settings of the sandbox that a pool lives in; the defaults if it lives in none."""
    state = vars(pool).get("sandbox")
    settings: SandboxSettings = state.settings if state else _defaults()
    return settings


@cache
def _defaults() -> SandboxSettings:
    return SandboxSettings()


def _rules(pool: MotoPool) -> Iterator[Rule]:
    for column in pool_columns(pool).values():
        own = pool.schema_attributes.get(column.name)
        yield Rule(
            name=column.name,
            type=column.type,
            required=column.required,
            mutable=own.mutable if own else True,
            shortest=column.min_length,
            longest=column.max_length,
            lowest=None if column.min_value is None else Decimal(str(column.min_value)),
            highest=None if column.max_value is None else Decimal(str(column.max_value)),
        )


def _required(rules: dict[str, Rule]) -> Iterable[Rule]:
    return (rule for rule in rules.values() if rule.required)


def _beginning(*, creating: bool) -> str:
    return "Attributes did not conform to the schema: " if creating else "Invalid user attributes: "


def _refuse_system(attributes: Mapping[str, str]) -> None:
    for name in SYSTEM_ATTRIBUTES:
        if name in attributes:
            raise InvalidParameterException(f"Cannot modify the non-mutable attribute {name}")


def _refuse_unknown(rules: dict[str, Rule], attributes: Mapping[str, str], *, creating: bool) -> None:
    if unknown := [name for name in attributes if name not in rules]:
        words = (
            "Type for attribute {{{}}} could not be determined"
            if creating
            else ("user.{}: Attribute does not exist in the schema.")
        )
        raise InvalidParameterException(
            _beginning(creating=creating) + "\n".join(words.format(name) for name in unknown)
        )


def _refuse_locked(rules: dict[str, Rule], attributes: Mapping[str, str]) -> None:
    for name, value in attributes.items():
        if not rules[name].mutable:
            raise InvalidParameterException(f"user.{name}: Attribute cannot be updated.\n")
        if not value and rules[name].required:
            raise InvalidParameterException(f"user.{name}: Required attribute cannot be deleted.\n")


def _check_size(value: str, settings: SandboxSettings) -> None:
    if len(value) <= SURELY_SHORT:
        return
    size = len(value.encode()) if settings.value_limit_unit == "bytes" else len(value)
    if size > MAX_VALUE:
        raise InvalidParameterException(
            broken_constraint("userAttributes.member.value", f"have length less than or equal to {MAX_VALUE}")
        )


def _check_form(name: str, value: str, settings: SandboxSettings) -> None:
    """Check the attributes that have a form beside their type (F1.36, F1.37)."""
    if name == "email" and not EMAIL.fullmatch(value):
        raise InvalidParameterException("Invalid email address format.")
    if name == "phone_number" and not PHONE_NUMBER.fullmatch(value):
        raise InvalidParameterException("Invalid phone number format.")
    if name == "birthdate" and settings.birthdate_format == "date" and len(value) == len("yyyy-mm-dd"):
        _check_birthdate(value)


def _check_birthdate(value: str) -> None:
    if not any(form.fullmatch(value) for form in BIRTHDATES):
        raise InvalidParameterException("Invalid birthdate format.")  # text ours


def _decimal(value: str) -> Decimal | None:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _is_time(value: str) -> bool:
    if _decimal(value) is not None:
        return True
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
