"""The server: moto's application with the sandbox's Cognito in it, served by threads of this process."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from moto.cognitoidp import urls
from moto.cognitoidp.models import CognitoIdpUserPoolAttribute
from moto.cognitoidp.responses import CognitoIdpResponse
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.logs.models import LogsBackend, LogStream
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from connectors.cognito.sandbox.gateway import Gateway
from connectors.cognito.sandbox.jobs_api import ImportJobOperations
from connectors.cognito.sandbox.seams import check_seams
from connectors.cognito.sandbox.state import SandboxState
from connectors.cognito.sandbox.users_api import StrictUserOperations
from connectors.errors import ConfigurationError

if TYPE_CHECKING:
    from connectors.cognito.sandbox.settings import SandboxSettings

ROOT: Final = "{0}/$"
"""The path under which moto finds its Cognito class."""

HOST: Final = "127.0.0.1"

SERVER_SEAMS: Final = (
    (CognitoIdpUserPoolAttribute, "STANDARD_SCHEMA"),
    (LogsBackend, "ensure_log_group"),
    (LogStream, "_update"),
    (LogStream, "get_log_events"),
    (LogStream, "put_log_events"),
    (BackendDict, "reset"),
    (MotoRequestHandler, "make_environ"),
)
"""Names of moto's that the server, the jobs and their log stand on."""


class QuietHandler(MotoRequestHandler):  # type: ignore[misc]  # moto ships no types
    """Writes no line a request: it would hold signatures."""

    def log(self, *_: Any) -> None:  # noqa: ANN401 - werkzeug's own
        """Write nothing."""


class SandboxServer:
    """One running server. moto's data is one per process, hence one server a process.

    Args:
        settings: what to begin with.
        port: 0 for a free one.

    Raises:
        ConfigurationError: moto is not what this was written for, another server runs in this
            process, or the port is taken.
    """

    def __init__(self, settings: SandboxSettings, port: int) -> None:
        check_server_seams()
        self.state = SandboxState(settings)
        self._server = _listen(port, Gateway(self.state, DomainDispatcherApplication(create_backend_app)))
        self.state.url = f"http://{HOST}:{self._server.server_port}"
        urls.url_paths[ROOT] = response_class(self.state).dispatch
        self._thread = Thread(target=self._server.serve_forever, name="sandbox", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where all services are reached."""
        return self.state.url

    def stop(self) -> None:
        """Close the server, end its jobs and forget all data of all services."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.state.jobs.close()
        self.state.functions.close()
        urls.url_paths[ROOT] = CognitoIdpResponse.dispatch
        BackendDict.reset()
        reset_model_data()


def response_class(state: SandboxState) -> type[StrictUserOperations]:
    """Compose the class that answers Cognito's requests of one sandbox."""

    class Response(ImportJobOperations, StrictUserOperations):
        """Import jobs and strict users."""

        sandbox = state

    return Response


def check_server_seams() -> None:
    """Make sure that moto has all that is built on, and that no other sandbox runs in this process.

    Raises:
        ConfigurationError: says what is gone, or that one runs.
    """
    check_seams()
    missing = [f"{owner.__name__}.{name}" for owner, name in SERVER_SEAMS if not hasattr(owner, name)]
    if ROOT not in urls.url_paths:
        missing.append(f"moto.cognitoidp.urls.url_paths[{ROOT!r}]")
    if missing:
        raise ConfigurationError(
            f"moto's internals changed, the local Cognito cannot stand on them: {', '.join(missing)}.",
            "Install the moto version that pyproject.toml pins.",
        )
    present = getattr(urls.url_paths[ROOT].__self__, "sandbox", None)
    if present is not None and present.url:
        raise ConfigurationError(
            "Another sandbox runs in this process, and moto's data is one per process.",
            "Stop it first, or launch this one in a process of its own.",
        )


def _listen(port: int, application: Gateway) -> Any:  # noqa: ANN401 - werkzeug's server
    try:
        return make_server(HOST, port, application, threaded=True, request_handler=QuietHandler)
    except (OSError, SystemExit):
        raise ConfigurationError(
            f"Port {port} of {HOST} cannot be listened on.", "Choose another port, or 0 for a free one."
        ) from None
