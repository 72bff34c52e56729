"""Starting and stopping a sandbox, in this process or in one of its own."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final, Self

from connectors.cognito.sandbox.settings import SandboxSettings
from connectors.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0


class Sandbox:
    """A running local Cognito; a context manager that stops it at its end.

    Args:
        url: where all AWS services of it are reached.
        settings: what it was started with.
        end: what stops it.
    """

    def __init__(self, url: str, settings: SandboxSettings, end: Callable[[], None]) -> None:
        self.url = url
        self._region = settings.region
        self._end: Callable[[], None] | None = end

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lead every AWS client to it; for ``os.environ`` or a child process."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_DEFAULT_REGION": self._region,
        }

    def update(self, **settings: Any) -> None:  # noqa: ANN401 - the settings' model judges them
        """Change some settings while it runs; a running job keeps those that it began with.

        Raises:
            ConfigurationError: a name is unknown or a value is wrong; nothing changed.
        """
        import requests  # noqa: PLC0415 - a tenth of a second, for those who use it

        answer = requests.put(f"{self.url}/sandbox/settings", json=settings, timeout=10)
        if not answer.ok:
            errors = answer.json()["errors"]
            wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in errors)
            raise ConfigurationError(f"The sandbox refuses these settings: {wrong}.")

    def counters(self) -> dict[str, dict[str, int]]:
        """What was called, refused and would have been sent so far; see ``throttle.counters``."""
        import requests  # noqa: PLC0415 - as above

        counted: dict[str, dict[str, int]] = requests.get(f"{self.url}/sandbox/counters", timeout=10).json()
        return counted

    def stop(self) -> None:
        """Stop it; a second time it does nothing."""
        end, self._end = self._end, None
        if end:
            end()

    def __enter__(self) -> Self:
        """Hand it out."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()


def start(settings: SandboxSettings | None = None, port: int = 0) -> Sandbox:
    """Start a sandbox in threads of this process; it ends with it. One at a time.

    Args:
        settings: None for the defaults.
        port: 0 for a free one.

    Raises:
        ConfigurationError: see ``SandboxServer``.
    """
    from connectors.cognito.sandbox.server import SandboxServer  # noqa: PLC0415 - moto takes a second

    chosen = settings or SandboxSettings()
    server = SandboxServer(chosen, port)
    return Sandbox(server.url, chosen, server.stop)


def launch(settings: SandboxSettings | None = None, port: int = 0) -> Sandbox:
    """Start a sandbox in a process of its own, which ends with this one.

    Args:
        settings: None for the defaults.
        port: 0 for a free one.

    Raises:
        ConfigurationError: it did not start; its standard error says why.
    """
    chosen = settings or SandboxSettings()
    changed = chosen.model_dump_json(exclude_defaults=True)
    arguments = ["--port", str(port), "--settings", changed, "--until-stdin-closes"]
    child = subprocess.Popen(  # noqa: S603 - this very interpreter, with a JSON text
        [sys.executable, "-m", "connectors.cognito.sandbox", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    line = _first_line(child)
    if not line:
        _end(child)
        raise ConfigurationError("The sandbox did not start.", "Its own message stands on standard error.")
    return Sandbox(json.loads(line)["url"], chosen, lambda: _end(child))


def _first_line(child: subprocess.Popen[bytes]) -> bytes:
    assert child.stdout is not None  # noqa: S101 - it was opened as a pipe
    ready, _, _ = select.select([child.stdout], [], [], START_SECONDS)
    return child.stdout.readline() if ready else b""


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.communicate(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
