"""Every kind of dirt that the demo's users carry, as one table: its name, how often, and what it does.

A user carries one kind at most, so that what becomes of a user can be held against what was planted.
"""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Final

import bcrypt
from passlib import hash as foreign

from flows.demo.names import ACCENTED, EMOJI
from flows.demo.phones import FICTION, INVALID, draw, spaced

Cells = dict[str, str]
"""One user of the source: column to text."""

Spoil = Callable[[Cells, Cells, Random], None]
"""Spoils the first user in place; the second is a clean user who stands earlier in the file."""

SpoilLine = Callable[[bytes], bytes]
"""Spoils a user's line of the file (without its line feed)."""

_ITOA64: Final = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_LONG_NAME = 2_100
_LONG_USERNAME = 150
_PBKDF2_ROUNDS = 1_000


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of dirt.

    Attributes:
        name: what ``DIRT`` calls it.
        users: how many carry it.
        spoil: what it does to a user's cells; None where only the line is spoiled.
        line: what it does to the user's line of the file.
    """

    name: str
    users: int
    spoil: Spoil | None = None
    line: SpoilLine | None = None


def put(column: str, *texts: str) -> Spoil:
    """Write one of the texts into a column; ``{}`` stands for what was there."""

    def spoil(cells: Cells, _earlier: Cells, rng: Random) -> None:
        cells[column] = rng.choice(texts).replace("{}", cells[column])

    return spoil


def both(*spoils: Spoil) -> Spoil:
    """Spoil in several ways."""

    def spoil(cells: Cells, earlier: Cells, rng: Random) -> None:
        for one in spoils:
            one(cells, earlier, rng)

    return spoil


def same(column: str, change: Callable[[str], str] = str) -> Spoil:
    """Take a column's value from an earlier user."""

    def spoil(cells: Cells, earlier: Cells, _rng: Random) -> None:
        cells[column] = change(earlier[column])

    return spoil


def _padded(cells: Cells, _earlier: Cells, rng: Random) -> None:
    name, _, domain = cells["email"].partition("@")
    shouted = rng.choice((f"{name}@{domain.upper()}", f"{name.title()}@{domain}", f"{name}@{domain}".upper()))
    cells["email"] = rng.choice((f"  {shouted}", f"{shouted} ", f" {shouted}\t", f"\u00a0{shouted}"))


def _national(cells: Cells, _earlier: Cells, rng: Random) -> None:
    cells["phone"] = draw(FICTION, rng)[1]


def _spaced(cells: Cells, _earlier: Cells, rng: Random) -> None:
    cells["phone"] = spaced(draw(FICTION, rng)[0])


def _decomposed(cells: Cells, _earlier: Cells, rng: Random) -> None:
    cells["first_name"] = unicodedata.normalize("NFD", rng.choice(ACCENTED))


