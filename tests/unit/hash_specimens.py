"""Hashes of one password, each made by the library or the function that the source system itself uses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import argon2
import bcrypt
from django.conf import settings as django_settings
from django.contrib.auth import hashers
from django.contrib.auth.hashers import Argon2PasswordHasher, PBKDF2PasswordHasher, ScryptPasswordHasher
from passlib import hash as passlib
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

PASSWORD: Final = "Sterngucker-42 ä"  # noqa: S105 - nobody's
OTHER: Final = "sterngucker-42 ä"
SALT: Final = bytes(range(240, 256))
TEXT_SALT: Final = "pJ8v2nQwZ0xR"
FIREBASE: Final = {
    "signer_key": "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",
    "salt_separator": "Bw==",
    "rounds": 8,
    "mem_cost": 14,
}
"""Parameters of the public example in Firebase's own scrypt repository."""
FIREBASE_HASH: Final = {
    "salt": "42xEC+ixf3L2lw==",
    "passwordHash": (
        "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
    ),
}
FIREBASE_PASSWORD: Final = "user1password"  # noqa: S105 - the example's
DRUPAL_HASH: Final = "$S$C33783772bRXEx1aCsvY.dqgaaSu76XmVlKrW9Qu8IQlvxHlmzLf"
"""The public example of hashcat's mode 7900."""
DRUPAL_PASSWORD: Final = "hashcat"  # noqa: S105 - the example's

if not django_settings.configured:
    django_settings.configure()


@dataclass(frozen=True, slots=True)
class Specimen:
    """One system's hash of a password.

    Attributes:
        system: who writes it, with what parameters.
        value: the hash.
        kind: scheme and parameters, as a plan shows them.
        why: the reason code, or None where an import job takes it.
        scheme: what the run file must say of it.
        password: what was hashed, where it is not ``PASSWORD``.
    """

    system: str
    value: str
    kind: str
    why: str | None = None
    scheme: str | None = None
    password: str = PASSWORD


class _PatientScrypt(ScryptPasswordHasher):
    parallelism = 1


class _QuickArgon2(Argon2PasswordHasher):
    time_cost, memory_cost, parallelism = 2, 19_456, 1


def _django(hasher: Any, *rounds: int, salt: str = TEXT_SALT) -> str:
    encoded: str = hasher.encode(PASSWORD, salt, *rounds)
    return encoded


def text64(raw: bytes) -> str:
    """Base64 with padding."""
    return base64.b64encode(raw).decode()


def pbkdf2(digest: str, rounds: int, size: int) -> bytes:
    """What the standard library makes."""
    return hashlib.pbkdf2_hmac(digest, PASSWORD.encode(), SALT, rounds, size)


def scrypt(salt: bytes, *, n: int = 16_384, r: int = 8, p: int = 1, size: int = 64) -> bytes:
    """What the standard library makes."""
    return hashlib.scrypt(PASSWORD.encode(), salt=salt, n=n, r=r, p=p, dklen=size, maxmem=2**27)


def keycloak(algorithm: str, rounds: int, key: bytes, **more: str) -> str:
    """A credential as an export has it: JSON in JSON (measured on public samples)."""
    secret = {"value": text64(key), "salt": text64(SALT), "additionalParameters": {}}
    public = {"hashIterations": rounds, "algorithm": algorithm,
              "additionalParameters": {name: [value] for name, value in more.items()}}  # fmt: skip
    one = {"type": "password", "secretData": json.dumps(secret), "credentialData": json.dumps(public)}
    return json.dumps(one)


def old_keycloak(rounds: int, key: bytes) -> str:
    """A list of credentials as exports before Keycloak 8 have it, a one-time password first."""
    one = {"type": "password", "hashedSaltedValue": text64(key), "salt": text64(SALT),
           "hashIterations": rounds, "algorithm": "pbkdf2-sha256"}  # fmt: skip
    return json.dumps([{"type": "totp", "hashedSaltedValue": "seed"}, one])


