"""What files and API of Firebase Authentication have in common: the fields of a user.

Fields are those of Identity Toolkit's ``UserInfo``, and three that are made of them: ``customClaims``, the
JSON in the text ``customAttributes``; ``scryptHash``, hash and salt in one text, as the migration trigger
takes them (what a project adds is the run file's ``trigger.firebase_scrypt``); ``mfa``, ``sms`` or ``totp``.
"""

from __future__ import annotations

from typing import Any, Final

from connectors.json_text import DECODER

EXPORTED: Final = (
    "localId", "email", "emailVerified", "displayName", "photoUrl", "phoneNumber", "disabled", "createdAt",
    "customAttributes", "providerUserInfo", "passwordHash", "salt",
)  # fmt: skip
"""Fields that both the files and the API have."""

DERIVED: Final = ("customClaims", "scryptHash")

REDACTED: Final = "UkVEQUNURUQ="
"""Stands for every hash where the caller may not read any: ``REDACTED`` in Base64."""

_EMULATORS: Final = "fakeHash:"
_URL_SAFE: Final = str.maketrans("-_", "+/")


def with_derived(record: object) -> object:
    """Add the made fields to a user; what is no user stays."""
    if not isinstance(record, dict):
        return record
    made = {"customClaims": _claims(record), "scryptHash": _hash(record), "mfa": _factor(record)}
    return {**record, **{name: value for name, value in made.items() if value is not None}}


def _claims(record: dict[str, Any]) -> object:
    text = record.get("customAttributes")
    try:
        return DECODER.decode(text) if isinstance(text, str) and text else None
    except (ValueError, RecursionError):
        return None


def _hash(record: dict[str, Any]) -> str | None:
    """A hash of another ``version`` than 0 was imported and is none of Firebase's own scrypt."""
    value = record.get("passwordHash")
    if not isinstance(value, str) or value in ("", REDACTED) or str(record.get("version", "0")) != "0":
        return None
    if value.startswith(_EMULATORS):
        return value
    return f"$firebase-scrypt${str(record.get('salt', '')).translate(_URL_SAFE)}${value.translate(_URL_SAFE)}"


def _factor(record: dict[str, Any]) -> str | None:
    listed = record.get("mfaInfo")
    factors = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    if any("phoneInfo" in each for each in factors):
        return "sms"
    return "totp" if factors else None
