"""Hashes whose key derivation is at hand: PBKDF2, scrypt, Argon2, in the forms that systems write them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import unicodedata
from typing import TYPE_CHECKING, Any

from .scheme import Scheme, at_most

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Parameters = Mapping[str, Any]

MAX_PBKDF2 = 1_500_000
MAX_SCRYPT = 1 << 20
"""Product of N, r and p; 128 bytes of memory each, besides p."""
MAX_ARGON2 = 1_048_576
"""Product of KiB and passes."""
MAX_ARGON2_KIB = 524_288

_B64 = "[A-Za-z0-9+/._-]+={0,2}"
_BETTER_AUTH = (16_384, 16, 1)
_ASP_NET = {0: "sha1", 1: "sha256", 2: "sha512"}


def decoded(text: str) -> bytes:
    """Decode base64 of any of its alphabets, padded or not: passlib writes ``.`` for ``+``."""
    plain = text.rstrip("=").replace(".", "+").replace("-", "+").replace("_", "/")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def _text(text: str) -> bytes:
    """A salt that is used as it is written."""
    return text.encode()


def _pbkdf2(
    salt: Callable[[str], bytes] = decoded, key: Callable[[str], bytes] = decoded
) -> Callable[[str, re.Match[str], Parameters], bool]:
    def fits(password: str, match: re.Match[str], _parameters: Parameters) -> bool:
        digest = (match["digest"] or "sha1").lower().replace("-", "")
        wanted = key(match["key"])
        made = hashlib.pbkdf2_hmac(
            digest, password.encode(), salt(match["salt"]), int(match["cost"]), len(wanted)
        )
        return hmac.compare_digest(made, wanted)

    return fits


def _scrypt_key(password: bytes, salt: bytes, cost: tuple[int, int, int], size: int) -> bytes:
    n, r, p = cost
    memory = 128 * r * (n + p + 2) + (1 << 20)
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=size)


def _cost(match: re.Match[str]) -> tuple[int, int, int]:
    n = 1 << int(match["ln"]) if "ln" in match.re.groupindex else int(match["n"])
    return n, int(match["r"]), int(match["p"])


def _scrypt(
    salt: Callable[[str], bytes], key: Callable[[str], bytes]
) -> Callable[[str, re.Match[str], Parameters], bool]:
    def fits(password: str, match: re.Match[str], _parameters: Parameters) -> bool:
        wanted = key(match["key"])
        made = _scrypt_key(password.encode(), salt(match["salt"]), _cost(match), len(wanted))
        return hmac.compare_digest(made, wanted)

    return fits


def _better_auth(password: str, match: re.Match[str], _parameters: Parameters) -> bool:
    """better-auth and Lucia: one cost; the salt's text counts, the password in Unicode's form NFKC."""
    salt, wanted = match["salt"].encode(), binascii.unhexlify(match["key"])
    word = unicodedata.normalize("NFKC", password).encode()
    return hmac.compare_digest(_scrypt_key(word, salt, _BETTER_AUTH, len(wanted)), wanted)


def _scrypt_is_affordable(match: re.Match[str], _parameters: Parameters) -> bool:
    n, r, p = _cost(match)
    return n * r * p <= MAX_SCRYPT


def _firebase(password: str, match: re.Match[str], parameters: Parameters) -> bool:
    """Firebase's scrypt: the derived key encrypts the project's signer key with AES in counter mode."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415 - only for these

    salt, wanted = _firebase_parts(match)
    salt += decoded(parameters.get("salt_separator", ""))
    cost = (1 << int(parameters["mem_cost"]), int(parameters["rounds"]), 1)
    key = _scrypt_key(password.encode(), salt, cost, 32)
    cipher = Cipher(algorithms.AES(key), modes.CTR(b"\0" * 16)).encryptor()
    made = cipher.update(decoded(parameters["signer_key"]))
    return hmac.compare_digest(made, wanted)


