"""The same migration as a script would do it: Python's ``csv`` module, one user after another.

It does the same work a user: lines that are ragged, every conversion of the mapping, every rule of this
pool that a value can break (lengths, forms, characters, what a CSV cannot carry), all four formats of
hashes with what is wrong with a hash that is none of them, names that are taken, the ways, the limits of
rows and files, and the files themselves, line for line. It knows this one mapping and this one pool by
heart, which Poolferry does not; and it keeps neither the users nor anything to go on from after a crash.
"""

from __future__ import annotations

import csv
import re
import sys
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import phonenumbers

from tests.benchmarks.pool import HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ROWS, MAX_BYTES = 500_000, 100_000_000
MAX_ROW_CHARACTERS, MAX_VALUE_BYTES, MAX_USERNAME, MAX_CUSTOM = 16_000, 2_048, 128, 256
MAX_PHONE_NUMBER = len("+") + 15

TRUE, FALSE = {"true", "t", "yes", "y", "1", "on"}, {"false", "f", "no", "n", "0", "off"}
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
EMAIL = re.compile(r"""[^\s@,;:<>()\[\]"\\\x00-\x1f\x7f-\x9f]+@[\w-]+(?:\.[\w-]+)+""")
PLAIN_USERNAME = re.compile(r"[!-~]+")
AWKWARD = re.compile(r'[\x00-\x1f\x7f\x85\u2028\u2029"\\]')
SPACES = re.compile(r"\s+")
_BASE64 = "(?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/]{2,4}"
_SHARED = "(?:[A-Za-z0-9/]{4})*[A-Za-z0-9/]{2,4}"
_ANY = "(?:[A-Za-z0-9+./]{4})*[A-Za-z0-9+./]{2,4}"
_HEX = "(?:[0-9a-f]{2})+"
_COUNT = "([1-9][0-9]{0,9})"
HASHES: Final = {
    "BCRYPT": re.compile(r"\$2[abxy]\$(?:0[4-9]|1[0-2])\$[./A-Za-z0-9]{53}"),
    "PBKDF2_SHA256": re.compile(
        rf"\$pbkdf2-sha256\$(?:[1-9][0-9]{{0,4}}|[1-5][0-9]{{5}}|600000)\${_SHARED}\${_SHARED}"
    ),
    "ARGON2ID": re.compile(
        r"\$argon2id\$v=[0-9]+\$m=(?:[1-9][0-9]{0,3}|1[0-8][0-9]{3}|19[0-3][0-9]{2}|194[0-4][0-9]|1945[0-6])"
        rf",t=[12],p=1\${_BASE64}\${_BASE64}"
    ),
    "SCRYPT": re.compile(
        rf"(?:{'|'.join(str(2**power) for power in range(1, 17))})\$[1-8]\$1\${_HEX}\${_HEX}"
    ),
}
"""What an import job takes, within the maxima (F2.5)."""

_POWERS = "|".join(str(2**power) for power in range(1, 33))
SCHEMES: Final = (
    (re.compile(r"[0-9]+\$[0-9]+\$[0-9]+\$"),
     re.compile(rf"({_POWERS})\${_COUNT}\${_COUNT}\${_HEX}\${_HEX}"),
     (65_536, 8, 1)),
    (re.compile(r"\$argon2id\$"),
     re.compile(rf"\$argon2id\$v=[0-9]+\$m={_COUNT},t={_COUNT},p={_COUNT}\${_BASE64}\${_BASE64}"),
     (19_456, 2, 1)),
    (re.compile(r"\$pbkdf2-sha256\$"), re.compile(rf"\$pbkdf2-sha256\${_COUNT}\${_ANY}\${_ANY}"), (600_000,)),
    (re.compile(r"\$2[a-z]?\$"),
     re.compile(r"\$2[abxy]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}"),
     (12,)),
)  # fmt: skip
"""How a hash of each scheme begins, its form at any cost, and the maxima of its groups."""


class RejectedError(Exception):
    """The user goes nowhere; the text is the reason code."""


@dataclass(slots=True)
class User:
    """One user, mapped: attributes by name, None where there is no value."""

    username: str
    attributes: dict[str, str | None]
    password_hash: str | None
    enabled: bool
    groups: list[str]


