"""Ask the old system itself whether a password is right, instead of checking a hash."""

from __future__ import annotations

import json
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
        request = Request(self._url, body, {"Accept": "application/json"})  # noqa: S310 - https, or a test's http
        try:
            with urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - same
                granted = "access_token" in json.loads(answer.read(1 << 20))
        except HTTPError as refused:
            refused.close()
            if refused.code not in REFUSALS:
                raise
            return False
        return granted and person is not None


class LdapBind:
    """Binds to a directory as the person.

    Args:
        url: ``ldaps://host``.
        bind: the name to bind with, ``{}`` standing for the username: ``uid={},ou=people,dc=example,dc=com``.
    """

    def __init__(self, url: str, bind: str) -> None:
        self._url = url
        self._bind = bind

    def fits(self, person: Person | None, name: str, password: str) -> bool:
        """Check; an empty password would be an anonymous bind, which succeeds."""
        from ldap3 import Connection, Server  # noqa: PLC0415 - only where a directory is asked
        from ldap3.utils.dn import escape_rdn  # noqa: PLC0415 - same

        if not password:
            return False
        who = self._bind.replace("{}", escape_rdn(person.username if person else name))
        server = Server(self._url, connect_timeout=SECONDS)
        connection = Connection(server, who, password, receive_timeout=SECONDS)
        try:
            return bool(connection.bind()) and person is not None
        finally:
            connection.unbind()


def checker(live: Mapping[str, Any] | None, secrets: Mapping[str, str], hashed: HashChecker) -> Checker:
    """Make what checks passwords: the old system where one is named, else the hashes."""
    if live is None:
        return hashed
    settings = dict(live)
    kinds: dict[str, Any] = {"http": HttpGrant, "ldap": LdapBind}
    made: Checker = kinds[settings.pop("kind")](**settings, **secrets)
    return made
