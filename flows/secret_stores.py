"""Where the secrets of a run file come from: what stands in it for them, and who is asked.

=================================  ==========================================================
``${NAME}``                        the environment variable
``${secretsmanager:NAME#KEY}``     a secret of AWS Secrets Manager, by its name or ARN
``${prefect:NAME#KEY}``            a Secret block of the Prefect API that is configured
=================================  ==========================================================

``#KEY`` picks one entry of a secret that is a JSON object; without it the whole text is taken. Values are
handed to who needs them and kept nowhere: not in errors, logs, the ledger or the run's folder.
"""

from __future__ import annotations

import json
import os
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from connectors.errors import ConfigurationError, PoolferryError, unknown_name
from flows.prefect_api import has_prefect_api

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REFERENCE: Final = re.compile(r"\$\{(?:[A-Za-z_]\w*|[a-z]+:[^{}]*)\}", re.ASCII)
"""What stands for a secret."""

_INSIDE: Final = re.compile(r"(?P<store>[a-z]+):(?P<name>[^#]+)(?:#(?P<key>.+))?")


def secret_of(reference: str, where: str) -> str:
    """Look up what a reference stands for.

    Args:
        reference: as ``REFERENCE`` finds it, e.g. ``${DB_PASSWORD}``.
        where: file and key that it stands at, for errors.

    Raises:
        ConfigurationError: there is no such store, secret or key, or it may not be read.
        RetryError: the store does not answer.
    """
    inside = reference[2:-1]
    if ":" not in inside:
        return _of_environment(inside, where)
    parts = _INSIDE.fullmatch(inside)
    if parts is None:
        raise ConfigurationError(f"{where}: {reference} names no secret.", "Write ${STORE:NAME#KEY}.")
    if parts["store"] not in STORES:
        raise ConfigurationError(unknown_name("store of secrets", parts["store"], STORES, where=where))
    try:
        found = STORES[parts["store"]](parts["name"])
        return _text(found) if parts["key"] is None else _entry(found, parts["key"])
    except PoolferryError as error:
        raise type(error)(f"{where}: {reference}: {error.what}", error.mend) from None


def _of_environment(name: str, where: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise ConfigurationError(
            f"{where}: ${{{name}}} is not set.", f"Set the environment variable {name} before the command."
        )
    return value


def _of_secrets_manager(name: str) -> object:
    from connectors.secrets_manager import read_secret  # noqa: PLC0415 - only for who uses it

    return read_secret(name)


def _of_prefect(name: str) -> object:
    if not has_prefect_api():
        raise ConfigurationError(
            "no Prefect API is configured.", "Set PREFECT_API_URL or a profile, or write ${NAME} instead."
        )
    from flows.prefect_secrets import read_secret  # noqa: PLC0415 - Prefect takes seconds to import

    return read_secret(name)


STORES: Final[Mapping[str, Callable[[str], object]]] = MappingProxyType(
    {"prefect": _of_prefect, "secretsmanager": _of_secrets_manager}
)
"""Name of a store → what reads a secret of it: a text, or an object that JSON knows."""


def _entry(found: object, key: str) -> str:
    """One entry of a secret that is a JSON object; keys are no secret and are listed."""
    entries = found
    if isinstance(found, str):
        try:
            entries = json.loads(found)
        except ValueError:
            entries = None
    if not isinstance(entries, dict):
        raise ConfigurationError("the secret is no JSON object.", f"Leave #{key} out to take all of it.")
    if key not in entries:
        raise ConfigurationError(unknown_name("key", key, map(str, entries)))
    return _text(entries[key])


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
