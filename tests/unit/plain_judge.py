"""A judge of one user, written without regard to speed and without a look at the vectorised one."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connectors.records import (
    ENABLED,
    MFA,
    PASSWORD,
    PASSWORD_HASH,
    REASON,
    USERNAME,
    PoolAttribute,
    PoolSchema,
)
from tests.unit.pool_rules import ARGON2ID, BCRYPT, PBKDF2, SCRYPT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mappings.rules import RuleOptions

ROW = dict[str, Any]
SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2003\u2028\u2029\u202f\u205f\u3000"

USABLE = {BCRYPT: "BCRYPT", SCRYPT: "SCRYPT", ARGON2ID: "ARGON2ID", PBKDF2: "PBKDF2_SHA256"}
NOT_USABLE = {
    "$P$Babcdefghijklmnopqrstuvwxyz01234": "hash_not_taken",
    BCRYPT[:-1] + "=": "hash_malformed",
    BCRYPT.replace("$10$", "$14$"): "hash_cost_too_high",
    PBKDF2.replace("Ab", "a+"): "hash_alphabet",
}
"""The hashes that this judge knows; test_rules_hashes.py judges all others."""


@dataclass
class Plain:
    """Judges one row at a time."""

    pool: PoolSchema
    options: RuleOptions

    def judge(self, row: ROW) -> tuple[str | None, str | None, str | None]:
        """``REASON``, ``CSV_REASON`` and ``ALGORITHM``."""
        row = {name: self.tidy(name, value) for name, value in row.items()}
        given = row[PASSWORD_HASH] if row[ENABLED] else None
        problem = self.hash_problem(given.strip(SPACE)) if given and given.strip(SPACE) else None
        algorithm = None if problem is None or "hash" in problem else problem
        rejected = row[REASON] or next(self.reasons(row), None)
        if rejected:
            return rejected, None, algorithm
        csv = next(self.csv_reasons(row, algorithm), None)
        csv = csv or (problem if algorithm is None else None) or ("password_plain" if row[PASSWORD] else None)
        return None, csv, algorithm

    def tidy(self, name: str, value: object) -> object:
        if name == PASSWORD:
            return value or None
        if name.startswith("@") or not isinstance(value, str):
            return value
        return value.strip(SPACE) or None

    # Reasons against any way into the pool.

    def reasons(self, row: ROW) -> Iterator[str]:
        for name, value in row.items():
            if not name.startswith("@") and value is not None and name not in self.pool.attributes:
                yield f"{name}_unknown"
        yield from self.username(row[USERNAME] or "", row)
        for attribute in self.pool.attributes.values():
            if attribute.required and row.get(attribute.name) is None:
                yield f"{attribute.name}_missing"
        for attribute in self.pool.attributes.values():
            value = row.get(attribute.name)
            if value is not None:
                yield from (f"{attribute.name}_{problem}" for problem in self.problems(attribute, value))
        for name in ("email", "phone_number"):
            if row.get(f"{name}_verified") == "true" and row.get(name) is None:
                yield f"{name}_verified_without_{name}"
        yield from self.sign_in(row[MFA], row[PASSWORD] or "")

    def username(self, username: str, row: ROW) -> Iterator[str]:
        if username == "":
            yield "username_missing"
            return
        if len(username) > 128:
            yield "username_too_long"
        if any(character in SPACE for character in username):
            yield "username_white_space"
        if any(unicodedata.category(character)[0] not in "LMSNP" for character in username):
            yield "username_characters"
        parts = username.split("@")
        domain = parts[-1].split(".")
        spaced = any(character in SPACE for character in username)
        dotted = len(parts) == 2 and parts[0] != "" and len(domain) > 1 and domain[-1] != ""
        if "email" in self.pool.alias_attributes and dotted and not spaced and ".".join(domain[:-1]):
            yield "username_email_shaped"
        numeric = len(username) > 1 and set(username[1:]) <= set("0123456789")
        if "phone_number" in self.pool.alias_attributes and username[0] == "+" and numeric:
            yield "username_phone_number_shaped"
        yield from self.contact(username, row)

    def contact(self, username: str, row: ROW) -> Iterator[str]:
        kinds = [kind for kind in ("email", "phone_number") if kind in self.pool.username_attributes]
        fits = {"email": self.is_email(username), "phone_number": self.is_phone_number(username)}
        if kinds and not any(fits[kind] for kind in kinds):
            yield f"username_not_{'_or_'.join(kinds)}"
        mine = "phone_number" if username.startswith("+") else "email"
        other = row.get(mine) is not None and self.fold(row[mine]) != self.fold(username)
        if self.options.username_differs == "refuse" and mine in kinds and other:
            yield f"{mine}_differs_from_username"

    def fold(self, name: str) -> str:
        return name if self.pool.case_sensitive else name.lower()

    def problems(self, attribute: PoolAttribute, value: str) -> Iterator[str]:
        if len(value.encode()) > 2048:
            yield "too_many_bytes"
        if not self.has_form(attribute, value):
            yield "invalid"
        elif attribute.type == "Number":
            if attribute.min_value is not None and Decimal(value) < Decimal(attribute.min_value):
                yield "too_low"
            if attribute.max_value is not None and Decimal(value) > Decimal(attribute.max_value):
                yield "too_high"
        if attribute.type == "String" and len(value) < (attribute.min_length or 0):
            yield "too_short"
        if (
            attribute.type == "String"
            and attribute.max_length is not None
            and len(value) > attribute.max_length
        ):
            yield "too_long"

    def has_form(self, attribute: PoolAttribute, value: str) -> bool:
        number = re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value) is not None
        by_name = {
            "email": self.is_email(value),
            "phone_number": self.is_phone_number(value),
            "birthdate": self.is_day(value),
            "updated_at": number and "." not in value and "-" not in value,
        }
        by_type = {
            "String": True,
            "Boolean": value in ("true", "false"),
            "Number": number,
            "DateTime": (number and "." not in value) or self.is_time(value),
        }
        return by_name.get(attribute.name, by_type[attribute.type])

    def is_time(self, value: str) -> bool:
        time = r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
        return self.is_day(value[:10]) and re.fullmatch(time, value[10:]) is not None

    def is_email(self, value: str) -> bool:
        local, at, domain = value.partition("@")
        if not at or not local or any(character in SPACE + '@,;:<>()[]"\\' for character in local):
            return False
        if any(unicodedata.category(character)[0] == "C" for character in local):
            return False
        labels = domain.split(".")
        known = all(c in "_-" or unicodedata.category(c)[0] in "LMN" for label in labels for c in label)
        return len(labels) > 1 and all(labels) and known

    def is_phone_number(self, value: str) -> bool:
        digits = value[1:]
        known = all(digit in "0123456789" for digit in digits)
        return value[:1] == "+" and 2 <= len(digits) <= 15 and known and digits[0] != "0"

    def is_day(self, value: str) -> bool:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return False
        try:
            date(*map(int, value.split("-")))
        except ValueError:
            return False
        return True

    def sign_in(self, mfa: str | None, password: str) -> Iterator[str]:
        if mfa is not None and mfa not in ("off", "on", "sms", "totp", "email"):
            yield "mfa_invalid"
        if self.options.mfa_against_pool == "refuse" and mfa is not None:
            if self.pool.mfa == "OFF" and mfa != "off":
                yield "mfa_not_in_pool"
            if self.pool.mfa == "ON" and mfa == "off":
                yield "mfa_required_by_pool"
        if any(character in SPACE for character in password):
            yield "password_white_space"
        if len(password) > 256:
            yield "password_too_long"

    # Reasons against an import job.

    def csv_reasons(self, row: ROW, algorithm: str | None) -> Iterator[str]:
        verified = [row.get(f"{name}_verified") == "true" for name in self.pool.auto_verified]
        waived = algorithm is not None and self.options.unverified_with_hash == "send"
        if not verified:
            yield "no_auto_verified_attribute"
        elif not any(verified) and not waived:
            only = len(verified) == 1
            yield f"{self.pool.auto_verified[0]}_not_verified" if only else "no_verified_contact"
        cells: dict[str, str | None] = {name: row.get(name) for name in self.pool.attributes}
        for name, value in cells.items():
            if value is not None and name not in self.pool.csv_header:
                yield f"{name}_not_in_csv"
        alias = "preferred_username" in self.pool.alias_attributes and row.get("preferred_username")
        if alias and self.options.preferred_username_alias == "refuse":
            yield "preferred_username_is_alias"
        written = {name: value for name, value in cells.items() if value and name in self.pool.csv_header}
        written["username"] = row[USERNAME]
        for name, value in written.items():
            yield from (f"{name}_{problem}" for problem in self.awkward(value))
        if self.row_length([*written.values()], row, algorithm) > 16_000:
            yield "row_too_long"

    def awkward(self, value: str) -> Iterator[str]:
        if any(ord(c) < 32 or c in "\x7f\x85\u2028\u2029" for c in value):
            yield "line_break"
        if '"' in value and self.options.quotation_marks == "refuse":
            yield "quotation_mark"
        if "\\" in value and (self.options.backslashes == "refuse" or "\\," in value or value[-1] == "\\"):
            yield "backslash"

    def row_length(self, values: list[str], row: ROW, algorithm: str | None) -> int:
        header = [*self.pool.csv_header]
        if algorithm:
            values = [*values, row[PASSWORD_HASH].strip(SPACE)]
            header += [] if "password_hash" in header else ["password_hash"]
        mfa = "false" if "cognito:mfa_enabled" in header else ""
        cells = [value.replace(",", "\\,") for value in values] + [mfa]
        return sum(map(len, cells)) + len(header) - 1

    def hash_problem(self, value: str) -> str:
        """The algorithm where the hash is usable, else a reason code."""
        return USABLE.get(value) or NOT_USABLE[value]
