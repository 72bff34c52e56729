"""Hashes inside something: a label of LDAP, Spring or Django, or Keycloak's JSON. What is inside counts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

JSON: Final = "{"
"""Stands for the label of everything that begins as JSON does."""


@dataclass(frozen=True, slots=True)
class Wrapper:
    """What a hash can stand in.

    Attributes:
        name: for people.
        systems: who writes it.
        form: what it looks like, for people.
        labels: the beginnings that tell it.
        unwrap: gives the hash inside, or null where there is none.
    """

    name: str
    systems: str
    form: str
    labels: tuple[str, ...]
    unwrap: Callable[[pl.Series], pl.Series]


def _behind_brace(texts: pl.Series) -> pl.Series:
    return texts.str.extract(r"(?s)^\{[^}]*\}(.*)$", 1)


def _credential_hashes(texts: pl.Series) -> pl.Series:
    """Read value by value: JSON in JSON has no columns."""
    read = {text: _credential_hash(text) for text in texts.to_list()}
    return pl.Series(texts.name, [read[text] for text in texts.to_list()], dtype=pl.String)


def _credential_hash(text: str) -> str | None:
    """The hash of Keycloak's password credential in the form of passlib or argon2, or None."""
    try:
        for credential in _credentials(json.loads(text)):
            hashed = _written(credential)
            (hashed or "").encode()  # a lone surrogate, which JSON can write, is no text
            return hashed
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError):
        return None
    return None


def _credentials(data: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON
    """The password credentials of a credential, a list of them, or a user."""
    if isinstance(data, dict) and "credentials" in data:
        data = data["credentials"]
    for each in data if isinstance(data, list) else [data]:
        if each.get("type", "password") == "password":
            yield _flat(each)


def _flat(credential: dict[str, Any]) -> dict[str, Any]:
    """Fields of one credential; before Keycloak 8 they stand in it, later in two texts of JSON."""
    if "secretData" not in credential:
        return {**credential, "value": credential.get("hashedSaltedValue", credential.get("value"))}
    parts = (credential["secretData"], credential["credentialData"])
    secret, public = (json.loads(each) if isinstance(each, str) else each for each in parts)
    more = public.get("additionalParameters") or {}
    return {**public, **secret, **{name: numbers[0] for name, numbers in more.items() if numbers}}


def _written(fields: dict[str, Any]) -> str | None:
    algorithm, count = str(fields.get("algorithm", "pbkdf2")), int(fields["hashIterations"])
    salt, key = (str(fields[name]).rstrip("=") for name in ("salt", "value"))
    if algorithm == "argon2":
        version = {"1.3": 19, "1.0": 16}[str(fields["version"])]
        costs = f"m={int(fields['memory'])},t={count},p={int(fields['parallelism'])}"
        return f"$argon2{fields['type']}$v={version}${costs}${salt}${key}"
    return f"${algorithm}${count}${salt}${key}" if algorithm.startswith("pbkdf2") else None


WRAPPERS: Final = (
    Wrapper("a label in braces", "LDAP, Dovecot, Spring", "{CRYPT}$2y$…, {bcrypt}$2a$…, {ARGON2}$argon2id$…",
            ("{CRYPT}", "{BCRYPT}", "{BLF-CRYPT}", "{ARGON2}", "{ARGON2ID}", "{ARGON2I}", "{SHA512-CRYPT}",
             "{SHA256-CRYPT}", "{MD5-CRYPT}", "{ARGON2@SPRINGSECURITY_V5_8}", "{LDAP}"), _behind_brace),
    Wrapper("Django's name of a hasher", "Django", "bcrypt$$2b$…, argon2$argon2id$…", ("bcrypt$", "argon2$"),
            lambda texts: texts.str.replace(r"^(?:bcrypt\$|argon2)", "")),
    Wrapper("a credential", "Keycloak", '{"type": "password", "secretData": "…", "credentialData": "…"}, '
            "a list of them, or the fields of an old export", (JSON,), _credential_hashes),
)  # fmt: skip
"""Everything that is taken off before the scheme is told."""
