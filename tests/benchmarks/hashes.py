"""How many password hashes a second are told and rewritten, against a script that does it one by one.

    python -m tests.benchmarks.hashes [--users N]

Both ways must give the same hashes. The script knows the scheme, rewrites value by value and checks what
comes out against Cognito's format and maxima. Values a second count processor time, best of three rounds;
keys are random, no password is behind them.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from mappings.password_hashes import PasswordHashes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mappings.password_hashes import Judged
    from mappings.rules_options import Pbkdf2Alphabet

USERS: Final = 300_000
ROUNDS: Final = 3


def _bare(raw: bytes) -> str:
    return b64encode(raw).decode().rstrip("=")


def _django_pbkdf2(value: str) -> str:
    _, rounds, salt, key = value.split("$")
    return f"$pbkdf2-sha256${rounds}${_bare(salt.encode())}${key.rstrip('=')}"


def _ldap(value: str) -> str:
    rounds, salt, key = value.removeprefix("{PBKDF2-SHA256}").replace(".", "+").split("$")
    return f"$pbkdf2-sha256${rounds}${salt}${key}"


def _django_scrypt(value: str) -> str:
    _, cost, salt, block, parallel, key = value.split("$")
    return f"{cost}${block}${parallel}${salt.encode().hex()}${b64decode(key)[:32].hex()}"


def _passlib_scrypt(value: str) -> str:
    _, _, costs, salt, key = value.split("$")
    power, block, parallel = (int(part.partition("=")[2]) for part in costs.split(","))
    salt, key = (b64decode(part + "=" * (-len(part) % 4)).hex() for part in (salt, key))
    return f"{2**power}${block}${parallel}${salt}${key}"


def _werkzeug_scrypt(value: str) -> str:
    numbers, salt, key = value.split("$")
    return "$".join((*numbers.split(":")[1:], salt.encode().hex(), key[:64]))


def _aspnet(value: str) -> str:
    blob = b64decode(value)
    rounds, size = int.from_bytes(blob[5:9], "big"), int.from_bytes(blob[9:13], "big")
    return f"$pbkdf2-sha256${rounds}${_bare(blob[13 : 13 + size])}${_bare(blob[13 + size :][:32])}"


_COGNITO: Final = re.compile(
    r"\$2[abxy]\$(?P<bcrypt>\d\d)\$[./A-Za-z0-9]{53}"
    r"|\$pbkdf2-sha256\$(?P<pbkdf2>\d+)\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+"
    r"|\$argon2id\$v=19\$m=(?P<argon2id>\d+),t=[12],p=1\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+"
    r"|(?P<scrypt>\d+)\$[1-8]\$1\$[0-9a-f]+\$[0-9a-f]+"
)
_MOST: Final = {"bcrypt": 12, "pbkdf2": 600_000, "argon2id": 19_456, "scrypt": 65_536}


def _checked(value: str, alphabet: Pbkdf2Alphabet) -> str | None:
    """A hash that an import job takes, else None."""
    found = _COGNITO.fullmatch(value)
    if found is None or found.lastgroup is None:
        return None
    if alphabet == "shared" and found["pbkdf2"] and "+" in value:
        return None
    return value if int(found[found.lastgroup]) <= _MOST[found.lastgroup] else None


@dataclass(frozen=True, slots=True)
class Way:
    """One scheme: how a value is made of a number and random bytes, and how a script rewrites it."""

    name: str
    make: Callable[[int, Callable[[int], bytes]], str]
    rewrite: Callable[[str], str]
    alphabet: Pbkdf2Alphabet = "base64"


SCHEMES: Final = (
    Way("bcrypt (as it stands)", lambda n, _: f"$2b$10${n:053d}", lambda value: value),
    Way("Django PBKDF2", lambda n, r: f"pbkdf2_sha256$600000$salt{n:018d}${b64encode(r(32)).decode()}",
        _django_pbkdf2),
    Way("OpenLDAP PBKDF2", lambda _, r: f"{{PBKDF2-SHA256}}10000${_bare(r(16))}${_bare(r(32))}"
        .replace("+", "."), _ldap),
    Way("ASP.NET Identity v3", lambda _, r: b64encode(bytes.fromhex("01000000010000271000000010") + r(48))
        .decode(), _aspnet),
    Way("Django scrypt", lambda n, r: f"scrypt$16384$salt{n:018d}$8$1${b64encode(r(64)).decode()}",
        _django_scrypt),
    Way("passlib scrypt", lambda _, r: f"$scrypt$ln=14,r=8,p=1${_bare(r(16))}${_bare(r(32))}",
        _passlib_scrypt),
    Way("Werkzeug scrypt", lambda n, r: f"scrypt:32768:8:1$salt{n:012d}${r(64).hex()}", _werkzeug_scrypt),
    Way("Django Argon2id", lambda _, r: f"argon2$argon2id$v=19$m=19456,t=2,p=1${_bare(r(16))}${_bare(r(32))}",
        lambda value: value.removeprefix("argon2")),
)  # fmt: skip


BCRYPT, DJANGO, LDAP, ASPNET, SCRYPT, PASSLIB, _, ARGON2ID = SCHEMES


def _in_turns(name: str, way: Way, now: str, before: str) -> Way:
    """Every second value at another cost, as where a system has raised it."""

    def make(number: int, source: Callable[[int], bytes]) -> str:
        made = way.make(number, source)
        return made.replace(now, before, 1) if number % 2 else made

    return Way(name, make, way.rewrite)


def _in_shared(name: str, way: Way) -> Way:
    """In Poolferry's default alphabet, which refuses two in three of many (F2.8)."""
    return Way(name, way.make, way.rewrite, "shared")