def _firebase_parts(match: re.Match[str]) -> tuple[bytes, bytes]:
    if match["json"]:
        given = json.loads(match["json"])
        return decoded(given.get("salt", "")), decoded(given["passwordHash"])
    return decoded(match["salt"]), decoded(match["key"])


def _firebase_is_affordable(_match: re.Match[str], parameters: Parameters) -> bool:
    return (1 << int(parameters["mem_cost"])) * int(parameters["rounds"]) <= MAX_SCRYPT


def _argon2(password: str, match: re.Match[str], _parameters: Parameters) -> bool:
    from cryptography.exceptions import InvalidKey  # noqa: PLC0415 - only where there is such a hash
    from cryptography.hazmat.primitives.kdf import argon2  # noqa: PLC0415 - same

    kinds: dict[str, Any] = {"i": argon2.Argon2i, "d": argon2.Argon2d, "id": argon2.Argon2id}
    key = decoded(match["key"])
    made = kinds[match["kind"]](
        salt=decoded(match["salt"]), length=len(key), iterations=int(match["t"]), lanes=int(match["p"]),
        memory_cost=int(match["m"]),
    )  # fmt: skip
    try:
        made.verify(password.encode(), key)
    except InvalidKey:
        return False
    return True


def _argon2_is_affordable(match: re.Match[str], _parameters: Parameters) -> bool:
    memory = int(match["m"])
    return memory <= MAX_ARGON2_KIB and memory * int(match["t"]) <= MAX_ARGON2


def _asp_net(password: str, match: re.Match[str], _parameters: Parameters) -> bool:
    digest, rounds, salt, key = _asp_net_parts(match)
    made = hashlib.pbkdf2_hmac(digest, password.encode(), salt, rounds, len(key))
    return hmac.compare_digest(made, key)


def _asp_net_parts(match: re.Match[str]) -> tuple[str, int, bytes, bytes]:
    """ASP.NET Identity: version 2 is PBKDF2-SHA1 with 1,000 rounds, version 3 says what it is."""
    data = base64.b64decode(match["data"], validate=True)
    if data[0] == 0:
        return "sha1", 1000, data[1:17], data[17:]
    kind, rounds, size = (int.from_bytes(data[start : start + 4], "big") for start in (1, 5, 9))
    return _ASP_NET[kind], rounds, data[13 : 13 + size], data[13 + size :]


def _asp_net_is_affordable(match: re.Match[str], _parameters: Parameters) -> bool:
    _, rounds, _, key = _asp_net_parts(match)
    return rounds <= MAX_PBKDF2 and bool(key)


def _keycloak(password: str, match: re.Match[str], _parameters: Parameters) -> bool:
    """A credential of Keycloak's export: two JSON texts inside a JSON object."""
    secret, how = _keycloak_parts(match)
    wanted, salt, rounds = (
        decoded(secret["value"]),
        decoded(secret.get("salt", "")),
        int(how["hashIterations"]),
    )
    kind = str(how["algorithm"])
    if kind == "argon2":
        more = {name: values[0] for name, values in how["additionalParameters"].items()}
        text = (
            f"$argon2{more['type']}$v=19$m={more['memory']},t={rounds},p={more['parallelism']}"
            f"${secret['salt']}${secret['value']}"
        )
        found = re.fullmatch(_ARGON2, text)
        return found is not None and _argon2_is_affordable(found, {}) and _argon2(password, found, {})
    digest = "sha1" if kind == "pbkdf2" else kind.removeprefix("pbkdf2-")
    made = hashlib.pbkdf2_hmac(digest, password.encode(), salt, rounds, len(wanted))
    return hmac.compare_digest(made, wanted)


