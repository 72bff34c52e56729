"""Ask the old system itself whether a password is right, instead of checking a hash."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from . import hashes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .store import Person

SECONDS = 3
"""An old system that takes longer leaves Cognito too little of its five seconds (F6.14)."""

REFUSALS = (400, 401, 403)
MISTAKES = {
    "invalid_request", "invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
}  # fmt: skip
"""What a refusal says of us and not of the person (RFC 6749, 5.2); a wrong password is ``invalid_grant``."""

AUTHORITIES = Path(__file__).with_name("authorities.pem")
"""What `trigger.live.ca_file` named: it comes along in the zip."""


class Checker(Protocol):
    """Says whether a password is a person's."""

    def fits(self, person: Person | None, name: str, password: str) -> bool:
        """Check; ``person`` None: nobody is known by the name, so the answer is False after the same work."""


class HashChecker:
    """Checks against the hash in the table.

    Args:
        parameters: what the hashes of a scheme lack.
        decoy: the hash that is checked for names that are unknown.
    """

    def __init__(self, parameters: Mapping[str, Any], decoy: str) -> None:
        self._parameters = parameters
        self._decoy = decoy

    def fits(self, person: Person | None, name: str, password: str) -> bool:
        """Check; a name that is unknown takes as long as one that is known."""
        del name
        stored = person.stored if person else self._decoy
        return hashes.fits(password, stored, self._parameters) and person is not None


class HttpGrant:
    """Asks an OAuth token endpoint with the password grant (RFC 6749, 4.3).

    Args:
        url: the token endpoint.
        client_id: the client.
        client_secret: its secret, or empty.
        scope: what is asked for, or empty.
    """

    def __init__(self, url: str, client_id: str = "", client_secret: str = "", scope: str = "") -> None:
        self._url = url
        self._context = ssl.create_default_context(cafile=authorities())
        fields = {"client_id": client_id, "client_secret": client_secret, "scope": scope}
        self._fields = {name: value for name, value in fields.items() if value}

    def fits(self, person: Person | None, name: str, password: str) -> bool:
        """Check with the username as the source has it; tokens are thrown away."""
        asked = {
            "grant_type": "password",
            "username": person.username if person else name,
            "password": password,
        }
        body = urlencode({**self._fields, **asked}).encode()
        request = Request(self._url, body, {"Accept": "application/json"})  # noqa: S310 - https, or http on loopback
        try:
            with urlopen(request, timeout=SECONDS, context=self._context) as answer:  # noqa: S310 - same
                granted = "access_token" in json.loads(answer.read(1 << 20))
        except HTTPError as refused:
            with refused:
                why = _why(refused)
            if refused.code not in REFUSALS or why in MISTAKES:
                raise
            return False
        return granted and person is not None


def _why(refused: HTTPError) -> str:
    """The error's code in an answer of a token endpoint; empty where it tells none."""
    try:
        told = json.loads(refused.read(1 << 16))
    except ValueError:
        return ""
    return str(told.get("error", "")) if isinstance(told, dict) else ""


def authorities() -> str | None:
    """The file of the authorities that a certificate is checked with; None means the system's."""
    return str(AUTHORITIES) if AUTHORITIES.is_file() else None


def checker(live: Mapping[str, Any] | None, secrets: Mapping[str, str], hashed: HashChecker) -> Checker:
    """Make what checks passwords: the old system where one is named, else the hashes."""
    if live is None:
        return hashed
    settings = dict(live)
    if settings.pop("kind") == "http":
        return HttpGrant(**settings, **secrets)
    from .live_ldap import LdapBind  # noqa: PLC0415 - only where a directory is asked

    return LdapBind(**settings)
