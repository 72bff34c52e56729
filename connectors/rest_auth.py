"""How requests to an API are signed: with a token that is given, or one that is fetched and renewed."""

from __future__ import annotations

import json
import time
import uuid
from abc import abstractmethod
from typing import TYPE_CHECKING, Final

import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from requests.auth import AuthBase

from connectors.errors import ConfigurationError, SourceError
from connectors.http import session
from connectors.rest_refusals import passing_refusal, without_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests import PreparedRequest

EARLY: Final = 60.0
"""Seconds before its end from which on a token is not used any more; half of its life where that is less."""


class Header(AuthBase):
    """Puts one header on every request, ``Authorization: Bearer …`` for example."""

    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign."""
        request.headers[self._name] = self._value
        return request


def bearer(token: str) -> Header:
    """Sign with a token that lives as long as the run (RFC 6750)."""
    return Header("Authorization", f"Bearer {token}")


class Renewable(AuthBase):
    """A bearer token that lives for a while; it is fetched when it is needed, and again before it ends."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._token = ""
        self._until = 0.0

    @abstractmethod
    def fetch(self) -> tuple[str, float]:
        """Get a new token, and the seconds that it lives."""

    def renew(self) -> None:
        """Forget the token, since it was refused."""
        self._until = 0.0

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign, with a new token where the last one is about to end."""
        if self._clock() >= self._until:
            self._token, lives = self.fetch()
            self._until = self._clock() + max(lives - EARLY, lives / 2)
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class ClientCredentials(Renewable):
    """OAuth 2.0 client credentials (RFC 6749, section 4.4).

    Args:
        url: the token endpoint.
        form: what is posted: ``client_id``, ``client_secret`` and what the system wants besides.
        clock: seconds since 1970.
    """

    def __init__(self, url: str, form: Mapping[str, str], clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock)
        self._url = url
        self._form = {"grant_type": "client_credentials", **form}

    def _posted(self) -> Mapping[str, str]:
        return self._form

    def fetch(self) -> tuple[str, float]:
        """Ask the token endpoint; who called is in a retry policy already.

        Raises:
            SourceError: the client id, the secret or the endpoint's certificate is refused, it has no
                address, or it asks for a very long pause.
            ThrottledError: the endpoint asks for a slower pace.
            RetryError: the endpoint did not answer, or with a fault of its own.
        """
        what, form = "The token endpoint", self._posted()
        try:
            with session() as one:
                answer = one.post(self._url, data=form, allow_redirects=False)
        except (requests.RequestException, ValueError) as error:
            raise without_answer(error, what) from None
        refusal = passing_refusal(answer, what, self._clock())
        if refusal is not None:
            raise refusal
        if answer.is_redirect:
            raise SourceError(f"{what} is redirected: no secret is sent on.", "Give its own address.")
        try:
            told = answer.json() if answer.ok else {}
            return str(told["access_token"]), float(told.get("expires_in", 3600))
        except (ValueError, KeyError, TypeError):
            raise SourceError(
                f"{what} answered {answer.status_code} and no token.",
                "Check the client id, its secret or key, and the scope.",
            ) from None


class SignedAssertion(ClientCredentials):
    """Client credentials that a private key proves in the place of a secret (RFC 7523, section 2.2).

    Args:
        url: the token endpoint, which is the audience of the assertion too.
        client_id: issuer and subject of the assertion.
        key: the private key, as PEM or as a JSON Web Key; RSA, or EC on P-256.
        key_id: what the server knows the key by, where it knows several.
        scope: what is asked for.
        clock: seconds since 1970.

    Raises:
        ConfigurationError: it is no such key (shows nothing of it).
    """

    _TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    _LIVES: Final = 300

    def __init__(
        self,
        url: str,
        client_id: str,
        key: str,
        *,
        key_id: str | None = None,
        scope: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(url, {"scope": scope, "client_assertion_type": self._TYPE}, clock)
        self._client_id = client_id
        self._key = _private_key(key)
        self._key_id = key_id or self._key.kid

    def _posted(self) -> Mapping[str, str]:
        now = int(self._clock())
        claims = {
            "iss": self._client_id, "sub": self._client_id, "aud": self._url, "iat": now,
            "exp": now + self._LIVES, "jti": uuid.uuid4().hex,
        }  # fmt: skip
        header = {"alg": "RS256" if isinstance(self._key, RSAKey) else "ES256"}
        header |= {"kid": self._key_id} if self._key_id else {}
        return {**self._form, "client_assertion": jwt.encode(header, claims, self._key)}


def _private_key(text: str) -> RSAKey | ECKey:
    for kind in (RSAKey, ECKey):
        try:
            key = kind.import_key(json.loads(text) if text.lstrip().startswith("{") else text)
        except (JoseError, ValueError, TypeError):
            continue
        if key.is_private:
            return key
    raise ConfigurationError(
        "The private key is no RSA or EC key, as PEM or as a JSON Web Key.", "Give the whole private key."
    )
