"""Which kind of source somebody means by an address: a path, a URL, a pool's id, an ARN.

Only the text is looked at, and the beginning of a file of JSON; nobody is called. What a kind cannot be told
by, ``--kind`` says.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from connectors.errors import ConfigurationError, unknown_name
from connectors.registry import source_kind, source_kinds

if TYPE_CHECKING:
    from collections.abc import Callable

Part = dict[str, object]
"""What is known of the ``source`` part of a run file."""

FORMS: Final = (
    ("users.csv · users-*.jsonl · s3://bucket/users.parquet", "a file, by its ending; exports by content"),
    ("postgresql://reader:${DB_PASSWORD}@db/app · app.sqlite3", "a database"),
    ("ldaps://ldap.example.com/dc=example,dc=com", "a directory, the base behind the host or not"),
    ("https://example.eu.auth0.com", "Auth0"),
    ("https://example.okta.com", "Okta"),
    ("example.onmicrosoft.com", "Microsoft Entra ID"),
    ("https://sso.example.com/realms/NAME", "Keycloak"),
    ("https://id.example.com/scim/v2", "SCIM"),
    ("example.firebaseapp.com", "Firebase"),
    ("eu-west-1_Example01", "another Cognito pool"),
    ("dynamodb:TABLE · arn:aws:dynamodb:…", "a DynamoDB table"),
)  # fmt: skip
"""How an address may look, and what it is recognised as."""

_ADDRESS: Final = {
    "cognito": "user_pool_id", "dynamodb": "table", "entra": "tenant", "firebase": "project", "sql": "url",
    "auth0": "url", "keycloak": "url", "ldap": "url", "okta": "url", "rest": "url", "scim": "url",
}  # fmt: skip
"""The setting that an address stands in, where it is no path."""

KEYS: Final = {
    "auth0": "user_id", "auth0_export": "user_id", "cognito": "sub", "entra": "id", "firebase": "localId",
    "firebase_export": "localId", "keycloak": "id", "keycloak_export": "id", "okta": "id", "scim": "id",
}  # fmt: skip
"""The field by which a system itself names a user for good, where usernames may change."""

_ENDINGS: Final = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json",
    ".parquet": "parquet", ".xlsx": "xlsx",
}  # fmt: skip
_PACKED: Final = (".gz", ".zst")
_SQLITE: Final = (".db", ".sqlite", ".sqlite3")
_DRIVERS: Final = {
    "postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}  # fmt: skip
"""Dialects as people write them, with the drivers that Poolferry's extras install."""

_DATABASES: Final = re.compile(r"(postgres(?:ql)?|mysql|mariadb|sqlite|oracle|mssql)(\+\w+)?://")
_POOL: Final = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d_[0-9A-Za-z]+")
_ARN: Final = re.compile(r"arn:aws[\w-]*:(cognito-idp|dynamodb):([\w-]+):\d*:(?:userpool|table)/([\w.-]+)")

_SERVICES: Final = (
    ("auth0", "url", r"([\w.-]+\.auth0\.com)(?:/|$)", "https://{}"),
    ("okta", "url", r"([\w-]+?)(?:-admin)?\.(okta|oktapreview|okta-emea)\.com(?:/|$)", "https://{}.{}.com"),
    ("entra", "tenant", r"([\w-]+\.onmicrosoft\.com)(?:/|$)", "{}"),
    ("entra", "tenant", r"login\.microsoftonline\.com/([\w.-]+)", "{}"),
    ("firebase", "project", r"([\w-]+)\.(?:firebaseapp\.com|web\.app)(?:/|$)", "{}"),
    ("firebase", "project", r"console\.firebase\.google\.com/project/([\w-]+)", "{}"),
)
"""Kind, setting, how host and path look, and what the setting is made of."""


def recognise(address: str, base: Path, kind: str | None = None) -> Part:
    """Tell the kind of a source, and put its address where that kind has it.

    Args:
        address: as ``poolferry init`` is given it.
        base: the folder of the run file, which paths shall begin at.
        kind: the kind, where somebody knows it.

    Returns:
        ``kind`` and the settings that the address tells.

    Raises:
        ConfigurationError: the kind is unknown or cannot be told; the forms that are known are listed.
    """
    if kind is not None:
        source_kind(kind)  # refuses an unknown one
    found = next((part for look in _LOOKS if (part := look(address, base)) is not None), None)
    if kind is None:
        return found or _file(address, base)
    return found if found is not None and found["kind"] == kind else _as_told(address, base, kind)


def _as_told(address: str, base: Path, kind: str) -> Part:
    """The address in the setting that the kind has for it; another package's kind: the first required one."""
    fields = source_kind(kind).settings.model_fields
    required = (name for name, info in fields.items() if info.is_required() and name not in ("kind", "key"))
    name = _ADDRESS.get(kind) or ("path" if "path" in fields else next(required, "url"))
    return {"kind": kind, name: _relative(address, base) if name == "path" else address}


