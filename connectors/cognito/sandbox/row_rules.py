"""The rules that one user's row keeps or breaks, judged for a whole block at once (F1.27-F1.50).

Only what can be said of a row by itself stands here; who is in the pool already is the
directory's to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from connectors.cognito.sandbox.csv_reader import PROBLEM
from connectors.cognito.sandbox.hash_rules import hash_problem
from connectors.cognito.sandbox.schema import MFA_ENABLED, PASSWORD_HASH, USERNAME, Column

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from connectors.cognito.sandbox.settings import SandboxSettings

Rule = tuple[pl.Expr, str]
"""When a row breaks it, and the reason code."""

STATUS = "@status"
"""String: the status that the user gets, CONFIRMED or RESET_REQUIRED."""

VERIFIED = {"email": "email_verified", "phone_number": "phone_number_verified"}
MAX_VALUE = 2_048
PHONE = r"^\+[1-9][0-9]{1,14}$"
EMAIL = r"^[^\s@,]+@[^\s@,.]+(\.[^\s@,.]+)+$"
SIGN_IN_FORMATS = {"email": EMAIL, "phone_number": PHONE}
USERNAME_PATTERN = r"^[\p{L}\p{M}\p{S}\p{N}\p{P}]{1,128}$"
NUMBER = r"^-?[0-9]+(\.[0-9]+)?$"
WHOLE_NUMBER = r"^[0-9]+$"
TIME = (
    r"^([0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
    r"|-?[0-9]+(\.[0-9]+)?)$"
)
"""ISO 8601 or epoch seconds; the form of a DateTime is in no source, this one is ours."""


@dataclass(frozen=True, slots=True)
class PoolRules:
    """What a row is judged by.

    Attributes:
        columns: the pool's attributes by name.
        auto_verified: ``AutoVerifiedAttributes``.
        username_attributes: ``UsernameAttributes``.
        alias_attributes: ``AliasAttributes``.
        case_sensitive: whether two spellings of a name are two names (F1.50).
        mfa: ``MfaConfiguration``.
        code_factors: contacts to which a first factor without a password is sent (F7.4).
        algorithm: the job's ``PasswordHashingAlgorithm``, or None.
        missing: columns of the pool that the file lacks, where the settings fail its rows.
    """

    columns: dict[str, Column]
    auto_verified: tuple[str, ...] = ()
    username_attributes: tuple[str, ...] = ()
    alias_attributes: tuple[str, ...] = ()
    case_sensitive: bool = True
    mfa: str = "OFF"
    code_factors: tuple[str, ...] = ()
    algorithm: str | None = None
    missing: tuple[str, ...] = ()


def judge(block: pl.DataFrame, pool: PoolRules, settings: SandboxSettings) -> pl.DataFrame:
    """Fill ``PROBLEM`` of every row that breaks a rule, add ``STATUS``, bring values to their stored form.

    A row that the reader gave a problem keeps it.
    """
    present = set(block.columns)
    rules = [
        *_whole_file_rules(pool, settings),
        *_username_rules(pool, settings, present),
        *_attribute_rules(pool, settings, present),
        *_contact_rules(pool, present),
        *_mfa_rules(pool, settings, present),
        *_hash_rules(pool, settings, present),
        *_auto_verified_rules(pool, settings, present),
    ]
    problems = [pl.when(broken).then(pl.lit(code)) for broken, code in rules]
    return block.with_columns(
        pl.coalesce(pl.col(PROBLEM), *problems), _status(pool, settings, present).alias(STATUS)
    ).with_columns(_stored_forms(pool, settings, present))


def _whole_file_rules(pool: PoolRules, settings: SandboxSettings) -> Iterator[Rule]:
    if pool.missing and settings.missing_column == "fail_rows":
        yield pl.lit(value=True), "column_missing"


def _username_rules(pool: PoolRules, settings: SandboxSettings, present: AbstractSet[str]) -> Iterator[Rule]:
    if USERNAME not in present:
        return
    name = pl.col(USERNAME)
    yield name == "", "username_missing"
    yield ~name.str.contains(USERNAME_PATTERN), "username_malformed"
    for alias in pool.alias_attributes:
        if alias in SIGN_IN_FORMATS:
            yield name.str.contains(SIGN_IN_FORMATS[alias]), "username_like_alias"
    if pool.username_attributes and settings.username_is_attribute:
        yield _no_sign_in_name(pool, present), "username_not_attribute"


def _no_sign_in_name(pool: PoolRules, present: AbstractSet[str]) -> pl.Expr:
    """True where the username is no address of a sign-in attribute, or another than the row's (F1.47)."""
    name = pl.col(USERNAME)
    fits = []
    for attribute in pool.username_attributes:
        cell = _cell(attribute, present)
        same = cell == name if pool.case_sensitive else cell.str.to_lowercase() == name.str.to_lowercase()
        fits.append(name.str.contains(SIGN_IN_FORMATS[attribute]) & ((cell == "") | same))
    return ~pl.any_horizontal(fits)


