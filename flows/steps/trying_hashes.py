"""Ask a pool which hashes it takes, by a tiny import job for each algorithm of the source (F2.2-F2.8).

Each job has an invented user without a hash, as a control, and one or two with the hash of a random password
that is thrown away. All of them are deleted at the end. A job counts towards the 1,000 of the pool (F3.15).
"""

from __future__ import annotations

import hashlib
import secrets
import tempfile
from base64 import b64encode
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import bcrypt
import polars as pl
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from connectors.cognito.deletion import delete_user
from connectors.cognito.import_file import ImportFileFormat, write_import_file
from connectors.cognito.import_jobs import ImportJobs
from connectors.cognito.polling import polling
from connectors.cognito.pool import read_pool
from connectors.cognito.users import find_holders, find_user
from connectors.errors import (
    AskThePoolError,
    ConfigurationError,
    PoolferryError,
    RefusedJobError,
    UserRefusedError,
)
from connectors.records import ALGORITHM, HASH_ALGORITHMS, PASSWORD_HASH, USERNAME
from flows.steps.context import cognito_client, source_of, spec_of
from mappings.engine import compile_mapping
from mappings.rules import RuleOptions, Rules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

    from connectors.cognito.import_job import Job
    from connectors.records import HashAlgorithm, PoolAttribute, PoolSchema
    from flows.settings import LoadedRunFile
    from flows.steps.progress import Progress

CONTROL: Final = "without a hash"
PREFIX: Final = "poolferry-try-"
_LOOK_SECONDS: Final = 1.0
"""Pause between two looks at the job, and at a user who is not seen yet."""

_LOOKS: Final = 5
"""Looks at a user: what was written a moment ago may be missing (F5.15)."""

_PHONES: Final = tuple(
    f"+1{area}555{number:04d}"
    for area in (202, 212, 303, 312, 404, 415, 512, 617, 702, 808)
    for number in range(100, 200)
)
"""Numbers that are reserved for examples in every area of North America: 555-0100 to 0199."""

_SIGNS: Final = b"\xfb\xef\xbe"
"""Bytes that are ``++++`` in base64."""

