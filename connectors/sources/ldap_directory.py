"""A connection to a directory that is made when it is needed, and made anew after it has failed."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from ldap3 import (
    ANONYMOUS,
    DEREF_NEVER,
    NONE,
    SIMPLE,
    SYNC,
    Connection,
    Server,
    Tls,
)
from ldap3.core.exceptions import LDAPException, LDAPOperationResult
from ldap3.core.results import RESULT_SUCCESS
from ldap3.protocol.rfc4512 import AttributeTypeInfo
from ldap3.utils.conv import escape_filter_chars

from connectors.errors import ConfigurationError, RetryError
from connectors.sources.ldap_errors import directory_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from socket import socket as Socket  # noqa: N812 - a property has the plain name

    from connectors.sources.ldap_settings import LdapSettings

Entry = tuple[str, "Mapping[str, list[bytes]]"]
"""DN of an entry, and the values of each attribute that it has."""

CONNECT_SECONDS: Final = 10
ANSWER_SECONDS: Final = 120

_TEXTS: Final = frozenset(
    {
        "1.2.840.113556.1.4.905",  # case ignore string of Active Directory
        *(f"1.3.6.1.4.1.1466.115.121.1.{syntax}" for syntax in (12, 15, 22, 24, 26, 27, 34, 36, 41, 44, 50)),
    }
)
"""Syntaxes (RFC 4517) whose values are UTF-8."""

_PAGED: Final = "1.2.840.113556.1.4.319"
_OUTCOME: Final = ("result", "description", "message")
_ROOT: Final = ("subschemaSubentry", "highestCommittedUSN", "dsServiceName")


class _Connection(Connection):
    """Closes the sockets that ldap3 forgets: those that it could not connect or encrypt."""

    _socket: Socket | None = None

    @property
    def socket(self) -> Socket | None:
        """The socket in use."""
        return self._socket

    @socket.setter
    def socket(self, opened: Socket | None) -> None:
        forgotten, self._socket = self._socket, opened
        if forgotten is not None and forgotten is not opened:
            forgotten.close()  # of one that was wrapped for TLS nothing is left to close


class _Tls(Tls):
    """Encryption as Python does it: ldap3 checks host names with what Python 3.12 has no more, and no IPs."""

    def wrap_socket(self, connection: Connection, do_handshake: bool = False) -> None:  # noqa: FBT001, FBT002
        del do_handshake  # always, before anything is sent
        context = ssl.create_default_context(cafile=self.ca_certs_file)
        host = connection.server.host
        connection.socket = context.wrap_socket(connection.socket, server_hostname=host)


@dataclass(frozen=True, slots=True)
class _Question:
    base: str
    found_by: str
    scope: Literal["BASE", "SUBTREE"]
    attributes: Sequence[str]


class Directory:
    """Searches one server.

    Args:
        settings: which, and who reads.
        base: the folder that the path of ``ca_file`` begins at.
    """

    def __init__(self, settings: LdapSettings, base: Path) -> None:
        self._settings = settings
        self._base = base
        self._open: Connection | None = None

    def close(self) -> None:
        """Hang up, if connected."""
        opened, self._open = self._open, None
        if opened is not None:
            try:
                opened.unbind()
            except (LDAPException, OSError):
                opened.socket = None  # the server has hung up before

    def search(self, base: str, found_by: str, attributes: Sequence[str], what: str) -> Iterator[Entry]:
        """Yield everything below a DN, in the server's own order, by paged results (RFC 2696).

        Long lists of values (``member;range=0-1499``) are read to their end. Referrals are not followed.

        Raises:
            RetryError: the connection was lost; what was yielded may be repeated by the next search.
            SourceError, ConfigurationError: see ``directory_errors``.
        """
        cookie: bytes | None = None
        while cookie != b"":
            found, cookie = self._answer(_Question(base, found_by, "SUBTREE", attributes), what, cookie)
            yield from found

    def _read(self, dn: str, attributes: Sequence[str], what: str) -> Mapping[str, list[bytes]]:
        """What one entry has of some attributes; nothing where the reader may not see it."""
        found, _ = self._answer(_Question(dn, "(objectClass=*)", "BASE", attributes), what)
        return found[0][1] if found else {}

    def _answer(self, asked: _Question, what: str, cookie: bytes | None = None) -> tuple[list[Entry], bytes]:
        """One answer, and the cookie to go on with; empty behind the last.

        ldap3's own paging takes an exceeded size or time limit for the end; that would lose people silently.
        """
        try:
            with directory_errors(what):
                opened = self._connection()
                opened.search(
                    asked.base, asked.found_by, asked.scope, DEREF_NEVER, list(asked.attributes),
                    paged_size=None if asked.scope == "BASE" else self._settings.page_size,
                    paged_cookie=cookie,
                )  # fmt: skip
                result: Mapping[str, Any] = opened.result
                if result["result"] != RESULT_SUCCESS:
                    raise LDAPOperationResult(**{name: result[name] for name in _OUTCOME})
        except RetryError:
            self.close()
            raise
        found = [(each["dn"], each["raw_attributes"]) for each in opened.response or () if _is_entry(each)]
        paging = (result.get("controls") or {}).get(_PAGED)
        return found, paging["value"]["cookie"] if paging else b""

    def _connection(self) -> Connection:
        if self._open is None:
            self._open = self._connected()
        return self._open

    def _connected(self) -> Connection:
        told = self._settings
        parts = urlsplit(told.url)
        tls = _Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=self._authorities())
        server = Server(
            told.url.rstrip("/"), tls=tls, get_info=NONE, connect_timeout=CONNECT_SECONDS
        )  # the whole schema of a domain would take seconds each time
        connection = _Connection(
            server, told.bind_dn, told.password, authentication=SIMPLE if told.bind_dn else ANONYMOUS,
            client_strategy=SYNC, raise_exceptions=True, read_only=True, auto_referrals=False,
            check_names=False, return_empty_attributes=False, receive_timeout=ANSWER_SECONDS,
        )  # fmt: skip
        try:
            connection.open(read_server_info=False)
            if parts.scheme == "ldap" and told.start_tls:
                connection.start_tls(read_server_info=False)
            connection.bind(read_server_info=False)
        except BaseException:
            connection.socket = None
            raise
        return connection

    def _authorities(self) -> str | None:
        if self._settings.ca_file is None:
            return None
        path = self._base / self._settings.ca_file
        if not path.is_file():
            raise ConfigurationError(
                f"source.ca_file: there is no file {path.name}.", "Name a PEM file of certificates."
            )
        return str(path)

    def root(self, *more: str) -> Mapping[str, list[bytes]]:
        """What the server says of itself now (RFC 4512, 5.1), and ``more`` of it; lower-case names."""
        found = self._read("", (*_ROOT, *more), "Asking the server what it is")
        return {name.lower(): values for name, values in found.items()}

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """Definition of each attribute by its names in small letters; empty where it is hidden."""
        places = self.root().get("subschemasubentry")
        if not places:
            return {}
        found = self._read(places[0].decode(), ["attributeTypes"], "Reading the schema")
        listed = next((values for name, values in found.items() if name.lower() == "attributetypes"), [])
        texts = [each.decode(errors="replace") for each in listed]
        known = AttributeTypeInfo.from_definition(texts)  # type: ignore[no-untyped-call]
        return {name.lower(): each for each in known.values() for name in each.name}

    def is_text(self, attribute: str) -> bool:
        """Whether an attribute's values are texts by the schema, its own words or those of its superior."""
        seen = self.schema.get(attribute.lower().partition(";")[0])
        for _ in range(8):  # nobody nests them so deep
            if seen is None or seen.syntax:
                break
            above = seen.superior[0] if isinstance(seen.superior, list) and seen.superior else seen.superior
            seen = self.schema.get(str(above).lower())
        return seen is not None and seen.syntax in _TEXTS


def _is_entry(found: Mapping[str, Any]) -> bool:
    return bool(found["type"] == "searchResEntry")


def escaped(value: str) -> str:
    """A text as it may stand in a filter (RFC 4515)."""
    return str(escape_filter_chars(value))
