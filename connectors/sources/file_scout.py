"""What files turn out to be: an export of a known system, one object a line, a list below a key, a sheet."""

from __future__ import annotations

import csv
import re
from json import JSONDecodeError
from typing import TYPE_CHECKING, Final

from connectors.errors import SourceError
from connectors.json_text import DECODER
from connectors.sources.files import find_files
from connectors.sources.firebase_export import COLUMNS
from connectors.sources.scouted import Scouted
from connectors.sources.text_files import open_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_LOOK: Final = 4 * 1024 * 1024
"""Bytes of the first file's beginning that are looked at."""

_SIGNS: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|[\[\]{}:,]')
_USUAL: Final = (
    "users", "people", "members", "accounts", "customers", "Users", "Resources", "items", "results", "data",
    "records", "entries", "value",
)  # fmt: skip
"""Names of keys that hold users, the likelier ones first."""

_KEYCLOAK: Final = frozenset({"createdTimestamp", "credentials", "realmRoles", "notBefore"})
_AUTH0: Final = frozenset({"identities", "logins_count", "app_metadata", "user_metadata"})


def scout(told: Mapping[str, object], base: Path) -> Scouted:
    """Look at the beginning of the first file.

    Raises:
        SourceError: there is no such file, or it cannot be read.
    """
    text = _beginning(told, base)
    if told["kind"] == "csv":
        return _csv(text, told)
    lines = text.lstrip().splitlines()
    if text.lstrip().startswith("{") and (first := _object(lines[0])) is not None and len(lines) > 1:
        return _lines(first)
    return _list(text, told) if text.lstrip().startswith("{") and told["kind"] == "json" else Scouted()


def _beginning(told: Mapping[str, object], base: Path) -> str:
    path, encoding = told["path"], told.get("encoding")
    files = find_files(path if isinstance(path, list) else str(path), base)
    with open_text(files[0], str(encoding) if encoding else None) as (_, text):
        return text.peek(_LOOK).decode(errors="replace")


def _csv(text: str, told: Mapping[str, object]) -> Scouted:
    """Firebase's tool writes no header; each line ends with a comma, so that the last cell is empty."""
    cells = next(csv.reader(text.splitlines()[:1]), [])
    if len(cells) == len(COLUMNS) and cells[2] in ("true", "false") and not cells[-1]:
        return Scouted(
            {"kind": "firebase_export"},
            ("kind firebase_export: lines as `firebase auth:export` writes them.",),
        )
    del told
    return Scouted()


def _lines(first: Mapping[str, object]) -> Scouted:
    if "user_id" in first and _AUTH0 & first.keys():
        return Scouted(
            {"kind": "auth0_export"}, ("kind auth0_export: a user_id and what only Auth0 has beside it.",)
        )
    return Scouted({"kind": "jsonl"}, ("kind jsonl: one object a line.",))


def _list(text: str, told: Mapping[str, object]) -> Scouted:
    found = dict(_lists(text))
    key = told.get("records") or next(iter(likeliest(found)), None)
    if key is None:
        raise SourceError(
            "The file is one JSON object, and no list of objects was found at its beginning.",
            "Say which key holds the users: --set records=KEY.",
        )
    first = _object(text[found[str(key)] :]) if str(key) in found else None
    if key == "users" and first is not None and "localId" in first:
        return Scouted({"kind": "firebase_export"}, ("kind firebase_export: users with a localId.",))
    if key == "users" and first is not None and "username" in first and _KEYCLOAK & first.keys():
        return Scouted({"kind": "keycloak_export"}, ("kind keycloak_export: users of a realm.",))
    others = [name for name in found if name != key]
    also = f" Other lists: {', '.join(others)} (--set records=KEY)." if others else ""
    return Scouted(
        {"records": key}, (f"records {key}: the list of objects that is most likely users.{also}",)
    )


def likeliest(names: Iterable[str]) -> list[str]:
    """Lists by how usual their last key is for users; the first one where none is."""
    usual = {name: at for at, name in enumerate(_USUAL)}
    return sorted(names, key=lambda name: usual.get(name.rpartition(".")[2], len(usual)))


def _lists(text: str) -> Iterator[tuple[str, int]]:
    """Keys, with dots between, of lists of objects that stand in objects alone; and where those begin."""
    above: list[str] = []
    last, depth = "", 0
    for found in _SIGNS.finditer(text):
        sign = found[0]
        if sign.startswith('"'):
            last = found[1]
        elif sign == "[":
            opened = re.compile(r"\s*\{").match(text, found.end())
            if not depth and opened and above:
                yield ".".join((*above[1:], last)), opened.end() - 1
            depth += 1
        elif sign == "]":
            depth -= 1
        elif sign == "{" and not depth:
            above.append(last)
        elif sign == "}" and not depth and above:
            above.pop()


def _object(text: str) -> Mapping[str, object] | None:
    """The object that a text begins with, if it ends within the text."""
    try:
        value, _ = DECODER.raw_decode(text)
    except (JSONDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