def _database(address: str, base: Path) -> Part | None:
    found = _DATABASES.match(address)
    if found is None:
        named = Path(address).suffix.lower() in _SQLITE
        return {"kind": "sql", "url": f"sqlite:///{_relative(address, base)}"} if named else None
    driver = found[2] and found[1] + found[2]
    return {"kind": "sql", "url": f"{driver or _DRIVERS.get(found[1], found[1])}://{address[found.end() :]}"}


def _directory(address: str, _: Path) -> Part | None:
    found = re.fullmatch(r"(ldaps?://[^/]+)(?:/([^?]*))?(?:\?.*)?", address)
    if found is None:
        return None
    base = unquote(found[2] or "")  # as RFC 4516 has it: a space is %20
    return {"kind": "ldap", "url": found[1]} | ({"base": base} if base else {})


def _aws(address: str, _: Path) -> Part | None:
    if found := _ARN.fullmatch(address):
        service, region, name = found.groups()
        if service == "dynamodb":
            return {"kind": "dynamodb", "table": name, "region": region}
        return {"kind": "cognito", "user_pool_id": name}
    if _POOL.fullmatch(address):
        return {"kind": "cognito", "user_pool_id": address}
    table = re.fullmatch(r"dynamodb:(?://)?([\w.-]+)", address)
    return {"kind": "dynamodb", "table": table[1]} if table else None


def _service(address: str, _: Path) -> Part | None:
    """A system that runs at its maker's; its host tells it, and a part of host or path the place."""
    parts = urlsplit(address if "://" in address else f"https://{address}")
    place = f"{parts.hostname or ''}{parts.path}" if parts.scheme in ("http", "https") else ""
    for kind, setting, pattern, form in _SERVICES:
        if found := re.match(pattern, place):
            return {"kind": kind, setting: form.format(*found.groups())}
    return None


def _server(address: str, _: Path) -> Part | None:
    """A system that runs anywhere; its paths tell it."""
    if not re.match(r"https?://", address):
        return None
    if found := re.match(
        r"(https?://[^?#]*?)/(?:admin/)?realms/([^/?#]+)|(https?://[^?#]*?)/admin/([^/]+)/console", address
    ):
        return {"kind": "keycloak", "url": found[1] or found[3], "realm": found[2] or found[4]}
    plain = re.sub(r"(?:/Users)?/?(?:[?#].*)?$", "", address)
    if re.search(r"/scim\b", urlsplit(address).path, re.IGNORECASE) or plain != address.rstrip("/"):
        return {"kind": "scim", "url": plain}
    return None


_LOOKS: Final[tuple[Callable[[str, Path], Part | None], ...]] = (
    _database, _directory, _aws, _service, _server,
)  # fmt: skip


def _file(address: str, base: Path) -> Part:
    if re.match(r"https?://", address):
        raise ConfigurationError(
            f"What answers at {urlsplit(address).hostname} cannot be told from its address.",
            "Name it with --kind: scim, keycloak, okta, auth0, or rest for any other JSON API.",
        )
    kind, ending = _by_ending(address)
    if kind is None:
        raise ConfigurationError(_unknown(address, ending))
    return {"kind": kind, "path": _relative(address, base)}


def describe_source(path: Path, base: Path) -> dict[str, str]:
    """The ``source`` part of a run file for one file, its kind told from its name.

    Raises:
        ConfigurationError: the ending is of no known kind; the known ones are listed.
    """
    kind, ending = _by_ending(str(path))
    if kind is None:
        raise ConfigurationError(unknown_name("ending", ending, _ENDINGS, where=str(path)))
    return {"kind": kind, "path": _relative(str(path), base)}


def _by_ending(address: str) -> tuple[str | None, str]:
    """Kind of a file and its ending, without that of a compression."""
    plain = address
    for packed in _PACKED:
        plain = plain.removesuffix(packed)
    ending = Path(plain).suffix
    return _ENDINGS.get(ending.lower()), ending


def _unknown(address: str, suffix: str) -> str:
    shown = address if "@" not in address else "The address"
    if suffix:
        first = unknown_name("ending", suffix, (*_ENDINGS, *_SQLITE), where=shown)
    else:
        first = f"{shown} is no source that is recognised."
    forms = "\n".join(f"  {form}   {what}" for form, what in FORMS)
    return f"{first}\nRecognised:\n{forms}\nOr name the kind with --kind: {', '.join(source_kinds())}."


def _relative(path: str, base: Path) -> str:
    """A path as a run file has it: from its own folder."""
    if path.startswith("s3://"):
        return path
    return os.path.relpath(Path(path).expanduser().resolve(), base.resolve())