@dataclass(slots=True)
class Batch:
    """The file that is being written for one algorithm, and how full it is."""

    file: TextIO
    rows: int = 0
    bytes: int = 0


@dataclass(slots=True)
class Files:
    """Import files, cut where a limit is reached, and the list of everybody else."""

    folder: Path
    open: dict[str | None, Batch] = field(default_factory=dict)
    number: int = 0

    def add(self, algorithm: str | None, line: str) -> None:
        """Write a user's line into the file of their algorithm."""
        size = len(line.encode())
        batch = self.open.get(algorithm)
        if batch is None or batch.rows == MAX_ROWS or batch.bytes + size > MAX_BYTES:
            batch = self._next(algorithm)
        batch.file.write(line)
        batch.rows += 1
        batch.bytes += size

    def close(self) -> None:
        """Close what is open."""
        for batch in self.open.values():
            batch.file.close()

    def _next(self, algorithm: str | None) -> Batch:
        if algorithm in self.open:
            self.open[algorithm].file.close()
        self.number += 1
        path = self.folder / f"b{self.number:04d}-{algorithm or 'none'}.csv"
        head = ",".join((*HEADER, "password_hash") if algorithm else HEADER) + "\n"
        batch = self.open[algorithm] = Batch(path.open("w", encoding="utf-8", newline=""), 0, len(head))
        batch.file.write(head)
        return batch


def migrate(source: str, folder: str) -> None:
    """Write all import files of a source, and ``others.csv`` with everybody who is in none."""
    files, seen = Files(Path(folder)), set[str]()
    with Path(folder, "others.csv").open("w", encoding="utf-8", newline="") as file:
        others = csv.writer(file, lineterminator="\n")
        for row in rows_of(source):
            try:
                check_width(row)
                user = mapped(row)
                judge(user)
                take_username(user, seen)
            except RejectedError as error:
                others.writerow((row["id"], "rejected", error))
                continue
            algorithm, why = csv_way(user)
            line = line_of(user, algorithm)
            if why is None and len(line) <= MAX_ROW_CHARACTERS:
                files.add(algorithm, line)
            else:
                others.writerow((row["id"], other_way(user), why or "row_too_long"))
    files.close()


def rows_of(source: str) -> Iterator[dict[str, str]]:
    """Read the source; blank values and white space round values stay as they are."""
    with Path(source).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def check_width(row: dict[str, str]) -> None:
    """Refuse a line that has more or fewer values than the header."""
    if None in row or None in row.values():
        raise RejectedError("line_ragged")


def mapped(row: dict[str, str]) -> User:
    """Map one row."""
    return User(
        row["id"],
        {
            "email": row["email"].strip().lower() or None,
            "email_verified": boolean("email_verified", row["verified"], default="false"),
            "name": SPACES.sub(" ", f"{row['first_name']} {row['last_name']}").strip() or None,
            "given_name": row["first_name"].strip() or None,
            "family_name": row["last_name"].strip() or None,
            "phone_number": phone_number(row["phone"]),
            "birthdate": birthdate(row["born"].strip()),
            "custom:tenant": "acme",
            "custom:legacy_id": row["id"].strip() or None,
        },
        row["pw"].strip() or None,
        boolean("enabled", row["active"], default="true") == "true",
        list(dict.fromkeys(role for part in row["roles"].split(";") if (role := part.strip()))),
    )


def boolean(name: str, text: str, *, default: str) -> str:
    """``true`` or ``false``."""
    word = text.strip().lower()
    if not word:
        return default
    if word in TRUE:
        return "true"
    if word in FALSE:
        return "false"
    raise RejectedError(f"{name}_invalid")


def phone_number(text: str) -> str | None:
    """E.164 as it stands, anything else by the library; no value where it is no number."""
    text = text.strip()
    if not text or E164.fullmatch(text):
        return text or None
    return library_number(text)


@lru_cache(maxsize=100_000)
def library_number(text: str) -> str | None:
    """What the library makes of a number that may lack the country code."""
    try:
        number = phonenumbers.parse(text, "DE")
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_valid_number(number):
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return written if len(written) <= MAX_PHONE_NUMBER else None


