"""Passwords: the pool's policy, generated ones, and whether one fits an imported hash (F2.5, F5.3, F5.14)."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from base64 import b64decode
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import bcrypt
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from moto.cognitoidp.exceptions import InvalidParameterException, NotAuthorizedError

from connectors.cognito.sandbox.refusals import InvalidPasswordError, broken_constraint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from connectors.cognito.sandbox.moto_types import MotoPool
    from connectors.cognito.sandbox.stored_user import StoredUser

MAX_PASSWORD: Final = 256
SYMBOLS: Final = frozenset("^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+-")
"""What counts as a symbol in a policy."""

DEFAULT_POLICY: Final[Mapping[str, Any]] = {
    "MinimumLength": 8,
    "RequireUppercase": True,
    "RequireLowercase": True,
    "RequireNumbers": True,
    "RequireSymbols": True,
    "TemporaryPasswordValidityDays": 7,
}
"""The policy of a pool that was created without one."""

PASSWORDLESS_FACTORS: Final = frozenset({"EMAIL_OTP", "SMS_OTP"})
"""First factors that let a user have no password (F5.3, F5.4)."""


def password_policy(pool: MotoPool) -> Mapping[str, Any]:
    """Return the password policy of a moto pool, complete.

    A requirement that a given policy leaves out is off: the model's ``BooleanType`` has no third state.
    """
    given = (pool.extended_config.get("Policies") or {}).get("PasswordPolicy")
    if not given:
        return DEFAULT_POLICY
    off = {name: False for name, value in DEFAULT_POLICY.items() if value is True}
    return {**DEFAULT_POLICY, **off, **given}


def is_passwordless(pool: MotoPool) -> bool:
    """Whether users of the pool may have no password (F5.4)."""
    policies = pool.extended_config.get("Policies") or {}
    factors = (policies.get("SignInPolicy") or {}).get("AllowedFirstAuthFactors") or ()
    return not PASSWORDLESS_FACTORS.isdisjoint(factors)


def check_password(pool: MotoPool, password: str) -> None:
    """Refuse a password that the pool does not take (F5.14).

    Raises:
        InvalidParameterException: white space, or longer than 256 characters.
        InvalidPasswordException: it breaks the policy.
    """
    if len(password) > MAX_PASSWORD:
        raise InvalidParameterException(
            broken_constraint("password", f"have length less than or equal to {MAX_PASSWORD}")
        )
    if re.search(r"\s", password):
        raise InvalidParameterException(
            broken_constraint("password", r"satisfy regular expression pattern: [\S]+")
        )
    for problem in _policy_problems(password_policy(pool), password):
        raise InvalidPasswordError(problem)


def generated_password(pool: MotoPool) -> str:
    """Make a temporary password that satisfies the policy, as Cognito does if none is given (F5.3)."""
    length = max(int(password_policy(pool)["MinimumLength"]), 12)
    kinds = (string.ascii_uppercase, string.ascii_lowercase, string.digits, "!#%*")
    letters = [secrets.choice(kind) for kind in kinds]
    letters += [secrets.choice(string.ascii_letters + string.digits) for _ in range(length - len(kinds))]
    secrets.SystemRandom().shuffle(letters)
    return "".join(letters)


def has_expired(pool: MotoPool, user: StoredUser, now: datetime) -> bool:
    """Whether a temporary password is past its days; 0 days is read as the default (F5.3)."""
    if user.temporary_since is None:
        return False
    days = password_policy(pool)["TemporaryPasswordValidityDays"]
    days = days or DEFAULT_POLICY["TemporaryPasswordValidityDays"]
    return now - user.temporary_since > timedelta(days=days)


def fits_hash(password: str, stored: str) -> bool:
    """Whether a password fits an imported hash (F2.5).

    Costs what the hash was made to cost: hold no lock meanwhile.

    Raises:
        NotAuthorizedException: the hash is in none of Cognito's four formats.
    """
    for pattern, fits in _VERIFIERS.items():
        if match := re.fullmatch(pattern, stored):
            with suppress(ValueError):  # parameters that the libraries do not take, e.g. a very short salt
                return fits(password.encode(), match)
    raise NotAuthorizedError("The local Cognito knows no way to verify this user's imported hash.")


def _policy_problems(policy: Mapping[str, Any], password: str) -> Iterator[str]:
    if len(password) < policy["MinimumLength"]:
        yield "Password not long enough"
    if policy["RequireLowercase"] and not re.search("[a-z]", password):
        yield "Password must have lowercase characters"
    if policy["RequireUppercase"] and not re.search("[A-Z]", password):
        yield "Password must have uppercase characters"
    if policy["RequireNumbers"] and not re.search("[0-9]", password):
        yield "Password must have numeric characters"
    if policy["RequireSymbols"] and SYMBOLS.isdisjoint(password):
        yield "Password must have symbol characters"


def _fits_bcrypt(password: bytes, match: re.Match[str]) -> bool:
    # bcrypt itself ignores what is behind 72 bytes; the package refuses it instead. `x` is `a`.
    stored = match[0].replace("$2x$", "$2a$", 1)
    return bool(bcrypt.checkpw(password[:72], stored.encode()))


def _fits_scrypt(password: bytes, match: re.Match[str]) -> bool:
    cost, block, parallel = (int(match[number]) for number in (1, 2, 3))
    salt, key = bytes.fromhex(match[4]), bytes.fromhex(match[5])
    memory = 128 * block * (cost + parallel + 2)
    made = hashlib.scrypt(
        password, salt=salt, n=cost, r=block, p=parallel, maxmem=memory + (1 << 20), dklen=len(key)
    )
    return hmac.compare_digest(made, key)


def _fits_argon2id(password: bytes, match: re.Match[str]) -> bool:
    memory, rounds, lanes = (int(match[number]) for number in (1, 2, 3))
    salt, key = _base64(match[4]), _base64(match[5])
    argon = Argon2id(salt=salt, length=len(key), iterations=rounds, lanes=lanes, memory_cost=memory)
    try:
        argon.verify(password, key)
    except InvalidKey:
        return False
    return True


def _fits_pbkdf2(password: bytes, match: re.Match[str]) -> bool:
    salt, key = _base64(match[2]), _base64(match[3])
    made = hashlib.pbkdf2_hmac("sha256", password, salt, int(match[1]), len(key))
    return hmac.compare_digest(made, key)


def _base64(text: str) -> bytes:
    """Decode unpadded base64; ``.`` for ``+`` is passlib's alphabet (F2.8)."""
    return b64decode(text.replace(".", "+") + "=" * (-len(text) % 4))


_VERIFIERS: Final[Mapping[str, Callable[[bytes, re.Match[str]], bool]]] = {
    r"\$2[abxy]\$\d\d\$.{53}": _fits_bcrypt,
    r"(\d+)\$(\d+)\$(\d+)\$([0-9a-fA-F]+)\$([0-9a-fA-F]+)": _fits_scrypt,
    r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)\$([^$]+)": _fits_argon2id,
    r"\$pbkdf2-sha256\$(\d+)\$([^$]+)\$([^$]+)": _fits_pbkdf2,
}
"""Form of a hash (F2.5) to what verifies it."""
