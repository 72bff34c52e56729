"""Which kinds of sources there are, and who makes them: one line a kind.

Another package adds a kind by an entry point in the group ``poolferry.sources``: its name is the kind, its
object a ``SourceKind``. What is not used is not imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from connectors.errors import ConfigurationError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import ModuleType

    from connectors.sources.base import Source, SourceSettings
    from connectors.sources.scouted import Scout, Scouted

GROUP: Final = "poolferry.sources"


@dataclass(frozen=True, slots=True)
class SourceKind:
    """A kind of source.

    Attributes:
        settings: the model of the ``source`` part of a run file; a ``SourceSettings``.
        make: takes settings of that model and the run file's folder, and makes the source.
        scout: finds out settings that nobody has told, for ``poolferry init``; None where there are none.
    """

    settings: type[SourceSettings]
    make: Callable[[Any, Path], Source]
    scout: Scout | None = None


_BUILT_IN: Final = {
    "auth0": ("connectors.sources.auth0_api", "Auth0Settings", "Auth0Source"),
    "auth0_export": ("connectors.sources.auth0_export", "Auth0ExportSettings", "Auth0ExportSource"),
    "cognito": ("connectors.sources.cognito_pool", "CognitoSettings", "CognitoSource"),
    "csv": ("connectors.sources.csv_files", "CsvSettings", "CsvSource"),
    "dynamodb": ("connectors.sources.dynamodb_table", "DynamodbSettings", "DynamodbSource"),
    "entra": ("connectors.sources.entra", "EntraSettings", "EntraSource"),
    "firebase": ("connectors.sources.firebase_api", "FirebaseSettings", "FirebaseSource"),
    "firebase_export": ("connectors.sources.firebase_export", "FirebaseExportSettings", "firebase_export"),
    "json": ("connectors.sources.json_files", "JsonSettings", "JsonSource"),
    "jsonl": ("connectors.sources.json_files", "JsonLinesSettings", "JsonLinesSource"),
    "keycloak": ("connectors.sources.keycloak_api", "KeycloakSettings", "KeycloakSource"),
    "keycloak_export": (
        "connectors.sources.keycloak_export",
        "KeycloakExportSettings",
        "KeycloakExportSource",
    ),
    "ldap": ("connectors.sources.ldap_source", "LdapSettings", "LdapSource"),
    "okta": ("connectors.sources.okta", "OktaSettings", "OktaSource"),
    "parquet": ("connectors.sources.parquet_files", "ParquetSettings", "ParquetSource"),
    "rest": ("connectors.sources.rest_source", "RestSettings", "RestSource"),
    "scim": ("connectors.sources.scim", "ScimSettings", "ScimSource"),
    "sql": ("connectors.sources.sql_source", "SqlSettings", "SqlSource"),
    "xlsx": ("connectors.sources.xlsx_files", "XlsxSettings", "XlsxSource"),
}

_SCOUTS: Final = {
    "csv": "connectors.sources.file_scout",
    "json": "connectors.sources.file_scout",
    "jsonl": "connectors.sources.file_scout",
    "ldap": "connectors.sources.ldap_scout",
    "rest": "connectors.sources.rest_scout",
    "sql": "connectors.sources.sql_scout",
}
"""Modules whose ``scout`` looks at sources of a kind."""


def source_kinds() -> list[str]:
    """Names of all kinds, those of other packages included."""
    return sorted({*_BUILT_IN, *entry_points(group=GROUP).names})


def source_kind(kind: str) -> SourceKind:
    """Find a kind.

    Raises:
        ConfigurationError: no package adds it, or two do, or it or its package cannot be imported.
    """
    if kind in _BUILT_IN:
        module, settings, source = _BUILT_IN[kind]
        found = _imported(module, kind)
        scout = partial(_scout, kind) if kind in _SCOUTS else None
        return SourceKind(getattr(found, settings), getattr(found, source), scout)
    added = tuple(entry_points(group=GROUP, name=kind))
    if not added:
        raise ConfigurationError(unknown_name("kind of source", kind, source_kinds()))
    if len(added) > 1:
        raise ConfigurationError(
            f"More than one package adds the kind of source {kind!r}.", "Remove all but one."
        )
    return _loaded(added[0])


def _scout(kind: str, told: Mapping[str, object], base: Path) -> Scouted:
    """Look at a source of a built-in kind."""
    look: Scout = _imported(_SCOUTS[kind], kind).scout
    return look(told, base)


def _imported(module: str, kind: str) -> ModuleType:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"The kind of source {kind!r} needs the package {error.name}, which is not installed.",
            f"Install it with the extra of that name: pip install 'poolferry[{kind}]'.",
        ) from None


def _loaded(added: EntryPoint) -> SourceKind:
    try:
        kind = added.load()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ConfigurationError(f"The kind of source {added.name!r} ({added.value}): {reason}") from error
    if not isinstance(kind, SourceKind):
        raise ConfigurationError(f"{added.value} is no SourceKind, so {added.name!r} is no kind of source.")
    return kind


def make_source(settings: Mapping[str, object], base: Path) -> Source:
    """Make a source from the ``source`` part of a run file.

    Args:
        settings: the part, as read.
        base: the run file's folder.

    Raises:
        ConfigurationError: the kind is missing or unknown, or the settings do not fit it (shows no values).
    """
    name = settings.get("kind")
    if not isinstance(name, str):
        raise ConfigurationError(f"source: `kind` is missing. Known: {', '.join(source_kinds())}.")
    kind = source_kind(name)
    try:
        checked = kind.settings.model_validate(dict(settings))
    except ValidationError as error:
        raise ConfigurationError(_complaint(error, kind.settings)) from None
    return kind.make(checked, base)


def _complaint(error: ValidationError, model: type[SourceSettings]) -> str:
    said = []
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        key = str(fault["loc"][0]) if fault["loc"] else "source"
        unknown = fault["type"] == "extra_forbidden"
        said.append(unknown_name("key", key, model.model_fields) if unknown else f"{key}: {fault['msg']}.")
    return f"source: {' '.join(dict.fromkeys(said))}"