def birthdate(text: str) -> str | None:
    """``yyyy-mm-dd`` of a real day."""
    if not text:
        return None
    if DATE.fullmatch(text) and is_real_day(text):
        return text
    raise RejectedError("birthdate_invalid")


def is_real_day(text: str) -> bool:
    """29 February is one in some years only."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def judge(user: User) -> None:
    """Refuse whom the pool would not take whatever the way."""
    judge_username(user.username)
    for name, value in user.attributes.items():
        if value is not None and len(value) * 4 > MAX_CUSTOM:
            judge_length(name, value)
    email = user.attributes["email"]
    if email is not None and not EMAIL.fullmatch(email):
        raise RejectedError("email_invalid")
    if email is None and user.attributes["email_verified"] == "true":
        raise RejectedError("email_verified_without_email")


def take_username(user: User, seen: set[str]) -> None:
    """The first user of a name gets it, in a pool that ignores letter case."""
    name = user.username.lower()
    if name in seen:
        raise RejectedError("duplicate_username")
    seen.add(name)


def judge_username(name: str) -> None:
    """128 characters of Unicode's letters, marks, symbols, numbers and punctuation."""
    if not name or name.isspace():
        raise RejectedError("username_missing")
    if len(name) > MAX_USERNAME:
        raise RejectedError("username_too_long")
    if PLAIN_USERNAME.fullmatch(name):
        return
    if SPACES.search(name):
        raise RejectedError("username_white_space")
    if any(unicodedata.category(letter)[0] not in "LMSNP" for letter in name):
        raise RejectedError("username_characters")


def judge_length(name: str, value: str) -> None:
    """The bounds of the pool's schema."""
    if len(value.encode()) > MAX_VALUE_BYTES:
        raise RejectedError(f"{name}_too_many_bytes")
    if name.startswith("custom:") and len(value) > MAX_CUSTOM:
        raise RejectedError(f"{name}_too_long")


def csv_way(user: User) -> tuple[str | None, str | None]:
    """The algorithm under which a user travels in a file, and why they cannot."""
    if user.attributes["email_verified"] != "true":
        return None, "email_not_verified"
    for name, value in user.attributes.items():
        if value is not None and (found := AWKWARD.search(value)):
            return None, f"{name}_{awkward(found[0])}"
    if found := AWKWARD.search(user.username):
        return None, f"username_{awkward(found[0])}"
    if not user.enabled or user.password_hash is None:
        return None, None
    for algorithm, form in HASHES.items():
        if form.fullmatch(user.password_hash):
            return algorithm, None
    return None, hash_problem(user.password_hash)


def hash_problem(text: str) -> str:
    """Why an import job does not take a hash."""
    for scheme, form, maxima in SCHEMES:
        if scheme.match(text):
            found = form.fullmatch(text)
            if found is None:
                return "hash_malformed"
            too_high = any(int(cost) > most for cost, most in zip(found.groups(), maxima, strict=True))
            return "hash_cost_too_high" if too_high else "hash_alphabet"
    return "hash_not_taken"


def awkward(sign: str) -> str:
    """What is wrong with a character in a CSV."""
    return {'"': "quotation_mark", "\\": "backslash"}.get(sign, "line_break")


def other_way(user: User) -> str:
    """Who has a password worth keeping is left to the trigger; the others are created one by one."""
    return "migration_trigger" if user.password_hash is not None and user.enabled else "admin_create_user"


def line_of(user: User, algorithm: str | None) -> str:
    """The user's line of an import file."""
    values = {**user.attributes, "cognito:username": user.username, "cognito:mfa_enabled": "false"}
    day = values["birthdate"]
    if day is not None:
        values["birthdate"] = f"{day[5:7]}/{day[8:]}/{day[:4]}"
    cells = [(values.get(name) or "").replace(",", "\\,") for name in HEADER]
    if algorithm is not None:
        cells.append((user.password_hash or "").replace(",", "\\,"))
    return ",".join(cells) + "\n"


if __name__ == "__main__":
    migrate(*sys.argv[1:])