def aspnet(function: int, digest: str, rounds: int) -> str:
    """Version 3 of ASP.NET Identity's blob."""
    header = bytes([1]) + b"".join(number.to_bytes(4, "big") for number in (function, rounds, len(SALT)))
    return text64(header + SALT + pbkdf2(digest, rounds, 32))


def argon_key(memory: int, rounds: int, kind: argon2.Type) -> bytes:
    """The bare key, as Keycloak stores it."""
    return argon2.low_level.hash_secret_raw(PASSWORD.encode(), SALT, rounds, memory, 1, 32, kind)


def argon(memory: int, rounds: int, lanes: int, kind: argon2.Type = argon2.Type.ID) -> str:
    """What argon2-cffi writes."""
    return argon2.PasswordHasher(rounds, memory, lanes, type=kind).hash(PASSWORD)


def spring_scrypt(power: int) -> str:
    """One hexadecimal number for the costs, salt and key in base64 with its padding."""
    key = hashlib.scrypt(PASSWORD.encode(), salt=SALT, n=1 << power, r=8, p=1, maxmem=1 << 27, dklen=32)
    return f"${power << 16 | 8 << 8 | 1:x}${base64.b64encode(SALT).decode()}${base64.b64encode(key).decode()}"


def _md5(salt: str = "") -> str:
    return hashlib.md5((PASSWORD + salt).encode()).hexdigest()  # noqa: S324 - what people have


def _prehashed() -> str:
    """WordPress 6.8: bcrypt over base64 of HMAC-SHA384 with the key ``wp-sha384``."""
    digest = base64.b64encode(hmac.digest(b"wp-sha384", PASSWORD.encode(), "sha384"))
    return "$wp" + bcrypt.hashpw(digest, bcrypt.gensalt(10, b"2b")).decode().replace("$2b$", "$2y$")


