"""Calls to JSON APIs over HTTP: what an answer means for the next try, and at which pace to go on.

Every call is in the one policy of ``connectors.retry``. No text of an error holds an address with its
query, a body or a header: a caller names the call by its path as the API's description writes it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from connectors.errors import AbsentError, PoolferryError, RetryError, SourceError
from connectors.http import origin, session
from connectors.json_text import DECODER
from connectors.links import links_in
from connectors.rest_auth import Renewable
from connectors.rest_refusals import LONGEST_PAUSE, number, passing_refusal, until_reset, without_answer
from connectors.retry import ATTEMPTS, retrying

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests.auth import AuthBase
    from requests.structures import CaseInsensitiveDict
    from tenacity import Retrying

_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404
_LEFT: Final = ("X-Rate-Limit-Remaining", "X-RateLimit-Remaining", "RateLimit-Remaining")
_LIMITS: Final = ("X-Rate-Limit-Limit", "X-RateLimit-Limit", "RateLimit-Limit")
_PIECE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer.

    Attributes:
        status: the HTTP status, 200 to 299.
        headers: names in any letter case.
        body: the whole body.
        url: where it came from, after redirects; to find relative links, never to be shown.
    """

    status: int
    headers: CaseInsensitiveDict[str]
    body: bytes
    url: str

    def links(self) -> dict[str, str]:
        """Addresses of the ``Link`` header by their ``rel`` in lower case."""
        return links_in(self.headers.get("Link", ""))