_ALPHABETS: Final = {"base64": "+", "passlib": "."}
_STANDARD: Final = {
    "email_verified": "true", "phone_number_verified": "true", "birthdate": "2000-01-01",
    "updated_at": "946684800", "locale": "en", "zoneinfo": "UTC", "website": "https://example.com",
    "picture": "https://example.com/x.png", "profile": "https://example.com/x",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of one algorithm.

    Attributes:
        algorithm: the algorithm.
        taken: the hashes that let their users in: ``base64``, ``passlib``, or the algorithm's own name.
        refused: why the pool made no such job; empty where it did.
        left: usernames of invented users who could not be deleted.
    """

    algorithm: HashAlgorithm
    taken: tuple[str, ...] = ()
    refused: str = ""
    left: tuple[str, ...] = field(default=())


def try_hashes(loaded: LoadedRunFile, progress: Progress) -> list[Trial]:
    """Try every algorithm that the first page of the source has hashes of.

    Raises:
        ConfigurationError: the run file has no log role, or the pool lets no import job start.
        TargetError: the pool cannot be asked; or even the user without a hash did not arrive.
    """
    client = cognito_client(loaded)
    schema = read_pool(client, loaded.settings.target.user_pool_id)
    role = loaded.settings.target.log_role_arn
    if not role or not schema.auto_verified:
        raise ConfigurationError(
            "Hashes cannot be tried: an import job needs target.log_role_arn and a pool that verifies an "
            "attribute itself (F1.30, F3.34).",
            "Mend what the other checks found first.",
        )
    jobs = ImportJobs(client, schema.pool_id)
    return [_tried(jobs, loaded, schema, algorithm, progress) for algorithm in _algorithms(loaded, schema)]


def _algorithms(loaded: LoadedRunFile, schema: PoolSchema) -> list[HashAlgorithm]:
    spec, source = spec_of(loaded), source_of(loaded)
    if spec.password_hash is None:
        return []
    mapping = compile_mapping(spec, known_fields=source.fields() or None, base=loaded.base)
    page = next(iter(source.pages(mapping.fields)), None)
    if page is None:
        return []
    rules = Rules(schema, RuleOptions(pbkdf2_alphabet="base64"), spec.password_hash)
    found = rules.judge(mapping.apply(page.rows))[ALGORITHM].unique().to_list()
    return [algorithm for algorithm in HASH_ALGORITHMS if algorithm in found]


def _tried(
    jobs: ImportJobs, loaded: LoadedRunFile, schema: PoolSchema, algorithm: HashAlgorithm, progress: Progress
) -> Trial:
    token = secrets.token_hex(8)
    hashes = {CONTROL: None, **_hashes(algorithm)}
    client = cognito_client(loaded)
    phones = _free_phones(client, schema, len(hashes))
    users = pl.DataFrame(
        [_user(schema, f"{token}-{n}", phones[n], each) for n, each in enumerate(hashes.values())]
    )
    names = dict(zip(hashes, users[USERNAME], strict=True))
    progress.note(f"Trying {algorithm}: an import job with {len(names)} invented users, deleted afterwards.")
    try:
        job = jobs.create(f"poolferry-try.{token}", loaded.settings.target.log_role_arn or "", algorithm)
    except RefusedJobError as error:
        return Trial(algorithm, refused=error.what)
    try:
        poll = loaded.settings.jobs.poll_seconds
        ended = _run(jobs, job, users, ImportFileFormat(schema, algorithm), min(poll, _LOOK_SECONDS))
        found = _statuses(client, schema, names, ended.imported)
    finally:
        left = [name for name in names.values() if not _is_deleted(client, schema, name)]
    if found[CONTROL] is None:
        raise ConfigurationError(
            f"The trial of {algorithm} shows nothing: not even a user without a hash arrived.",
            "Look into the import job's log; an attribute that the pool requires may want another form.",
        )
    taken = tuple(label for label, status in found.items() if status == "CONFIRMED" and label != CONTROL)
    return Trial(algorithm, taken, left=tuple(left))


def _run(jobs: ImportJobs, job: Job, users: pl.DataFrame, file_format: ImportFileFormat, delay: float) -> Job:
    """Let the job run to its end; whether it calls itself failed says nothing of a user (F3.22)."""
    with tempfile.TemporaryDirectory(prefix="poolferry-try-") as folder:
        path = Path(folder) / "users.csv"
        write_import_file(path, file_format, [users])
        jobs.upload(job, path)
    return jobs.wait(jobs.start(job.id).id, delay=delay)


def _statuses(
    client: CognitoIdentityProviderClient, schema: PoolSchema, names: Mapping[str, str], imported: int
) -> dict[str, str | None]:
    """The state of each user of the trial, None where there is none; the job says how many there are."""

    def look() -> dict[str, str | None]:
        found = {label: find_user(client, schema, name)["status"] for label, name in names.items()}
        return {label: str(status[0]) if len(status) else None for label, status in found.items()}

    def all_are_seen(seen: dict[str, str | None]) -> bool:
        return sum(status is not None for status in seen.values()) >= imported

    seen: dict[str, str | None] = polling(all_are_seen, attempts=_LOOKS, delay=_LOOK_SECONDS)(look)
    return seen


def _is_deleted(client: CognitoIdentityProviderClient, schema: PoolSchema, name: str) -> bool:
    """Delete a user of the trial: a name has much chance in it, and nobody had the number just before."""
    try:
        delete_user(client, schema.pool_id, name)
    except UserRefusedError:  # was never there
        return True
    except AskThePoolError:
        return not find_user(client, schema, name).height
    except PoolferryError:
        return False
    return True


def _free_phones(client: CognitoIdentityProviderClient, schema: PoolSchema, count: int) -> list[str]:
    """Choose numbers that nobody in the pool has: such a user would be skipped in the job, and deleted.

    Raises:
        ConfigurationError: people of the pool have them all.
    """
    mixed = secrets.SystemRandom().sample(_PHONES, len(_PHONES))
    if "phone_number" not in (*schema.username_attributes, *schema.alias_attributes):
        return mixed[:count]
    free = (each for each in mixed if not find_holders(client, schema.pool_id, "phone_number", each).height)
    chosen = list(islice(free, count))
    if len(chosen) < count:
        raise ConfigurationError(
            "Hashes cannot be tried: users of the pool have all numbers that are reserved for examples.",
            "Try them on another pool of the same account and Region.",
        )
    return chosen


def _user(schema: PoolSchema, token: str, phone: str, hashed: str | None) -> dict[str, str | None]:
    """One invented user whom the pool takes: every required attribute has a value of its form."""
    name, email = f"{PREFIX}{token}", f"{PREFIX}{token}@example.com"
    values = {"email": email, "phone_number": phone}
    sign_in = next((values[each] for each in schema.username_attributes), name)
    required = {each.name: _value(each) for each in schema.attributes.values() if each.required}
    wanted = {"email", *schema.auto_verified, *schema.username_attributes, *required}
    contacts = {each: value for each, value in values.items() if each in wanted and each in schema.attributes}
    verified = {f"{each}_verified": "true" for each in schema.auto_verified}
    return {**required, **contacts, **verified, USERNAME: sign_in, PASSWORD_HASH: hashed}


def _value(attribute: PoolAttribute) -> str:
    if attribute.name in _STANDARD:
        return _STANDARD[attribute.name]
    if attribute.type == "Boolean":
        return "true"
    if attribute.type == "DateTime":
        return _STANDARD["updated_at"]
    if attribute.type == "Number":
        return str(int(attribute.min_value or 0))
    word = "poolferry".ljust(attribute.min_length or 0, "x")
    return word[: attribute.max_length or None]


def _hashes(algorithm: HashAlgorithm) -> dict[str, str]:
    """Hashes of a random password that nobody keeps, as an import job shall take them (F2.5)."""
    password, salt = secrets.token_bytes(24), _SIGNS * 4 + secrets.token_bytes(4)
    if algorithm == "BCRYPT":
        return {algorithm: bcrypt.hashpw(b64encode(password), bcrypt.gensalt(10)).decode()}
    if algorithm == "SCRYPT":
        key = hashlib.scrypt(password, salt=salt, n=16_384, r=8, p=1, dklen=32)
        return {algorithm: f"16384$8$1${salt.hex()}${key.hex()}"}
    if algorithm == "ARGON2ID":
        key = Argon2id(salt=salt, length=32, iterations=2, lanes=1, memory_cost=19_456).derive(password)
        return {algorithm: f"$argon2id$v=19$m=19456,t=2,p=1${_base64(salt)}${_base64(key)}"}
    key = hashlib.pbkdf2_hmac("sha256", password, salt, 10_000)
    plain = f"$pbkdf2-sha256$10000${_base64(salt)}${_base64(key)}"
    return {alphabet: plain.replace("+", sign) for alphabet, sign in _ALPHABETS.items()}


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode().rstrip("=")
