"""What the function is told by its environment; what is secret in it is encrypted with the KMS key."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTEXT_NAME = "poolferry-table"
"""The encryption context of the secrets is this name with the table's; the role may decrypt no other."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one deployment.

    Attributes:
        table: name of the DynamoDB table.
        username_attributes: the pool's, ``email`` and ``phone_number`` or less.
        alias_attributes: the pool's.
        case_sensitive: the pool's (F1.50).
        tries: sign-ins with a wrong or right password that one name has in a window.
        window_seconds: length of a window.
        forgot_password: whether "forgot password" brings people in as well.
        live: how an old system is asked instead of checking a hash, or None.
    """

    table: str
    username_attributes: tuple[str, ...] = ()
    alias_attributes: tuple[str, ...] = ()
    case_sensitive: bool = True
    tries: int = 20
    window_seconds: int = 300
    forgot_password: bool = True
    live: Mapping[str, Any] | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Read them from ``POOLFERRY``, a JSON object."""
        given = json.loads(environment["POOLFERRY"])
        for name in ("username_attributes", "alias_attributes"):
            given[name] = tuple(given.get(name, ()))
        return cls(**given)


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """What only the function may know.

    Attributes:
        name_key: key of the hashed names.
        decoy: a hash like most of the table's, for names that are unknown; empty where there is none.
        parameters: scheme to what its hashes lack: Firebase's signer key and the like.
        live: credentials of an old system.
    """

    name_key: bytes
    decoy: str
    parameters: Mapping[str, Any]
    live: Mapping[str, str]

    @classmethod
    def parse(cls, text: bytes) -> Secrets:
        """Read them as ``dumped`` wrote them."""
        given = json.loads(text)
        return cls(base64.b64decode(given["name_key"]), given["decoy"], given["parameters"], given["live"])

    def dumped(self) -> bytes:
        """Write them as JSON; at most 4,096 bytes can be encrypted at once."""
        key = base64.b64encode(self.name_key).decode()
        given = {"name_key": key, "decoy": self.decoy, "parameters": self.parameters, "live": self.live}
        return json.dumps(given, separators=(",", ":")).encode()


def encryption_context(table: str) -> dict[str, str]:
    """What the secrets of a table are bound to."""
    return {CONTEXT_NAME: table}
