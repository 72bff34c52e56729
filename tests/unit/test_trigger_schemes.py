"""What the mapping leaves to the trigger can be verified there, or TRIGGER.md says that it is lost."""

from __future__ import annotations

import hashlib
from typing import Final

import argon2
import bcrypt
import polars as pl
import pytest
from passlib import hash as passlib

from connectors.cognito.trigger.handler import hashes
from connectors.records import PASSWORD, PASSWORD_HASH, USERNAME
from flows.steps.trigger import people_of
from mappings.hash_schemes.listed import SCHEMES, labels_of
from mappings.hash_schemes.refused import UNKNOWN, UNVERIFIED
from mappings.hash_schemes.wrapped import WRAPPERS
from mappings.password_hashes import PasswordHashes, kinds
from tests.reference import ROOT
from tests.unit.hash_specimens import FIREBASE, OTHER, SALT, Specimen, argon, specimens, text64
from tests.unit.hash_specimens import PASSWORD as WORD
from tests.unit.test_trigger_hashes import asp_net

OLD: Final = "$2$"
"""bcrypt before it had letters: no library verifies it any more."""
PARAMETERS: Final = {"firebase_scrypt": FIREBASE}

_UTF8: Final = WORD.encode()
_BCRYPT: Final = bcrypt.hashpw(_UTF8, bcrypt.gensalt(4)).decode()
_SHA512: Final = passlib.pbkdf2_sha512.using(rounds=1000).hash(WORD)
_SHA1: Final = passlib.pbkdf2_sha1.using(rounds=1000).hash(WORD)
_LDAP: Final = passlib.ldap_pbkdf2_sha1.using(rounds=1000).hash(WORD)


def _django(digest: str) -> str:
    return f"pbkdf2_{digest}$1000$salt${text64(hashlib.pbkdf2_hmac(digest, _UTF8, b'salt', 1000))}"


def _werkzeug(digest: str) -> str:
    return f"pbkdf2:{digest}:1000$salt${hashlib.pbkdf2_hmac(digest, _UTF8, b'salt', 1000).hex()}"


def _ldap(name: str, digest: str, salt: bytes = b"") -> str:
    made = hashlib.new(digest, _UTF8 + salt, usedforsecurity=False).digest()
    return f"{{{name}}}{text64(made + salt)}"


def _lucia() -> str:
    key = hashlib.scrypt(_UTF8, salt=b"sixteen-letters-", n=16_384, r=16, p=1, dklen=64, maxmem=2**26)
    return f"s2:sixteen-letters-:{key.hex()}"


def _from_drupal_6() -> str:
    """As Drupal 7 has taken over the MD5 of Drupal 6, in the words of its own code."""
    letters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    word = hashlib.md5(_UTF8).hexdigest().encode()  # noqa: S324 - what people have
    made = hashlib.sha512(b"saltsalt" + word).digest()
    for _ in range(1 << letters.index("5")):
        made = hashlib.sha512(made + word).digest()
    groups = [int.from_bytes(made[at : at + 3], "little") for at in range(0, 64, 3)]
    text = "".join(letters[group >> shift & 63] for group in groups for shift in (0, 6, 12, 18))
    return f"U$S$5saltsalt{text[:43]}"


MORE: Final = {
    "$2a$": _BCRYPT.replace("$2b$", "$2a$"), "$2x$": _BCRYPT.replace("$2b$", "$2x$"),
    "$2y$": _BCRYPT.replace("$2b$", "$2y$"), "{BCRYPT}": "{BCRYPT}" + _BCRYPT,
    "{BLF-CRYPT}": "{BLF-CRYPT}" + _BCRYPT, "s2:": _lucia(), "U$S$": _from_drupal_6(),
    "$H$": passlib.phpass.using(rounds=8, ident="$H$").hash(WORD),
    "pbkdf2:sha512:": _werkzeug("sha512"), "pbkdf2:sha1:": _werkzeug("sha1"),
    "pbkdf2_sha512$": _django("sha512"), "$pbkdf2$": _SHA1, "$pbkdf2-sha512$": _SHA512,
    "$pbkdf2-sha1$": _SHA1.replace("$pbkdf2$", "$pbkdf2-sha1$"), "{PBKDF2}": _LDAP,
    "{PBKDF2-SHA1}": _LDAP.replace("{PBKDF2}", "{PBKDF2-SHA1}"),
    "{LDAP}": "{ldap}" + _ldap("SSHA", "sha1", SALT),
    "{MD5}": _ldap("MD5", "md5"), "{SMD5}": _ldap("SMD5", "md5", SALT), "{SHA}": _ldap("SHA", "sha1"),
    "{SHA256}": _ldap("SHA256", "sha256"), "{SSHA256}": _ldap("SSHA256", "sha256", SALT),
    "{SHA384}": _ldap("SHA384", "sha384"), "{SSHA384}": _ldap("SSHA384", "sha384", SALT),
    "{SHA512}": _ldap("SHA512", "sha512"), "{SSHA512}": _ldap("SSHA512", "sha512", SALT),
    "$argon2d$": argon(64, 2, 1, argon2.Type.D), "{ARGON2ID}": "{ARGON2ID}" + argon(64, 2, 1),
    "{ARGON2I}": "{ARGON2I}" + argon(64, 2, 1, argon2.Type.I),
    "{SHA512-CRYPT}": "{SHA512-CRYPT}" + passlib.sha512_crypt.using(rounds=1000).hash(WORD),
    "{SHA256-CRYPT}": "{SHA256-CRYPT}" + passlib.sha256_crypt.using(rounds=1000).hash(WORD),
    "{MD5-CRYPT}": "{MD5-CRYPT}" + passlib.md5_crypt.hash(WORD), "$apr1$": passlib.apr_md5_crypt.hash(WORD),
    "md5$": passlib.django_salted_md5.hash(WORD), "sha1$": passlib.django_salted_sha1.hash(WORD),
    "scrypt": "1024$8$1$" + SALT.hex() + "$" + hashlib.scrypt(_UTF8, salt=SALT, n=1024, r=8, p=1).hex(),
    "aspnet_identity_v3_sha1": asp_net(3, 0, WORD),
}  # fmt: skip
"""A hash of ``WORD`` for each beginning, and for each scheme without one, that no specimen has."""