def _too_long(cells: Cells, _earlier: Cells, _rng: Random) -> None:
    cells["first_name"] = (cells["first_name"] + " ") * (_LONG_NAME // len(cells["first_name"]))


def _long_username(cells: Cells, _earlier: Cells, _rng: Random) -> None:
    cells["id"] += "-" + "x" * _LONG_USERNAME


def _bcrypt(cells: Cells, _earlier: Cells, rng: Random) -> None:
    """At the lowest cost, since two hundred are made; a salt's last letter carries four spare bits, all 0."""
    salt = f"$2b$04${_letters(rng, 21)}{rng.choice('.Oeu')}"
    cells["pw"] = bcrypt.hashpw(password(cells).encode(), salt.encode()).decode()


def _pbkdf2(*, plus: bool) -> Spoil:
    """Which letter stands for base64's ``+`` is not known (F2.8)."""

    def spoil(cells: Cells, _earlier: Cells, rng: Random) -> None:
        cells["pw"] = _pbkdf2_hash(cells, rng)
        while ("+" in cells["pw"]) is not plus:
            cells["pw"] = _pbkdf2_hash(cells, rng)

    return spoil


def _pbkdf2_hash(cells: Cells, rng: Random) -> str:
    salt = rng.randbytes(16)
    digest = hashlib.pbkdf2_hmac("sha256", password(cells).encode(), salt, _PBKDF2_ROUNDS)
    return f"$pbkdf2-sha256${_PBKDF2_ROUNDS}${_base64(salt)}${_base64(digest)}"


def _foreign_hash(cells: Cells, _earlier: Cells, rng: Random) -> None:
    """What no import job takes: LDAP's, WordPress's and Unix's."""
    salt, text = rng.randbytes(8), _letters(rng, 8)
    scheme = rng.choice(
        (
            foreign.ldap_salted_sha1.using(salt=salt),
            foreign.ldap_salted_sha512.using(salt=salt),
            foreign.phpass.using(salt=text, rounds=13),
            foreign.md5_crypt.using(salt=text),
            foreign.sha512_crypt.using(salt=text, rounds=5_000),
        )
    )
    cells["pw"] = scheme.hash(password(cells))


def password(cells: Mapping[str, str]) -> str:
    """The password of a user who has a hash; each has another."""
    return f"Demo-{cells['id']}-pass"


def _letters(rng: Random, count: int) -> str:
    return "".join(rng.choices(_ITOA64, k=count))


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


_UNVERIFIED = put("verified", "false", "no", "0", "FALSE")
_INACTIVE = put("active", "false", "no", "0")

_ROLES = ("admin", "editor", "viewer", "viewer", "billing", "support", "editor;viewer", "viewer;admin;editor")

KINDS: Final = (
    Kind("email_padded", 60, _padded),
    Kind(
        "email_invalid",
        40,
        put("email", "{}@", "no-mail", "a b@example.com", "@example.org", "a@b@example.net"),
    ),
    Kind("email_empty", 15, both(put("email", ""), _UNVERIFIED)),
    Kind("email_empty_but_verified", 10, put("email", "")),
    Kind("email_twice", 30, same("email")),
    # who is created one by one costs the demo a twenty-fifth of a second each, so these kinds are small
    Kind("unverified", 45, _UNVERIFIED),
    Kind("verified_missing", 20, put("verified", "")),
    Kind("id_twice", 25, same("id")),
    Kind("id_differs_by_case", 15, same("id", str.swapcase)),
    Kind("username_with_space", 12, put("id", "{} x", "a {}", "{} (old)")),
    Kind("username_too_long", 5, _long_username),
    Kind("value_too_long", 10, _too_long),
    Kind("phone_national", 200, _national),
    Kind("phone_spaced", 150, _spaced),
    Kind("phone_invalid", 40, put("phone", *INVALID)),
    Kind(
        "birthdate_invalid",
        35,
        put("born", "1990-02-31", "31.02.1990", "12/05/1985", "unknown", "1985-13-01"),
    ),
    Kind("birthdate_empty", 120, put("born", "")),
    Kind("name_comma", 40, put("last_name", "{}, Jr.", "{}, Ph.D.", "{}, M.A., LL.M.")),
    Kind("name_quotation_mark", 25, put("first_name", '{} "Red"', '"{}"', '{} "Bo" B.')),
    Kind("name_backslash", 15, put("last_name", "{}\\", "{}\\Sons", "\\{}")),
    Kind("name_line_break", 20, put("last_name", "{}\nat home", "van\n{}", "{}\r\nFamily")),
    Kind("name_decomposed", 40, _decomposed),
    Kind("name_emoji", 25, put("first_name", *(f"{{}} {emoji}" for emoji in EMOJI))),
    Kind("grouped", 60, put("roles", *_ROLES)),
    Kind("inactive", 20, _INACTIVE),
    Kind("inactive_with_hash", 5, both(_INACTIVE, _bcrypt)),
    Kind("hash_bcrypt", 200, _bcrypt),
    Kind("hash_pbkdf2", 40, _pbkdf2(plus=False)),
    Kind("hash_pbkdf2_ambiguous", 8, _pbkdf2(plus=True)),
    Kind("hash_foreign", 40, _foreign_hash),
    Kind("unverified_with_hash", 12, both(_UNVERIFIED, _bcrypt)),
    Kind("in_pool_already", 30),
    Kind("line_too_short", 12, line=lambda line: b",".join(line.split(b",")[:5])),
    Kind("line_too_long", 12, line=lambda line: line + b",,surplus"),
    Kind("line_undecodable", 3, line=lambda line: line.replace(b"@", b"\xfc\xe9@", 1)),
)
"""What is planted. The order matters to nobody: who carries what is drawn."""

DIRT: Final[Mapping[str, int]] = MappingProxyType({kind.name: kind.users for kind in KINDS})
"""How many users carry each kind."""

IN_POOL: Final = "in_pool_already"
"""The kind of users whom ``flows.demo.pool`` creates before anything is migrated."""