def _keycloak_parts(match: re.Match[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    given = json.loads(match["json"])
    parts = (given["secretData"], given["credentialData"])
    secret, how = (json.loads(part) if isinstance(part, str) else part for part in parts)
    return secret, how


def _keycloak_is_affordable(match: re.Match[str], _parameters: Parameters) -> bool:
    _, how = _keycloak_parts(match)
    return int(how["hashIterations"]) <= MAX_PBKDF2


_DIGEST = r"(?P<digest>sha-?(?:1|224|256|384|512))"
_COST = r"(?P<cost>\d{1,9})"
_SALT_KEY = rf"\$(?P<salt>{_B64})\$(?P<key>{_B64})"
_PBKDF2_COST = at_most(2, MAX_PBKDF2)
_DIGITS = r"(?P<{0}>\d{{1,9}})"
_N, _R, _P = (_DIGITS.format(name) for name in "nrp")

_ARGON2 = (
    r"\$argon2(?P<kind>id|i|d)\$v=19\$m=(?P<m>\d{1,8}),t=(?P<t>\d{1,4}),"
    rf"p=(?P<p>\d{{1,3}}){_SALT_KEY}"
)

SCHEMES = (
    Scheme("pbkdf2", rf"\$pbkdf2(?:-{_DIGEST})?\${_COST}{_SALT_KEY}", _pbkdf2(), _PBKDF2_COST),
    Scheme("pbkdf2_django", rf"pbkdf2_{_DIGEST}\${_COST}\$(?P<salt>[^$]+)\$(?P<key>{_B64})", _pbkdf2(_text),
           _PBKDF2_COST),
    Scheme("pbkdf2_ldap", rf"\{{PBKDF2(?:-(?i:{_DIGEST}))?\}}{_COST}{_SALT_KEY}", _pbkdf2(), _PBKDF2_COST),
    Scheme("pbkdf2_werkzeug", rf"pbkdf2:{_DIGEST}:{_COST}\$(?P<salt>[^$]+)\$(?P<key>[0-9a-f]+)",
           _pbkdf2(_text, binascii.unhexlify), _PBKDF2_COST),
    Scheme("scrypt", rf"{_N}\${_R}\${_P}\$(?P<salt>[0-9a-fA-F]+)\$(?P<key>[0-9a-fA-F]+)",
           _scrypt(binascii.unhexlify, binascii.unhexlify), _scrypt_is_affordable),
    Scheme("scrypt_passlib", rf"\$scrypt\$ln=(?P<ln>\d{{1,2}}),r={_R},p={_P}{_SALT_KEY}",
           _scrypt(decoded, decoded), _scrypt_is_affordable),
    Scheme("scrypt_django", rf"scrypt\${_N}\$(?P<salt>[^$]+)\${_R}\${_P}\$(?P<key>{_B64})",
           _scrypt(_text, decoded), _scrypt_is_affordable),
    Scheme("scrypt_werkzeug", rf"scrypt:{_N}:{_R}:{_P}\$(?P<salt>[^$]+)\$(?P<key>[0-9a-f]+)",
           _scrypt(_text, binascii.unhexlify), _scrypt_is_affordable),
    Scheme("better_auth", r"(?:s2:)?(?P<salt>(?<=s2:)[^:]+|[0-9a-f]{32}):(?P<key>[0-9a-f]{128})",
           _better_auth),
    Scheme("firebase_scrypt",
           rf"(?:\$firebase-scrypt\$(?P<salt>{_B64})\$(?P<key>{_B64})|(?P<json>\{{.*\"passwordHash\".*\}}))",
           _firebase, _firebase_is_affordable, needs_parameters=True),
    Scheme("argon2", rf"(?:\{{ARGON2\}}|argon2)?{_ARGON2}", _argon2, _argon2_is_affordable),
    Scheme("keycloak", r'(?P<json>\{.*"secretData".*\})', _keycloak, _keycloak_is_affordable),
    Scheme("asp_net", r"(?P<data>A[A-P][A-Za-z0-9+/]{64}==|AQAAAA[A-Za-z0-9+/]{50,150}={0,2})", _asp_net,
           _asp_net_is_affordable),
)  # fmt: skip
"""By shape; the first that matches is it."""
