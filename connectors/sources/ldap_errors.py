"""What an error of a directory means: try again, or let a person mend it; its own text may hold names."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ldap3.core.exceptions import (
    LDAPCertificateError,
    LDAPCommunicationError,
    LDAPException,
    LDAPInvalidDnError,
    LDAPInvalidFilterError,
    LDAPInvalidPortError,
    LDAPInvalidServerError,
    LDAPOperationResult,
    LDAPResponseTimeoutError,
    LDAPStartTLSError,
)
from pyasn1.error import PyAsn1Error

from connectors.errors import ConfigurationError, PoolferryError, RetryError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOGIN: Final = "Check source.bind_dn and source.password."
_RIGHT: Final = "Give the reader the right to search below source.base and to read what is asked for."
_BASE: Final = "Check source.base, and that the reader may see it."
_ENCRYPT: Final = "Write ldaps:// in source.url, or leave source.start_tls on."
_TLS: Final = "Ask whether the server offers StartTLS; ldaps:// in source.url is the other way."
_REACH: Final = "Check source.url and that the server can be reached; resume later."
_LIMIT: Final = "Lift the server's limit for the reader (`limits` in OpenLDAP)"
_MEND: Final = {
    1: _RIGHT,  # operationsError: so Active Directory answers who has not logged in
    2: _TLS,
    3: f"{_LIMIT}, or let it index source.order_by.",
    4: f"{_LIMIT}: size.prtotal must let every user through.",
    8: _ENCRYPT,
    10: "The base lies on another server: name that one in source.url.",
    11: f"{_LIMIT}, or make source.page_size smaller.",
    13: _ENCRYPT,
    32: _BASE,
    34: "Check that source.base is a DN.",
    48: _LOGIN,
    49: _LOGIN,
    50: _RIGHT,
}
"""Result codes (RFC 4511, 4.1.9), each with what a person does about it."""

_PASSING: Final = (51, 52)
"""``busy`` and ``unavailable``."""

_SUBCODE: Final = re.compile(r"\bdata ([0-9a-fA-F]{1,8})\b")
"""Active Directory's reason for a refused login, ``data 52e``; the rest of its text is not shown."""


_GARBLED: Final = (PyAsn1Error, AttributeError, LookupError, OSError, TypeError, ValueError)
"""What ldap3 lets through where an answer is cut or is something else."""


@contextmanager
def directory_errors(what: str) -> Iterator[None]:
    """Let only errors of Poolferry's tree leave the block.

    Raises:
        RetryError: the server cannot be reached, is busy, hung up, or answers what is no LDAP.
        SourceError: it refuses the login, the right or the size, or its certificate is not trusted.
        ConfigurationError: address or filter are none.
    """
    try:
        yield
    except LDAPException as error:
        raise _meaning(error, what) from None
    except _GARBLED as error:
        raise RetryError(f"{what}: no answer that is LDAP ({type(error).__name__}).", _REACH) from None


_BY_CLASS: Final[tuple[tuple[type[LDAPException], type[PoolferryError], str], ...]] = (
    (
        LDAPInvalidFilterError,
        ConfigurationError,
        "Check source.filter and source.groups.filter (RFC 4515).",
    ),
    (LDAPInvalidDnError, ConfigurationError, "Check that source.base is a DN."),
    (LDAPInvalidServerError, ConfigurationError, "source.url is written ldaps://HOST:PORT."),
    (LDAPInvalidPortError, ConfigurationError, "source.url is written ldaps://HOST:PORT."),
    (LDAPStartTLSError, SourceError, _TLS),
    (LDAPCommunicationError, RetryError, _REACH),
    (LDAPResponseTimeoutError, RetryError, _REACH),
)


def _meaning(error: LDAPException, what: str) -> PoolferryError:
    if isinstance(error, LDAPOperationResult):
        return _refusal(error, what)
    if isinstance(error, LDAPCertificateError) or "certificate" in str(error).lower():
        return SourceError(
            f"{what}: the server's certificate is not trusted, or is for another name.",
            "Name its authority in source.ca_file, and the server as its certificate does in source.url.",
        )
    said = f"{what}: {type(error).__name__}."
    for known, kind, mend in _BY_CLASS:
        if isinstance(error, known):
            return kind(said, mend)
    return SourceError(said, "Check the settings of the source.")


def _refusal(error: LDAPOperationResult, what: str) -> PoolferryError:
    code = _SUBCODE.search(str(error.message or ""))
    reason = f", reason {code[1]}" if code else ""
    said = f"{what}: the server answered {error.description} ({error.result}{reason})."
    if error.result in _PASSING:
        return RetryError(said)
    return SourceError(said, _MEND.get(error.result, ""))
