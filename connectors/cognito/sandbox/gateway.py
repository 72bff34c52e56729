"""What stands in front of moto's server: the upload of files, the settings, and everything else through."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

from pydantic import ValidationError

from connectors.cognito.sandbox.faults import (
    Application,
    Environ,
    StartResponse,
    first_due,
    operation_of,
    struck,
)
from connectors.cognito.sandbox.throttle import counters
from connectors.cognito.sandbox.upload import BUCKET_PATH, ENCRYPTION, Reply, receive

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connectors.cognito.sandbox.state import SandboxState

SETTINGS_PATH: Final = "/sandbox/settings"
HEALTH_PATH: Final = "/sandbox/health"
COUNTERS_PATH: Final = "/sandbox/counters"


class Gateway:
    """A WSGI application round moto's.

    Args:
        state: the sandbox.
        inner: moto's own application; all AWS services but the upload of import files.
    """

    def __init__(self, state: SandboxState, inner: Application) -> None:
        self._state = state
        self._inner = inner

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        fault = first_due(self._state.settings.faults, self._state.strikes, operation_of(environ))
        if fault:
            return struck(fault, self._answer, environ, start_response)
        return self._answer(environ, start_response)

    def _answer(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith(BUCKET_PATH):
            return self._upload(environ, start_response)
        if path == SETTINGS_PATH:
            return self._settings(environ, start_response)
        if path == HEALTH_PATH:
            return _json(start_response, "200 OK", {"status": "ok", "moto": version("moto")})
        if path == COUNTERS_PATH:
            return _json(start_response, "200 OK", {**counters(), "struck": self._state.struck()})
        return self._inner(environ, start_response)

    def _upload(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        url = f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
        reply = receive(self._state, environ["REQUEST_METHOD"], url, _headers(environ), environ["wsgi.input"])
        if reply.code:
            body = _error_body(reply)
            start_response(
                reply.status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
            )
            return [body]
        start_response(reply.status, [("Content-Length", "0"), (ENCRYPTION, "aws:kms")])
        return []

    def _settings(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "PUT":
            try:
                self._state.update(_json_object(environ))
            except ValidationError as wrong:
                errors = wrong.errors(include_url=False, include_context=False, include_input=False)
                return _json(start_response, "400 Bad Request", {"errors": errors})
        return _json(start_response, "200 OK", self._state.settings.model_dump(mode="json"))


def _json_object(environ: Environ) -> Any:  # noqa: ANN401 - the settings' model judges it
    length = int(environ.get("CONTENT_LENGTH") or 0)
    try:
        return json.loads(environ["wsgi.input"].read(length))
    except ValueError:
        return None


def _headers(environ: Environ) -> dict[str, str]:
    """Headers with names in lower case; the two that WSGI keeps apart are among them."""
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    return {**headers, "content-length": str(environ.get("CONTENT_LENGTH") or "")}


def _error_body(reply: Reply) -> bytes:
    text = f"<Error><Code>{reply.code}</Code><Message>{escape(reply.text)}</Message></Error>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def _json(start_response: StartResponse, status: str, content: object) -> Iterable[bytes]:
    body = json.dumps(content, indent=2).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
