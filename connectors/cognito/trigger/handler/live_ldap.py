"""Ask a directory whether a password is right. Its library is only in the zip where a directory is asked."""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

from ldap3 import NONE, Connection, Server, Tls
from ldap3.core.exceptions import (
    LDAPConstraintViolationResult,
    LDAPException,
    LDAPInappropriateAuthenticationResult,
    LDAPInvalidCredentialsResult,
    LDAPInvalidDNSyntaxResult,
    LDAPNoSuchObjectResult,
    LDAPUnwillingToPerformResult,
)
from ldap3.utils.dn import escape_rdn

from .live import SECONDS, authorities

if TYPE_CHECKING:
    from .store import Person

REFUSALS = (
    LDAPInvalidCredentialsResult,
    LDAPConstraintViolationResult,  # a locked account, in some servers
    LDAPUnwillingToPerformResult,  # the same in others
    LDAPInappropriateAuthenticationResult,  # an entry without a password
    LDAPInvalidDNSyntaxResult,
    LDAPNoSuchObjectResult,
)
"""What a server says of a person; all else says that it could not be asked."""


class _Tls(Tls):
    """Encryption as Python does it: ldap3 checks host names with what Python 3.12 has no more, and no IPs."""

    def wrap_socket(self, connection: Connection, do_handshake: bool = False) -> None:  # noqa: FBT001, FBT002
        del do_handshake  # always, before anything is sent
        context = ssl.create_default_context(cafile=self.ca_certs_file)
        host = connection.server.host
        connection.socket = context.wrap_socket(connection.socket, server_hostname=host)


class LdapBind:
    """Binds to a directory as the person.

    Args:
        url: ``ldaps://host``; or ``ldap://host``, which is encrypted before anything is sent (StartTLS).
        bind: the name to bind with, ``{}`` standing for the username: ``uid={},ou=people,dc=example,dc=com``.
    """

    def __init__(self, url: str, bind: str) -> None:
        self._bind = bind
        tls = _Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=authorities())
        self._server = Server(url, tls=tls, get_info=NONE, connect_timeout=SECONDS)

    def fits(self, person: Person | None, name: str, password: str) -> bool:
        """Check; an empty password would be an anonymous bind, which succeeds."""
        if not password:
            return False
        who = self._bind.replace("{}", escape_rdn(person.username if person else name))
        connection = Connection(
            self._server, who, password, raise_exceptions=True, auto_referrals=False, receive_timeout=SECONDS
        )
        try:
            return self._is_bound(connection) and person is not None
        finally:
            with suppress(LDAPException, OSError):  # what could not be encrypted cannot be closed politely
                connection.unbind()

    def _is_bound(self, connection: Connection) -> bool:
        connection.open(read_server_info=False)
        if not self._server.ssl:
            connection.start_tls(read_server_info=False)
        try:
            return bool(connection.bind(read_server_info=False))
        except REFUSALS:
            return False