def left(value: str, scheme: str | None = None) -> str:
    """A hash as the trigger's table holds it, once a run with the most cautious alphabet has judged it."""
    (judged,) = PasswordHashes("shared", scheme).judge(pl.Series([value])).values
    frame = pl.DataFrame(
        {USERNAME: ["u"], PASSWORD_HASH: [judged], PASSWORD: pl.Series([None], dtype=pl.String)}
    )
    (person,) = people_of(frame)
    return person.stored or ""


@pytest.mark.parametrize("one", [one for one in specimens() if one.why is None], ids=lambda one: one.system)
def test_whoever_could_travel_but_is_left_to_the_trigger_comes_in_as_well(one: Specimen) -> None:
    """For want of a verified contact, or for a sign that a PBKDF2 alphabet has not (F2.8)."""
    stored = left(one.value, one.scheme)
    assert hashes.fits(one.password, stored, {})
    assert not hashes.fits(OTHER, stored, {})


@pytest.mark.parametrize("name", MORE)
def test_every_beginning_of_a_hash_that_the_mapping_knows_is_verified(name: str) -> None:
    stored = left(MORE[name])
    assert hashes.problem_of(stored, {}) is None
    assert hashes.fits(WORD, stored, {})
    assert not hashes.fits(OTHER, stored, {})


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize(("label", "digest"), [("MD5", "md5"), ("sha", "sha1"), ("SHA512", "sha512")])
def test_a_digest_of_ldap_may_be_written_in_hexadecimal(label: str, digest: str, *, upper: bool) -> None:
    made = hashlib.new(digest, _UTF8, usedforsecurity=False).hexdigest()
    stored = left(f"{{{label}}}{made.upper() if upper else made}")
    assert hashes.fits(WORD, stored, {})
    assert not hashes.fits(OTHER, stored, {})


def test_nothing_that_the_mapping_knows_is_forgotten() -> None:
    """Each scheme and each of its beginnings stands above or among the specimens, or is known to be lost."""
    values = pl.Series([*MORE.values(), *(one.value for one in specimens())], dtype=pl.String)
    told = {label.upper() if label[0] == "{" else label for label in labels_of(values).drop_nulls()}
    inner = {"$argon2i$", "$argon2id$", "$6$", "$5$", "$1$"}  # of what stands in the wrappers above
    kept = {name: scheme for name, scheme in SCHEMES.items() if name not in UNVERIFIED}
    asked = {label for each in (*kept.values(), *WRAPPERS) for label in each.labels}
    assert asked - told - inner == {OLD, "{"}
    assert kept.keys() - schemes_of(values) == {"node_scrypt"}


def schemes_of(values: pl.Series) -> set[str]:
    found = PasswordHashes("base64").judge(values)
    columns = {"value": found.values, "algorithm": found.algorithms, "kind": found.kinds}
    told = kinds(pl.DataFrame(columns), hashes="value", algorithm="algorithm", kind="kind")
    return {kind.split()[0] for kind in told.drop_nulls()}


def test_what_is_lost_is_said() -> None:
    page = (ROOT / "deployments" / "TRIGGER.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in (*UNVERIFIED, OLD) if name != UNKNOWN)
    invented = ["$y$j9T$salt$key", "fakeHash:salt=a:password=b", "{NOOP}word", "sha256$salt$" + "0" * 64]
    lost = [one.value for one in specimens() if one.kind in UNVERIFIED] + invented
    assert schemes_of(pl.Series(lost)) == set(UNVERIFIED)
    assert {hashes.problem_of(left(value), PARAMETERS) for value in lost} == {"unknown"}
