"""Every scheme of the trigger against a hash that another library has made."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
import time
from typing import Any, Final

import bcrypt
import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2d, Argon2i, Argon2id
from django.contrib.auth.hashers import ScryptPasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from passlib import hash as known
from werkzeug.security import generate_password_hash

from connectors.cognito.trigger.handler import hashes
from tests.unit.hash_specimens import FIREBASE, FIREBASE_HASH

PASSWORD = "Gänsefüß-1 ✓"  # noqa: S105 - an invented one


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def argon2(kind: Any, name: str, prefix: str = "") -> str:
    made = kind(salt=b"invented-salt-16", length=32, iterations=2, lanes=1, memory_cost=64)
    key, salt = made.derive(PASSWORD.encode()), b64(b"invented-salt-16").rstrip("=")
    return f"{prefix}${name}$v=19$m=64,t=2,p=1${salt}${b64(key).rstrip('=')}"


def wordpress() -> str:
    digest = hmac.new(b"wp-sha384", PASSWORD.encode(), hashlib.sha384).digest()
    return "$wp" + bcrypt.hashpw(base64.b64encode(digest), bcrypt.gensalt(4)).decode().replace("$2b", "$2y")


def keycloak(algorithm: str, digest: str, size: int) -> str:
    salt = b"invented-salt-16"
    key = hashlib.pbkdf2_hmac(digest, PASSWORD.encode(), salt, 1000, size)
    secret = {"value": b64(key), "salt": b64(salt), "additionalParameters": {}}
    how = {"hashIterations": 1000, "algorithm": algorithm, "additionalParameters": {}}
    return json.dumps(
        {"type": "password", "secretData": json.dumps(secret), "credentialData": json.dumps(how)}
    )


def keycloak_argon2() -> str:
    salt = b"invented-salt-16"
    key = Argon2id(salt=salt, length=32, iterations=5, lanes=1, memory_cost=64).derive(PASSWORD.encode())
    more = {"hashLength": ["32"], "memory": ["64"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]}
    how = {"hashIterations": 5, "algorithm": "argon2", "additionalParameters": more}
    secret = {"value": b64(key), "salt": b64(salt)}
    return json.dumps({"secretData": json.dumps(secret), "credentialData": json.dumps(how)})


def asp_net(version: int, prf: int = 1, password: str = PASSWORD) -> str:
    salt, digest = b"invented-salt-16", ("sha1", "sha256", "sha512")[prf]
    if version == 2:
        key = hashlib.pbkdf2_hmac("sha1", password.encode(), salt, 1000, 32)
        return b64(b"\0" + salt + key)
    key = hashlib.pbkdf2_hmac(digest, password.encode(), salt, 1000, 32)
    return b64(b"\1" + struct.pack(">III", prf, 1000, 16) + salt + key)


def scrypt() -> str:
    key = hashlib.scrypt(PASSWORD.encode(), salt=b"invented-salt-16", n=1024, r=8, p=1, dklen=32)
    return f"1024$8$1${b'invented-salt-16'.hex()}${key.hex()}"


def django_scrypt() -> str:
    hasher = ScryptPasswordHasher()
    encoded: str = hasher.encode(PASSWORD, "invented", n=1024, r=8, p=5)
    return encoded


def better_auth() -> str:
    salt = b"invented-salt-16".hex()
    key = hashlib.scrypt(PASSWORD.encode(), salt=salt.encode(), n=16_384, r=16, p=1, dklen=64, maxmem=1 << 26)
    return f"{salt}:{key.hex()}"


BCRYPT = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
MADE: dict[str, tuple[str, str]] = {
    "bcrypt": ("bcrypt", BCRYPT),
    "bcrypt of PHP": ("bcrypt", BCRYPT.replace("$2b$", "$2y$")),
    "bcrypt of Django": ("bcrypt", f"bcrypt${BCRYPT}"),
    "bcrypt_sha256 of Django": ("bcrypt_sha256", known.django_bcrypt_sha256.using(rounds=4).hash(PASSWORD)),
    "WordPress 6.8": ("wordpress", wordpress()),
    "phpass": ("phpass", known.phpass.using(rounds=8).hash(PASSWORD)),
    "phpBB": ("phpass", known.phpass.using(rounds=8, ident="$H$").hash(PASSWORD)),
    "MD5-crypt": ("md5_crypt", known.md5_crypt.hash(PASSWORD)),
    "MD5-crypt of LDAP": ("md5_crypt", known.ldap_md5_crypt.hash(PASSWORD)),
    "MD5-crypt of Apache": ("apr_md5_crypt", known.apr_md5_crypt.hash(PASSWORD)),
    "SHA256-crypt": ("sha256_crypt", known.sha256_crypt.using(rounds=1000).hash(PASSWORD)),
    "SHA512-crypt": ("sha512_crypt", known.sha512_crypt.using(rounds=5000).hash(PASSWORD)),
    "SHA": ("ssha", known.ldap_sha1.hash(PASSWORD)),
    "SSHA": ("ssha", known.ldap_salted_sha1.hash(PASSWORD)),
    "SSHA256": ("ssha", known.ldap_salted_sha256.hash(PASSWORD)),
    "SSHA512": ("ssha", known.ldap_salted_sha512.hash(PASSWORD)),
    "SMD5": ("smd5", known.ldap_salted_md5.hash(PASSWORD)),
    "PBKDF2-SHA1": ("pbkdf2", known.pbkdf2_sha1.using(rounds=1000).hash(PASSWORD)),
    "PBKDF2-SHA256": ("pbkdf2", known.pbkdf2_sha256.using(rounds=1000).hash(PASSWORD)),
    "PBKDF2-SHA512": ("pbkdf2", known.pbkdf2_sha512.using(rounds=1000).hash(PASSWORD)),
    "PBKDF2 of Django": ("pbkdf2_django", known.django_pbkdf2_sha256.using(rounds=1000).hash(PASSWORD)),
    "PBKDF2-SHA1 of Django": ("pbkdf2_django", known.django_pbkdf2_sha1.using(rounds=1000).hash(PASSWORD)),
    "PBKDF2 of OpenLDAP": ("pbkdf2_ldap", known.ldap_pbkdf2_sha512.using(rounds=1000).hash(PASSWORD)),
    "PBKDF2 of Werkzeug": ("pbkdf2_werkzeug", generate_password_hash(PASSWORD, "pbkdf2:sha256:1000")),
    "scrypt of Cognito": ("scrypt", scrypt()),
    "scrypt of passlib": ("scrypt_passlib", known.scrypt.using(rounds=8).hash(PASSWORD)),
    "scrypt of Django": ("scrypt_django", django_scrypt()),
    "scrypt of better-auth": ("better_auth", better_auth()),
    "bcrypt_sha256 of passlib": ("bcrypt_sha256_passlib", known.bcrypt_sha256.using(rounds=4).hash(PASSWORD)),
    "bcrypt_sha256 of passlib, version 1": (
        "bcrypt_sha256_passlib", known.bcrypt_sha256.using(rounds=4, version=1).hash(PASSWORD)),
    "Django before 1.4, MD5": ("django_salted", known.django_salted_md5.hash(PASSWORD)),
    "Django before 1.4, SHA-1": ("django_salted", known.django_salted_sha1.hash(PASSWORD)),
    "scrypt of Werkzeug": ("scrypt_werkzeug", generate_password_hash(PASSWORD, "scrypt:1024:8:1")),
    "Argon2id": ("argon2", argon2(Argon2id, "argon2id")),
    "Argon2i": ("argon2", argon2(Argon2i, "argon2i")),
    "Argon2d of OpenLDAP": ("argon2", argon2(Argon2d, "argon2d", "{ARGON2}")),
    "Argon2id of Django": ("argon2", argon2(Argon2id, "argon2id", "argon2")),
    "Keycloak, PBKDF2-SHA512": ("keycloak", keycloak("pbkdf2-sha512", "sha512", 64)),
    "Keycloak, PBKDF2-SHA1": ("keycloak", keycloak("pbkdf2", "sha1", 20)),
    "Keycloak 26, Argon2": ("keycloak", keycloak_argon2()),
    "ASP.NET Identity 2": ("asp_net", asp_net(2)),
    "ASP.NET Identity 3": ("asp_net", asp_net(3, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_the_right_password_fits_and_another_does_not(name: str) -> None:
    scheme, stored = MADE[name]
    found = hashes.recognised(stored)
    assert found is not None
    assert found.scheme == scheme
    assert hashes.problem_of(stored, {}) is None
    assert hashes.fits(PASSWORD, stored, {})
    for wrong in (PASSWORD + "x", PASSWORD[:-1], PASSWORD.swapcase(), ""):
        assert not hashes.fits(wrong, stored, {})


@pytest.mark.parametrize(
    "stored",
    [
        json.dumps(FIREBASE_HASH),
        f"$firebase-scrypt${FIREBASE_HASH['salt']}${FIREBASE_HASH['passwordHash']}",
    ],
    ids=["as exported", "as one text"],
)
def test_firebases_own_example_fits_and_needs_its_parameters(stored: str) -> None:
    parameters = {"firebase_scrypt": FIREBASE}
    assert hashes.fits("user1password", stored, parameters)
    assert not hashes.fits("user2password", stored, parameters)
    assert hashes.problem_of(stored, {}) == "lacks_parameters"
    assert not hashes.fits("user1password", stored, {})


@pytest.mark.parametrize("cost", ["$2b$15$", "$2b$31$"])
def test_what_takes_longer_than_cognito_waits_is_refused_at_once(cost: str) -> None:
    stored = cost + BCRYPT[7:]
    began = time.perf_counter()
    assert hashes.problem_of(stored, {}) == "too_costly"
    assert not hashes.fits(PASSWORD, stored, {})
    assert time.perf_counter() - began < 0.5


_KEY = b64(b"k" * 32).rstrip("=")
COSTLIEST = {
    "bcrypt, cost 14": "$2b$14$" + BCRYPT[7:],
    "Argon2id, 512 MiB, 2 passes": f"$argon2id$v=19$m=524288,t=2,p=1${_KEY}${_KEY}",
    "scrypt, N 131,072, r 8": f"131072$8$1${'00' * 16}${'00' * 32}",
    "PBKDF2-SHA512, 1,500,000 rounds": f"$pbkdf2-sha512$1500000${_KEY}${_KEY}",
    "SHA512-crypt, 500,000 rounds": "$6$rounds=500000$invented$" + "a" * 85 + ".",
    "phpass, 2^18 rounds": "$P$GInvented" + "a" * 21 + ".",
}
"""The most that is allowed of every costly scheme; the hash of nothing that anybody knows."""


LIMIT: Final = 2.5
"""Times what bcrypt takes at cost 14, which is half a second to a second of an idle processor."""


def _processor_seconds(stored: str) -> float:
    began = time.process_time()
    assert not hashes.fits(PASSWORD, stored, {})
    return time.process_time() - began


@pytest.mark.slow
@pytest.mark.parametrize("name", COSTLIEST)
def test_the_costliest_hash_that_is_allowed_keeps_far_from_cognitos_five_seconds(name: str) -> None:
    """F6.14. A ratio of two in one run, thrice where others on the machine are in the way."""
    assert hashes.problem_of(COSTLIEST[name], {}) is None
    measure = COSTLIEST["bcrypt, cost 14"]
    ratios = (_processor_seconds(COSTLIEST[name]) / _processor_seconds(measure) for _ in range(3))
    assert any(ratio < LIMIT for ratio in ratios)


@pytest.mark.parametrize("stored", ["", "secret", "$9$x$y", "{SSHA}not base64!", "$2b$10$short", "md5:abc"])
def test_what_nobody_knows_is_named_and_fits_nothing(stored: str) -> None:
    assert hashes.problem_of(stored, {}) == "unknown"
    assert not hashes.fits(stored, stored, {})


@given(
    st.text(max_size=80),
    st.sampled_from(["", "$2b$04$", "{SSHA}", "$argon2id$v=19$", "$P$B", '{"secretData":']),
)
def test_junk_never_raises_and_never_fits(text: str, prefix: str) -> None:
    assert not hashes.fits("any", prefix + text, {})