def _rewrite_any(value: str) -> str:
    return next(way.rewrite for sign, way in _SIGNS.items() if value.startswith(sign))(value)


_SIGNS: Final = {
    "$2b$": BCRYPT, "pbkdf2_": DJANGO, "{PBKDF2": LDAP, "AQAAAA": ASPNET, "scrypt$": SCRYPT,
    "$scrypt": PASSLIB, "argon2": ARGON2ID,
}  # fmt: skip

WAYS: Final = (
    *SCHEMES,
    _in_turns("bcrypt, costs 10 and 13", BCRYPT, "$10$", "$13$"),
    _in_turns("Django PBKDF2, two costs", DJANGO, "$600000$", "$390000$"),
    _in_turns("Django PBKDF2, one too high", DJANGO, "$600000$", "$870000$"),
    _in_turns("OpenLDAP PBKDF2, two costs", LDAP, "}10000$", "}60000$"),
    _in_turns("Django scrypt, two costs", SCRYPT, "$16384$", "$32768$"),
    _in_turns("passlib scrypt, two costs", PASSLIB, "ln=14", "ln=15"),
    _in_turns("Django Argon2id, one too high", ARGON2ID, "m=19456", "m=102400"),
    _in_shared("Django PBKDF2, `shared`", DJANGO),
    _in_shared("OpenLDAP PBKDF2, `shared`", LDAP),
    _in_shared("ASP.NET Identity v3, `shared`", ASPNET),
    Way("seven schemes in one column", lambda n, r: tuple(_SIGNS.values())[n % 7].make(n, r), _rewrite_any),
)


@dataclass(frozen=True, slots=True)
class Speed:
    """Values a second of processor time."""

    name: str
    ours: float
    script: float


class DifferentError(Exception):
    """The two ways give different hashes."""


def measure(way: Way, users: int, seed: int = 7) -> Speed:
    """Measure one scheme; both ways get the same column and must give the same.

    Raises:
        DifferentError: they do not.
    """
    source = random.Random(seed)  # noqa: S311 - no secrets
    values = pl.Series("hash", [way.make(number, source.randbytes) for number in range(users)])
    hashes = PasswordHashes(way.alphabet)
    ours, judged = _best(lambda: _taken(hashes.judge(values)))
    script, written = _best(
        lambda: pl.Series("hash", [_checked(way.rewrite(each), way.alphabet) for each in values.to_list()])
    )
    if not judged.equals(written):
        raise DifferentError(way.name)
    return Speed(way.name, users / ours, users / script)


def _taken(judged: Judged) -> pl.Series:
    """The hashes that an import job takes."""
    if not judged.algorithms.null_count():
        return judged.values
    return pl.select(pl.when(judged.algorithms.is_not_null()).then(judged.values)).to_series()


def _best(work: Callable[[], pl.Series]) -> tuple[float, pl.Series]:
    """Seconds of processor time of the best of some rounds, and what came out."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        made = work()
        best = min(best, time.process_time() - began)
    return best, made


def lines(speeds: Sequence[Speed]) -> str:
    """A Markdown table."""
    rows = [
        f"| {each.name} | {each.ours / 1e6:.2f} | {each.script / 1e6:.2f} | {each.ours / each.script:.1f} x |"
        for each in speeds
    ]
    head = "| hashes | million values a CPU second | one by one | ratio |\n| --- | ---: | ---: | ---: |"
    return "\n".join((head, *rows)) + "\n"


def main() -> None:
    """Measure every scheme and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.hashes", description="Measure hashes.")
    parser.add_argument("--users", type=int, default=USERS, help=f"values a scheme (default: {USERS:,})")
    users = parser.parse_args().users
    sys.stdout.write(lines([measure(way, users) for way in WAYS]))


if __name__ == "__main__":
    main()