@dataclass
class RestApi:
    """One JSON API of a system that users are read from.

    Attributes:
        base_url: where paths begin; without a slash at the end.
        auth: signs requests; a ``Renewable`` gets a new token once after a 401.
        mend_401: what a person does about a credential that is refused.
        mend_403: what a person does about a right that is missing.
        mend_404: what a person does about what is not there.
        headers: sent with every request to the server of ``base_url``.
        share: how much of the allowance that a server tells of may be used; the rest is left to others.
        attempts: how often a call is made that meets a fault which may pass.
        sleep: takes seconds; tests give one that does not sleep.
        clock: seconds since 1970.
    """

    base_url: str
    auth: AuthBase | None = None
    mend_401: str = "Give a valid credential in the run file's source, then resume."
    mend_403: str = "Give the credential the right to read users, then resume."
    mend_404: str = "Check the URL."
    headers: Mapping[str, str] = field(default_factory=dict)
    share: float = 1.0
    attempts: int = ATTEMPTS
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        """Make the session."""
        self._session = session()
        self._session.headers["Accept"] = "application/json"
        self._ready_at = 0.0

    def get(self, path: str, what: str = "", **options: Any) -> Answer:  # noqa: ANN401 - requests' own
        """Read; ``path`` may be a whole address; ``what`` names the call in errors where the path has ids."""
        return self.call("GET", path, what, **options)

    def post(self, path: str, what: str = "", **options: Any) -> Answer:  # noqa: ANN401 - requests' own
        """Ask by ``POST``; only for calls that may be made twice without harm, since they are tried again."""
        return self.call("POST", path, what, **options)

    def call(self, method: str, path: str, what: str = "", **options: Any) -> Answer:  # noqa: ANN401 - same
        """Make one call, again where that may help.

        Args:
            method: the HTTP method.
            path: begins with a slash and is put behind ``base_url``, or is a whole address.
            what: names the call in errors; default: the path without its query.
            options: ``params``, ``json``, ``data`` or ``headers`` of ``requests``.

        Raises:
            AbsentError: nothing is there (404).
            SourceError: the credential is refused (401), a right is missing (403), or the server refuses
                the call for good.
            RetryError: the server did not answer, or with an error of its own, in spite of several tries.
        """
        named = f"{method} {what or _plain(path)}"
        return self._policy(named)(self._once, method, self._url(path), named, options)

    def get_json(self, path: str, what: str = "", **options: Any) -> tuple[Any, Answer]:  # noqa: ANN401 - JSON
        """Read and decode, numbers as they are written; a malformed answer is asked for again.

        Raises:
            SourceError, RetryError: as ``call``; what stays malformed is a ``RetryError`` at the end.
        """
        return self._decoded("GET", path, what, options)

    def post_json(self, path: str, what: str = "", **options: Any) -> tuple[Any, Answer]:  # noqa: ANN401 - JSON
        """Ask by ``POST`` and decode, as ``get_json``; only for calls that may be made twice without harm."""
        return self._decoded("POST", path, what, options)

    def is_there(self, path: str, what: str = "") -> bool:
        """Ask whether there is something at a path.

        Raises:
            SourceError, RetryError: as ``call``, but for a 404.
        """
        try:
            self.get(path, what)
        except AbsentError:
            return False
        return True

    def download(self, url: str, into: IO[bytes], what: str) -> None:
        """Store an answer's bytes as they are sent, compressed ones too, without holding them in memory.

        Raises:
            SourceError, RetryError: as ``call``.
        """
        named = f"GET {what}"
        self._policy(named)(self._stored, url, into, named)

    def _stored(self, url: str, into: IO[bytes], what: str) -> None:
        into.seek(0)
        into.truncate()
        with self._sent("GET", url, what, {"stream": True}) as answer:
            if not answer.ok:
                raise self._refusal(answer, what)
            try:
                for piece in answer.raw.stream(_PIECE, decode_content=False):
                    into.write(piece)
            except HTTPError as error:
                raise RetryError(
                    f"{what} was cut off ({type(error).__name__}).", "Check the network."
                ) from None

    def _decoded(self, method: str, path: str, what: str, options: dict[str, Any]) -> tuple[Any, Answer]:
        named = f"{method} {what or _plain(path)}"

        def once() -> tuple[Any, Answer]:
            answer = self._once(method, self._url(path), named, options)
            return decoded(answer, named), answer

        return self._policy(named)(once)

    def _policy(self, named: str) -> Retrying:
        return retrying(named, attempts=self.attempts, sleep=self.sleep)

    def _url(self, path: str) -> str:
        return path if "://" in path else f"{self.base_url}{path}"

    def _once(self, method: str, url: str, what: str, options: dict[str, Any]) -> Answer:
        self._keep_pace()
        answer = self._sent(method, url, what, options)
        if answer.status_code == _UNAUTHORIZED and isinstance(self.auth, Renewable):
            self.auth.renew()
            answer = self._sent(method, url, what, options)
        self._note_pace(answer.headers)
        if answer.ok:
            return Answer(answer.status_code, answer.headers, answer.content, answer.url)
        raise self._refusal(answer, what)

    def _sent(self, method: str, url: str, what: str, options: dict[str, Any]) -> requests.Response:
        try:
            answer = self._session.request(method, url, **self._with_own(url, options))
        except (requests.RequestException, ValueError) as error:
            raise without_answer(error, what) from None
        if answer.is_redirect:
            raise _led_away(answer, what)
        return answer

    def _with_own(self, url: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """The credential and headers go to their own server alone, wherever an answer's links lead."""
        if origin(url) != origin(self.base_url):
            return {**options, "auth": None}
        return {**options, "auth": self.auth, "headers": {**self.headers, **options.get("headers", {})}}

    def _refusal(self, answer: requests.Response, what: str) -> PoolferryError:
        told = passing_refusal(answer, what, self.clock())
        if told is not None:
            return told
        status, said = answer.status_code, f"{what} answered {answer.status_code}."
        if status == _NOT_FOUND:
            return AbsentError(said, self.mend_404)
        mends = {_UNAUTHORIZED: self.mend_401, _FORBIDDEN: self.mend_403}
        return SourceError(said, mends.get(status, "Check the source's settings."))

    def _note_pace(self, headers: Mapping[str, str]) -> None:
        """Where nothing is left of our share of the allowance, the next call waits until it is full again."""
        left, limit = number(headers, _LEFT), number(headers, _LIMITS)
        is_spent = left is not None and left <= (1.0 - self.share) * (limit or 0.0)
        pause = until_reset(headers, self.clock()) if is_spent else None
        self._ready_at = self.clock() + min(pause, LONGEST_PAUSE) if pause else 0.0

    def _keep_pace(self) -> None:
        pause = self._ready_at - self.clock() if self._ready_at else 0.0
        if pause > 0:
            self.sleep(pause)


def decoded(answer: Answer, what: str) -> Any:  # noqa: ANN401 - JSON
    """Decode an answer, numbers as ``json_text.Written``; some servers begin with a byte order mark.

    Raises:
        RetryError: it is no JSON; asking again may help where it was cut.
    """
    try:
        return DECODER.decode(answer.body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise RetryError(f"{what} answered what is no JSON.", "Check that the URL is an API's.") from None


def _led_away(answer: requests.Response, what: str) -> SourceError:
    """Of an address, the server alone is shown: the rest may name a person or hold a right."""
    answer.close()
    target = urlsplit(urljoin(answer.url, answer.headers["Location"]))
    return SourceError(
        f"{what} is redirected to another server, {target.scheme}://{target.netloc.rpartition('@')[2]}, "
        "which gets neither the credential nor the headers.",
        "If that is the right server, give its address in the run file's source.",
    )


def _plain(path: str) -> str:
    return "a page" if "://" in path else path.partition("?")[0]
