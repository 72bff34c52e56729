"""Hashes that libraries verify whole: bcrypt's family, crypt(3)'s, phpass, and salted digests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Any

from .scheme import Scheme, at_most

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Parameters = Mapping[str, Any]

MAX_BCRYPT = 14
MAX_PHPASS = 18
"""Binary logarithm of the rounds."""
MAX_SHA_CRYPT = 500_000
BCRYPT_BYTES = 72
"""What is behind it has never counted; the package refuses it."""

_BCRYPT = r"\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{53}"
_ITOA64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGESTS = {"": "sha1", "256": "sha256", "384": "sha384", "512": "sha512"}


def _checked(password: bytes, stored: str) -> bool:
    import bcrypt  # noqa: PLC0415 - only where there is such a hash

    stored = stored.replace("$2x$", "$2a$", 1).replace("$2y$", "$2b$", 1)
    return bcrypt.checkpw(password[:BCRYPT_BYTES], stored.encode())


def _bcrypt(password: str, match: re.Match[str], _parameters: Parameters) -> bool:
    return _checked(password.encode(), match["hash"])


def _bcrypt_sha256(password: str, match: re.Match[str], _parameters: Parameters) -> bool:
    """Django's: the hexadecimal SHA-256 of the password is what bcrypt sees."""
    return _checked(hashlib.sha256(password.encode()).hexdigest().encode(), match["hash"])


def _wordpress(password: str, match: re.Match[str], _parameters: Parameters) -> bool:
    """WordPress 6.8: bcrypt of the base64 of an HMAC-SHA384 of the trimmed password."""
    digest = hmac.new(b"wp-sha384", password.strip(" \t\n\r\0\x0b").encode(), hashlib.sha384).digest()
    return _checked(base64.b64encode(digest), match["hash"])


def _passlib(name: str) -> Callable[[str, re.Match[str], Parameters], bool]:
    def fits(password: str, match: re.Match[str], _parameters: Parameters) -> bool:
        from passlib import hash as known  # noqa: PLC0415 - only where there is such a hash

        return bool(getattr(known, name).verify(password, match["hash"]))

    return fits


def _drupal(password: str, match: re.Match[str], _parameters: Parameters) -> bool:
    """Drupal 7: phpass over SHA-512, cut to 55 signs; ``U`` says that an MD5 of Drupal 6 is the password."""
    word = password.encode()
    if match["older"]:
        word = hashlib.md5(word, usedforsecurity=False).hexdigest().encode()
    made = hashlib.sha512(match["salt"].encode() + word).digest()
    for _ in range(1 << _ITOA64.index(match[2])):
        made = hashlib.sha512(made + word).digest()
    number, size = int.from_bytes(made, "little"), len(match["key"])
    text = "".join(_ITOA64[number >> 6 * place & 63] for place in range(size))
    return hmac.compare_digest(text, match["key"])


def _phpass_is_affordable(match: re.Match[str], _parameters: Parameters) -> bool:
    return _ITOA64.index(match[2]) <= MAX_PHPASS


def _sha_crypt_is_affordable(match: re.Match[str], _parameters: Parameters) -> bool:
    return int(match[2] or 5000) <= MAX_SHA_CRYPT


def _salted(password: str, match: re.Match[str], _parameters: Parameters) -> bool:
    """RFC 2307's ``{SHA}`` and ``{SSHA}`` and their longer relatives: the digest, then the salt."""
    made = hashlib.new(_DIGESTS[match["bits"]], usedforsecurity=False)
    size = made.digest_size
    salted = _octets(match["data"], size)
    made.update(password.encode() + salted[size:])
    return len(salted) >= size and hmac.compare_digest(made.digest(), salted[:size])


def _octets(data: str, size: int) -> bytes:
    """The digest and its salt: base64, or a digest of so many bytes in hexadecimal, as some tools write it.

    Base64 of that length that has no other signs than those is one in more than 10^14.
    """
    is_hex = len(data) == 2 * size and re.fullmatch("[0-9a-fA-F]+", data)
    return bytes.fromhex(data) if is_hex else base64.b64decode(data, validate=True)


def _django_salted(password: str, match: re.Match[str], _parameters: Parameters) -> bool:
    """Django's before 1.4: the digest of the salt, then the password."""
    made = hashlib.new(match["digest"], (match["salt"] + password).encode(), usedforsecurity=False)
    return hmac.compare_digest(made.hexdigest(), match["key"])


def _salted_md5(password: str, match: re.Match[str], _parameters: Parameters) -> bool:
    salted = _octets(match["data"], 16)
    made = hashlib.md5(password.encode() + salted[16:], usedforsecurity=False).digest()
    return hmac.compare_digest(made, salted[:16])


SCHEMES = (
    Scheme("bcrypt", rf"(?:\{{BCRYPT\}}|\{{CRYPT\}}|bcrypt\$)?(?P<hash>{_BCRYPT})", _bcrypt,
           at_most(2, MAX_BCRYPT)),
    Scheme("bcrypt_sha256", rf"bcrypt_sha256\$(?P<hash>{_BCRYPT})", _bcrypt_sha256, at_most(2, MAX_BCRYPT)),
    Scheme("bcrypt_sha256_passlib",
           r"(?P<hash>\$bcrypt-sha256\$(?:v=2,t=)?2[aby],(?:r=)?(\d\d?)\$[./A-Za-z0-9]{22}\$[./A-Za-z0-9]{31})",
           _passlib("bcrypt_sha256"), at_most(2, MAX_BCRYPT)),
    Scheme("wordpress", rf"\$wp(?P<hash>{_BCRYPT})", _wordpress, at_most(2, MAX_BCRYPT)),
    Scheme("phpass", r"(?P<hash>\$[PH]\$([./0-9A-Za-z])[./0-9A-Za-z]{30})", _passlib("phpass"),
           _phpass_is_affordable),
    Scheme("drupal",
           r"(?P<older>U?)\$S\$([./0-9A-Za-z])(?P<salt>[./0-9A-Za-z]{8})(?P<key>[./0-9A-Za-z]{43})", _drupal,
           _phpass_is_affordable),
    Scheme("md5_crypt", r"(?:\{CRYPT\})?(?P<hash>\$1\$[^$]{0,8}\$[./0-9A-Za-z]{22})", _passlib("md5_crypt")),
    Scheme("apr_md5_crypt", r"(?P<hash>\$apr1\$[^$]{0,8}\$[./0-9A-Za-z]{22})", _passlib("apr_md5_crypt")),
    Scheme("sha256_crypt",
           r"(?:\{CRYPT\})?(?P<hash>\$5\$(?:rounds=(\d+)\$)?[^$]{0,16}\$[./0-9A-Za-z]{43})",
           _passlib("sha256_crypt"), _sha_crypt_is_affordable),
    Scheme("sha512_crypt",
           r"(?:\{CRYPT\})?(?P<hash>\$6\$(?:rounds=(\d+)\$)?[^$]{0,16}\$[./0-9A-Za-z]{86})",
           _passlib("sha512_crypt"), _sha_crypt_is_affordable),
    Scheme("ssha", r"(?i:\{S?SHA(?P<bits>|256|384|512)\})(?P<data>[A-Za-z0-9+/]+={0,2})", _salted),
    Scheme("django_salted", r"(?P<digest>md5|sha1)\$(?P<salt>[^$]+)\$(?P<key>[0-9a-f]{32,40})",
           _django_salted),
    Scheme("smd5", r"(?i:\{S?MD5\})(?P<data>[A-Za-z0-9+/]+={0,2})", _salted_md5),
)  # fmt: skip
"""By shape; the first that matches is it."""