def _attribute_rules(pool: PoolRules, settings: SandboxSettings, present: AbstractSet[str]) -> Iterator[Rule]:
    for column in pool.columns.values():
        cell = _cell(column.name, present)
        if column.required:
            yield ~_filled(column.name, pool, present), "attribute_required"
        if column.name in present:
            for broken, code in _value_rules(column, cell, settings):
                yield (cell != "") & broken, code


def _value_rules(column: Column, cell: pl.Expr, settings: SandboxSettings) -> Iterator[Rule]:
    size = cell.str.len_bytes() if settings.value_limit_unit == "bytes" else cell.str.len_chars()
    yield size > MAX_VALUE, "value_too_long"
    yield from _type_rules(column, cell)
    if column.name in SIGN_IN_FORMATS:
        yield ~cell.str.contains(SIGN_IN_FORMATS[column.name]), f"{column.name}_malformed"
    if column.name == "birthdate":
        yield ~_is_date(cell), "birthdate_malformed"
    elif column.type == "String":
        yield from _length_rules(column, cell)
    if column.name == "updated_at":
        yield ~cell.str.contains(WHOLE_NUMBER), "number_malformed"


def _type_rules(column: Column, cell: pl.Expr) -> Iterator[Rule]:
    if column.type == "Boolean":
        yield ~_is_boolean(cell), "boolean_malformed"
    elif column.type == "DateTime":
        yield ~cell.str.contains(TIME), "time_malformed"
    elif column.type == "Number":
        number = cell.cast(pl.Float64, strict=False)
        yield ~cell.str.contains(NUMBER), "number_malformed"
        if column.min_value is not None:
            yield number < column.min_value, "number_out_of_range"
        if column.max_value is not None:
            yield number > column.max_value, "number_out_of_range"


def _length_rules(column: Column, cell: pl.Expr) -> Iterator[Rule]:
    if column.min_length:
        yield cell.str.len_chars() < column.min_length, "length_out_of_range"
    if column.max_length is not None and column.max_length < MAX_VALUE:
        yield cell.str.len_chars() > column.max_length, "length_out_of_range"


def _contact_rules(pool: PoolRules, present: AbstractSet[str]) -> Iterator[Rule]:
    """A verified contact must be there (F1.28)."""
    for contact, verified in VERIFIED.items():
        filled = _filled(contact, pool, present)
        yield _is_true(_cell(verified, present)) & ~filled, "contact_missing"


def _mfa_rules(pool: PoolRules, settings: SandboxSettings, present: AbstractSet[str]) -> Iterator[Rule]:
    if MFA_ENABLED not in present:
        return
    cell = pl.col(MFA_ENABLED)
    if settings.mfa_rule == "older":
        yield cell == "", "mfa_missing"
    yield (cell != "") & ~_is_boolean(cell), "boolean_malformed"
    wrong = {"ON": "false", "OFF": "true"}.get(pool.mfa)
    if wrong:
        yield cell.str.to_lowercase() == wrong, "mfa_against_pool"