@cache
def specimens() -> tuple[Specimen, ...]:
    """One of every system and of every reason."""
    crypted = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()
    php = crypted.replace("$2b$", "$2y$")
    hex_salt = SALT.hex()
    return (
        Specimen("bcrypt, Auth0, Devise, Clerk: $2b$, cost 10", crypted, "bcrypt cost 10"),
        Specimen("PHP, Laravel, Symfony: $2y$, cost 10", php, "bcrypt cost 10"),
        Specimen("pwdlib: bcrypt, cost 12", BcryptHasher().hash(PASSWORD), "bcrypt cost 12"),
        Specimen("bcrypt, cost 13", BcryptHasher(rounds=13).hash(PASSWORD), "bcrypt cost 13",
                 "hash_cost_too_high"),
        Specimen("Spring: {bcrypt}", "{bcrypt}" + crypted, "bcrypt cost 10"),
        Specimen("Spring from 5.8 on: {argon2@SpringSecurity_v5_8}",
                 "{argon2@SpringSecurity_v5_8}" + argon(16_384, 2, 1), "argon2id m=16384 t=2 p=1"),
        Specimen("Spring from 5.8 on: {scrypt@SpringSecurity_v5_8}",
                 "{scrypt@SpringSecurity_v5_8}" + spring_scrypt(16), "spring_scrypt N=65536 r=8 p=1"),
        Specimen("Spring before 5.8: {scrypt}", "{scrypt}" + spring_scrypt(14),
                 "spring_scrypt N=16384 r=8 p=1"),
        Specimen("LDAP: {CRYPT}$2y$", "{CRYPT}" + php, "bcrypt cost 10"),
        Specimen("Django: BCryptPasswordHasher", "bcrypt$" + crypted, "bcrypt cost 10"),
        Specimen("Django: BCryptSHA256PasswordHasher", _django(hashers.BCryptSHA256PasswordHasher(),
                 salt=bcrypt.gensalt(4)), "bcrypt_sha256", "hash_not_taken"),  # type: ignore[arg-type]
        Specimen("passlib: bcrypt_sha256", passlib.bcrypt_sha256.using(rounds=4).hash(PASSWORD),
                 "bcrypt_sha256", "hash_not_taken"),
        Specimen("WordPress from 6.8 on", _prehashed(), "wordpress_bcrypt", "hash_not_taken"),
        Specimen("WordPress before 6.8, phpBB: phpass", passlib.phpass.using(rounds=13).hash(PASSWORD),
                 "phpass", "hash_not_taken"),
        Specimen("Django 4.2: PBKDF2, 600,000 iterations", _django(PBKDF2PasswordHasher(), 600_000),
                 "django_pbkdf2_sha256 600000 iterations"),
        Specimen("Django 5.2: PBKDF2, 1,000,000 iterations", _django(PBKDF2PasswordHasher(), 1_000_000),
                 "django_pbkdf2_sha256 1000000 iterations", "hash_cost_too_high"),
        Specimen("Django: PBKDF2SHA1PasswordHasher", _django(hashers.PBKDF2SHA1PasswordHasher(), 1000),
                 "pbkdf2_sha1", "hash_not_taken"),
        Specimen("Django: scrypt, p 1 (before 5.1)", _django(_PatientScrypt()),
                 "django_scrypt N=16384 r=8 p=1"),
        Specimen("Django 5.2: scrypt, p 5", _django(ScryptPasswordHasher()),
                 "django_scrypt N=16384 r=8 p=5", "hash_cost_too_high"),
        Specimen("Django: Argon2, m 19456, t 2, p 1", _django(_QuickArgon2()), "argon2id m=19456 t=2 p=1"),
        Specimen("Django 5.2: Argon2, its defaults", _django(Argon2PasswordHasher()),
                 "argon2id m=102400 t=2 p=8", "hash_cost_too_high"),
        Specimen("Django: unusable password", hashers.make_password(None), "no_password", "-"),
        Specimen("passlib: pbkdf2_sha256", passlib.pbkdf2_sha256.hash(PASSWORD),
                 "pbkdf2_sha256 29000 iterations"),
        Specimen("passlib, Keystone: pbkdf2_sha512", passlib.pbkdf2_sha512.using(rounds=1000).hash(PASSWORD),
                 "pbkdf2_sha512", "hash_not_taken"),
        Specimen("passlib, Keystone: scrypt, ln 14", passlib.scrypt.using(rounds=14).hash(PASSWORD),
                 "passlib_scrypt N=16384 r=8 p=1"),
        Specimen("passlib: scrypt, ln 17", passlib.scrypt.using(rounds=17).hash(PASSWORD),
                 "passlib_scrypt N=131072 r=8 p=1", "hash_cost_too_high"),
        Specimen("OpenLDAP: {PBKDF2-SHA256}", passlib.ldap_pbkdf2_sha256.using(rounds=10_000).hash(PASSWORD),
                 "ldap_pbkdf2_sha256 10000 iterations"),
        Specimen("OpenLDAP: {PBKDF2-SHA512}", passlib.ldap_pbkdf2_sha512.using(rounds=1000).hash(PASSWORD),
                 "pbkdf2_sha512", "hash_not_taken"),
        Specimen("OpenLDAP: {ARGON2}, m 7168, t 2", "{ARGON2}" + argon(7168, 2, 1),
                 "argon2id m=7168 t=2 p=1"),
        Specimen("OpenLDAP: {SSHA}", passlib.ldap_salted_sha1.hash(PASSWORD), "ldap_digest",
                 "hash_not_taken"),
        Specimen("OpenLDAP: {CRYPT}$6$", passlib.ldap_sha512_crypt.using(rounds=1000).hash(PASSWORD),
                 "crypt_sha512", "hash_not_taken"),
        Specimen("argon2-cffi, PHC: m 19456, t 2, p 1", argon(19_456, 2, 1), "argon2id m=19456 t=2 p=1"),
        Specimen("argon2-cffi and pwdlib, their defaults", Argon2Hasher().hash(PASSWORD),
                 "argon2id m=65536 t=3 p=4", "hash_cost_too_high"),
        Specimen("Argon2i", argon(1024, 2, 1, argon2.Type.I), "argon2i", "hash_not_taken"),
        Specimen("Keycloak 8 to 23: pbkdf2-sha256, 64-byte key", keycloak("pbkdf2-sha256", 27_500,
                 pbkdf2("sha256", 27_500, 64)), "pbkdf2_sha256 27500 iterations"),
        Specimen("Keycloak: pbkdf2-sha256, 32-byte key", keycloak("pbkdf2-sha256", 27_500,
                 pbkdf2("sha256", 27_500, 32)), "pbkdf2_sha256 27500 iterations"),
        Specimen("Keycloak before 8: pbkdf2-sha256", old_keycloak(27_500, pbkdf2("sha256", 27_500, 64)),
                 "pbkdf2_sha256 27500 iterations"),
        Specimen("Keycloak 24: pbkdf2-sha512", keycloak("pbkdf2-sha512", 210_000,
                 pbkdf2("sha512", 210_000, 64)),
                 "pbkdf2_sha512", "hash_not_taken"),
        Specimen("Keycloak 26: argon2, its default t 5", keycloak("argon2", 5, argon_key(7168, 5,
                 argon2.Type.ID), hashLength="32", memory="7168", type="id", version="1.3", parallelism="1"),
                 "argon2id m=7168 t=5 p=1", "hash_cost_too_high"),
        Specimen("Keycloak 26: argon2, t 2", keycloak("argon2", 2, argon_key(7168, 2, argon2.Type.ID),
                 hashLength="32", memory="7168", type="id", version="1.3", parallelism="1"),
                 "argon2id m=7168 t=2 p=1"),
        Specimen("ASP.NET Core Identity up to .NET 6", aspnet(1, "sha256", 10_000),
                 "aspnet_identity_v3_sha256 10000 iterations"),
        Specimen("ASP.NET Core Identity from .NET 7 on", aspnet(2, "sha512", 100_000),
                 "aspnet_identity_v3_sha512", "hash_not_taken"),
        Specimen("ASP.NET Identity 2", text64(bytes([0]) + SALT + pbkdf2("sha1", 1000, 32)),
                 "aspnet_identity_v2", "hash_not_taken"),
        Specimen("Flask (Werkzeug): scrypt, its default", f"scrypt:32768:8:1${TEXT_SALT}$"
                 + scrypt(TEXT_SALT.encode(), n=32_768).hex(), "werkzeug_scrypt N=32768 r=8 p=1"),
        Specimen("Flask (Werkzeug): pbkdf2:sha256", f"pbkdf2:sha256:60000${SALT.hex()}$"
                 + hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), SALT.hex().encode(), 60_000).hex(),
                 "werkzeug_pbkdf2_sha256 60000 iterations"),
        Specimen("Node's crypto.scrypt", f"{hex_salt}:{scrypt(hex_salt.encode()).hex()}",
                 "node_scrypt N=16384 r=8 p=1", scheme="node_scrypt"),
        Specimen("better-auth", f"{hex_salt}:{scrypt(hex_salt.encode(), r=16).hex()}",
                 "better_auth N=16384 r=16 p=1", "hash_cost_too_high"),
        Specimen("Firebase: hash and salt", "$firebase-scrypt${salt}${passwordHash}".format(**FIREBASE_HASH),
                 "firebase_scrypt", "hash_not_taken", password=FIREBASE_PASSWORD),
        Specimen("Firebase: the hash without its salt", text64(scrypt(SALT)), "firebase_scrypt",
                 "hash_not_taken"),
        Specimen("Drupal 7", DRUPAL_HASH, "drupal_sha512", "hash_not_taken", password=DRUPAL_PASSWORD),
        Specimen("Django before 1.4: salted SHA-1", passlib.django_salted_sha1.hash(PASSWORD),
                 "django_salted_digest", "hash_not_taken"),
        Specimen("Joomla before 3.2: MD5, a salt behind it", f"{_md5(TEXT_SALT)}:{TEXT_SALT}",
                 "salted_digest", "hash_not_taken"),
        Specimen("MD5 in hexadecimal", _md5(), "bare_digest", "hash_not_taken"),
        Specimen("something else", "Zm9v-bar", "unknown", "hash_unknown_scheme"),
    )  # fmt: skip
