"""moto's server in a thread, for services that the local Cognito is not asked for."""

from __future__ import annotations

from moto.server import ThreadedMotoServer


class MotoServer(ThreadedMotoServer):
    """moto's own leaves its listening socket to the garbage collector, which warns of it in any test."""

    def __init__(self) -> None:
        super().__init__(ip_address="127.0.0.1", port=0, verbose=False)

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self.get_host_and_port()
        return f"http://{host}:{port}"

    def stop(self) -> None:
        """End it, and close what it listens on."""
        super().stop()
        if self._server:
            self._server.server_close()