def _hash_rules(pool: PoolRules, settings: SandboxSettings, present: AbstractSet[str]) -> Iterator[Rule]:
    if PASSWORD_HASH not in present:
        return
    cell = pl.col(PASSWORD_HASH)
    if pool.algorithm:
        problem = hash_problem(cell, pool.algorithm, settings)
        for code in ("hash_other_algorithm", "hash_malformed", "hash_over_maximum"):
            yield problem == code, code
    elif settings.hash_without_algorithm == "fail_row":
        yield cell != "", "hash_without_algorithm"


def _auto_verified_rules(
    pool: PoolRules, settings: SandboxSettings, present: AbstractSet[str]
) -> Iterator[Rule]:
    """At least one attribute that the pool verifies must be true (F1.29)."""
    verified = [_is_true(_cell(VERIFIED[each], present)) for each in pool.auto_verified]
    unmet = ~pl.any_horizontal(verified) if verified else pl.lit(value=True)
    if settings.auto_verified_waived_by_hash and PASSWORD_HASH in present and pool.algorithm:
        unmet &= pl.col(PASSWORD_HASH) == ""
    yield unmet, "not_auto_verified"


def _status(pool: PoolRules, settings: SandboxSettings, present: AbstractSet[str]) -> pl.Expr:
    """Status of the new user (F2.11, F2.12, F7.1, F7.4)."""
    hashed = pl.lit(value=False)
    if pool.algorithm and PASSWORD_HASH in present:
        hashed = pl.col(PASSWORD_HASH) != ""
    by_code = settings.passwordless_empty_hash if pool.algorithm else settings.passwordless_status
    reachable = [_filled(each, pool, present) for each in pool.code_factors]
    return (
        pl.when(hashed).then(pl.lit("CONFIRMED"))
        .when(pl.any_horizontal(reachable) if reachable else pl.lit(value=False)).then(pl.lit(by_code))
        .otherwise(pl.lit("RESET_REQUIRED"))
    )  # fmt: skip


def _stored_forms(pool: PoolRules, settings: SandboxSettings, present: AbstractSet[str]) -> list[pl.Expr]:
    """Booleans in lower case (F1.33); ``birthdate`` as the settings say (F1.37)."""
    booleans = [
        each.name for each in pool.columns.values() if each.type == "Boolean" and each.name in present
    ]
    forms = [pl.col(name).str.to_lowercase() for name in booleans]
    if settings.birthdate_stored == "iso" and "birthdate" in present:
        iso = pl.col("birthdate").str.replace(r"^(\d\d)/(\d\d)/(\d{4})$", "${3}-${1}-${2}")
        forms.append(iso)
    return forms


def _cell(name: str, present: AbstractSet[str]) -> pl.Expr:
    """The column, or an empty text for one that the file lacks."""
    return pl.col(name) if name in present else pl.lit("")


def _filled(contact: str, pool: PoolRules, present: AbstractSet[str]) -> pl.Expr:
    """True where the user will have the contact, from its cell or from the username (F1.46)."""
    filled = _cell(contact, present) != ""
    if contact in pool.username_attributes and USERNAME in present:
        return filled | pl.col(USERNAME).str.contains(SIGN_IN_FORMATS[contact])
    return filled


def _is_boolean(cell: pl.Expr) -> pl.Expr:
    return cell.str.to_lowercase().is_in(["true", "false"])


def _is_true(cell: pl.Expr) -> pl.Expr:
    return cell.str.to_lowercase() == "true"


def _is_date(cell: pl.Expr) -> pl.Expr:
    """A day of the calendar as mm/dd/yyyy, both leading zeros included (F1.37)."""
    shaped = cell.str.contains(r"^[0-9]{2}/[0-9]{2}/[0-9]{4}$")
    return shaped & cell.str.to_date("%m/%d/%Y", strict=False).is_not_null()
